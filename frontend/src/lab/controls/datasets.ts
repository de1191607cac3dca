// Which data: a picture each, to be chosen as radio buttons are.
import { freshId, make, setText } from "../../charts/elements";
import type { Settings } from "../contract";
import { text } from "../text";
import type { DataChoice } from "./choices";
import type { Control } from "./groups";

const words = text.controls;
const SVG = "http://www.w3.org/2000/svg";
const SIDE = 44;

export function datasets(set: (change: Settings) => void): Control {
  const grid = make("div", { class: "datasets", role: "radiogroup", "aria-label": words.settings.data });
  const about = make("p", { class: "about", id: freshId("about") });
  grid.setAttribute("aria-describedby", about.id);
  const group = freshId("data");
  const inputs = new Map<string, HTMLInputElement>();

  function offer(data: readonly DataChoice[]): void {
    if (data.length === inputs.size && data.every(({ name }) => inputs.has(name))) return;
    inputs.clear();
    grid.replaceChildren(...data.map(option));
  }

  function option(one: DataChoice): HTMLElement {
    const input = make("input", { type: "radio", name: group, value: one.name });
    input.addEventListener("change", () => set({ data: one.name }));
    inputs.set(one.name, input);
    const label = make("label", { class: "dataset", title: one.words }, input);
    label.append(picture(one), make("span", {}, words.dataset(one.name)));
    return label;
  }

  return {
    keys: ["data"],
    element: make("div", { class: "setting" }, grid, about),
    draw({ choices, data }) {
      offer(choices.data);
      for (const [name, input] of inputs) input.checked = name === data.name;
      setText(about, words.aboutData(data.words));
    },
  };
}

/** Some rows: dots of one label, squares of the next. */
function picture({ preview }: DataChoice): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${SIDE} ${SIDE}`);
  svg.setAttribute("aria-hidden", "true");
  if (preview.length === 0) svg.append(path("table", "M8 11h28v22h-28zM8 18.500h28M8 25.500h28M17.500 11v22M27 11v22"));
  const labels = [...new Set(preview.map(([, , label]) => label))];
  for (const label of labels) {
    const dots = preview.filter((point) => point[2] === label);
    const at = (share: number): string => (4 + share * (SIDE - 8)).toFixed(1);
    svg.append(path(`label-${label}`, dots.map(([x, y]) => `M${at(x)},${at(1 - y)}h0`).join("")));
  }
  return svg;
}

function path(name: string, d: string): SVGPathElement {
  const element = document.createElementNS(SVG, "path");
  element.setAttribute("class", name);
  element.setAttribute("d", d);
  return element;
}
