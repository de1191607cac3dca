// The store: which frame is looked at, what is chosen, and who wants to know.  No call's cost
// depends on the length of the run, but for the first look at a block, which decodes it.
import type { Page } from "./contract";
import { type Bytes, decode } from "./decode";
import type { Chosen, Numbers, Store, Theta } from "./store";

export const SPEED = 12; // frames per second, until another is chosen

export function makeStore(page: Page, data: Bytes): Store {
  const blocks = new Map<string, Numbers>();
  const last = page.frames.length - 1;
  const parameters = page.blocks.theta.shape[1];
  let index = clamp(page.returned, last);
  let chosen: Chosen = first(page);
  let speed = SPEED;
  const clock = makeClock(advance);

  function block(name: string): Numbers {
    let found = blocks.get(name);
    if (found === undefined) {
      if (!(name in page.blocks)) throw new Error(`The page has no block called "${name}".`);
      found = decode(page.blocks[name], data);
      blocks.set(name, found);
    }
    return found;
  }

  function go(to: number): void {
    const next = clamp(to, last);
    if (next === index) return;
    index = next;
    clock.changed();
  }

  /** While playing: move on by so many seconds; false at the end. */
  let due = 0; // the part of a frame that has passed
  function advance(seconds: number): boolean {
    due += seconds * speed;
    const whole = Math.floor(due);
    due -= whole;
    go(index + whole);
    return index < last;
  }

  function play(on: boolean): void {
    if (on && index >= last) go(0); // from the start again
    due = 0;
    clock.run(on && last > 0);
  }

  return {
    page,
    get index() {
      return index;
    },
    get step() {
      return page.frames[index];
    },
    get stamp() {
      return index;
    },
    grown: 0,
    get chosen() {
      return chosen;
    },
    get playing() {
      return clock.running();
    },
    get speed() {
      return speed;
    },
    block,
    theta(at = index) {
      const all = block("theta") as Theta;
      const start = clamp(at, last) * parameters;
      return all.subarray(start, start + parameters);
    },
    curve(name) {
      const curve = page.curves.find((one) => one.name === name);
      if (curve === undefined) return null;
      return { curve, x: block(curve.x) as Int32Array, y: block(curve.y) as Float32Array };
    },
    go,
    goToStep: (step) => go(lastAtOrBefore(page.frames, step)),
    choose(change) {
      chosen = held({ ...chosen, ...change }, page);
      clock.changed();
    },
    play,
    setSpeed(framesPerSecond) {
      if (framesPerSecond > 0) speed = framesPerSecond;
      clock.changed();
    },
    on: clock.on,
    destroy: clock.stop,
  };
}

export function clamp(value: number, last: number): number {
  return Math.max(0, Math.min(last, Math.round(value) || 0));
}

export function first(page: Page): Chosen {
  const [x = 0, y = x] = page.axes;
  return { row: 0, x, y, numbers: true, log: false };
}

export function held(chosen: Chosen, page: Page): Chosen {
  const { train, validation } = page.rows.shown;
  const features = page.features.length - 1;
  return {
    ...chosen,
    row: clamp(chosen.row, train + validation - 1),
    x: clamp(chosen.x, features),
    y: clamp(chosen.y, features),
  };
}

/** The place of the last entry that is not above `step`, by halving; 0 where all are. */
export function lastAtOrBefore(steps: ArrayLike<number>, step: number): number {
  let low = 0;
  let high = steps.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (steps[middle] <= step) low = middle;
    else high = middle - 1;
  }
  return low;
}

// ------------------------------------------------------------------- animation frames

export interface Clock {
  changed(): void; // tell the listeners, at the next animation frame
  run(on: boolean): void;
  running(): boolean;
  on(listener: () => void): () => void;
  stop(): void; // for good
}

/** Listeners are called at most once per animation frame; `advance` is called while running. */
export function makeClock(advance: (seconds: number) => boolean): Clock {
  const listeners = new Set<() => void>();
  let asked = 0; // the handle of the frame that was asked for, 0 for none
  let dirty = false;
  let running = false;
  let before = 0; // when the frame before was drawn, 0 for never
  let over = false;

  function ask(): void {
    if (asked === 0 && !over) asked = requestAnimationFrame(frame);
  }

  function frame(now: number): void {
    if (running) {
      const seconds = before === 0 ? 0 : Math.min((now - before) / 1000, 1);
      before = now;
      running = advance(seconds);
      dirty ||= !running;
    }
    const tell = dirty;
    dirty = false;
    asked = 0;
    if (tell) for (const listener of [...listeners]) called(listener);
    if (running) ask();
  }

  return {
    changed() {
      dirty = true;
      ask();
    },
    run(on) {
      running = on;
      before = 0;
      dirty = true;
      ask();
    },
    running: () => running,
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop() {
      over = true;
      running = false;
      listeners.clear();
      cancelAnimationFrame(asked);
    },
  };
}

/** One view that fails must not keep the others from drawing. */
function called(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    reportError(error);
  }
}
