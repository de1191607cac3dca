// The model over two of its features: what happens to the others, and what is computed of squares
// and products of the two, which move with them.
import { forward, makeTape, type Net, type Tape } from "../net";
import type { Page } from "../contract";
import type { Range } from "./axes";
import type { Theta } from "../store";
import { even, heldAt, metFrom, ownUnit, type Shown } from "./rows";

/** A feature that follows from the two on the axes. */
interface Follower {
  feature: number;
  of(x: number, y: number): number; // in own units
}

/** Places over the plane as rows for the net: (side · side, d), the first row at the lowest y. */
export function rowsOver(
  page: Page,
  shown: Shown,
  [x, y]: [number, number],
  ranges: { x: Range; y: Range },
  [across, up]: [number, number],
  base: Float64Array = heldAt(shown),
): Float64Array {
  const { d } = shown;
  const rows = new Float64Array(across * up * d);
  const followers = followersOf(page, shown, x, y);
  const [xs, ys] = [even(...ranges.x, across), even(...ranges.y, up)];
  for (let i = 0; i < up; i++) {
    for (let j = 0; j < across; j++) {
      const at = (i * across + j) * d;
      rows.set(base, at);
      rows[at + x] = metFrom(page, x, xs[j]);
      if (y !== x) rows[at + y] = metFrom(page, y, ys[i]);
      for (const { feature, of } of followers) rows[at + feature] = metFrom(page, feature, of(xs[j], ys[i]));
    }
  }
  return rows;
}

/** Squares, products and sines of the two, by name, where the rows bear it out. */
export function followersOf(page: Page, shown: Shown, x: number, y: number): Follower[] {
  const [a, b] = [page.features[x].name, page.features[y].name];
  const formulas: Record<string, Follower["of"]> = {
    [`${a}^2`]: (u) => u * u,
    [`${b}^2`]: (_, v) => v * v,
    [`${a}*${b}`]: (u, v) => u * v,
    [`${b}*${a}`]: (u, v) => u * v,
    [`sin ${a}`]: (u) => Math.sin(u),
    [`sin ${b}`]: (_, v) => Math.sin(v),
  };
  return page.features.flatMap(({ name }, feature) => {
    if (!Object.hasOwn(formulas, name) || feature === x || feature === y) return [];
    const found = { feature, of: formulas[name] };
    return borneOut(page, shown, x, y, found) ? [found] : [];
  });
}

const LOOKED_AT = 20; // rows

function borneOut(page: Page, { X, count, d }: Shown, x: number, y: number, { feature, of }: Follower): boolean {
  for (let i = 0; i < Math.min(count, LOOKED_AT); i++) {
    const own = (j: number): number => ownUnit(page, j, X[i * d + j]);
    const wanted = of(own(x), own(y));
    if (Math.abs(own(feature) - wanted) > 1e-3 * (1 + Math.abs(wanted))) return false;
  }
  return true;
}

/** Whether every feature is on an axis or follows from those that are. */
export function isWhole(page: Page, shown: Shown, x: number, y: number): boolean {
  return new Set([x, y]).size + followersOf(page, shown, x, y).length === page.features.length;
}

/** The net over rows, in buffers that are kept while their number stays. */
export function makeRunner(net: Net): (theta: Theta, X: Float64Array) => Tape {
  const wide = new Float64Array(net.parameters);
  let tape: Tape | null = null;
  return (theta, X) => {
    const rows = X.length / net.d;
    if (tape === null || tape.rows !== rows) tape = makeTape(net, rows);
    wide.set(theta);
    return forward(net, wide, X, tape);
  };
}

/** What several sets of rows give, on average. */
export function meanOver(over: Float64Array[], values: (rows: Float64Array) => Float64Array): Float64Array {
  const sum = Float64Array.from(values(over[0]));
  for (const rows of over.slice(1)) {
    const found = values(rows);
    for (let i = 0; i < sum.length; i++) sum[i] += found[i];
  }
  return sum.map((one) => one / over.length);
}
