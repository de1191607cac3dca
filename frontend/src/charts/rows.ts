// The rows shown, in their own units, and where the features that are not drawn are held.
import type { Page } from "../contract";
import type { Numbers, Store } from "../store";

export interface Shown {
  X: Numbers; // (m, d), as the model meets them
  y: Numbers; // (m, k) or codes (m, 1)
  part: Uint8Array;
  count: number;
  d: number;
  k: number; // columns of y
}

export function shownRows(store: Store): Shown | null {
  const { X, y } = store.page.blocks;
  if (X === undefined || y === undefined || X.shape[0] === 0) return null;
  return {
    X: store.block("X"),
    y: store.block("y"),
    part: store.block("part") as Uint8Array,
    count: X.shape[0],
    d: X.shape[1],
    k: y.shape[1] ?? 1,
  };
}

export function hasLabels({ loss }: Page): boolean {
  return loss.targets === "two labels" || loss.targets === "labels";
}

/** From what the model meets to the feature's own unit. */
export function ownUnit({ features }: Page, feature: number, met: number): number {
  const { mean, scale } = features[feature];
  return mean + scale * met;
}

export function metFrom({ features }: Page, feature: number, own: number): number {
  const { mean, scale } = features[feature];
  return (own - mean) / (scale || 1);
}

/** A feature of every row, in its own unit. */
export function column(page: Page, { X, count, d }: Shown, feature: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => ownUnit(page, feature, X[i * d + feature]));
}

/** A target of every row, in its own unit; labels stay codes. */
export function targetColumn(page: Page, { y, count, k }: Shown, output: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => targetUnit(page, y[i * k + output]));
}

export function targetUnit(page: Page, value: number): number {
  if (hasLabels(page)) return value;
  return page.target.mean + page.target.scale * value;
}

/** Where features are held: at the mean of the training rows shown. */
export function heldAt({ X, part, count, d }: Shown): Float64Array {
  const base = new Float64Array(d);
  let train = 0;
  for (let i = 0; i < count; i++) {
    if (part[i] !== 0) continue;
    train += 1;
    for (let j = 0; j < d; j++) base[j] += X[i * d + j];
  }
  return base.map((sum) => sum / Math.max(1, train));
}

type Thinned = Shown & { X: Float64Array; y: Float64Array };

/** At most so many rows, evenly among those shown. */
export function thinned(shown: Shown, most: number): { places: number[]; rows: Thinned } {
  const stride = Math.max(1, Math.ceil(shown.count / most));
  const places: number[] = [];
  for (let i = 0; i < shown.count; i += stride) places.push(i);
  const { d, k } = shown;
  const taken = (from: Numbers, width: number): Float64Array =>
    Float64Array.from({ length: places.length * width }, (_, i) => from[places[Math.floor(i / width)] * width + (i % width)]);
  const rows = {
    ...shown,
    X: taken(shown.X, d),
    y: taken(shown.y, k),
    part: Uint8Array.from(places, (place) => shown.part[place]),
    count: places.length,
  };
  return { places, rows };
}

/** Numbers in even steps, both ends among them. */
export function even(low: number, high: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => low + ((high - low) * i) / Math.max(1, count - 1));
}

export function targetName({ target, model }: Page, output: number): string {
  const outputs = model.sizes[model.sizes.length - 1] ?? 1;
  return outputs > 1 ? `${target.name}, output ${output + 1}` : target.name;
}
