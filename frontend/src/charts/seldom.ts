// Words need not change sixty times a second: nobody reads them so fast, and each change costs.
import type { Store } from "../store";

const APART = 100; // milliseconds

/** Tells whether it is time for words: always at rest, now and then while frames follow one another. */
export function seldom(store: Pick<Store, "playing">): () => boolean {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (store.playing && now - last < APART) return false;
    last = now;
    return true;
  };
}
