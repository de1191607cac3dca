// The mathematics of a store's run: what the frame looked at makes of the rows shown.  Computed once
// for all views.
//
//     const look = lookOf(store)               null for own models and runs without rows
//     look.found().scores                      of every row shown, at the frame looked at
import { type Found, type Maths, makeMaths, type Rows } from "./maths";
import type { Numbers, Store } from "./store";

export interface Look {
  readonly maths: Maths;
  readonly rows: Rows; // all rows shown; in the objective, validation rows weigh 0
  readonly part: Uint8Array; // 0 training, 1 validation
  found(): Found; // objective: of the training rows shown
  gradient(): Float64Array; // of that objective
  one(): Found; // of the row chosen, at little cost; it holds until the next call
}

const known = new WeakMap<Store, Look | null>();
const mathsKnown = new WeakMap<Store, Maths | null>();

/** The mathematics alone: also where no rows are at hand. */
export function mathsOf(store: Store): Maths | null {
  const kept = mathsKnown.get(store);
  if (kept !== undefined) return kept;
  const made = makeMaths(store.page);
  mathsKnown.set(store, made);
  return made;
}

export function lookOf(store: Store): Look | null {
  const kept = known.get(store);
  if (kept !== undefined) return kept;
  const made = makeLook(store);
  known.set(store, made);
  return made;
}

function makeLook(store: Store): Look | null {
  const { X, part } = store.page.blocks;
  const maths = mathsOf(store);
  if (maths === null || X === undefined || X.shape[0] === 0) return null;
  const parts = store.block("part") as Uint8Array;
  const weight = weights(store, parts);
  const rows: Rows = {
    X: wide(store.block("X")),
    y: wide(store.block("y")),
    weight,
    count: part.shape[0],
  };
  // Each with buffers of its own: what one finds must not overwrite what another found.
  const [all, single] = [makeMaths(store.page)!, makeMaths(store.page)!];
  const found = kept(store, () => all.find(store.theta(), rows));
  const gradient = kept(store, () => (found(), all.gradient(store.theta(), rows)));
  const one = () => single.find(store.theta(), rowOf(rows, store.chosen.row));
  return { maths, rows, part: parts, found, gradient, one };
}

/** Computed once for each frame. */
function kept<T>(store: Store, compute: () => T): () => T {
  let at = -1;
  let found: T;
  return () => {
    if (at !== store.stamp) found = compute();
    at = store.stamp;
    return found;
  };
}

/** One row as rows. */
export function rowOf({ X, y, count }: Rows, row: number): Rows {
  const [d, k] = [X.length / count, y.length / count];
  return {
    X: X.subarray(row * d, (row + 1) * d),
    y: y.subarray(row * k, (row + 1) * k),
    weight: null,
    count: 1,
  };
}

function wide(numbers: Numbers): Float64Array {
  return Float64Array.from(numbers);
}

/** The rows' own weights, and 0 for validation rows; null where all rows count alike. */
function weights(store: Store, part: Uint8Array): Float64Array | null {
  const own = "weight" in store.page.blocks ? wide(store.block("weight")) : null;
  if (store.page.rows.shown.validation === 0) return own;
  return Float64Array.from(part, (one, i) => (one === 0 ? (own?.[i] ?? 1) : 0));
}
