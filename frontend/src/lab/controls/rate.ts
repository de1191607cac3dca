// The learning rate: a continuous slider over decades, and on it what the curvature allows.
import { freshId, make, setText } from "../../charts/elements";
import { figure } from "../../charts/figures";
import type { Lab } from "../context";
import type { Settings, Told } from "../contract";
import { text } from "../text";
import { ruleSearching } from "./choices";
import { slider } from "./fields";
import type { Control } from "./groups";
import { logarithmic, type Scale } from "./scales";

const words = text.controls.rate;
const SCALE: Scale = logarithmic(1e-6, 10);

export function learningRate(lab: Lab, set: (change: Settings) => void, signal: AbortSignal): Control {
  const take = (value: number | null): void => {
    if (value !== null) set({ learning_rate: value });
  };
  const field = slider({
    name: words.name,
    scale: SCALE,
    words: (rate) => figure(rate),
    wide: true,
    live: true,
    changed: take,
  });
  const auto = make("button", { type: "button", class: "small" }, words.auto);
  auto.title = words.autoSentence;
  auto.addEventListener("click", () => set({ learning_rate: "auto" }));
  field.element.querySelector(".line")?.append(auto);
  const marks = railMarks(field.rail);
  const told = make("p", { class: "about", id: freshId("rate") });
  field.element.append(told);
  field.describe(told.id);
  let rate = 0;

  function mark(): void {
    const known = knownOf(lab);
    marks.draw(known?.limit ?? null, known?.best ?? null);
    setText(told, known === null ? "" : words.told(known, rate));
    told.classList.toggle("over", known?.limit != null && rate > known.limit);
  }

  const ends = [lab.link.on("curvature", mark), lab.onStore(mark)];
  signal.addEventListener("abort", () => ends.forEach((end) => end()));
  return {
    keys: ["learning_rate"],
    element: field.element,
    draw(now) {
      rate = now.state.learning_rate;
      const name = ruleSearching(now);
      field.disable(name === "" ? "" : words.searches(text.controls.part(name)));
      auto.disabled = name !== "";
      field.draw(rate);
      auto.setAttribute("aria-pressed", String(now.settings.learning_rate === "auto"));
      mark();
    },
  };
}

/** What the curvature says about the rate. */
export interface Known {
  limit: number | null;
  best: number | null;
  claim: "exact" | "bound" | "indication" | null;
}

/** What was told last of the branch that is shown. */
function knownOf(lab: Lab): Known | null {
  const told: Told["curvature"] | null = lab.link.last("curvature");
  if (told === null || told.unknown !== undefined || told.branch !== Number(lab.root.dataset.branch)) return null;
  const number = (value: unknown): number | null => (typeof value === "number" && value > 0 ? value : null);
  return { limit: number(told.limit), best: number(told.best), claim: (told.claim ?? null) as Known["claim"] };
}

interface Marks {
  draw(limit: number | null, best: number | null): void;
}

/** The limit as a line with everything beyond it hatched, the best as a lozenge. */
function railMarks(rail: HTMLElement): Marks {
  const beyond = make("span", { class: "beyond" });
  const limit = make("span", { class: "limit" });
  const best = make("span", { class: "best" });
  rail.append(beyond, limit, best);
  const put = (element: HTMLElement, value: number | null, inside: boolean): void => {
    const place = value === null ? null : SCALE.place(value);
    element.hidden = place === null || (inside && (place < 0 || place > 1)) || place > 1;
    if (place !== null) element.style.setProperty("left", `${100 * Math.max(0, place)}%`);
  };
  return {
    draw(limitAt, bestAt) {
      put(beyond, limitAt, false);
      put(limit, limitAt, true);
      put(best, bestAt, true);
    },
  };
}
