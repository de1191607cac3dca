// Models: where the flat theta holds which weight, and what that makes of rows.  `Linear` is a net
// without hidden layers.  X is (rows, d) row by row, and so is everything that is computed.
// All arrays are of one type: mixed ones would make the innermost loops twice as slow.
import { type Activation, activationOf } from "./activations";
import type { Model } from "./contract";

/** A layer: (inputs, units) weights from `weight` on, row by row; `bias` is -1 without biases. */
export interface Layer {
  inputs: number;
  units: number;
  weight: number;
  bias: number;
}

export interface Net {
  layers: Layer[];
  activation: Activation; // of the hidden layers
  d: number;
  k: number;
  parameters: number;
}

/** What going forward leaves: what each layer summed and passed on; of the last, both are scores. */
export interface Tape {
  rows: number;
  sums: Float64Array[];
  passed: Float64Array[];
  scores: Float64Array;
}

/** The net of a model, or null: an own model, or an activation the page does not know. */
export function netOf(model: Model): Net | null {
  const activation = activationOf(model.activation);
  if (model.kind === "own" || activation === null) return null;
  const layers: Layer[] = [];
  let parameters = 0;
  for (let i = 1; i < model.sizes.length; i++) {
    const [inputs, units] = [model.sizes[i - 1], model.sizes[i]];
    const weight = parameters;
    parameters += inputs * units;
    layers.push({ inputs, units, weight, bias: model.bias ? parameters : -1 });
    if (model.bias) parameters += units;
  }
  const [d, k] = [model.sizes[0], model.sizes[model.sizes.length - 1]];
  return { layers, activation, d, k, parameters };
}

export function makeTape(net: Net, rows: number): Tape {
  const last = net.layers.length - 1;
  const sums = net.layers.map((layer) => new Float64Array(rows * layer.units));
  const passed = sums.map((sum, i) => (i === last ? sum : new Float64Array(sum.length)));
  return { rows, sums, passed, scores: sums[last] };
}

/** Runs the rows through the net; the result lies in `tape`. */
export function forward(net: Net, theta: Float64Array, X: Float64Array, tape: Tape): Tape {
  weighted(net.layers[0], theta, X, tape.rows, tape.sums[0]);
  return onward(net, theta, tape);
}

/** The same from the first layer's sums on, which are there already. */
export function onward(net: Net, theta: Float64Array, tape: Tape): Tape {
  for (let i = 1; i < net.layers.length; i++) {
    activate(net.activation, tape.sums[i - 1], tape.passed[i - 1], net.layers[i].inputs);
    weighted(net.layers[i], theta, tape.passed[i - 1], tape.rows, tape.sums[i]);
  }
  return tape;
}

export function activate(
  activation: Activation,
  z: Float64Array,
  a: Float64Array,
  width: number,
): void {
  if (activation.rowwise) {
    for (let at = 0; at < z.length; at += width) activation.value(z, a, at, width);
  } else {
    const value = activation.value;
    for (let i = 0; i < z.length; i++) a[i] = value(z[i]);
  }
}

/** out = X W + b, two rows and four units at a time: what is loaded once serves several products. */
export function weighted(
  { inputs, units, weight, bias }: Layer,
  theta: Float64Array,
  X: Float64Array,
  rows: number,
  out: Float64Array,
): void {
  const W = theta.subarray(weight, weight + inputs * units);
  const b = bias < 0 ? new Float64Array(units) : theta.subarray(bias, bias + units);
  const fours = units - (units % 4);
  let row = 0;
  for (; row + 2 <= rows; row += 2) {
    for (let j = 0; j < fours; j += 4) twoByFour(X, row, inputs, W, b, j, out);
    for (let j = fours; j < units; j++) {
      one(X, row, inputs, W, b, j, out);
      one(X, row + 1, inputs, W, b, j, out);
    }
  }
  if (row < rows) for (let j = 0; j < units; j++) one(X, row, inputs, W, b, j, out);
}

/** The sums of one row (or two) for the unit `j` (or four). */
type Block = (
  X: Float64Array,
  row: number,
  inputs: number,
  W: Float64Array,
  bias: Float64Array,
  j: number,
  out: Float64Array,
) => void;

const one: Block = (X, row, inputs, W, bias, j, out) => {
  const units = bias.length;
  let sum = bias[j];
  for (let i = 0; i < inputs; i++) sum += X[row * inputs + i] * W[i * units + j];
  out[row * units + j] = sum;
};

// Written out: no browser's compiler takes destructuring out of a loop.
const twoByFour: Block = (X, row, inputs, W, bias, j, out) => {
  const units = bias.length;
  const from = row * inputs;
  const below = from + inputs;
  let a = bias[j], b = bias[j + 1], c = bias[j + 2], d = bias[j + 3];
  let p = a, q = b, r = c, s = d;
  for (let i = 0, w = j; i < inputs; i++, w += units) {
    const x = X[from + i];
    const y = X[below + i];
    const k = W[w];
    const l = W[w + 1];
    const m = W[w + 2];
    const n = W[w + 3];
    a += x * k;
    b += x * l;
    c += x * m;
    d += x * n;
    p += y * k;
    q += y * l;
    r += y * m;
    s += y * n;
  }
  const to = row * units + j;
  const under = to + units;
  out[to] = a;
  out[to + 1] = b;
  out[to + 2] = c;
  out[to + 3] = d;
  out[under] = p;
  out[under + 1] = q;
  out[under + 2] = r;
  out[under + 3] = s;
};

// ------------------------------------------------------------------- the way back

/**
 * The gradient by theta (P,), given the derivative by each score, which is overwritten.
 * With g the gradient by a layer's sums: Xᵀ g by its weights, the sum of g by its biases, g Wᵀ by
 * what it was given, and that times the slope of the activation by the sums before.
 */
export function backward(
  net: Net,
  theta: Float64Array,
  X: Float64Array,
  tape: Tape,
  dscores: Float64Array,
  gradient: Float64Array,
): void {
  gradient.fill(0);
  let g = dscores;
  for (let i = net.layers.length - 1; i >= 0; i--) {
    const layer = net.layers[i];
    addOuter(layer, i === 0 ? X : tape.passed[i - 1], g, tape.rows, gradient);
    if (i === 0) return;
    g = throughWeights(layer, theta, g, tape.rows);
    throughActivation(net.activation, tape.sums[i - 1], tape.passed[i - 1], g, layer.inputs);
  }
}

function addOuter(
  { inputs, units, weight, bias }: Layer,
  given: Float64Array,
  g: Float64Array,
  rows: number,
  gradient: Float64Array,
): void {
  for (let row = 0; row < rows; row++) {
    const at = row * units;
    for (let i = 0; i < inputs; i++) {
      const a = given[row * inputs + i];
      const to = weight + i * units;
      for (let j = 0; j < units; j++) gradient[to + j] += a * g[at + j];
    }
    if (bias >= 0) for (let j = 0; j < units; j++) gradient[bias + j] += g[at + j];
  }
}

function throughWeights(
  { inputs, units, weight }: Layer,
  theta: Float64Array,
  g: Float64Array,
  rows: number,
): Float64Array {
  const found = new Float64Array(rows * inputs);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < inputs; i++) {
      const from = weight + i * units;
      let sum = 0;
      for (let j = 0; j < units; j++) sum += g[row * units + j] * theta[from + j];
      found[row * inputs + i] = sum;
    }
  }
  return found;
}

function throughActivation(
  activation: Activation,
  z: Float64Array,
  a: Float64Array,
  g: Float64Array,
  width: number,
): void {
  if (activation.rowwise) {
    for (let at = 0; at < g.length; at += width) activation.backward(a, g, at, width);
  } else {
    for (let i = 0; i < g.length; i++) g[i] *= activation.slope(z[i], a[i]);
  }
}
