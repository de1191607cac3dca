// The store of a run that is still going on: frames and curves are added, old frames thinned, so that
// an hour of training takes no more room than a minute.
import type { Block, Curve, Finding, Page, Surface } from "../contract";
import { type Bytes, decode } from "../decode";
import { clamp, type Clock, first, held, lastAtOrBefore, makeClock, SPEED } from "../make";
import type { Chosen, Numbers, Store, Theta } from "../store";

const MOST_FRAMES = 1200;
const MOST_NUMBERS = 4_000_000; // of all frames together: 32 MB
const RECENT = 200; // frames that are never thinned

export interface LiveStore extends Store {
  readonly following: boolean; // the newest frame is looked at, and will be
  follow(on: boolean): void;
  /** Adds a state; in its place where it is an earlier one. */
  add(step: number, theta: Theta): void;
  /** Looks at exactly this step, once its state is there; true where it is. */
  has(step: number): boolean;
  /** Adds a curve's newest value. */
  measure(name: string, step: number, value: number): void;
  setUpdates(updates: number): void;
  setCurves(curves: Curve[], blocks: Record<string, Block>, data: Bytes): void;
  setSurface(surface: Surface | null, blocks: Record<string, Block>, data: Bytes): void;
  setFindings(findings: Finding[]): void;
  setParts(parts: Partial<Pick<Page, "optimizer" | "penalty" | "task">>): void;
  told(): void; // something views depend on has changed
}

/** Numbers that grow at the end, in room that doubles. */
class Growing {
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

export function makeLiveStore(page: Page, data: Bytes): LiveStore {
  const blocks = new Map<string, Numbers>();
  const curves = new Map<string, { curve: Curve; x: Growing; y: Growing }>();
  const steps: number[] = page.frames;
  const thetas: Theta[] = split(decode(page.blocks.theta, data) as Theta, steps.length);
  const parameters = thetas[0]?.length ?? 0;
  const most = Math.max(60, Math.min(MOST_FRAMES, Math.floor(MOST_NUMBERS / Math.max(1, parameters))));
  let index = steps.length - 1;
  let stamp = 0;
  let grown = 1;
  let following = true;
  let chosen: Chosen = first(page);
  let speed = SPEED;
  const clock: Clock = makeClock(advance);
  takeCurves(page.curves, page.blocks, data);

  function block(name: string): Numbers {
    let found = blocks.get(name);
    if (found === undefined) {
      if (!(name in page.blocks)) throw new Error(`The page has no block called "${name}".`);
      found = decode(page.blocks[name], data);
      blocks.set(name, found);
    }
    return found;
  }

  function takeCurves(told: Curve[], described: Record<string, Block>, bytes: Bytes): void {
    curves.clear();
    for (const curve of told) {
      const [x, y] = [decode(described[curve.x], bytes), decode(described[curve.y], bytes)];
      curves.set(curve.name, { curve, x: new Growing(x), y: new Growing(y) });
      for (const name of [curve.low, curve.high]) {
        if (name !== null) blocks.set(name, decode(described[name], bytes));
      }
    }
    page.curves = told;
  }

  function changed(): void {
    grown += 1;
    clock.changed();
  }

  function go(to: number): void {
    const next = clamp(to, steps.length - 1);
    following = next === steps.length - 1;
    if (next === index) return;
    index = next;
    stamp += 1;
    clock.changed();
  }

  let due = 0;
  function advance(seconds: number): boolean {
    due += seconds * speed;
    const whole = Math.floor(due);
    due -= whole;
    go(index + whole);
    return index < steps.length - 1;
  }

  /** Of the older frames every other one goes. */
  function thin(): void {
    if (steps.length <= most) return;
    const looked = steps[index];
    const old = steps.length - RECENT;
    let kept = 0;
    for (let i = 0; i < steps.length; i++) {
      if (i > 0 && i < old && i % 2 === 1 && steps[i] !== looked) continue;
      steps[kept] = steps[i];
      thetas[kept] = thetas[i];
      kept += 1;
    }
    steps.length = kept;
    thetas.length = kept;
    index = lastAtOrBefore(steps, looked);
  }

  function add(step: number, theta: Theta): void {
    const at = lastAtOrBefore(steps, step);
    if (steps[at] === step) {
      thetas[at] = theta;
      if (at === index) stamp += 1;
    } else if (step > steps[at]) {
      steps.splice(at + 1, 0, step);
      thetas.splice(at + 1, 0, theta);
      if (following && at + 1 === steps.length - 1) {
        index = at + 1;
        stamp += 1;
      } else if (at + 1 <= index) index += 1;
      thin();
    }
    changed();
  }

  return {
    page,
    get index() {
      return index;
    },
    get step() {
      return steps[index];
    },
    get stamp() {
      return stamp;
    },
    get grown() {
      return grown;
    },
    get chosen() {
      return chosen;
    },
    get playing() {
      return clock.running();
    },
    get speed() {
      return speed;
    },
    get following() {
      return following;
    },
    block,
    theta: (at = index) => thetas[clamp(at, steps.length - 1)],
    curve(name) {
      const found = curves.get(name);
      if (found === undefined) return null;
      return { curve: found.curve, x: found.x.view() as never, y: found.y.view() as never };
    },
    go,
    goToStep: (step) => go(lastAtOrBefore(steps, step)),
    choose(change) {
      chosen = held({ ...chosen, ...change }, page);
      clock.changed();
    },
    play(on) {
      due = 0;
      clock.run(on && index < steps.length - 1);
    },
    setSpeed(framesPerSecond) {
      if (framesPerSecond > 0) speed = framesPerSecond;
      clock.changed();
    },
    on: clock.on,
    destroy: clock.stop,
    follow(on) {
      following = on;
      if (on) go(steps.length - 1);
    },
    add,
    has: (step) => steps[lastAtOrBefore(steps, step)] === step,
    measure(name, step, value) {
      const found = curves.get(name);
      if (found === undefined) return;
      const x = found.x.view();
      if (x.length > 0 && x[x.length - 1] >= step) return;
      found.x.push(step);
      found.y.push(value);
    },
    setUpdates(updates) {
      page.updates = updates;
    },
    setCurves(told, described, bytes) {
      takeCurves(told, described, bytes);
      changed();
    },
    setSurface(surface, described, bytes) {
      for (const [name, one] of Object.entries(described)) blocks.set(name, decode(one, bytes));
      page.surface = surface;
      changed();
    },
    setFindings(findings) {
      page.findings = findings;
      changed();
    },
    setParts(parts) {
      Object.assign(page, parts);
      changed();
    },
    told: changed,
  };
}

function split(all: Theta, count: number): Theta[] {
  const each = all.length / Math.max(1, count);
  return Array.from({ length: count }, (_, i) => all.slice(i * each, (i + 1) * each));
}
