// One weight, worked out: what goes through it, how the loss changes with it, what the next update
// does to it; and its number, which can be set by hand.
import { freshId, make, setAttribute, setText } from "../../charts/elements";
import { setValue, valueSpan } from "../../charts/figures";
import { type Look, lookOf } from "../../looking";
import type { MakeView, Store } from "../../store";
import type { Lab } from "../context";
import { text } from "../text";
import { numberField } from "./field";
import { makeAsker, type NextUpdate } from "./next_update";
import { called, type Place, placeOf } from "./places";
import { makeRowStep } from "./row_step";
import type { Selected } from "./selected";

const words = text.inside;
const MANY = 600; // weights listed by name; beyond them they are chosen in the net, or by number

export function weightPanel(lab: Lab, selected: Selected): MakeView {
  return (store, host) => {
    const look = lookOf(store);
    if (look === null) return null;
    const rowStep = makeRowStep(store.page, look);
    const branch = (): number => Number(lab.root.dataset.branch);
    const asker = makeAsker(lab.link, branch, () => lab.store?.told());
    const place = (): Place => placeOf(look.maths.net, selected.at) ?? placeOf(look.maths.net, 0)!;
    const chooser = weightChooser(store, look, selected);
    const field = numberField((to) => {
      lab.link.say({ kind: "edit", step: store.step, at: place().at, to });
    });
    const lines = { forward: lineOf(words.forward), row: lineOf(words.rowGradient), batch: lineOf(words.gradient), update: lineOf(words.update) };
    const where = make("p", { class: "quiet" });
    const list = make("dl", { class: "weight-lines" }, ...Object.values(lines).flatMap(({ term, line }) => [term, line]));
    host.append(chooser.element, list, field.element, where);
    const stops = [selected.on(() => lab.store?.told()), () => asker.stop()];

    return {
      name: "weight",
      get title() {
        return words.title(called(store.page, look.maths.net, place()), store.step);
      },
      draw() {
        const chosen = place();
        const theta = store.theta();
        const row = rowStep(theta, store.chosen.row, chosen);
        chooser.draw(chosen.at);
        field.show(theta[chosen.at], lab.state?.lock.includes("edit") ?? false);
        setText(where, store.step < store.page.updates ? words.branches(store.step) : words.continues);
        forward(lines.forward, chosen, theta[chosen.at], row);
        byRow(lines.row, chosen, store.chosen.row, row);
        byBatch(lines.batch, lines.update, store, chosen, asker.at(store.step));
      },
      destroy: () => stops.forEach((stop) => stop()),
    };
  };
}

// ------------------------------------------------------------------- lines

interface Line {
  term: HTMLElement;
  line: HTMLElement;
  say(pieces: (string | { name: string; value: number })[]): void;
}

/** A line of words and numbers: the same pieces again only change their numbers. */
function lineOf(name: string): Line {
  const term = make("dt", {}, name);
  const line = make("dd");
  let shape = "";
  return {
    term,
    line,
    say(pieces) {
      const now = pieces.map((piece) => (typeof piece === "string" ? piece : `#${piece.name}`)).join("|");
      if (now !== shape) {
        shape = now;
        line.replaceChildren(...pieces.map((piece) => (typeof piece === "string" ? piece : valueSpan(piece.name))));
      }
      const numbers = pieces.filter((piece) => typeof piece !== "string");
      line.querySelectorAll<HTMLElement>(".value").forEach((span, i) => setValue(span, numbers[i].value, 4));
    },
  };
}

function forward({ say }: Line, { from }: Place, weight: number, { input, term, sum }: ReturnType<ReturnType<typeof makeRowStep>>): void {
  const value = { name: "weight", value: weight };
  const whole = [words.ofSum, { name: "sum", value: sum }];
  if (from < 0) say([value, ...whole]);
  else say([{ name: "input", value: input }, " · ", value, " = ", { name: "term", value: term }, ...whole]);
}

function byRow({ say, term }: Line, { from }: Place, row: number, { input, slope, gradient }: ReturnType<ReturnType<typeof makeRowStep>>): void {
  setText(term, words.ofRow(row));
  const found = { name: "row gradient", value: gradient };
  if (from < 0) say([found]);
  else say([{ name: "input", value: input }, " · ", { name: "slope", value: slope }, " = ", found]);
}

function byBatch(batch: Line, update: Line, store: Store, { at }: Place, { next, fresh }: { next: NextUpdate | null; fresh: boolean }): void {
  if (next === null) {
    setText(batch.term, words.gradient);
    for (const line of [batch, update]) line.say([words.waiting]);
    return;
  }
  const rows = next.rows < next.allRows ? words.gradientOfBatch(next.rows) : words.gradientOfAll(next.allRows);
  const by = store.page.penalty === null ? rows : `${rows}${words.penalised}`;
  const late = next.step === store.step ? "" : words.asOf(next.step);
  setText(batch.term, `${by}${late}`);
  batch.say([{ name: "gradient", value: next.gradient[at] }]);
  const memory = next.memory.flatMap(({ name, values }, i) => [
    `${i === 0 ? words.memory : ", "}${name} `,
    { name: `memory ${name}`, value: values[at] },
  ]);
  setText(update.term, `${words.updateBy(store.page.optimizer.name)}${late}`);
  const [from, change] = [next.theta[at], next.change[at]];
  const to = { name: "next", value: from + change };
  update.say([{ name: "before", value: from }, " + ", { name: "change", value: change }, " = ", to, ...memory]);
  setAttribute(update.line, "data-step", fresh ? String(next.step) : "");
}

// ------------------------------------------------------------------- which weight

function weightChooser(store: Store, look: Look, selected: Selected): { element: HTMLElement; draw(at: number): void } {
  const { net } = look.maths;
  const id = freshId("weight");
  const label = make("label", { for: id }, words.which);
  if (net.parameters <= MANY) {
    const option = (at: number): HTMLOptionElement =>
      make("option", { value: String(at) }, called(store.page, net, placeOf(net, at)!));
    const select = make("select", { id }, ...Array.from({ length: net.parameters }, (_, at) => option(at)));
    select.addEventListener("change", () => selected.choose(Number(select.value)));
    return {
      element: make("div", { class: "choice" }, label, select),
      draw: (at) => {
        if (select.value !== String(at)) select.value = String(at);
      },
    };
  }
  const input = make("input", { type: "number", id, min: "0", max: String(net.parameters - 1), step: "1" });
  input.addEventListener("change", () => {
    selected.choose(Math.max(0, Math.min(net.parameters - 1, Math.round(input.valueAsNumber) || 0)));
  });
  return {
    element: make("div", { class: "choice" }, label, input),
    draw: (at) => {
      if (input !== (input.getRootNode() as Document | ShadowRoot).activeElement) input.value = String(at);
    },
  };
}
