// Labels: which one a row's scores say, and how often that is wrong.
import type { Look } from "../looking";
import type { Store } from "../store";

/** The label's code that scores (k,) from `at` on say: the side of 0, or the largest. */
export function saidBy(scores: ArrayLike<number>, at: number, k: number): number {
  if (k === 1) return Number(scores[at] > 0);
  let best = 0;
  for (let j = 1; j < k; j++) if (scores[at + j] > scores[at + best]) best = j;
  return best;
}

/** The share of the training rows shown whose label is not the one said. */
export function wrongShare(look: Look): number {
  const { scores } = look.found();
  const { k } = look.maths.net;
  const { count, y } = look.rows;
  let wrong = 0;
  let train = 0;
  for (let i = 0; i < count; i++) {
    if (look.part[i] !== 0) continue;
    train += 1;
    wrong += Number(saidBy(scores, i * k, k) !== y[i]);
  }
  return train === 0 ? Number.NaN : wrong / train;
}

/** What a class is called. */
export function className(store: Store, code: number): string {
  return store.page.target.classes?.[code] ?? String(code);
}
