// Who is where: a row for each racer, lowest loss first, and the same in a sentence.
import { make, setAttribute, setText } from "../../charts/elements";
import { count, figure } from "../../charts/figures";
import type { Racer } from "../contract";
import { text } from "../text";
import type { RaceRecord } from "./record";
import { signOf } from "./signs";

const words = text.branches.racing;

interface Row {
  element: HTMLElement;
  cells: Record<"updates" | "loss" | "gap" | "gradient", HTMLElement>;
}

export interface Standings {
  readonly element: HTMLElement;
  readonly hidden: ReadonlySet<number>; // branches that are not drawn
  draw(record: RaceRecord, spoken: boolean): void;
}

/** A racer's name; with its branch where two have the same. */
export function labelOf(racer: Racer, racers: Racer[]): string {
  const label = words.label(racer.label);
  const twins = racers.filter((other) => other.label === racer.label).length > 1;
  return twins ? `${label} (${text.branches.branch(racer.branch).toLowerCase()})` : label;
}

export function makeStandings(racers: Racer[], changed: () => void): Standings {
  const hidden = new Set<number>();
  const rows = racers.map((racer) => rowOf(racer, racers, hidden, changed));
  const body = make("tbody", {}, ...rows.map((row) => row.element));
  const order = make("p", { class: "order" });
  const said = make("p", { class: "unseen", role: "status" });
  const heads = [words.racer, words.columns.updates, words.columns.loss, words.columns.gap, words.columns.gradient, words.columns.rate];
  const table = make(
    "table",
    { class: "standings" },
    make("caption", {}, words.table),
    make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
    body,
  );
  const scroll = make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": words.table }, table);
  const element = make("div", { class: "standing" }, order, said, scroll);

  return {
    element,
    hidden,
    draw(record, spoken) {
      const losses = racers.map((_, i) => record.value(i, "loss"));
      const ranked = ranking(losses);
      const lowest = losses[ranked[0]];
      rows.forEach(({ cells }, i) => {
        number(cells.updates, record.value(i, "updates"), count);
        number(cells.loss, losses[i]);
        number(cells.gap, losses[i] - lowest);
        number(cells.gradient, record.value(i, "gradient_norm"));
      });
      // A row that moved would lose the focus.
      if (!body.contains((element.getRootNode() as Document | ShadowRoot).activeElement)) {
        const wanted = ranked.map((i) => rows[i].element);
        if (wanted.some((row, i) => body.children[i] !== row)) body.append(...wanted);
      }
      const sentence = words.order(record.step, ranked.map((i) => ({ label: labelOf(racers[i], racers), loss: losses[i] })));
      setText(order, sentence);
      if (spoken) setText(said, sentence);
    },
  };
}

/** The places of the losses, lowest first; what is not finite comes last. */
export function ranking(losses: number[]): number[] {
  const height = (loss: number): number => (Number.isFinite(loss) ? loss : Number.POSITIVE_INFINITY);
  return losses.map((_, i) => i).sort((a, b) => height(losses[a]) - height(losses[b]) || a - b);
}

function rowOf(racer: Racer, racers: Racer[], hidden: Set<number>, changed: () => void): Row {
  const label = labelOf(racer, racers);
  const tick = make("input", { type: "checkbox", "aria-label": words.show(label) });
  tick.checked = true;
  tick.addEventListener("change", () => {
    if (tick.checked) hidden.delete(racer.branch);
    else hidden.add(racer.branch);
    changed();
  });
  const cell = (name: string): HTMLElement => make("td", { "data-name": name });
  const cells = { updates: cell("updates"), loss: cell("loss"), gap: cell("gap"), gradient: cell("gradient") };
  const rate = make("td", {}, racer.rate === null ? words.searches : figure(racer.rate));
  const named = make("th", { scope: "row" }, make("label", { class: "pick" }, tick, signOf(racer.place), label));
  const element = make("tr", { "data-branch": String(racer.branch) }, named, cells.updates, cells.loss, cells.gap, cells.gradient, rate);
  return { element, cells };
}

function number(cell: HTMLElement, value: number, words: (value: number) => string = figure): void {
  setText(cell, Number.isNaN(value) ? "–" : words(value));
  setAttribute(cell, "data-value", String(value));
}
