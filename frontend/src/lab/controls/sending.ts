// Sends changes of settings one at a time: while an answer is on its way, what is changed meanwhile
// waits, and of several values for one setting only the last is ever sent.
import type { Lab } from "../context";
import type { Settings } from "../contract";

export interface Sender {
  set(change: Settings): void;
  /** Whether everything has been answered. */
  idle(): boolean;
  /** Whether a value of this setting has not been answered yet. */
  pending(key: string): boolean;
  /** What the change answered last had asked for, once. */
  answered(): Settings | null;
}

const LONGEST = 3000; // milliseconds after which an answer is no longer waited for

export function makeSender(lab: Lab, refused: () => void, signal: AbortSignal): Sender {
  const waiting: Settings[] = [];
  let flying: { number: number; change: Settings; since: number } | null = null;
  let done: Settings | null = null;
  let number = 0;

  function fly(): void {
    if (flying !== null && performance.now() - flying.since < LONGEST) return;
    const change = waiting.shift();
    if (change === undefined) return;
    number = Math.max(number, lab.state?.number ?? 0) + 1;
    flying = { number, change, since: performance.now() };
    lab.link.say({ kind: "set", change, number });
  }

  const ends = [
    lab.onState((state) => {
      if (flying === null || (state.number ?? 0) < flying.number) return;
      done = flying.change;
      flying = null;
      fly();
    }),
    lab.link.on("said", ({ severity }) => {
      if (severity !== "error" || flying === null) return;
      flying = null;
      waiting.length = 0;
      refused();
    }),
    lab.link.on("connection", () => {
      flying = null;
    }),
  ];
  signal.addEventListener("abort", () => ends.forEach((end) => end()));

  return {
    set(change) {
      const last = waiting.at(-1);
      if (last !== undefined && same(last, change)) Object.assign(last, change);
      else waiting.push({ ...change });
      fly();
    },
    idle: () => flying === null && waiting.length === 0,
    pending: (key) => (flying !== null && key in flying.change) || waiting.some((one) => key in one),
    answered() {
      const found = done;
      done = null;
      return found;
    },
  };
}

/** Whether two changes are of the same settings. */
function same(one: Settings, other: Settings): boolean {
  return Object.keys(one).join() === Object.keys(other).join();
}
