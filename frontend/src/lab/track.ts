// The track: a slider over all updates, and above it what was changed and found along the way.
import { icon, make, setAttribute } from "../charts/elements";
import { lossAt } from "../charts/moments";
import type { Page } from "../contract";
import type { Lab } from "./context";
import type { Moves } from "./moves";
import { text } from "./text";

const DIAMOND = "M8 1l6 7-6 7-6-7z";
const DOT = "M8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3z";
const FLAG = "M3 1h2v14H3zM5 2h9l-3 3 3 3H5z";
const words = text.playbar;

interface Mark {
  step: number;
  kind: string;
  path: string;
  words: string;
}

export function makeTrack(lab: Lab, moves: Moves): { element: HTMLElement; draw(): void } {
  const row = make("div", { class: "marks", "aria-hidden": "true" });
  const slider = make("input", { type: "range", min: "0", max: "0", step: "1", "data-keys": "play", "aria-label": words.step });
  slider.addEventListener("input", () => moves.to(Number(slider.value)));
  let drawn = "";

  function mark(page: Page): void {
    const all = marksOf(page);
    const now = JSON.stringify([page.updates, all]);
    if (now === drawn) return;
    drawn = now;
    row.replaceChildren(...all.map((one) => markElement(one, page.updates)));
  }

  return {
    element: make("div", { class: "track" }, row, slider),
    draw() {
      const { store } = lab;
      if (store === null) return;
      const { updates } = store.page;
      const at = store.playing ? store.step : store.wanted;
      setAttribute(slider, "max", String(updates));
      if (slider.value !== String(at)) slider.value = String(at);
      const loss = lossAt(store, store.step)?.value ?? null;
      setAttribute(slider, "aria-valuetext", words.spoken(store.step, updates, loss));
      mark(store.page);
    },
  };
}

function marksOf({ marks = [], findings }: Page): Mark[] {
  const changes = marks.map(({ step, sentence }) => ({ step, kind: "change", path: FLAG, words: words.changed(step, sentence) }));
  const found = findings.flatMap(({ step, severity, code }) =>
    step === null ? [] : [{ step, kind: severity, path: severity === "illness" ? DIAMOND : DOT, words: words.found(step, code) }],
  );
  return [...changes, ...found];
}

function markElement({ step, kind, path, words: title }: Mark, updates: number): HTMLElement {
  const mark = make("span", { class: `mark ${kind}`, title }, icon(path));
  mark.style.setProperty("left", `${(100 * step) / Math.max(1, updates)}%`);
  return mark;
}
