// Activations, as src/descend/activations.py states them: each with its derivative beside it.
// `z` is what a layer summed, `a` what it passes on.  Exponentials are only taken of numbers that
// are not positive, so nothing overflows; a branch not taken is z * 0, so that NaN stays visible.
import type { Part } from "./contract";

export interface Elementwise {
  rowwise: false;
  value(z: number): number;
  slope(z: number, a: number): number;
}

/** Along rows: entries `at` to `at + width` of the arrays are one row. */
export interface Rowwise {
  rowwise: true;
  value(z: Float64Array, a: Float64Array, at: number, width: number): void;
  /** The gradient by a becomes the gradient by z, in place. */
  backward(a: Float64Array, gradient: Float64Array, at: number, width: number): void;
}

export type Activation = Elementwise | Rowwise;
type Maker = (parameters: Record<string, number>) => Activation;

function elementwise(value: Elementwise["value"], slope: Elementwise["slope"]): Elementwise {
  return { rowwise: false, value, slope };
}

export function sigmoid(z: number): number {
  if (z >= 0) return 1 / (1 + Math.exp(-z));
  const e = Math.exp(z);
  return e / (1 + e);
}

// Math.tanh takes twice as long.  For small z the odd rational function of S. Moshier's Cephes
// library (tanh.c), beyond it an exponential of a negative number; either within 5e-16.
const NEAR = 0.625;

export function tanh(z: number): number {
  const size = Math.abs(z);
  if (size > NEAR) {
    const e = Math.exp(-2 * size);
    const a = (1 - e) / (1 + e);
    return z < 0 ? -a : a;
  }
  const s = z * z;
  const above = (-0.964399179425052238628 * s - 99.2877231001918586564) * s - 1614.68768441708447952;
  const below = ((s + 112.811678491632931402) * s + 2235.48839060100448583) * s;
  return z + (z * s * above) / (below + 4844.06305325125486048);
}

export function softplus(z: number): number {
  return z >= 0 ? z + Math.log1p(Math.exp(-z)) : z * 0 + Math.log1p(Math.exp(z));
}

const step = (z: number): number => (z > 0 ? 1 : z * 0);

// GELU in its tanh form: far out 1 - t² is 0 and z² may be infinite, so the last term is left out.
const SCALE = Math.sqrt(2 / Math.PI);
const CUBE = 0.044715;
const FAR = 100;

function bent(z: number): number {
  return tanh(SCALE * (z + CUBE * z * z * z));
}

function geluSlope(z: number): number {
  const t = bent(z);
  const near = Math.abs(z) < FAR ? z : z * 0;
  return 0.5 * (1 + t) + 0.5 * near * (1 - t * t) * SCALE * (1 + 3 * CUBE * near * near);
}

function siluSlope(z: number): number {
  const s = sigmoid(z);
  return s * (1 + z * (1 - s));
}

const softmax: Rowwise = {
  rowwise: true,
  // The row's largest entry is taken off first: it cancels.
  value(z, a, at, width) {
    const end = at + width;
    let top = z[at];
    for (let i = at + 1; i < end; i++) top = Math.max(top, z[i]);
    let sum = 0;
    for (let i = at; i < end; i++) sum += a[i] = Math.exp(z[i] - top);
    for (let i = at; i < end; i++) a[i] /= sum;
  },
  // da_j/dz_i = a_j ((i = j) - a_i), so sum_j g_j da_j/dz_i = a_i (g_i - sum_j a_j g_j)
  backward(a, gradient, at, width) {
    const end = at + width;
    let dot = 0;
    for (let i = at; i < end; i++) dot += a[i] * gradient[i];
    for (let i = at; i < end; i++) gradient[i] = a[i] * (gradient[i] - dot);
  },
};

const MAKERS: Record<string, Maker> = {
  identity: () => elementwise((z) => z, (z) => z * 0 + 1),
  sigmoid: () => elementwise(sigmoid, (_, a) => a * (1 - a)),
  tanh: () => elementwise(tanh, (_, a) => 1 - a * a),
  relu: () => elementwise((z) => (z > 0 ? z : z * 0), step),
  leaky_relu: ({ alpha }) =>
    elementwise((z) => (z > 0 ? z : alpha * z), (z) => (z > 0 ? 1 : z * 0 + alpha)),
  elu: ({ alpha }) =>
    elementwise((z) => (z > 0 ? z : alpha * Math.expm1(z)), (z, a) => (z > 0 ? 1 : a + alpha)),
  gelu: () => elementwise((z) => 0.5 * z * (1 + bent(z)), geluSlope),
  silu: () => elementwise((z) => z * sigmoid(z), siluSlope),
  softplus: () => elementwise(softplus, sigmoid),
  cos: () => elementwise(Math.cos, (z) => -Math.sin(z)),
  softmax: () => softmax,
};

/** The activation of that name, or null where the page does not know it. */
export function activationOf(part: Part): Activation | null {
  return Object.hasOwn(MAKERS, part.name) ? MAKERS[part.name](part.parameters) : null;
}
