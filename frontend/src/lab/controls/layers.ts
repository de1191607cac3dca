// The model drawn as columns of circles: layers are added and taken away, units counted up and down.
import { make, setText } from "../../charts/elements";
import type { Settings } from "../contract";
import { text } from "../text";
import type { Control } from "./groups";

const words = text.controls.layers;
const SVG = "http://www.w3.org/2000/svg";
const [WIDE, TALL] = [268, 96]; // of the drawing
const MOST_DRAWN = 7; // circles in a column; beyond these there are dots

interface Column {
  element: HTMLElement;
  draw(units: number, most: number): void;
}

export function layers(set: (change: Settings) => void): Control {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "net");
  drawing.setAttribute("role", "img");
  drawing.setAttribute("viewBox", `0 0 ${WIDE} ${TALL}`);
  const columns = make("div", { class: "counts" });
  const add = make("button", { type: "button" }, words.add);
  const remove = make("button", { type: "button" }, words.remove);
  const sentence = make("p", { class: "about", role: "status" });
  const element = make(
    "div",
    { class: "setting layers", role: "group", "aria-label": words.name },
    make("div", { class: "plan" }, drawing, columns),
    make("div", { class: "buttons" }, add, remove),
    sentence,
  );
  let hidden: number[] = [];
  let made: Column[] = [];
  let most = 64;

  const change = (next: number[]): void => set({ hidden: next });
  const units = (layer: number, count: number): void => {
    const whole = Math.max(1, Math.min(most, Math.round(count)));
    change(hidden.map((each, i) => (i === layer ? whole : each)));
  };
  add.addEventListener("click", () => change([...hidden, hidden.at(-1) ?? 4]));
  remove.addEventListener("click", () => change(hidden.slice(0, -1)));

  return {
    keys: ["hidden"],
    element,
    draw(now) {
      hidden = now.settings.hidden as number[];
      most = now.choices.ranges.units[1];
      if (made.length !== hidden.length) {
        made = hidden.map((_, layer) => column(layer, (count) => units(layer, count), () => hidden[layer]));
        columns.replaceChildren(make("span", { class: "end" }, words.inputs), ...made.map((one) => one.element));
        columns.append(make("span", { class: "end" }, words.outputs));
      }
      made.forEach((one, layer) => one.draw(hidden[layer], most));
      enable(add, hidden.length < now.choices.ranges.layers[1], remove);
      enable(remove, hidden.length > 0, add);
      draw(drawing, [now.inputs, ...hidden, now.outputs]);
      drawing.setAttribute("aria-label", words.drawn(now.inputs, hidden, now.outputs));
      setText(sentence, words.sentence(now.inputs, hidden, now.outputs));
    },
  };
}

/** A button that goes out under somebody's finger hands the focus on. */
function enable(button: HTMLButtonElement, on: boolean, next: HTMLElement): void {
  const held = button.ownerDocument.activeElement === button;
  button.disabled = !on;
  if (!on && held) next.focus();
}

/** Plus, number and minus of one layer. */
function column(layer: number, count: (units: number) => void, now: () => number): Column {
  const name = words.layer(layer + 1);
  const more = make("button", { type: "button", "aria-label": words.more(layer + 1) }, "+");
  const fewer = make("button", { type: "button", "aria-label": words.fewer(layer + 1) }, "−");
  const number = make("input", { type: "number", min: "1", step: "1", "aria-label": words.units(layer + 1) });
  more.addEventListener("click", () => count(now() + 1));
  fewer.addEventListener("click", () => count(now() - 1));
  number.addEventListener("change", () => {
    if (Number.isFinite(number.valueAsNumber)) count(number.valueAsNumber);
    else number.value = String(now());
  });
  return {
    element: make("div", { class: "layer", role: "group", "aria-label": name }, more, number, fewer),
    draw(units, most) {
      number.max = String(most);
      if (number.value !== String(units)) number.value = String(units);
      enable(more, units < most, fewer);
      enable(fewer, units > 1, more);
    },
  };
}

/** Circles and lines: a column for each of the sizes. */
function draw(svg: SVGSVGElement, sizes: number[]): void {
  const at = (column: number): number => (WIDE * (column + 0.5)) / sizes.length;
  const places = sizes.map((size, i) => heights(size).map((y) => [at(i), y] as const));
  const links = places.slice(1).flatMap((to, i) => to.flatMap((b) => places[i].map((a) => `M${a.join()}L${b.join()}`)));
  svg.replaceChildren(path("links", links.join("")));
  places.forEach((column, i) => {
    const end = i === 0 || i === sizes.length - 1;
    svg.append(path(end ? "units end" : "units", column.map(([x, y]) => `M${x},${y}h0`).join("")));
    if (sizes[i] > MOST_DRAWN) svg.append(path("more", `M${at(i)},${TALL / 2 - 4}h0m0,4h0m0,4h0`));
  });
}

/** Where the circles of a column stand; of many only the outer ones are drawn. */
function heights(size: number): number[] {
  const slots = Math.min(size, MOST_DRAWN);
  const apart = Math.min(16, (TALL - 4) / slots);
  const all = Array.from({ length: slots }, (_, i) => TALL / 2 + (i - (slots - 1) / 2) * apart);
  return size > MOST_DRAWN ? all.filter((_, i) => i !== (MOST_DRAWN - 1) / 2) : all;
}

function path(name: string, d: string): SVGPathElement {
  const element = document.createElementNS(SVG, "path");
  element.setAttribute("class", name);
  element.setAttribute("d", d);
  return element;
}
