// What grows while a run goes on: numbers at the end of a curve, and states in the order of their
// steps, the older ones thinned so that an hour takes no more room than a minute.
import { lastAtOrBefore } from "../make";
import type { Theta } from "../store";

const MOST_FRAMES = 1200;
const MOST_NUMBERS = 4_000_000; // of all frames together: 32 MB
const RECENT = 200; // frames that are never thinned

/** Numbers that grow at the end, in room that doubles. */
export class Growing {
  private room: Float64Array<ArrayBufferLike>;
  length: number;
  constructor(values: ArrayLike<number>) {
    this.room = Float64Array.from(values);
    this.length = values.length;
  }
  push(value: number): void {
    if (this.length === this.room.length) {
      const wider = new Float64Array(Math.max(64, 2 * this.length));
      wider.set(this.room);
      this.room = wider;
    }
    this.room[this.length] = value;
    this.length += 1;
  }
  view(): Float64Array {
    return this.room.subarray(0, this.length);
  }
}

export interface Frames {
  readonly steps: number[]; // ascending; the same array for good
  readonly thetas: Theta[];
  has(step: number): boolean;
  /** Puts a state in its place, over one of the same step; the place, and whether it is a new one. */
  put(step: number, theta: Theta): { at: number; isNew: boolean };
  /** Of the older ones every other one goes, once there are too many; never the first nor `step`. */
  thin(step: number): void;
}

export function makeFrames(steps: number[], thetas: Theta[]): Frames {
  const parameters = thetas[0]?.length ?? 0;
  const most = Math.max(60, Math.min(MOST_FRAMES, Math.floor(MOST_NUMBERS / Math.max(1, parameters))));
  const recent = Math.min(RECENT, most >> 1);

  function put(step: number, theta: Theta): { at: number; isNew: boolean } {
    const before = lastAtOrBefore(steps, step);
    if (steps[before] === step) {
      thetas[before] = theta;
      return { at: before, isNew: false };
    }
    const at = steps.length > 0 && step > steps[before] ? before + 1 : before;
    steps.splice(at, 0, step);
    thetas.splice(at, 0, theta);
    return { at, isNew: true };
  }

  function thin(looked: number): void {
    if (steps.length <= most) return;
    const old = steps.length - recent;
    let kept = 0;
    for (let i = 0; i < steps.length; i++) {
      if (i < old && i % 2 === 1 && steps[i] !== looked) continue;
      steps[kept] = steps[i];
      thetas[kept] = thetas[i];
      kept += 1;
    }
    steps.length = kept;
    thetas.length = kept;
  }

  return { steps, thetas, has: (step) => steps[lastAtOrBefore(steps, step)] === step, put, thin };
}

/** The rows of one long array, one after another. */
export function split(all: Theta, count: number): Theta[] {
  const each = all.length / Math.max(1, count);
  return Array.from({ length: count }, (_, i) => all.slice(i * each, (i + 1) * each));
}
