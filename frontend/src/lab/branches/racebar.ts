// The race's own clock: play, pause, one update, back, to any update; how fast.
import { choice, icon, iconButton, make, setAttribute } from "../../charts/elements";
import { makeClock } from "../../make";
import type { Lab } from "../context";
import { text } from "../text";
import type { RaceRecord } from "./record";

const PLAY = "M4 2.2v11.6a.7.7 0 0 0 1.1.6l8.4-5.8a.7.7 0 0 0 0-1.2L5.1 1.6A.7.7 0 0 0 4 2.2z";
const PAUSE = "M3.5 2h3v12h-3zM9.5 2h3v12h-3z";
const UPDATE = "M3 2.500v11l7-5.500zM11 2.500h2.200v11H11z";
const BACK = "M13 2.500v11L6 8zM2.800 2.500H5v11H2.800z";
const FIRST = "M13.500 2.500v11L8.200 8zM8 2.500v11L2.700 8z";
const NEWEST = "M2.500 2.500v11L7.800 8zM8 2.500v11L13.300 8z";
const BASE = 60; // updates a second at 1x
const TIMES = [0.1, 0.2, 0.5, 1, 2, 5, 10, 100];
const REPLAY = 30; // recorded frames a second, at 1x
const words = text.branches.racing;

export interface RaceBar {
  readonly element: HTMLElement;
  readonly moving: boolean; // it replays, or the race is on
  draw(): void;
  stop(): void; // for good
}

export function makeRaceBar(lab: Lab, record: RaceRecord, changed: () => void): RaceBar {
  const { link } = lab;
  let due = 0;
  const replay = makeClock((seconds) => {
    due += seconds * REPLAY * ((lab.state?.speed ?? 100 * BASE) / BASE);
    const whole = Math.floor(due);
    due -= whole;
    record.go(record.index + whole);
    changed();
    if (record.index < record.steps.length - 1) return true;
    link.say({ kind: "racing", on: true }); // what was recorded is over: it goes on from there
    return false;
  });
  const on = (): boolean => lab.state?.race?.playing ?? false;
  const moving = (): boolean => on() || replay.running();

  function rest(): void {
    replay.run(false);
    if (on()) link.say({ kind: "racing", on: false });
    changed();
  }

  function go(step: number): void {
    rest();
    const asked = Math.max(0, Math.min(record.clock, step));
    record.goToStep(asked);
    record.wanted = record.has(asked) ? null : asked;
    if (record.wanted !== null) link.say({ kind: "racing", step: asked });
    changed();
  }

  function toggle(): void {
    if (moving()) return rest();
    due = 0;
    record.wanted = null;
    if (record.index < record.steps.length - 1) replay.run(true);
    else link.say({ kind: "racing", on: true });
    changed();
  }

  function update(): void {
    if (record.step < record.clock) return go(record.step + 1);
    rest();
    record.wanted = null;
    link.say({ kind: "racing", updates: 1 });
  }

  const play = iconButton(words.play, PLAY, toggle);
  play.classList.add("main");
  const slider = make("input", { type: "range", min: "0", max: "0", "aria-label": words.step });
  slider.addEventListener("input", () => go(Number(slider.value)));
  const speeds = [
    ...TIMES.map((times) => ({ value: String(times * BASE), words: words.times(times) })),
    { value: "", words: words.flatOut },
  ];
  const speed = choice(words.speed, speeds, String(BASE), (value) =>
    link.say({ kind: "speed", updates_per_second: value === "" ? null : Number(value) }),
  );
  const element = make(
    "div",
    { class: "racebar", role: "group", "aria-label": words.controls },
    make(
      "div",
      { class: "buttons" },
      iconButton(words.first, FIRST, () => go(0)),
      iconButton(words.back, BACK, () => go(record.step - 1)),
      play,
      iconButton(words.update, UPDATE, update),
      iconButton(words.newest, NEWEST, () => go(record.clock)),
    ),
    slider,
    speed.label,
  );
  element.addEventListener("keydown", (event) => event.stopPropagation()); // not the timeline's

  return {
    element,
    get moving() {
      return moving();
    },
    draw() {
      setAttribute(slider, "max", String(record.clock));
      if (slider.value !== String(record.step)) slider.value = String(record.step);
      setAttribute(slider, "aria-valuetext", words.spoken(record.step, record.clock));
      const rate = lab.state?.speed ?? null;
      if (speeds.some(({ value }) => value === String(rate ?? ""))) speed.select.value = String(rate ?? "");
      const called = moving() ? words.pause : words.play;
      if (play.title === called) return;
      play.replaceChildren(icon(moving() ? PAUSE : PLAY));
      play.title = called;
      play.setAttribute("aria-label", called);
    },
    stop: replay.stop,
  };
}
