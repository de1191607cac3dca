// What was seen of a race: a frame for each moment that was told, and which of them is looked at.
import { clamp, lastAtOrBefore } from "../../make";
import type { Racer, Told } from "../contract";

const MOST = 3000; // frames kept; beyond, of the older ones every other goes
const RECENT = 300;

export type Column =
  | "updates"
  | "loss"
  | "gradient_norm"
  | "u"
  | "v"
  | "gradient_u"
  | "gradient_v"
  | "update_u"
  | "update_v"
  | "velocity_u"
  | "velocity_v";

export interface RaceRecord {
  readonly racers: Racer[];
  readonly steps: number[];
  readonly index: number;
  readonly step: number;
  readonly following: boolean; // the newest is looked at, and will be
  clock: number; // updates that the race is over
  share: number | null;
  wanted: number | null; // the update that was asked for, and is on its way
  value(racer: number, column: Column, index?: number): number; // NaN where there is none
  add(step: number, branches: number[], rows: Float64Array): void;
  go(index: number): void;
  has(step: number): boolean;
  goToStep(step: number): void;
}

export function makeRecord(told: Told["race"], frames: DataView): RaceRecord {
  const { racers, columns } = told;
  const wide = racers.length * columns.length;
  const place = Object.fromEntries(columns.map((name, i) => [name, i])) as Record<Column, number>;
  const steps = [...told.steps];
  const rows = steps.map((_, i) => numbersIn(frames, i * wide, wide));
  let index = 0;
  let following = steps.length === 1;

  function thin(): void {
    if (steps.length <= MOST) return;
    const looked = steps[index];
    const old = steps.length - RECENT;
    let kept = 0;
    for (let i = 0; i < steps.length; i++) {
      if (i > 0 && i < old && i % 2 === 1 && steps[i] !== looked) continue;
      steps[kept] = steps[i];
      rows[kept] = rows[i];
      kept += 1;
    }
    steps.length = rows.length = kept;
    index = lastAtOrBefore(steps, looked);
  }

  /** In the order of the racers that began; who left has no numbers. */
  function ordered(branches: number[], told: Float64Array): Float64Array {
    const found = new Float64Array(wide).fill(Number.NaN);
    racers.forEach(({ branch }, i) => {
      const at = branches.indexOf(branch);
      if (at >= 0) found.set(told.subarray(at * columns.length, (at + 1) * columns.length), i * columns.length);
    });
    return found;
  }

  function go(to: number): void {
    index = clamp(to, steps.length - 1);
    following = index === steps.length - 1;
  }

  return {
    racers,
    steps,
    get index() {
      return index;
    },
    get step() {
      return steps[index];
    },
    get following() {
      return following;
    },
    clock: told.clock,
    share: told.share,
    wanted: null,
    value: (racer, column, at = index) => rows[at][racer * columns.length + place[column]],
    add(step, branches, told) {
      const at = lastAtOrBefore(steps, step);
      const row = ordered(branches, told);
      if (steps[at] === step) rows[at] = row;
      else {
        steps.splice(at + 1, 0, step);
        rows.splice(at + 1, 0, row);
        if (following && at + 2 === steps.length) index = at + 1;
        else if (at + 1 <= index) index += 1;
        thin();
      }
    },
    go,
    has: (step) => steps[lastAtOrBefore(steps, step)] === step,
    goToStep: (step) => go(lastAtOrBefore(steps, step)),
  };
}

/** Little-endian doubles from a place on. */
export function numbersIn(bytes: DataView, first: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => bytes.getFloat64(8 * (first + i), true));
}
