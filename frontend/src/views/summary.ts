// The state in words: what everybody sees at each frame, and what a screen reader is told politely.
import { make, setText } from "../charts/elements";
import { count, counted, percent, setValue, short, valueSpan } from "../charts/figures";
import { type Measured, valueAt } from "../charts/moments";
import { parameterCount, parametersOf } from "../charts/parameters";
import { seldom } from "../charts/seldom";
import { wrongShare } from "../charts/judging";
import type { Curve } from "../contract";
import { lookOf } from "../looking";
import type { MakeView, Store, Theta } from "../store";

const POLITE = 700; // milliseconds without a change, before anything is said
const FEW = 3; // parameters named in the sentence
const WORK = 300_000; // while playing, rows times parameters that are judged at each frame

interface Entry {
  element: HTMLElement;
  draw(): void;
}

export const summary: MakeView = (store, host) => {
  const list = make("dl", { class: "now" });
  const said = make("p", { class: "unseen", role: "status" });
  host.append(list, said);
  let entries: Entry[] = [];
  let listed = "";
  let later = 0;
  const due = seldom(store);

  /** Curves may come while a run goes on. */
  function fill(): void {
    const curves = lossesOf(store).map(({ label }) => label).join();
    if (curves === listed && entries.length > 0) return;
    listed = curves;
    entries = [step(store), ...curveEntries(store), ...rowEntries(store), ...parameterEntries(store)];
    list.replaceChildren(...entries.map((entry) => entry.element));
  }

  return {
    name: "summary",
    title: "The state",
    draw() {
      if (!due()) return;
      fill();
      for (const entry of entries) entry.draw();
      clearTimeout(later);
      if (store.playing) return; // the slider says where we are, if asked
      later = window.setTimeout(() => setText(said, spokenOf(store, list)), POLITE);
    },
    destroy() {
      clearTimeout(later);
    },
  };
};

function lossesOf({ page }: Store): Curve[] {
  return page.curves.filter(({ name }) => name === "loss" || name === "validation_loss");
}

/** What is seen, as a sentence. */
function spokenOf(store: Store, list: HTMLElement): string {
  const words = [...list.children].slice(1).map((entry) => {
    const [name, value] = [...entry.children].map((child) => child.textContent);
    return `${name} ${value}`;
  });
  return `Update ${store.step} of ${store.page.updates}: ${words.join(", ")}.`;
}

function entry(name: string, value: HTMLElement): HTMLElement {
  return make("div", {}, make("dt", {}, name), make("dd", {}, value));
}

function step(store: Store): Entry {
  const value = make("span", { class: "value", "data-name": "step" });
  return {
    element: entry("update", value),
    draw() {
      setText(value, `${count(store.step)} of ${count(store.page.updates)}`);
      value.dataset.value = String(store.step);
    },
  };
}

/** The losses, from the curves: `data-step` says when each was measured. */
function curveEntries(store: Store): Entry[] {
  return lossesOf(store).map(({ name, label }) => {
    const value = valueSpan(name);
    const element = entry(label, value);
    const words = element.firstElementChild as HTMLElement;
    const draw = (): void => put(words, label, value, valueAt(store, name, store.step), store.step);
    return { element, draw };
  });
}

/** The last update has no loss of its own on the curve: it says which one's is seen. */
function put(words: HTMLElement, label: string, span: HTMLElement, measured: Measured | null, step: number): void {
  if (measured === null) return;
  setText(words, measured.step === step ? label : `${label} at update ${measured.step}`);
  setValue(span, measured.value);
  span.dataset.step = String(measured.step);
}

/** What the rows shown say: only while nothing moves, if they are many. */
function rowEntries(store: Store): Entry[] {
  const look = lookOf(store);
  if (look === null) return [];
  const { shown, all } = store.page.rows;
  const rows = shown.train === all.train ? "objective" : `objective of ${counted(shown.train, "row")}`;
  const found: Entry[] = [];
  const slow = look.rows.count * look.maths.net.parameters > WORK;
  if (look.maths.loss !== null) {
    const value = valueSpan("objective");
    found.push({
      element: entry(rows, value),
      draw: () => (slow && store.playing ? setText(value, "…") : setValue(value, look.found().objective)),
    });
  }
  if (store.page.loss.targets !== "two labels" && store.page.loss.targets !== "labels") return found;
  const value = make("span", { class: "value", "data-name": "wrong" });
  found.push({
    element: entry("rows wrong", value),
    draw() {
      if (slow && store.playing) return setText(value, "…");
      const share = wrongShare(look);
      setText(value, percent(share));
      value.dataset.value = String(share);
    },
  });
  return found;
}

function parameterEntries(store: Store): Entry[] {
  const all = parameterCount(store.page);
  if (all === 0) return [];
  if (all > FEW) {
    const value = valueSpan("norm");
    return [{ element: entry(`norm of ${count(all)} parameters`, value), draw: () => setValue(value, length(store.theta())) }];
  }
  return parametersOf(store.page, FEW).map(({ name, at }) => {
    const value = valueSpan(`theta ${at}`);
    return { element: entry(short(name, 40), value), draw: () => setValue(value, store.theta()[at], 4) };
  });
}

function length(theta: Theta): number {
  let sum = 0;
  for (const value of theta) sum += value * value;
  return Math.sqrt(sum);
}

