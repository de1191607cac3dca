// Play, pause, one update, one epoch, back, to any step; how fast; from the start again; branches.
//
// It speaks to the store, which trains and asks for states; what is said of them stands in text.ts.
import { choice, icon, iconButton, make, setAttribute, setText, wordButton } from "../charts/elements";
import { seldom } from "../charts/seldom";
import type { Lab, Part } from "./context";
import { lockedSettings } from "./controls/locks";
import { playKeys } from "./play_keys";
import { text } from "./text";
import { makeTrack } from "./track";
import { type Moves, movesOf } from "./moves";

const PLAY = "M4 2.2v11.6a.7.7 0 0 0 1.1.6l8.4-5.8a.7.7 0 0 0 0-1.2L5.1 1.600A.7.7 0 0 0 4 2.200z";
const PAUSE = "M3.5 2h3v12h-3zM9.5 2h3v12h-3z";
const BACK = "M11.5 2.500v11L4 8z";
const FIRST = "M2.5 2.500h2v11h-2zM13.5 2.500v11L6 8z";
const NEWEST = "M11.5 2.500h2v11h-2zM2.5 2.500v11L10 8z";
const BASE = 60; // updates a second at 1x
const TIMES = [0.1, 0.25, 0.5, 1, 2, 5, 10, 25, 50, 100];
const words = text.playbar;

export const playbar: Part = (lab, host, signal) => {
  const moves = movesOf(lab);
  const buttons = steppers(moves);
  const track = makeTrack(lab, moves);
  const number = stepNumber(lab, moves);
  const speed = speedChoice(lab);
  const acts = actions(lab);
  const status = make("p", { class: "status" });
  host.append(
    make(
      "div",
      { class: "timeline playbar", role: "group", "aria-label": words.name },
      make("div", { class: "buttons" }, ...buttons.elements),
      track.element,
      number.label,
      speed.label,
      make("div", { class: "foot" }, status, acts.element),
    ),
  );

  const due = seldom({
    get playing() {
      return lab.store?.playing ?? false;
    },
  });

  function draw(): void {
    const { store } = lab;
    if (store === null) return;
    lab.root.dataset.step = String(store.step);
    buttons.draw(lab);
    if (!due()) return;
    track.draw();
    number.draw();
    acts.draw();
    setText(status, standing(lab));
    status.dataset.kind = store.page.updates > 0 && lab.state?.ended ? "ended" : "";
  }

  lab.onStore((store) => store.on(draw));
  lab.onState((state) => {
    speed.select.value = state.speed === null ? "" : String(state.speed);
    draw();
  });
  playKeys(lab, moves, signal);
  signal.addEventListener("abort", () => host.replaceChildren());
};

/** How things stand, in a sentence. */
function standing(lab: Lab): string {
  const { store, state } = lab;
  if (store === null || state === null) return text.waiting;
  const { updates } = store.page;
  if (store.wanted !== store.step && !store.playing) return words.fetching(store.wanted, store.step);
  if (!store.following) return store.playing ? words.replaying(store.step, updates) : words.lookingBack(store.step, updates);
  if (state.ended !== null) return words.ended(state.ended);
  if (store.playing) return words.training(updates);
  return updates === 0 ? words.atTheStart : words.paused(updates);
}

// ------------------------------------------------------------------- steps

function steppers(moves: Moves): { elements: HTMLElement[]; draw(lab: Lab): void } {
  const play = iconButton(words.play, PLAY, moves.play);
  play.classList.add("main");
  const back = iconButton(words.back, BACK, () => moves.by(-1));
  const first = iconButton(words.first, FIRST, () => moves.to(0));
  const newest = iconButton(words.newest, NEWEST, moves.newest);
  const update = wordButton(words.update, moves.update);
  const epoch = wordButton(words.epoch, moves.epoch);
  let playing = false;

  function draw({ store, state }: Lab): void {
    if (store === null) return;
    const atStart = store.wanted === 0;
    for (const button of [first, back]) setDisabled(button, atStart);
    setDisabled(newest, store.following);
    for (const button of [update, epoch]) setDisabled(button, store.following && state?.ended != null);
    if (playing === store.playing) return;
    playing = store.playing;
    play.replaceChildren(icon(playing ? PAUSE : PLAY));
    play.title = playing ? words.pause : words.play;
    play.setAttribute("aria-label", play.title);
  }

  return { elements: [first, back, play, update, epoch, newest], draw };
}

/** Not `disabled`: a button that is disabled while it is focused loses the reader's place. */
function setDisabled(button: HTMLButtonElement, off: boolean): void {
  setAttribute(button, "aria-disabled", String(off));
}

/** The update to go to, as a number. */
function stepNumber(lab: Lab, moves: Moves): { label: HTMLLabelElement; draw(): void } {
  const input = make("input", { type: "number", min: "0", step: "1" });
  const after = make("span");
  input.addEventListener("change", () => moves.to(input.valueAsNumber || 0));
  const label = make("label", { class: "choice step" }, make("span", { class: "word" }, words.at), input, after);
  return {
    label,
    draw() {
      const { store } = lab;
      if (store === null) return;
      const { updates } = store.page;
      setAttribute(input, "max", String(updates));
      setAttribute(input, "aria-label", words.goTo(updates));
      setText(after, words.of(updates));
      const own = (input.getRootNode() as Document | ShadowRoot).activeElement === input;
      if (!own || store.playing) input.value = String(store.playing ? store.step : store.wanted);
    },
  };
}

function speedChoice({ link }: Lab): ReturnType<typeof choice> {
  const speeds = [
    ...TIMES.map((times) => ({ value: String(times * BASE), words: words.times(times) })),
    { value: "", words: words.flatOut },
  ];
  const found = choice(words.speed, speeds, String(BASE), (value) =>
    link.say({ kind: "speed", updates_per_second: value === "" ? null : Number(value) }),
  );
  found.label.classList.add("speed");
  return found;
}

// ------------------------------------------------------------------- from the start, and aside

function actions(lab: Lab): { element: HTMLElement; draw(): void } {
  const { link } = lab;
  const branch = wordButton(words.branch, () => {
    if (lab.store !== null && !lab.store.following) link.say({ kind: "branch", step: lab.store.wanted });
  });
  const same = wordButton(words.reset, () => link.say({ kind: "reset", start: "same" }));
  const kept = (): boolean => lockedSettings(lab.state?.lock ?? []).has("seed");
  const fresh = wordButton(words.restart, () => {
    if (kept()) lab.tell(words.lockedStart);
    else link.say({ kind: "reset", start: "new" });
  });
  return {
    element: make("div", { class: "aside" }, branch, same, fresh),
    draw() {
      const back = lab.store !== null && !lab.store.following;
      branch.hidden = !back;
      setDisabled(fresh, kept());
      setAttribute(fresh, "title", kept() ? words.lockedStart : "");
      setAttribute(branch, "title", words.branchFrom(lab.store?.wanted ?? 0));
    },
  };
}
