// The curves' values at an update.
import { lastAtOrBefore } from "../make";
import type { Store } from "../store";

export interface Measured {
  step: number; // when it was measured
  value: number;
}

/** A curve's value at an update, or the last before it; null where there is none. */
export function valueAt(store: Store, name: string, step: number): Measured | null {
  const found = store.curve(name);
  if (found === null || found.x.length === 0) return null;
  const i = lastAtOrBefore(found.x, step);
  return { step: found.x[i], value: found.y[i] };
}

/** The loss over all training rows where it was measured, else over the next update's batch. */
export function lossAt(store: Store, step: number): Measured | null {
  return valueAt(store, "loss", step);
}
