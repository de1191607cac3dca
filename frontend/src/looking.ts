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
  const maths = mathsOf(store);
  if (maths === null || !("X" in store.page.blocks)) return null;
  const part = store.block("part") as Uint8Array;
  const count = part.length;
  const weight = weights(store, part);
  const rows = { X: wide(store.block("X")), y: wide(store.block("y")), weight, count };
  let foundAt = -1;
  let gradientAt = -1;
  let found: Found;
  let gradient: Float64Array;

  function here(): Found {
    if (foundAt !== store.index) found = maths!.find(store.theta(), rows);
    foundAt = store.index;
    return found;
  }

  return {
    maths,
    rows,
    part,
    found: here,
    gradient() {
      here();
      if (gradientAt !== store.index) gradient = maths.gradient(store.theta(), rows);
      gradientAt = store.index;
      return gradient;
    },
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
