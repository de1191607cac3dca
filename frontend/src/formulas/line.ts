// A line of the worked step: what it is about, pieces of mathematics that may wrap between them, and
// a note in words.
import { make } from "../charts/elements";
import type { Look } from "../looking";
import type { Store } from "../store";
import { math } from "../foreign";
import { o, symbolOf, type Value, type Writer } from "./writer";

/** What the lines are written from. */
export interface Worked {
  store: Store;
  look: Look;
  w: Writer;
  output: number; // the score that is followed: that of the row's label, else the first
  parameter: number; // the one that is followed, its place in theta
  waits(): boolean; // sums over all rows are left out, while playing
}

export interface Line {
  head: string;
  pieces: MathMLElement[];
  note?: () => string;
}

/** A piece of a line: lines break between pieces, never within. */
export function piece(...parts: Node[]): MathMLElement {
  const whole = math("math", ...parts);
  whole.setAttribute("displaystyle", "true");
  const [first] = parts; // a sign that leads a piece still stands between two terms
  if (first instanceof MathMLElement && first.localName === "mo") first.setAttribute("form", "infix");
  return whole;
}

/** "= 0.42", where numbers are wanted. */
export function result({ w }: Worked, value: Value): MathMLElement[] {
  return w.numbers ? [piece(o("="), w.number(value))] : [];
}

export interface Addend {
  factors: () => Node[];
}

const ALL = 8; // terms of a sum that are all written
const SOME = 4; // of longer ones

/** "s =", the terms each in a piece, and how many more there are with what they come to. */
export function sumOf(
  left: string,
  terms: Addend[],
  last: Addend | null,
  { w }: Worked,
  rest: (from: number) => number,
): MathMLElement[] {
  const shown = terms.length <= ALL ? terms.length : SOME;
  const found = terms.slice(0, shown).map(({ factors }, i) => piece(...(i === 0 ? [] : [o("+")]), ...factors()));
  if (shown < terms.length) {
    const more = math("mtext", `\u2009(${terms.length - shown} more terms)`);
    found.push(w.numbers ? piece(o("+"), w.number(() => rest(shown), true), more) : piece(o("+"), o("⋯"), more));
  }
  if (last !== null) found.push(piece(o("+"), ...last.factors()));
  return [piece(symbolOf(left), o("=")), ...found];
}

export function lineElement(line: Line, w: Writer): HTMLElement {
  const note = line.note === undefined ? null : w.words(make("p", { class: "quiet" }), line.note);
  const pieces = line.pieces.flatMap((one) => [one, " "]);
  const worked = make("p", { class: "worked" });
  worked.append(...pieces);
  return make("div", { class: "formula" }, make("h4", {}, line.head), worked, note);
}

export const times = (): MathMLElement => o("·");
