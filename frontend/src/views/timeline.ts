// The timeline: play, step, jump; by buttons, slider, number and keys.
import { choice, icon, iconButton, make, setAttribute } from "../charts/elements";
import { count, figure } from "../charts/figures";
import { lossAt } from "../charts/moments";
import type { MakeView, Store } from "../store";

const PLAY = "M4 2.2v11.6a.7.7 0 0 0 1.1.6l8.4-5.8a.7.7 0 0 0 0-1.2L5.1 1.600A.7.7 0 0 0 4 2.200z";
const PAUSE = "M3.5 2h3v12h-3zM9.5 2h3v12h-3z";
const BACK = "M11.5 2.500v11L4 8z";
const ON = "M4.5 2.500v11L12 8z";
const FIRST = "M2.5 2.500h2v11h-2zM13.5 2.500v11L6 8z";
const LAST = "M11.5 2.500h2v11h-2zM2.5 2.500v11L10 8z";
const DIAMOND = "M8 1l6 7-6 7-6-7z";
const DOT = "M8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3z";
const STAR = "M8 .8l2.1 4.7 5.1.5-3.9 3.4 1.2 5L8 11.7 3.5 14.400l1.2-5L.8 6l5.1-.5z";

const SPEEDS = [2, 5, 12, 30, 60];

/** "update 130 of 2000, loss 0.42" */
export function spoken(store: Store): string {
  const words = `update ${store.step} of ${store.page.updates}`;
  const loss = lossAt(store, store.step);
  return loss === null ? words : `${words}, loss ${figure(loss.value)}`;
}

export const timeline: MakeView = (store, host) => {
  const last = store.page.frames.length - 1;
  const play = iconButton("Play", PLAY, () => store.play(!store.playing));
  play.classList.add("main");
  const back = iconButton("One frame back", BACK, () => moved(store, -1));
  const on = iconButton("One frame on", ON, () => moved(store, 1));
  const first = iconButton("First frame", FIRST, () => gone(store, 0));
  const final = iconButton("Last frame", LAST, () => gone(store, last));
  const slider = make("input", { type: "range", min: "0", max: String(last), "aria-label": "Frame" });
  slider.addEventListener("input", () => gone(store, Number(slider.value)));
  const number = stepNumber(store);
  host.append(
    make(
      "div",
      { class: "timeline", role: "group", "aria-label": "Timeline" },
      make("div", { class: "buttons" }, first, back, play, on, final),
      make("div", { class: "track" }, marks(store), slider),
      number.label,
      speed(store),
    ),
  );
  let playing = false;
  return {
    name: "timeline",
    title: "Timeline",
    draw() {
      if (slider.value !== String(store.index)) slider.value = String(store.index);
      setAttribute(slider, "aria-valuetext", spoken(store));
      number.draw();
      for (const button of [first, back]) setDisabled(button, store.index === 0);
      for (const button of [on, final]) setDisabled(button, store.index === last);
      if (playing === store.playing) return;
      playing = store.playing;
      play.replaceChildren(icon(playing ? PAUSE : PLAY));
      play.title = playing ? "Pause" : "Play";
      play.setAttribute("aria-label", play.title);
    },
  };
};

/** Not `disabled`: a button that is disabled while it is focused loses the reader's place. */
function setDisabled(button: HTMLButtonElement, off: boolean): void {
  setAttribute(button, "aria-disabled", String(off));
}

/** The update to go to, as a number. */
function stepNumber(store: Store): { label: HTMLLabelElement; draw: () => void } {
  const { updates } = store.page;
  const input = make("input", { type: "number", min: "0", max: String(updates), step: "1" });
  input.addEventListener("change", () => {
    store.play(false);
    store.goToStep(input.valueAsNumber || 0);
    input.value = String(store.step);
  });
  const before = make("span", { class: "word" }, "update");
  const after = make("span", {}, `of ${count(updates)}`);
  const label = make("label", { class: "choice step" }, before, input, after);
  input.setAttribute("aria-label", `Go to update, of ${updates}`);
  return {
    label,
    draw() {
      const own = (input.getRootNode() as Document | ShadowRoot).activeElement === input;
      if (!own || store.playing) input.value = String(store.step);
    },
  };
}

function speed(store: Store): HTMLLabelElement {
  const options = SPEEDS.map((value) => ({ value: String(value), words: `${value} a second` }));
  const { label, select } = choice("frames", options, String(store.speed), (value) =>
    store.setSpeed(Number(value)),
  );
  select.setAttribute("aria-label", "Frames a second");
  label.classList.add("speed");
  return label;
}

/** Where findings are best seen, and the best update, above the track. */
function marks(store: Store): HTMLElement {
  const { page } = store;
  const row = make("div", { class: "marks", "aria-hidden": "true" });
  const put = (step: number, kind: string, path: string, words: string): void => {
    const share = indexOf(page.frames, step) / Math.max(1, page.frames.length - 1);
    const mark = make("span", { class: `mark ${kind}`, title: words }, icon(path));
    mark.style.setProperty("left", `${100 * share}%`);
    row.append(mark);
  };
  for (const { step, severity, code } of page.findings) {
    if (step !== null) put(step, severity, severity === "illness" ? DIAMOND : DOT, `${code}, update ${step}`);
  }
  const best = page.outcome.best_step;
  if (best !== null && best !== page.updates) put(best, "best", STAR, `best on validation, update ${best}`);
  return row;
}

function indexOf(frames: number[], step: number): number {
  let index = 0;
  while (index + 1 < frames.length && frames[index + 1] <= step) index += 1;
  return index;
}

function gone(store: Store, index: number): void {
  store.play(false);
  store.go(index);
}

function moved(store: Store, by: number): void {
  gone(store, store.index + by);
}

// ------------------------------------------------------------------- keys

const EDITED = "input:not([type=range], [type=checkbox]), select, textarea, [contenteditable]";
const PRESSED = "button, summary, a, input[type=checkbox], [role=button]";

/** Keys work anywhere in the page, except where one types or chooses. */
export function keys(store: Store, root: HTMLElement): () => void {
  const pressed = (event: KeyboardEvent): void => {
    const target = event.composedPath()[0];
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (!(target instanceof Element) || target.closest(EDITED) !== null) return;
    if (event.key === " " && target.closest(PRESSED) !== null) return;
    const act = action(store, event.key, event.shiftKey);
    if (act === null) return;
    event.preventDefault();
    act();
  };
  root.addEventListener("keydown", pressed);
  return () => root.removeEventListener("keydown", pressed);
}

function action(store: Store, key: string, shift: boolean): (() => void) | null {
  const last = store.page.frames.length - 1;
  const page = Math.max(1, Math.round(last / 10));
  switch (key) {
    case "ArrowRight":
    case "ArrowUp":
      return () => moved(store, shift ? 10 : 1);
    case "ArrowLeft":
    case "ArrowDown":
      return () => moved(store, shift ? -10 : -1);
    case "PageUp":
      return () => moved(store, page);
    case "PageDown":
      return () => moved(store, -page);
    case "Home":
      return () => gone(store, 0);
    case "End":
      return () => gone(store, last);
    case " ":
      return () => store.play(!store.playing);
    default:
      return null;
  }
}
