// The next update as Python would do it, at the step looked at; asked for as often as is useful.
import type { Link } from "../link";

export interface NextUpdate {
  step: number;
  rows: number; // it sees
  allRows: number;
  theta: Float64Array; // before it
  gradient: Float64Array;
  change: Float64Array;
  memory: { name: string; values: Float64Array }[];
}

const APART = 250; // milliseconds between two questions,
const AGAIN = 1500; // and before one is asked again

export interface Asker {
  /** The answer for this step, fresh; or the last one while it is on its way. */
  at(step: number): { next: NextUpdate | null; fresh: boolean };
  stop(): void;
}

export function makeAsker(link: Link, branch: () => number, came: () => void): Asker {
  let known: NextUpdate | null = null;
  let wanted = -1;
  let asked = 0;
  let timer = 0;
  let stale = false; // a rate or a parameter may have been changed since

  /** A question may get lost where Python is still at the last one: then it is asked again. */
  function ask(): void {
    timer = 0;
    if (wanted < 0 || (known?.step === wanted && !stale)) return;
    asked = performance.now();
    link.say({ kind: "ask", what: "update", step: wanted });
    timer = window.setTimeout(ask, AGAIN);
  }

  function soon(): void {
    clearTimeout(timer);
    timer = window.setTimeout(ask, Math.max(0, APART - (performance.now() - asked)));
  }

  const stopHearing = link.on("update", (told, buffers) => {
    if (told.branch !== branch() || told.unknown !== undefined) return;
    const [theta, gradient, change, slots] = buffers.map(numbers);
    const size = gradient.length;
    const memory = told.slots.map((name, i) => ({ name, values: slots.subarray(i * size, (i + 1) * size) }));
    stale = false;
    known = { step: told.step, rows: told.rows, allRows: told.all_rows, theta, gradient, change, memory };
    clearTimeout(timer);
    timer = 0;
    if (known.step !== wanted) soon();
    came();
  });

  const stopChanges = link.on("state", () => {
    stale = true;
    if (wanted >= 0) soon();
  });

  return {
    at(step) {
      if (known?.step !== step && wanted !== step) {
        wanted = step;
        if (timer === 0 || performance.now() - asked > APART) soon();
      }
      return { next: known, fresh: known?.step === step && !stale };
    },
    stop() {
      clearTimeout(timer);
      stopHearing();
      stopChanges();
    },
  };
}

function numbers(view: DataView): Float64Array {
  return Float64Array.from({ length: view.byteLength / 8 }, (_, i) => view.getFloat64(8 * i, true));
}
