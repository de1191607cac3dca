// The panel at the side: everything that makes a run, to be chosen.
import { make, setText } from "../../charts/elements";
import type { Lab, Part } from "../context";
import type { Settings, Told } from "../contract";
import { text } from "../text";
import { type Choices, type Now, partOf } from "./choices";
import { dataControls } from "./data";
import { type Group, group, lock, tell } from "./groups";
import { lockedSettings } from "./locks";
import { partNumbers } from "./parts";
import { learningRate } from "./rate";
import { makeSender } from "./sending";
import { lossControls, modelControls, optimizerControls, penaltyControls } from "./tuning";

const words = text.controls;
// From which widths on the first group is open at first, and all are: beside the views there is room.
const [SOME, ALL] = [700, 1100];

export const controls: Part = (lab, host, signal) => {
  host.classList.add("controls");
  host.setAttribute("role", "group");
  host.setAttribute("aria-label", words.name);
  host.classList.add("waits"); // its place is kept: the views beside it are laid out once
  const sender = makeSender(lab, draw, signal);
  const groups = groupsOf(lab, set, signal);
  const note = make("p", { class: "about locked" });
  host.append(note, ...groups.map(({ element }) => element));
  let choices: Choices | null = null;
  let before: Told["state"] | null = null;
  let known = ""; // what the choices were asked for

  function set(change: Settings): void {
    sender.set(change);
    host.dataset.asking = "yes";
  }

  function draw(): void {
    host.dataset.asking = sender.idle() ? "no" : "yes";
    const now = nowOf(lab, choices);
    if (now === null) return;
    host.classList.remove("waits");
    for (const { controls: all } of groups) {
      for (const control of all) if (!control.keys.some(sender.pending)) control.draw(now);
    }
    for (const one of groups) one.say(chosen(one, now));
    const locked = lockedSettings(now.state.lock);
    note.hidden = now.state.lock.length === 0;
    setText(note, words.lockedBy(now.state.lock));
    host.hidden = groups.map((one) => lock(one, locked)).every((left) => !left);
  }

  /** What can be chosen depends on what is chosen: asked for again after each deeper change. */
  function learn({ settings, current }: Told["state"]): void {
    const key = JSON.stringify([current, settings.data, settings.target, settings.loss, settings.optimizer, settings.penalty]);
    if (key === known) return;
    known = key;
    lab.link.say({ kind: "ask", what: "choices" });
  }

  function stated(state: Told["state"]): void {
    const asked = sender.answered();
    if (asked !== null) {
      tellOthers(groups, asked, before, state);
      lab.link.say({ kind: "ask", what: "curvature" });
    }
    before = state;
    learn(state);
    draw();
  }

  const ends = [
    lab.onState(stated),
    lab.onStore(draw),
    lab.link.on("choices", (told) => {
      if (told.unknown !== undefined) return;
      const first = choices === null;
      choices = told.choices as unknown as Choices;
      if (first) open(groups, lab.root.clientWidth);
      draw();
      host.dataset.ready = "yes";
    }),
  ];
  signal.addEventListener("abort", () => ends.forEach((end) => end()));
};

function groupsOf(lab: Lab, set: (change: Settings) => void, signal: AbortSignal): Group[] {
  const numbers = partNumbers({ key: "optimizer", set });
  return [
    group("steering", true, [learningRate(lab, set, signal), numbers, ...penaltyControls(set)]),
    group("data", false, dataControls(set)),
    group("model", false, modelControls(set)),
    group("loss", false, lossControls(set)),
    group("optimizer", false, optimizerControls(set)),
  ];
}

/** What is chosen in a group, in a few words. */
function chosen({ element }: Group, { settings, data, inputs, outputs, state }: Now): string {
  const name = (key: string): string => words.part(partOf(settings, key)?.name ?? "");
  switch (element.dataset.group) {
    case "steering":
      return words.rate.short(state.learning_rate);
    case "data":
      return words.dataset(data.name);
    case "model":
      return [inputs, ...(settings.hidden as number[]), outputs].join(" → ");
    default:
      return name(element.dataset.group ?? "");
  }
}

function open(groups: readonly Group[], width: number): void {
  groups.forEach(({ element }, i) => (element.open = width >= (i === 0 ? SOME : ALL)));
}

function nowOf({ state, store }: Lab, choices: Choices | null): Now | null {
  if (state === null || store === null || choices === null) return null;
  const data = choices.data.find(({ name }) => name === state.settings.data);
  if (data === undefined) return null;
  const { sizes } = store.page.model;
  const rows = store.page.rows.all;
  return { state, settings: state.settings, choices, data, rows, inputs: sizes[0], outputs: sizes[sizes.length - 1] };
}

/** Marks what Python changed with what was asked for: new data bring a loss that fits them. */
function tellOthers(groups: readonly Group[], asked: Settings, before: Told["state"] | null, state: Told["state"]): void {
  const others = new Set(
    Object.keys(state.settings).filter((key) => !(key in asked) && differs(before?.settings[key], state.settings[key])),
  );
  for (const { element, controls: all } of groups) {
    // Other data have other rows and features: that needs no word.
    const expected = before === null || ("data" in asked && element.dataset.group === "data");
    for (const control of all) tell(control, !expected && control.keys.some((key) => others.has(key)));
  }
}

function differs(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) !== JSON.stringify(other);
}
