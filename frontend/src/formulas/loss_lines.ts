// The formulas of losses, to be read: what a score predicts, the loss of a row, and its slope.
// src/losses.ts has the same ones, to be computed.
import type { Part } from "../contract";
import { cases, e, frac, inBrackets, n, o, of, row, size, sup, type Term, type Writer } from "./writer";

export interface Quantities {
  s: Term; // the score
  y: Term; // its target
  p: Term; // what is predicted
  parameter: (name: string) => Term;
  error: () => number; // s − y, for formulas with cases
  margin: () => number; // (2y − 1) s
}

type Formula = (q: Quantities, w: Writer) => Node;

export interface LossLines {
  predicts: string; // the symbol
  link: Formula | null; // null: the score itself
  value: Formula;
  slope: Formula;
  /** Which case holds now, where there are several. */
  which?: (q: Quantities, part: Part) => number;
}

const error: Formula = ({ s, y }) => row(s(), o("−"), y(true));
const squared = (...parts: Node[]): Node => sup(inBrackets(...parts), n("2"));
const sigmoid: Formula = ({ s }) => frac(n("1"), row(n("1"), o("+"), e(o("−"), s(true))));
const signed: Formula = ({ y, s }) => row(inBrackets(n("2"), y(), o("−"), n("1")), o("⁢"), s(true));
const gap: Formula = (q, w) => row(n("1"), o("−"), signed(q, w));
const wrong: Formula = ({ p, y }) => row(p(), o("−"), y(true));

/** Both cases in symbols; in numbers the one that holds. */
function either(which: (q: Quantities) => number, lines: [Formula, string][]): Formula {
  return (q, w) =>
    w.numbers ? lines[which(q)][0](q, w) : cases(...lines.map(([line, when]) => [line(q, w), when] as [Node, string]));
}

const huberCase = (q: Quantities, part: Part): number => Number(Math.abs(q.error()) > part.parameters.delta);
const quantileCase = (q: Quantities): number => (q.error() < 0 ? 0 : 1);

function huber(part: Part): LossLines {
  const which = (q: Quantities): number => huberCase(q, part);
  const delta = (q: Quantities): Term => q.parameter("delta");
  return {
    predicts: "ŷ",
    link: null,
    value: either(which, [
      [(q, w) => row(frac(n("1"), n("2")), squared(error(q, w))), "where |s − y| ≤ δ"],
      [
        (q, w) => row(delta(q)(), inBrackets(size(error(q, w)), o("−"), frac(delta(q)(), n("2")))),
        "elsewhere",
      ],
    ]),
    slope: either(which, [
      [error, "where |s − y| ≤ δ"],
      [(q, w) => row(delta(q)(), o("·"), of("sign", error(q, w))), "elsewhere"],
    ]),
    which,
  };
}

function quantile(): LossLines {
  const below = ({ parameter }: Quantities): Node => parameter("q")();
  const above = ({ parameter }: Quantities): Node => inBrackets(n("1"), o("−"), parameter("q")());
  return {
    predicts: "ŷ",
    link: null,
    value: either(quantileCase, [
      [(q) => row(below(q), inBrackets(q.y(), o("−"), q.s(true))), "where s < y"],
      [(q, w) => row(above(q), inBrackets(error(q, w))), "elsewhere"],
    ]),
    slope: either(quantileCase, [
      [(q) => row(o("−"), below(q)), "where s < y"],
      [above, "elsewhere; 0 where s = y"],
    ]),
    which: quantileCase,
  };
}

const plain = { predicts: "ŷ", link: null };
const probable = { predicts: "p", link: sigmoid };

const LINES: Record<string, (part: Part) => LossLines> = {
  squared_error: () => ({
    ...plain,
    value: (q, w) => squared(error(q, w)),
    slope: (q, w) => row(n("2"), inBrackets(error(q, w))),
  }),
  half_squared_error: () => ({
    ...plain,
    value: (q, w) => row(frac(n("1"), n("2")), squared(error(q, w))),
    slope: error,
  }),
  absolute_error: () => ({
    ...plain,
    value: (q, w) => size(error(q, w)),
    slope: (q, w) => of("sign", error(q, w)),
  }),
  huber,
  quantile,
  log_cosh: () => ({
    ...plain,
    value: (q, w) => row(of("log cosh", error(q, w))),
    slope: (q, w) => of("tanh", error(q, w)),
  }),
  poisson: () => ({
    predicts: "μ",
    link: ({ s }) => e(s()),
    value: ({ s, y }) => row(e(s()), o("−"), y(), o("·"), s(true)),
    slope: ({ s, y }) => row(e(s()), o("−"), y(true)),
  }),
  logistic: () => ({
    ...probable,
    value: ({ s, y }) => row(of("log", n("1"), o("+"), e(s())), o("−"), y(), o("·"), s(true)),
    slope: wrong,
  }),
  brier: () => ({
    ...probable,
    value: (q, w) => squared(wrong(q, w)),
    slope: (q, w) =>
      row(n("2"), inBrackets(wrong(q, w)), o("·"), q.p(), inBrackets(n("1"), o("−"), q.p())),
  }),
  softmax: () => ({
    predicts: "p",
    link: null, // written with its sum, in lines.ts
    value: ({ p }) => row(o("−"), of("log", p())),
    slope: ({ p }) => row(p(), o("−"), n("1")),
  }),
  hinge: () => ({
    ...plain,
    value: (q, w) => of("max", n("0"), o(","), gap(q, w)),
    slope: either(marginCase, [
      [({ y }) => row(n("1"), o("−"), n("2"), y(true)), "where (2y − 1) s < 1"],
      [() => n("0"), "elsewhere"],
    ]),
    which: marginCase,
  }),
  squared_hinge: () => ({
    ...plain,
    value: (q, w) => sup(of("max", n("0"), o(","), gap(q, w)), n("2")),
    slope: either(marginCase, [
      [
        (q, w) => row(o("−"), n("2"), inBrackets(n("2"), q.y(), o("−"), n("1")), inBrackets(gap(q, w))),
        "where (2y − 1) s < 1",
      ],
      [() => n("0"), "elsewhere"],
    ]),
    which: marginCase,
  }),
};

function marginCase(q: Quantities): number {
  return Number(q.margin() >= 1);
}

/** The formulas of that loss, or null where the page does not know it. */
export function lossLines(part: Part): LossLines | null {
  return Object.hasOwn(LINES, part.name) ? LINES[part.name](part) : null;
}
