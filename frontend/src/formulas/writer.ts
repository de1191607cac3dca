// Formulas as MathML.  A formula is written once: where a quantity stands, `quantity` puts its symbol
// or its number, whichever is wanted; numbers are changed in place at each frame.
import { setText } from "../charts/elements";
import { figure } from "../charts/figures";
import { math } from "../foreign";

/** Writes a quantity: `factor` puts a negative number into brackets. */
export type Term = (factor?: boolean) => MathMLElement;

/** A number at this frame; null where it is not worked out just now. */
export type Value = () => number | null;

export interface Writer {
  readonly numbers: boolean;
  quantity(symbol: string, value: Value): Term;
  number(value: Value, factor?: boolean): MathMLElement; // also where symbols are wanted
  words(element: HTMLElement, text: () => string): HTMLElement;
  draw(): void; // all numbers and words as they are at this frame
}

export function makeWriter(numbers: boolean): Writer {
  const slots: (() => void)[] = [];

  function number(value: Value, factor = false): MathMLElement {
    const place = math("mn");
    slots.push(() => {
      const found = value();
      const text = found === null ? "…" : figure(found, 4);
      setText(place, factor && found !== null && found < 0 ? `(${text})` : text);
    });
    return place;
  }

  return {
    numbers,
    number,
    quantity: (symbol, value) => (factor) => (numbers ? number(value, factor) : symbolOf(symbol)),
    words(element, text) {
      slots.push(() => setText(element, text()));
      return element;
    },
    draw() {
      for (const slot of slots) slot();
    },
  };
}

// ------------------------------------------------------------------- pieces

export const n = (text: string): MathMLElement => math("mn", text);
export const o = (text: string): MathMLElement => math("mo", text);
/** An operator that does not grow with what it stands beside. */
function upright(text: string): MathMLElement {
  const found = o(text);
  found.setAttribute("stretchy", "false");
  return found;
}

/** An operator without room around it. */
function tight(text: string): MathMLElement {
  const found = o(text);
  found.setAttribute("lspace", "0");
  found.setAttribute("rspace", "0");
  return found;
}

export const row = (...parts: Node[]): MathMLElement => math("mrow", ...parts);
export const frac = (above: Node, below: Node): MathMLElement => math("mfrac", above, below);
export const sup = (base: Node, power: Node): MathMLElement => math("msup", base, power);
export const root = (inside: Node): MathMLElement => math("msqrt", inside);
export const inBrackets = (...parts: Node[]): MathMLElement => row(upright("("), ...parts, upright(")"));
export const size = (...parts: Node[]): MathMLElement => row(upright("|"), ...parts, upright("|"));
export const e = (...power: Node[]): MathMLElement => sup(math("mi", "e"), row(...power));

/** A function's name and what it is applied to. */
export const of = (name: string, ...parts: Node[]): MathMLElement =>
  row(math("mi", name), inBrackets(...parts));

/** Σ over an index. */
export const sum = (index: string): MathMLElement => math("munder", o("∑"), math("mi", index));

/** "w_area", "v̂'", "μ_t+1": what follows the underscore stands below, words upright. */
export function symbolOf(symbol: string): MathMLElement {
  if (symbol.endsWith("'")) return row(symbolOf(symbol.slice(0, -1)), tight("′"));
  const [name, below] = symbol.split("_", 2);
  const letters = name.normalize("NFD").replace(/\p{M}/gu, ""); // without hats
  const top = math(letters.length > 1 ? "mtext" : "mi", name);
  if (below === undefined) return top;
  return math("msub", top, math(below.length > 1 ? "mtext" : "mi", below));
}

/** Either of two, by a condition in words. */
export function cases(...lines: [formula: Node, when: string][]): MathMLElement {
  const rows = lines.map(([formula, when]) =>
    math("mtr", math("mtd", formula), math("mtd", math("mtext", `\u2003${when}`))),
  );
  return row(o("{"), math("mtable", ...rows));
}
