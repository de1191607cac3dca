// The store of a run that is still going on: frames and curves are added as they come.
//
// It trains only through `asks`: playing replays what is recorded up to the newest state and then
// trains on, as with live television; any step can be gone to, and its state is asked for.
import type { Block, Curve, DatedSurface, Finding, Page } from "../contract";
import { type Bytes, decode } from "../decode";
import { clamp, type Clock, first, held, lastAtOrBefore, makeClock, SPEED } from "../make";
import type { Chosen, Numbers, Store, Theta } from "../store";
import { Growing, makeFrames, split } from "./growing";

/** What the store asks of whoever trains. */
export interface Asks {
  train(on: boolean): void;
  look(step: number): void; // for the exact state after a number of updates
}

export interface LiveStore extends Store {
  readonly following: boolean; // the newest frame is looked at, and will be
  readonly wanted: number; // the step that is gone to: its state may still be on its way
  follow(): void; // to the newest frame, now and as others come
  /** Adds a state; in its place where it is an earlier one. */
  add(step: number, theta: Theta): void;
  has(step: number): boolean;
  /** Adds a curve's newest value. */
  measure(name: string, step: number, value: number): void;
  setUpdates(updates: number): void;
  setTraining(on: boolean): void; // whether it trains, as Python says
  /** How fast what is recorded is replayed, in updates a second; null for a frame at a time. */
  setPace(updatesPerSecond: number | null): void;
  setCurves(curves: Curve[], blocks: Record<string, Block>, data: Bytes): void;
  setSurface(surface: DatedSurface | null, blocks: Record<string, Block>, data: Bytes): void;
  setFindings(findings: Finding[]): void;
  setParts(parts: Partial<Pick<Page, "optimizer" | "penalty" | "task" | "marks">>): void;
  told(): void; // something views depend on has changed
}

interface Grown {
  curve: Curve;
  x: Growing;
  y: Growing;
}

const PATIENCE = 3000; // milliseconds, after which an answer is no longer waited for
const NOBODY: Asks = { train: () => undefined, look: () => undefined };

export function makeLiveStore(page: Page, data: Bytes, asks: Asks = NOBODY): LiveStore {
  const blocks = new Map<string, Numbers>();
  const curves = new Map<string, Grown>();
  const frames = makeFrames(page.frames, split(decode(page.blocks.theta, data) as Theta, page.frames.length));
  const { steps, thetas } = frames;
  let index = steps.length - 1;
  let stamp = 0;
  let grown = 1;
  let following = true;
  let training = false;
  let wanted = steps[index];
  let asked: number | null = null; // the step whose state is on its way
  let askedAt = 0;
  let chosen: Chosen = first(page);
  let speed = SPEED;
  let pace: number | null = null;
  let replayed = 0; // the update that a replay has come to
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
    const before = new Map(curves);
    curves.clear();
    for (const curve of told) {
      const [x, y] = [decode(described[curve.x], bytes), decode(described[curve.y], bytes)];
      const taken = { curve, x: new Growing(x), y: new Growing(y) };
      curves.set(curve.name, taken);
      later(before.get(curve.name), taken);
      keepEnds(before.get(curve.name), taken);
      for (const name of [curve.low, curve.high]) {
        if (name !== null) blocks.set(name, decode(described[name], bytes));
      }
    }
    page.curves = told;
  }

  /** What was measured while the curve was on its way stays. */
  function later(from: Grown | undefined, to: Grown): void {
    const [x, y] = [from?.x.view() ?? [], from?.y.view() ?? []];
    const last = to.x.view()[to.x.length - 1] ?? -1;
    for (let i = x.length > 0 ? lastAtOrBefore(x, last) : 0; i < x.length; i++) {
      if (x[i] <= last) continue;
      to.x.push(x[i]);
      to.y.push(y[i]);
    }
  }

  /** What was told of a curve's ends stays known, also when its updates are joined into blocks. */
  function keepEnds(from: Grown | undefined, { curve, x }: Grown): void {
    if (curve.low === null || from === undefined) return;
    const told = from.x.length > 0 && from.x.view()[from.x.length - 1] === x.view()[x.length - 1]; // after the blocks
    const y = from.y.view();
    const known = from.curve.low === null && y.length > 0 ? [y[0], y[y.length - 1]] : from.curve.ends;
    if (known != null) curve.ends = [known[0], (told ? null : curve.ends?.[1]) ?? known[1]];
  }

  function changed(): void {
    grown += 1;
    clock.changed();
  }

  // ------------------------------------------------------------------- going to a frame

  function go(to: number): void {
    wanted = steps[clamp(to, steps.length - 1)];
    moved(clamp(to, steps.length - 1));
  }

  function moved(to: number): void {
    following = to === steps.length - 1 && wanted >= steps[to];
    if (to !== index) {
      index = to;
      stamp += 1;
    }
    clock.changed();
  }

  /** To the state nearest before it, and to its own once that has come. */
  function goToStep(step: number): void {
    wanted = Math.max(0, Math.min(Math.round(step) || 0, Math.max(page.updates, steps[steps.length - 1])));
    moved(lastAtOrBefore(steps, wanted));
    lookFor(wanted);
  }

  /** One at a time: whoever drags asks for more than can be answered. */
  function lookFor(step: number): void {
    const waiting = asked !== null && performance.now() - askedAt < PATIENCE;
    if (waiting || frames.has(step)) return;
    [asked, askedAt] = [step, performance.now()];
    asks.look(step);
  }

  function add(step: number, theta: Theta): void {
    const { at, isNew } = frames.put(step, theta);
    if (!isNew && at === index) stamp += 1;
    if (isNew && at <= index) index += 1;
    if (following && at === steps.length - 1) {
      wanted = step;
      if (at !== index) [index, stamp] = [at, stamp + 1];
    }
    if (step === asked) {
      asked = null;
      lookFor(wanted);
    }
    if (!following && steps[index] !== wanted) moved(lastAtOrBefore(steps, wanted));
    const looked = steps[index];
    frames.thin(looked);
    index = lastAtOrBefore(steps, looked);
    changed();
  }

  // ------------------------------------------------------------------- playing

  /** While replaying: move on by so many seconds; false at the end, where training goes on. */
  function advance(seconds: number): boolean {
    const last = steps.length - 1;
    if (pace !== null) replayed += seconds * pace;
    go(pace === null ? index + 1 : lastAtOrBefore(steps, replayed));
    if (index < last) return true;
    train(true);
    return false;
  }

  function train(on: boolean): void {
    if (on === training) return;
    training = on; // until Python says otherwise
    asks.train(on);
  }

  function play(on: boolean): void {
    if (!on) {
      train(false);
      clock.run(false);
    } else if (index < steps.length - 1) {
      replayed = steps[index];
      clock.run(true);
    } else {
      follow();
      train(true);
      clock.changed();
    }
  }

  function follow(): void {
    go(steps.length - 1);
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
      return clock.running() || (training && following);
    },
    get speed() {
      return speed;
    },
    get following() {
      return following;
    },
    get wanted() {
      return wanted;
    },
    block,
    theta: (at = index) => thetas[clamp(at, steps.length - 1)],
    curve(name) {
      const found = curves.get(name);
      if (found === undefined) return null;
      return { curve: found.curve, x: found.x.view() as never, y: found.y.view() as never };
    },
    go,
    goToStep,
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
    follow,
    add,
    has: frames.has,
    measure(name, step, value) {
      const found = curves.get(name);
      if (found === undefined) return;
      const x = found.x.view();
      if (x.length > 0 && x[x.length - 1] >= step) return;
      found.x.push(step);
      found.y.push(value);
      if (found.curve.ends != null) found.curve.ends = [found.curve.ends[0], value];
    },
    setUpdates(updates) {
      page.updates = updates;
    },
    setTraining(on) {
      training = on;
      if (!on && following) goToStep(page.updates); // frames on the way may have been dropped
      changed();
    },
    setPace(updatesPerSecond) {
      pace = updatesPerSecond;
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
