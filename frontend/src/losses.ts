// Losses, as src/descend/losses.py states them: value, slope by the score, and the link, which is
// what a score predicts.  `s` is a raw score, `y` its target; nothing overflows, nothing is clipped.
import { sigmoid, softplus } from "./activations";
import type { Part } from "./contract";

export interface Pointwise {
  rowwise: false;
  value(s: number, y: number): number;
  slope(s: number, y: number): number;
  link(s: number): number;
}

/** Along rows: entries `at` to `at + width` of the scores are one row, whose label is `y`. */
export interface Labelled {
  rowwise: true;
  value(s: Float64Array, at: number, width: number, y: number): number;
  slope(s: Float64Array, at: number, width: number, y: number, out: Float64Array): void;
  link(s: Float64Array, at: number, width: number, out: Float64Array): void;
}

export type Loss = Pointwise | Labelled;
type Formula = (s: number, y: number) => number;

function pointwise(value: Formula, slope: Formula, link = (s: number): number => s): Pointwise {
  return { rowwise: false, value, slope, link };
}

/** For labels 0 and 1: what the margin ±s lacks to be 1. */
function gap(s: number, y: number): number {
  return 1 - (2 * y - 1) * s;
}

/** e^-|s|, which never overflows. */
function shrunk(s: number): number {
  return Math.exp(s >= 0 ? -s : s);
}

function brierSlope(s: number, y: number): number {
  const e = shrunk(s);
  return 2 * (sigmoid(s) - y) * (e / ((1 + e) * (1 + e)));
}

function logCosh(s: number, y: number): number {
  const e = Math.abs(s - y);
  return e + Math.log1p(Math.exp(-2 * e)) - Math.LN2;
}

function huber(delta: number): Pointwise {
  return pointwise(
    (s, y) => {
      const e = Math.abs(s - y);
      return e <= delta ? 0.5 * e * e : delta * (e - 0.5 * delta);
    },
    (s, y) => {
      const e = s - y;
      return Math.abs(e) <= delta ? e : delta * Math.sign(e);
    },
  );
}

function quantile(q: number): Pointwise {
  return pointwise(
    (s, y) => {
      const e = s - y;
      return e < 0 ? -q * e : e > 0 ? (1 - q) * e : e * 0;
    },
    (s, y) => {
      const e = s - y;
      return e < 0 ? -q : e > 0 ? 1 - q : e * 0;
    },
  );
}

function topOf(s: Float64Array, at: number, width: number): number {
  let top = s[at];
  for (let i = at + 1; i < at + width; i++) top = Math.max(top, s[i]);
  return top;
}

const softmax: Labelled = {
  rowwise: true,
  // The row's largest score is taken off first: it cancels.
  value(s, at, width, y) {
    const top = topOf(s, at, width);
    let sum = 0;
    for (let i = at; i < at + width; i++) sum += Math.exp(s[i] - top);
    return Math.log(sum) + top - s[at + y];
  },
  slope(s, at, width, y, out) {
    softmax.link(s, at, width, out);
    out[at + y] -= 1;
  },
  link(s, at, width, out) {
    const top = topOf(s, at, width);
    let sum = 0;
    for (let i = at; i < at + width; i++) sum += out[i] = Math.exp(s[i] - top);
    for (let i = at; i < at + width; i++) out[i] /= sum;
  },
};

const MAKERS: Record<string, (parameters: Record<string, number>) => Loss> = {
  squared_error: () => pointwise((s, y) => (s - y) * (s - y), (s, y) => 2 * (s - y)),
  half_squared_error: () => pointwise((s, y) => 0.5 * (s - y) * (s - y), (s, y) => s - y),
  absolute_error: () => pointwise((s, y) => Math.abs(s - y), (s, y) => Math.sign(s - y)),
  huber: ({ delta }) => huber(delta),
  quantile: ({ q }) => quantile(q),
  log_cosh: () => pointwise(logCosh, (s, y) => Math.tanh(s - y)),
  poisson: () => pointwise((s, y) => Math.exp(s) - y * s, (s, y) => Math.exp(s) - y, Math.exp),
  logistic: () => pointwise((s, y) => softplus(s) - y * s, (s, y) => sigmoid(s) - y, sigmoid),
  softmax: () => softmax,
  brier: () => pointwise((s, y) => (sigmoid(s) - y) ** 2, brierSlope, sigmoid),
  hinge: () =>
    pointwise(
      (s, y) => Math.max(gap(s, y), 0),
      (s, y) => (gap(s, y) > 0 ? 1 - 2 * y : s * 0),
    ),
  squared_hinge: () =>
    pointwise(
      (s, y) => Math.max(gap(s, y), 0) ** 2,
      (s, y) => -2 * (2 * y - 1) * Math.max(gap(s, y), 0),
    ),
};

/** The loss of that name, or null where the page does not know it: one's own. */
export function lossOf(part: Part): Loss | null {
  return Object.hasOwn(MAKERS, part.name) ? MAKERS[part.name](part.parameters) : null;
}

// ------------------------------------------------------------------- rows

/** The loss of each row; over several outputs, their mean.  `k` is the number of scores a row has. */
export function rowLosses(
  loss: Loss,
  scores: Float64Array,
  y: Float64Array,
  k: number,
  out: Float64Array,
): void {
  for (let row = 0; row < out.length; row++) {
    if (loss.rowwise) {
      out[row] = loss.value(scores, row * k, k, y[row]);
      continue;
    }
    let sum = 0;
    for (let i = row * k; i < (row + 1) * k; i++) sum += loss.value(scores[i], y[i]);
    out[row] = sum / k;
  }
}

/** What scores predict: means, or probabilities where the loss has them; without a loss, scores. */
export function predicted(
  loss: Loss | null,
  scores: Float64Array,
  k: number,
  out: Float64Array,
): void {
  if (loss === null) out.set(scores);
  else if (loss.rowwise) for (let at = 0; at < out.length; at += k) loss.link(scores, at, k, out);
  else for (let i = 0; i < out.length; i++) out[i] = loss.link(scores[i]);
}

/** The derivative of the objective by each score; a row counts `share[row]` in the objective. */
export function scoreSlopes(
  loss: Loss,
  scores: Float64Array,
  y: Float64Array,
  k: number,
  share: Float64Array,
  out: Float64Array,
): void {
  for (let row = 0; row < share.length; row++) {
    const at = row * k;
    if (share[row] === 0) {
      out.fill(0, at, at + k);
      continue;
    }
    if (loss.rowwise) loss.slope(scores, at, k, y[row], out);
    else for (let i = at; i < at + k; i++) out[i] = loss.slope(scores[i], y[i]) / k;
    for (let i = at; i < at + k; i++) out[i] *= share[row];
  }
}
