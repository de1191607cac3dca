// What the model meets: columns and what is made of them, each to be switched on and off.
import { make, setText } from "../../charts/elements";
import type { Settings } from "../contract";
import { text } from "../text";
import { namesOf, type Now } from "./choices";
import type { Control } from "./groups";

const words = text.controls.features;
const SET_ASIDE = "set aside"; // what Python calls a column that makes no feature
const MANY = 24; // columns, from which on they can be searched

interface Offered {
  name: string;
  words: string;
  unfit: string;
}

export function features(set: (change: Settings) => void): Control {
  const list = make("ul", { class: "chips" });
  const search = make("input", { type: "search", "aria-label": words.search, placeholder: words.search });
  const about = make("p", { class: "about" });
  const refused = make("ul", { class: "refused" });
  const heading = make("span", { class: "name" }, words.name);
  const element = make("div", { class: "setting features", role: "group", "aria-label": words.name });
  element.append(make("div", { class: "line" }, heading), search, list, about, refused);
  let inputs = new Map<string, HTMLInputElement>();
  let offered: Offered[] = [];

  function chosen(): string[] {
    return offered.map(({ name }) => name).filter((name) => inputs.get(name)?.checked);
  }

  function offer(next: Offered[]): void {
    if (JSON.stringify(next) === JSON.stringify(offered)) return;
    offered = next;
    const fit = next.filter(({ unfit }) => unfit === "");
    const made = fit.map(({ name, words: title }) => chip(name, title, () => set({ features: chosen() })));
    inputs = new Map(made.map(({ input }, i) => [fit[i].name, input]));
    list.replaceChildren(...made.map(({ item }) => item));
    const why = next.filter(({ unfit }) => unfit !== "");
    refused.replaceChildren(...why.map(({ name, unfit }) => make("li", {}, words.refused(name, unfit))));
    search.hidden = fit.length < MANY;
    search.value = "";
  }

  search.addEventListener("input", () => {
    const wanted = search.value.toLowerCase();
    for (const [name, input] of inputs) {
      const item = input.closest("li");
      if (item !== null) item.hidden = !name.toLowerCase().includes(wanted);
    }
  });

  return {
    keys: ["features"],
    element,
    draw(now) {
      offer(offeredOf(now));
      const names = namesOf(now.settings, "features");
      // No names stand for all columns.
      const on = names.length > 0 ? new Set(names) : new Set(inputs.keys());
      for (const [name, input] of inputs) input.checked = on.has(name);
      setText(about, words.count(on.size, inputs.size));
    },
  };
}

/** The features there can be; of columns that make none, the reason. */
function offeredOf({ choices }: Now): Offered[] {
  const told = new Map(choices.told.map((one) => [one.name, one]));
  return choices.features.map((name) => {
    const column = told.get(name);
    const unfit = column !== undefined && column.treatment === SET_ASIDE ? column.sentence : "";
    return { name, words: column?.sentence ?? "", unfit };
  });
}

function chip(name: string, title: string, changed: () => void): { item: HTMLElement; input: HTMLInputElement } {
  const input = make("input", { type: "checkbox" });
  input.addEventListener("change", changed);
  const label = make("label", {}, input, make("span", {}, words.feature(name)));
  if (title !== "") label.title = title;
  return { item: make("li", {}, label), input };
}
