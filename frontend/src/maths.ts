// The mathematics of the page in one place: from flat theta and rows to scores, predictions, losses,
// the objective and its gradient.  All is computed in double precision, in buffers made once.
//
//     const maths = makeMaths(page)            null for an own model
//     maths.at(theta, X, rows).scores          (rows, k) row by row, until the next call
import type { Page, Part } from "./contract";
import { type Loss, lossOf, predicted, rowLosses, scoreSlopes } from "./losses";
import { backward, forward, makeTape, type Net, netOf, onward, type Tape } from "./net";
import { addPenaltySlope, penaltyValue, type Strengths, strengthsOf } from "./penalties";
import type { Numbers } from "./store";

/** Rows with their targets; `weight` only where rows are weighed. */
export interface Rows {
  X: Float64Array; // (m, d)
  y: Float64Array; // (m, k), or labels (m, 1)
  weight: Float64Array | null; // (m,)
  count: number; // m
}

/** What theta makes of rows.  The arrays belong to the maths, and hold until its next call. */
export interface Found {
  tape: Tape;
  scores: Float64Array; // (m, k)
  predicted: Float64Array; // (m, k)
  losses: Float64Array | null; // (m,); null where the loss is one's own
  objective: number; // the losses in one number, and the penalty; NaN where the loss is one's own
  penalty: number;
}

/** Two features over a grid, the others held: `base` (d,) says where. */
export interface Grid {
  x: number; // features; where they are the same, only x moves
  y: number;
  xs: ArrayLike<number>;
  ys: ArrayLike<number>;
  base: ArrayLike<number>;
}

export interface Maths {
  readonly net: Net;
  readonly loss: Loss | null;
  readonly strengths: Strengths;
  find(theta: Numbers, rows: Rows): Found;
  gradient(theta: Numbers, rows: Rows): Float64Array; // (P,); after `find` of the same
  grid(theta: Numbers, grid: Grid): Float64Array; // scores (ys, xs, k)
  link(scores: Float64Array): Float64Array; // what scores (·, k) predict
}

export interface Asked {
  model: Page["model"];
  loss: Part;
  reduction: Page["reduction"];
  penalty: Part | null;
}

/** The mathematics of a task, or null where the page cannot know it. */
export function makeMaths(asked: Asked): Maths | null {
  const net = netOf(asked.model);
  const strengths = strengthsOf(asked.penalty);
  if (net === null || strengths === null) return null;
  const loss = lossOf(asked.loss);
  const found = reused((rows) => emptyFound(net, loss, rows));
  const gridTape = reused((rows) => makeTape(net, rows));
  const gradient = new Float64Array(net.parameters);
  const theta64 = new Float64Array(net.parameters);
  const wide = (theta: Numbers): Float64Array => (theta64.set(theta), theta64);

  return {
    net,
    loss,
    strengths,
    find(given, rows) {
      const theta = wide(given);
      const here = found(rows.count);
      forward(net, theta, rows.X, here.tape);
      predicted(loss, here.scores, net.k, here.predicted);
      here.penalty = penaltyValue(net, strengths, theta);
      if (loss === null || here.losses === null) return here;
      rowLosses(loss, here.scores, rows.y, net.k, here.losses);
      here.objective = reduced(here.losses, rows.weight, asked.reduction) + here.penalty;
      return here;
    },
    gradient(given, rows) {
      const theta = wide(given);
      if (loss === null) return gradient.fill(NaN);
      const { tape, scores } = found(rows.count);
      const slopes = new Float64Array(scores.length);
      scoreSlopes(loss, scores, rows.y, net.k, shares(rows, asked.reduction), slopes);
      backward(net, theta, rows.X, tape, slopes, gradient);
      addPenaltySlope(net, strengths, theta, gradient);
      return gradient;
    },
    grid(given, grid) {
      const theta = wide(given);
      const tape = gridTape(grid.xs.length * grid.ys.length);
      firstSums(net, theta, grid, tape.sums[0]);
      return onward(net, theta, tape).scores;
    },
    link(scores) {
      const out = new Float64Array(scores.length);
      predicted(loss, scores, net.k, out);
      return out;
    },
  };
}

function emptyFound(net: Net, loss: Loss | null, rows: number): Found {
  const tape = makeTape(net, rows);
  return {
    tape,
    scores: tape.scores,
    predicted: new Float64Array(rows * net.k),
    losses: loss === null ? null : new Float64Array(rows),
    objective: NaN,
    penalty: 0,
  };
}

/** What was made for that many rows, or is made now: only the last is kept. */
function reused<T>(make: (rows: number) => T): (rows: number) => T {
  let kept: { rows: number; made: T } | null = null;
  return (rows) => {
    if (kept === null || kept.rows !== rows) kept = { rows, made: make(rows) };
    return kept.made;
  };
}

// ------------------------------------------------------------------- from rows to one number

/** What the sum of losses is divided by: as `mass` in losses.py. */
function mass(weight: Float64Array | null, count: number, reduction: Page["reduction"]): number {
  if (reduction === "sum") return 1;
  if (weight === null) return count;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += weight[i];
  return sum || 1;
}

export function reduced(
  losses: Float64Array,
  weight: Float64Array | null,
  reduction: Page["reduction"],
): number {
  let sum = 0;
  for (let i = 0; i < losses.length; i++) {
    if (weight === null) sum += losses[i];
    else if (weight[i] !== 0) sum += weight[i] * losses[i]; // an infinite loss that does not count
  }
  return sum / mass(weight, losses.length, reduction);
}

/** How much each row counts in the objective. */
function shares({ weight, count }: Rows, reduction: Page["reduction"]): Float64Array {
  const whole = mass(weight, count, reduction);
  const found = new Float64Array(count);
  for (let i = 0; i < count; i++) found[i] = (weight === null ? 1 : weight[i]) / whole;
  return found;
}

// ------------------------------------------------------------------- a grid

/** The first layer's sums over a grid: what the held features give, and a share of x and of y. */
function firstSums(net: Net, theta: Float64Array, grid: Grid, out: Float64Array): void {
  const { inputs, units, weight, bias } = net.layers[0];
  const moving = grid.x === grid.y ? [grid.x] : [grid.x, grid.y];
  const held = new Float64Array(units);
  for (let j = 0; j < units; j++) {
    if (bias >= 0) held[j] = theta[bias + j];
    for (let i = 0; i < inputs; i++) {
      if (!moving.includes(i)) held[j] += grid.base[i] * theta[weight + i * units + j];
    }
  }
  const byX = theta.subarray(weight + grid.x * units, weight + (grid.x + 1) * units);
  const byY = theta.subarray(weight + grid.y * units, weight + (grid.y + 1) * units);
  let to = 0;
  for (let row = 0; row < grid.ys.length; row++) {
    const up = moving.length === 1 ? 0 : grid.ys[row];
    for (let column = 0; column < grid.xs.length; column++) {
      for (let j = 0; j < units; j++) out[to++] = held[j] + grid.xs[column] * byX[j] + up * byY[j];
    }
  }
}
