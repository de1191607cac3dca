// What is to be solved by hand: the rows, the loss over theta, and between which ends each number moves.
import type { Range } from "../../charts/axes";
import { parametersOf } from "../../charts/parameters";
import { hasLabels, type Shown, shownRows } from "../../charts/rows";
import { type Maths, makeMaths, type Rows } from "../../maths";
import type { Store } from "../../store";

export interface Problem {
  key: string; // the same for the same rows, model and objective
  store: Store;
  maths: Maths;
  shown: Shown;
  rows: Rows; // the training rows
  names: string[]; // of theta's entries
  ranges: Range[]; // that the sliders and the map show, and keep
  start: Float64Array;
  loss(theta: Float64Array): number;
  downhill(theta: Float64Array): Float64Array; // the negative gradient
}

export const MOST_SLIDERS = 64;

/** Why there is nothing to do by hand; "" where there is. */
export type Unfit = "" | "no rows" | "hidden layers" | "own" | "too many";

export function unfitness(store: Store): Unfit {
  const { page } = store;
  if (page.model.kind === "own") return "own";
  if (page.model.sizes.length > 2) return "hidden layers";
  if (shownRows(store) === null) return "no rows";
  const maths = makeMaths(page);
  if (maths === null || maths.loss === null) return "own";
  return maths.net.parameters > MOST_SLIDERS ? "too many" : "";
}

/** The problem of a linear model. */
export function problemOf(store: Store): Problem {
  const maths = makeMaths(store.page)!;
  const shown = shownRows(store)!;
  const rows = trainingRows(store, shown);
  const start = Float64Array.from(store.theta(0));
  return {
    key: keyOf(store, rows),
    store,
    maths,
    shown,
    rows,
    names: namesOf(store),
    ranges: rangesOf(store, maths, rows, start),
    start,
    loss: (theta) => maths.find(theta, rows).objective,
    downhill: (theta) => (maths.find(theta, rows), maths.gradient(theta, rows).map((slope) => 0 - slope)),
  };
}

function trainingRows(store: Store, { X, y, part, count, d, k }: Shown): Rows {
  const places = Array.from({ length: count }, (_, i) => i).filter((i) => part[i] === 0);
  const own = "weight" in store.page.blocks ? store.block("weight") : null;
  const taken = (from: ArrayLike<number>, width: number): Float64Array => {
    const found = new Float64Array(places.length * width);
    places.forEach((place, i) => {
      for (let j = 0; j < width; j++) found[i * width + j] = from[place * width + j];
    });
    return found;
  };
  const weight = own === null ? null : taken(own, 1);
  return { X: taken(X, d), y: taken(y, k), weight, count: places.length };
}

/** "w" and "b" where there is one feature, otherwise what the parameters belong to. */
function namesOf({ page }: Store): string[] {
  const [d, k] = page.model.sizes;
  if (d === 1 && k === 1) return page.model.bias ? ["w", "b"] : ["w"];
  return parametersOf(page, MOST_SLIDERS).map(({ name }) => name);
}

function keyOf({ page }: Store, { X, y }: Rows): string {
  const { model, loss, reduction, penalty } = page;
  return JSON.stringify([model.sizes, model.bias, loss, reduction, penalty, digest(X), digest(y)]);
}

function digest(numbers: Float64Array): number {
  let found = numbers.length;
  for (const value of new Uint32Array(numbers.buffer)) found = (Math.imul(found, 31) + value) | 0;
  return found;
}

// ------------------------------------------------------------------- ranges

// Of the sliders' document, whose feature is even on [-5, 5].
const CLASSIC: Range[] = [
  [-10, 10],
  [-10, 30],
];
const [WIDE, SHARED] = [4, 1.5]; // standard deviations of what is to be explained, by one weight or several

/** Between which ends theta's entries move: wide enough for the rows and for the start. */
function rangesOf({ page }: Store, maths: Maths, { X, y, count }: Rows, start: Float64Array): Range[] {
  const { d, k } = maths.net;
  const [middle, spread] = hasLabels(page) ? [0, 2] : spreadOf(y, 0, 1);
  const weights = Array.from({ length: d * k }, (_, i) => {
    const [, own] = spreadOf(X, Math.floor(i / k), d, count);
    return evenly(0, ((d > 2 ? SHARED : WIDE) * spread) / own);
  });
  const biases = Array.from({ length: maths.net.parameters - d * k }, () => evenly(middle, WIDE * spread));
  const classic = d === 1 && k === 1 && !hasLabels(page) && X[0] === -5 && X[count - 1] === 5;
  const found = classic ? CLASSIC.slice(0, maths.net.parameters) : [...weights, ...biases];
  return found.map(([low, high], i) => withStart([low, high], start[i]));
}

function spreadOf(all: Float64Array, from: number, stride: number, count = all.length): [number, number] {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < count; i++) sum += all[from + i * stride];
  for (let i = 0; i < count; i++) squares += (all[from + i * stride] - sum / count) ** 2;
  return [sum / count, Math.sqrt(squares / count) || 1];
}

/** Round ends about a middle. */
function evenly(middle: number, half: number): Range {
  const unit = rounded(half);
  const center = Math.round((2 * middle) / unit) * (unit / 2);
  return [center - unit, center + unit];
}

/** The next of 1, 2, 5, 10, 20 … above. */
export function rounded(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5].find((digit) => digit * power >= value * (1 - 1e-9)) ?? 10);
}

/** Ends that the start lies between too. */
function withStart([low, high]: Range, start: number): Range {
  const room = 0.1 * (high - low);
  return [start < low ? start - room : low, start > high ? start + room : high];
}
