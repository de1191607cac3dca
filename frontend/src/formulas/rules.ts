// The formulas of optimizers, in symbols: how a gradient becomes an update.
import { frac, inBrackets, n, o, root, row, sup, symbolOf } from "./writer";

const s = symbolOf;
const is = o("=");
const eq = (left: string, ...right: Node[]): Node => row(s(left), is.cloneNode(true), ...right);

/** v' = a v + b. */
function mixed(name: string, share: string, added: Node, rest = false): Node {
  const weight = rest ? [inBrackets(n("1"), o("−"), s(share)), added] : [added];
  return eq(`${name}'`, s(share), s(name), o("+"), ...weight);
}

const squared = (): Node => sup(s("g"), n("2"));
const step = (...by: Node[]): Node => eq("θ'", s("θ"), o("−"), s("η"), ...by);
const over = (above: Node, below: string): Node => frac(above, row(root(s(below)), o("+"), s("ε")));
const corrected = (hat: string, of: string, beta: string): Node =>
  eq(hat, frac(s(of), row(n("1"), o("−"), sup(s(beta), s("t")))));
const first = (): Node => mixed("m", "β_1", s("g"), true);
const second = (): Node => mixed("v", "β_2", squared(), true);

const RULES: Record<string, () => Node[]> = {
  gradient_descent: () => [step(s("g"))],
  momentum: () => [mixed("v", "β", s("g")), step(s("v'"))],
  nesterov: () => [mixed("v", "β", s("g")), step(inBrackets(s("g"), o("+"), s("β"), s("v'")))],
  adagrad: () => [eq("q'", s("q"), o("+"), squared()), step(over(s("g"), "q'"))],
  rmsprop: () => [mixed("q", "ρ", squared(), true), step(over(s("g"), "q'"))],
  adam: () => [first(), second(), corrected("m̂", "m'", "β_1"), corrected("v̂", "v'", "β_2"), step(over(s("m̂"), "v̂"))],
  adamw: () => [
    first(),
    second(),
    corrected("m̂", "m'", "β_1"),
    corrected("v̂", "v'", "β_2"),
    eq("θ'", inBrackets(n("1"), o("−"), s("η"), s("λ")), s("θ"), o("−"), s("η"), over(s("m̂"), "v̂")),
  ],
  nadam: () => [
    first(),
    second(),
    eq(
      "m̂",
      frac(row(s("μ_t+1"), s("m'")), row(n("1"), o("−"), s("μ_1"), o("⋯"), s("μ_t+1"))),
      o("+"),
      frac(row(inBrackets(n("1"), o("−"), s("μ_t")), s("g")), row(n("1"), o("−"), s("μ_1"), o("⋯"), s("μ_t"))),
    ),
    corrected("v̂", "v'", "β_2"),
    step(over(s("m̂"), "v̂")),
  ],
  amsgrad: () => [
    first(),
    second(),
    eq("u'", row(s("max"), inBrackets(s("u"), o(","), s("v'")))),
    corrected("m̂", "m'", "β_1"),
    corrected("û", "u'", "β_2"),
    step(over(s("m̂"), "û")),
  ],
  lbfgs: () => [eq("θ'", s("θ"), o("−"), s("a"), s("H"), s("g"))],
  newton: () => [eq("θ'", s("θ"), o("−"), s("a"), sup(s("H"), n("−1")), s("g"))],
};

const SAYS: Record<string, string> = {
  lbfgs: "H stands for the inverse curvature, as the last steps showed it; a is found by a search along the way.",
  newton: "H is the matrix of second derivatives; a is found by a search along the way.",
};

export function ruleLines(name: string): Node[] | null {
  return Object.hasOwn(RULES, name) ? RULES[name]() : null;
}

export function ruleWords(name: string): string {
  return SAYS[name] ?? "";
}
