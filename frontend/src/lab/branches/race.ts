// The race: branches on one surface, with a clock of their own.
import { checkbox, make, setText, wordButton } from "../../charts/elements";
import { onScheme } from "../../charts/theme";
import { decode } from "../../decode";
import { makeClock } from "../../make";
import type { Lab } from "../context";
import type { Told } from "../contract";
import { text } from "../text";
import type { ArrowKind } from "./arrows";
import { type Ground, makeGround } from "./ground";
import { makeRaceBar, type RaceBar } from "./racebar";
import { makeRecord, numbersIn, type RaceRecord } from "./record";
import { labelOf, makeStandings, type Standings } from "./standings";

const words = text.branches.racing;

interface Course {
  record: RaceRecord;
  ground: Ground | null;
  bar: RaceBar;
  standings: Standings;
  told: Told["race"];
}

export interface RaceRoom {
  readonly element: HTMLElement;
  open(branches: number[]): void;
  openRules(names: string[]): void;
}

export function makeRace(lab: Lab, signal: AbortSignal): RaceRoom {
  const { link } = lab;
  const waiting = make("p", { class: "quiet", role: "status" });
  const room = make("div", { class: "race-room" });
  const heading = make("h3", { tabindex: "-1" }, words.title);
  const close = wordButton(words.over, () => {
    element.hidden = true;
    course?.bar.stop();
    course = null;
    room.replaceChildren();
    link.say({ kind: "racing", over: true });
  });
  const element = make(
    "section",
    { class: "opened race", "aria-label": words.title },
    make("div", { class: "branching-head" }, heading, close),
    waiting,
    room,
  );
  element.hidden = true;
  const look = { paths: true, arrows: { gradient: false, update: false, velocity: false } as Record<ArrowKind, boolean> };
  const ended = new Map<string, string>();
  const notes = make("div", { class: "said-of-it" });
  let course: Course | null = null;
  let asked = false; // for a race
  let found = false; // again, after a reload
  const clock = makeClock(() => false);
  clock.on(draw);

  /** After a reload the race is found again where it was. */
  function openKnown({ branches, playing }: { branches: number[]; playing: boolean }): void {
    prepare();
    found = true;
    link.say({ kind: "race", branches, play: playing });
  }

  function prepare(): void {
    asked = true;
    element.hidden = false;
    setText(waiting, words.waiting);
  }

  function begin(told: Told["race"], data: DataView, frames: DataView): void {
    course?.bar.stop();
    ended.clear();
    element.hidden = false;
    setText(waiting, "");
    const record = makeRecord(told, frames);
    if (isSame(course, told)) record.goToStep(course.record.step);
    else if (found) record.go(record.steps.length - 1);
    found = false;
    const ground = told.surface === null ? null : makeGround(told.surface, valuesOf(told, data), start, clock.changed);
    const bar = makeRaceBar(lab, record, clock.changed);
    const standings = makeStandings(told.racers, clock.changed);
    course = { record, ground, bar, standings, told };
    const fit = wordButton(words.fit, () => {
      prepare();
      link.say({ kind: "race", branches: told.racers.map(({ branch }) => branch), play: lab.state?.race?.playing ?? false });
    });
    const left = make("div", { class: "race-ground" }, ground === null ? make("p", { class: "quiet" }, words.noSurface) : ground.element);
    const right = make("div", { class: "race-side" }, standings.element, options(), make("div", { class: "buttons" }, fit), notes);
    const active = (element.getRootNode() as Document | ShadowRoot).activeElement;
    const focused = room.contains(active);
    room.replaceChildren(bar.element, left, right);
    if (active === heading) bar.element.querySelector<HTMLElement>("button.main")?.focus();
    if (focused) ground?.canvas.focus();
    element.dataset.race = told.racers.map(({ branch }) => branch).join(" ");
    clock.changed();
  }

  function start(u: number, v: number): void {
    link.say({ kind: "racing", start: [u, v] });
  }

  function options(): HTMLElement {
    const changed = (change: () => void): void => {
      change();
      clock.changed();
    };
    const kinds: [ArrowKind, string][] = [
      ["gradient", words.gradient],
      ["update", words.update_arrow],
      ["velocity", words.velocity],
    ];
    return make(
      "fieldset",
      { class: "choices race-options" },
      make("legend", {}, words.options),
      checkbox(words.paths, look.paths, (on) => changed(() => (look.paths = on))).label,
      ...kinds.map(([kind, name]) => {
        const { label } = checkbox(name, look.arrows[kind], (on) => changed(() => (look.arrows[kind] = on)));
        label.classList.add(`arrow-${kind}`);
        return label;
      }),
    );
  }

  function draw(): void {
    if (course === null || element.hidden) return;
    const { record, ground, bar, standings, told } = course;
    bar.draw();
    standings.draw(record, !bar.moving);
    ground?.draw(record, { ...look, hidden: standings.hidden });
    if (ground !== null) ground.canvas.setAttribute("aria-label", words.canvas(told.surface?.sentence ?? ""));
    tell();
    element.dataset.step = String(record.step);
    element.dataset.clock = String(record.clock);
    element.dataset.moving = bar.moving ? "yes" : "no";
  }

  /** What is to be said of it, in sentences; those that are there already stay. */
  function tell(): void {
    if (course === null) return;
    const { record, ground, told } = course;
    const sentences = [...told.said];
    const { surface, parameters } = told;
    if (surface !== null) {
      sentences.push(surface.exact ? words.hint : words.hintSlice(parameters), surface.sentence);
      if (!surface.exact && record.share !== null) sentences.push(words.share(record.share));
      const outside = outsideOf(record, surface.u, surface.v);
      if (outside.length > 0) sentences.push(words.outside(outside));
    }
    if (ground !== null && ground.aim !== null) sentences.unshift(words.start(...ground.aim));
    if (look.arrows.gradient || look.arrows.update || look.arrows.velocity) sentences.push(words.arrows);
    for (const racer of told.racers) {
      const why = ended.get(String(racer.branch));
      if (why !== undefined) sentences.push(words.ended(labelOf(racer, told.racers), why));
    }
    while (notes.children.length > sentences.length) notes.lastElementChild?.remove();
    sentences.forEach((one, i) => setText(notes.children[i] ?? notes.appendChild(make("p", { class: "quiet" })), one));
  }

  function take(told: Told["racing"], frames: DataView): void {
    if (course === null) return;
    const { record } = course;
    const wide = frames.byteLength / 8 / Math.max(1, told.steps.length);
    told.steps.forEach((step, i) => record.add(step, told.branches, numbersIn(frames, i * wide, wide)));
    record.clock = told.clock;
    record.share = told.share;
    for (const [branch, why] of Object.entries(told.ended)) ended.set(branch, why);
    if (record.wanted !== null && record.has(record.wanted)) {
      record.goToStep(record.wanted);
      record.wanted = null;
    }
    clock.changed();
  }

  const ends = [
    link.on("race", (told, [data, frames]) => begin(told, data, frames)),
    link.on("racing", (told, [frames]) => take(told, frames)),
    link.on("said", ({ severity }) => {
      if (severity !== "error" || course !== null || !asked) return;
      element.hidden = true; // there is none; why, is said
      asked = false;
    }),
    lab.onState(({ race }) => {
      if (race === null && course !== null && !element.hidden) setText(waiting, words.gone);
      else if (race !== null && course === null && !asked) openKnown(race);
      clock.changed();
    }),
    onScheme(lab.root, () => {
      course?.ground?.resize();
      clock.changed();
    }),
  ];
  let width = 0;
  const sizes = new ResizeObserver(() => {
    if (room.clientWidth === width) return;
    width = room.clientWidth;
    course?.ground?.resize();
    clock.changed();
  });
  sizes.observe(room);
  signal.addEventListener("abort", () => {
    for (const end of ends) end();
    sizes.disconnect();
    course?.bar.stop();
    clock.stop();
  });
  return {
    element,
    open(branches) {
      prepare();
      link.say({ kind: "race", branches });
    },
    openRules(optimizers) {
      prepare();
      heading.focus(); // the button that was pressed has gone; once the race is there, its play button
      link.say({ kind: "racers", optimizers, play: true });
    },
  };
}

/** Whether the race told is the one that is shown, on another plane. */
function isSame(course: Course | null, told: Told["race"]): course is Course {
  const numbers = ({ racers }: Told["race"]): string => racers.map(({ branch }) => branch).join();
  return course !== null && numbers(course.told) === numbers(told);
}

function valuesOf({ surface, blocks }: Told["race"], data: DataView): ArrayLike<number> | null {
  return surface === null || surface.values === null ? null : (decode(blocks[surface.values], data) as Float32Array);
}

/** The names of those who are not in the picture at the frame looked at. */
function outsideOf(record: RaceRecord, u: readonly [number, number], v: readonly [number, number]): string[] {
  return record.racers.flatMap((racer, i) => {
    const [x, y] = [record.value(i, "u"), record.value(i, "v")];
    const inside = x >= u[0] && x <= u[1] && y >= v[0] && y <= v[1];
    return inside ? [] : [labelOf(racer, record.racers)];
  });
}
