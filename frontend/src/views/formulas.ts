// The worked step: score, prediction, loss, objective, gradient and update as formulas, with this
// frame's numbers in them or in symbols.
import { checkbox, make } from "../charts/elements";
import { count } from "../charts/figures";
import { rowChooser } from "../choosing";
import { casesNow, judgedLines } from "../formulas/judged";
import { lineElement, type Worked } from "../formulas/line";
import { scoreLines } from "../formulas/scores";
import { updateLine } from "../formulas/update";
import { wholeLines } from "../formulas/whole";
import { makeWriter, type Writer } from "../formulas/writer";
import { type Look, lookOf } from "../looking";
import type { MakeView, Store } from "../store";
import { adoptWorkedStyle } from "../worked_style";

const WORK = 200_000; // while playing, sums over rows of more products than this are left out

export const formulas: MakeView = (store, host) => {
  const look = lookOf(store);
  if (look === null) return null;
  adoptWorkedStyle(host);
  const chooser = rowChooser(store, look.rows.count - 1);
  const switched = checkbox("numbers in the formulas", store.chosen.numbers, (numbers) => store.choose({ numbers }));
  let parameter = 0;
  const followed = parameterChooser(look.maths.net.parameters, (chosen) => {
    parameter = chosen;
    draw();
  });
  const lines = make("div", { class: "formulas" });
  host.append(make("div", { class: "choices" }, chooser.element, followed, switched.label), lines);

  let written = ""; // what the lines were written for
  let w: Writer;

  function draw(): void {
    chooser.draw();
    switched.input.checked = store.chosen.numbers;
    const at: Worked = { ...following(store, look!), w, parameter, waits: () => waits(store, look!) };
    const wanted = [store.chosen.row, store.chosen.numbers, parameter, casesNow(at)].join();
    if (wanted !== written) {
      written = wanted;
      w = makeWriter(store.chosen.numbers);
      lines.replaceChildren(...elements({ ...at, w }));
    }
    w.draw();
    if (!store.playing) reachable(lines);
  }

  w = makeWriter(store.chosen.numbers);
  return {
    name: "formulas",
    pace: 150,
    get title() {
      return `The step from update ${count(store.step)}, worked out`;
    },
    draw,
    resize: () => reachable(lines),
  };
};

function elements(at: Worked): HTMLElement[] {
  const lines = [...scoreLines(at), ...judgedLines(at), ...wholeLines(at), updateLine(at)];
  return lines.map((line) => lineElement(line, at.w));
}

/** What is too wide can be scrolled, by the keyboard too. */
function reachable(lines: HTMLElement): void {
  for (const worked of lines.querySelectorAll(".worked")) {
    if (worked.scrollWidth > worked.clientWidth + 1) worked.setAttribute("tabindex", "0");
    else worked.removeAttribute("tabindex");
  }
}

function following(store: Store, look: Look): { store: Store; look: Look; output: number } {
  const labels = store.page.loss.targets === "labels";
  return { store, look, output: labels ? look.rows.y[store.chosen.row] : 0 };
}

function waits(store: Store, look: Look): boolean {
  return store.playing && look.rows.count * look.maths.net.parameters > WORK;
}

function parameterChooser(parameters: number, chosen: (parameter: number) => void): HTMLElement | null {
  if (parameters === 1) return null;
  const input = make("input", { type: "number", min: "0", max: String(parameters - 1), step: "1", value: "0" });
  input.addEventListener("change", () => {
    const wanted = Math.max(0, Math.min(parameters - 1, Math.round(input.valueAsNumber) || 0));
    input.value = String(wanted);
    chosen(wanted);
  });
  return make("label", { class: "choice" }, make("span", {}, "parameter"), input, make("span", {}, `of ${count(parameters)}, from 0`));
}
