// From one row to all of them: the objective, and its gradient by one parameter.
import { counted, figure } from "../charts/figures";
import { parametersOf } from "../charts/parameters";
import type { Net } from "../net";
import { partial } from "./judged";
import { type Line, piece, result, type Worked } from "./line";
import { frac, inBrackets, n, o, row, size, sum, sup, symbolOf, type Value } from "./writer";

/** No lines where the loss is one's own. */
export function wholeLines(at: Worked): Line[] {
  return at.look.maths.loss === null ? [] : [objectiveLine(at), gradientLine(at)];
}

const s = symbolOf;

function later(at: Worked, value: () => number): Value {
  return () => (at.waits() ? null : value());
}

// ------------------------------------------------------------------- the objective

function objectiveLine(at: Worked): Line {
  const { look, store, w } = at;
  const found = later(at, () => look.found().objective);
  const penalty = (): number => look.found().penalty;
  const parts = store.page.penalty === null ? [] : [piece(o("+"), penaltyFormula(at))];
  const worth = parts.length === 0 || !w.numbers ? [] : [
    piece(o("="), w.number(later(at, () => look.found().objective - penalty()))),
    piece(o("+"), w.number(later(at, penalty), true)),
  ];
  return {
    head: `The objective on the ${counted(store.page.rows.shown.train, "training row")} shown`,
    pieces: [piece(s("J"), o("="), mean(at, s("ℓ_i"))), ...parts, ...worth, ...result(at, found)],
    note: () => (at.waits() ? "Sums over all rows are worked out once the frames rest." : rowsWords(at)),
  };
}

/** 1/n Σ …, with weights, or the sum alone. */
function mean({ store, look }: Worked, ...summed: Node[]): Node {
  const weighed = "weight" in store.page.blocks;
  const all = [sum("i"), ...(weighed ? [s("ω_i")] : []), ...summed];
  if (store.page.reduction === "sum") return row(...all);
  const train = store.page.rows.shown.train;
  const below = weighed ? row(sum("i"), s("ω_i")) : n(String(train || look.rows.count));
  return row(frac(n("1"), below), ...all);
}

function penaltyFormula({ store, w }: Worked): Node {
  const { name, parameters } = store.page.penalty!;
  const α = w.quantity("α", () => parameters.strength);
  const squares = (): Node => row(sum("j"), sup(s("w_j"), n("2")));
  const sizes = (): Node => row(sum("j"), size(s("w_j")));
  if (name === "l2") return row(frac(α(), n("2")), squares());
  if (name === "l1") return row(α(), sizes());
  const r = w.quantity("r", () => parameters.l1_ratio);
  const rest = frac(row(n("1"), o("−"), r()), n("2"));
  return row(α(), inBrackets(r(), sizes(), o("+"), rest, squares()));
}

function rowsWords({ store }: Worked): string {
  const { rows, optimizer, penalty, reduction } = store.page;
  const { train } = rows.shown;
  const part = train < rows.all.train;
  const said = [];
  if (penalty !== null) {
    const ratio = penalty.name === "elastic_net" ? `, r = ${figure(penalty.parameters.l1_ratio)}` : "";
    said.push(`The penalty has α = ${figure(penalty.parameters.strength)}${ratio}.`);
  }
  if (part) {
    const more = reduction === "sum" ? "; over all of them the sum is larger" : "";
    said.push(`Worked out here from ${counted(train, "row")} of ${rows.all.train}${more}.`);
  }
  if ("weight" in store.page.blocks) said.push("ω are the rows' weights.");
  if (optimizer.batch_size !== null) {
    said.push(`Each update saw a batch of ${counted(optimizer.batch_size, "row")} only; the training curve shows what those gave.`);
  }
  return said.join(" ");
}

// ------------------------------------------------------------------- the gradient

function gradientLine(at: Worked): Line {
  const { look, parameter } = at;
  const place = placeOf(look.maths.net, parameter);
  const value = later(at, () => look.gradient()[parameter]);
  const terms = mean(at, partial("ℓ_i", place.sum), ...(place.input === null ? [] : [s(place.input)]));
  const { l2, biases } = look.maths.strengths;
  const pulled = l2 !== 0 && (place.input !== null || biases);
  const more = pulled ? [piece(o("+"), pull(at))] : [];
  return {
    head: `Its gradient by the ${nameOf(at)}`,
    pieces: [piece(s("g"), o("="), partial("J", "θ")), piece(o("="), terms), ...more, ...result(at, value)],
    note: () => gradientWords(at, place),
  };
}

/** The slope of the penalty's squares. */
function pull({ store, w, parameter }: Worked): Node {
  const { name, parameters } = store.page.penalty!;
  const α = w.quantity("α", () => parameters.strength);
  const r = w.quantity("r", () => parameters.l1_ratio);
  const rest = name === "l2" ? [] : [inBrackets(n("1"), o("−"), r())];
  return row(α(), ...rest, o("·"), w.quantity("θ", () => store.theta()[parameter])(true));
}

interface Place {
  sum: string; // the symbol of what the parameter is added to
  input: string | null; // of what it multiplies; null for a bias
}

function placeOf({ layers }: Net, parameter: number): Place {
  const layer = layers.findIndex(({ weight, inputs, units, bias }) =>
    parameter < (bias < 0 ? weight + inputs * units : bias + units),
  );
  const { weight, inputs, units } = layers[layer];
  const single = layer === layers.length - 1;
  const isBias = parameter >= weight + inputs * units;
  return { sum: single ? "s_i" : "z_i", input: isBias ? null : layer === 0 ? "x_i" : "a_i" };
}

export function nameOf({ store, parameter }: Worked): string {
  return parametersOf(store.page, parameter + 1)[parameter]?.name ?? `parameter ${parameter}`;
}

function gradientWords(at: Worked, place: Place): string {
  if (at.waits()) return "";
  const { net } = at.look.maths;
  const said = [];
  if (place.sum === "z_i") said.push("z is the sum of the unit it leads to; the slope by it comes back through the layers after it.");
  else if (place.input === "a_i") said.push("a is what the unit before passed on.");
  if (at.look.maths.strengths.l1 !== 0) {
    said.push("The absolute part of the penalty has no slope here: it moves weights towards 0 after each update.");
  }
  if (net.parameters > 1) said.push(`Gradient norm over the ${net.parameters} parameters: ${figure(norm(at.look.gradient()), 4)}.`);
  return said.join(" ");
}

function norm(values: Float64Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}
