// By hand: the learner's own way through a problem, before and beside the machine's.
import { choice, make, wordButton } from "../../charts/elements";
import type { Lab, Part } from "../context";
import { lockedSettings } from "../controls/locks";
import type { Settings } from "../contract";
import type { LiveStore } from "../live";
import { text } from "../text";
import { type Game, makeGame } from "./game";
import { modeOf, onMode } from "./mode";
import type { Asks } from "./panel";
import { problemOf, type Unfit, unfitness } from "./problem";
import { type Room, makeRoom } from "./room";
import { RUNGS } from "./rungs";

const words = text.hand;
const CONTINUES = ["learning_rate", "optimizer", "penalty"]; // a change of these begins nothing new
const FREE = [...CONTINUES, "start"]; // what may be otherwise on the same rung
const RESTED = 400; // milliseconds without a move
const MOST_GAMES = 8; // that are kept while others are played

/** What is on the screen: a room and its game, or an offer. */
interface Shown {
  key: string;
  game: Game;
  room: Room;
  unheard: () => void;
}

export const handRoom: Part = (lab, host, signal) => {
  const games = new Map<string, Game>();
  const place = make("div", { class: "place" });
  let shown: Shown | null = null;
  let stale = true;
  let anew = false; // the next page is a game of its own, also of a problem that was played before
  let later = 0;
  let asking: Game | null = null; // whose floor Python is looking for

  const rungs = choice(words.problem, [], "", (value) => value !== "" && climb(Number(value)));
  host.classList.add("hand");
  host.append(make("section", { "aria-label": words.name }, make("div", { class: "choices" }, rungs.label), place));

  /** To another rung, or the same from its start: with a game of its own. */
  function climb(rung: number): void {
    anew = true;
    begin(lab, RUNGS[rung].change);
  }

  /** A moment after the last move the trail goes into the run. */
  function noted(game: Game): void {
    clearTimeout(later);
    if (game.moves !== game.sent) later = window.setTimeout(() => keep(lab, game), RESTED);
  }

  function clear(): void {
    clearTimeout(later);
    shown?.unheard();
    shown?.room.destroy();
    shown = null;
    place.replaceChildren();
  }

  function show(): void {
    const { store } = lab;
    host.hidden = modeOf(lab) !== "hand";
    if (store === null || host.hidden) {
      stale = true;
      return;
    }
    stale = false;
    const unfit = unfitness(store);
    fillRungs(rungs.select, lab, unfit === "");
    if (unfit !== "") {
      clear();
      place.append(offer(lab, unfit, store, climb));
      return;
    }
    enter(store);
  }

  /** The room of the store's problem: the one that is open, where it is the same. */
  function enter(store: LiveStore): void {
    const problem = problemOf(store);
    if (anew) games.delete(problem.key);
    if (shown?.key === problem.key && !anew) {
      shown.room.follow(store);
      return;
    }
    anew = false;
    clear();
    const game = games.get(problem.key) ?? makeGame(problem);
    games.delete(problem.key);
    games.set(problem.key, game);
    if (games.size > MOST_GAMES) games.delete([...games.keys()][0]);
    const room = makeRoom(problem, game, { ...asksOf(lab, game), floor });
    shown = { key: problem.key, game, room, unheard: game.on(() => noted(game)) };

    function floor(): void {
      asking = game;
      lab.link.say({ kind: "floor" });
    }
    place.append(room.element);
  }

  lab.onStore(show);
  let locks = "";
  lab.onState(({ settings, lock }) => {
    if (lock.join() !== locks) show(); // what one may begin depends on them
    locks = lock.join();
    if (shown !== null) rungs.select.value = rungOf(settings);
  });
  onMode(lab, () => {
    host.hidden = modeOf(lab) !== "hand";
    if (!host.hidden && (stale || shown === null)) show();
  }, signal);
  const unheard = lab.link.on("floor", (told) => {
    if (asking === null) return;
    asking.floor = { loss: told.loss, theta: told.theta === null ? null : Float64Array.from(told.theta), words: told.sentence };
    asking.changed();
    asking = null;
  });
  signal.addEventListener("abort", () => (unheard(), clear()));
  host.hidden = true;
};

/** The ladder, and on which rung one is; data of the lab that are on none stand above it. */
function fillRungs(select: HTMLSelectElement, lab: Lab, fit: boolean): void {
  const numbers = lab.store?.page.blocks.theta.shape[1] ?? 0;
  const first = make("option", { value: "" }, fit ? words.present(numbers) : words.choose);
  const others = RUNGS.map(({ name, change }, i) => {
    const option = make("option", { value: String(i) }, words.rungs[name]);
    option.disabled = forbidden(lab, change);
    return option;
  });
  select.replaceChildren(first, ...others);
  select.value = fit ? rungOf(lab.state?.settings ?? {}) : "";
}

function rungOf(settings: Settings): string {
  const at = RUNGS.findIndex(({ change }) => Object.keys(differing(change, settings)).every((name) => FREE.includes(name)));
  return at < 0 ? "" : String(at);
}

/** What of a change is not so yet; parts are known by their names. */
function differing(change: Settings, settings: Settings): Settings {
  const plain = (value: unknown): string => JSON.stringify((value as { name?: string } | null)?.name ?? value ?? null);
  return Object.fromEntries(Object.entries(change).filter(([name, value]) => plain(value) !== plain(settings[name])));
}

/** Begins a new branch with these settings; where they are as they are, from the same start again. */
function begin(lab: Lab, settings: Settings): void {
  const change = asked(lab, settings);
  lab.link.say(change === null ? { kind: "reset", start: "same" } : { kind: "set", change });
}

/** The change that brings these settings; null where nothing new is to begin. */
function asked(lab: Lab, settings: Settings): Settings | null {
  const change = differing(settings, lab.state?.settings ?? {});
  const anew = Object.keys(change).some((name) => !CONTINUES.includes(name));
  // On other data all is as usual there, unless it is named.
  return anew ? ("data" in change ? settings : change) : null;
}

/** Whether a lock keeps something that these settings would change. */
function forbidden(lab: Lab, settings: Settings): boolean {
  const locked = lockedSettings(lab.state?.lock ?? []);
  return Object.keys(asked(lab, settings) ?? {}).some((name) => locked.has(name));
}

/** Where the model cannot be set by hand: why, and what to take instead. */
function offer(lab: Lab, unfit: Exclude<Unfit, "">, store: LiveStore, climb: (rung: number) => void): HTMLElement {
  const why = words.offer[unfit](store.page.task);
  const line = wordButton(words.offer.line, () => climb(RUNGS.findIndex(({ name }) => name === "line")));
  line.classList.add("main");
  const linear = wordButton(words.offer.linear, () => lab.link.say({ kind: "set", change: { hidden: [] } }));
  line.hidden = forbidden(lab, RUNGS.find(({ name }) => name === "line")!.change);
  linear.hidden = forbidden(lab, { hidden: [] });
  const buttons = unfit === "hidden layers" ? [line, linear] : [line];
  const none = buttons.every((one) => one.hidden);
  return make("div", { class: "card" }, make("p", {}, why), none ? make("p", {}, words.locked) : "", make("div", { class: "choices" }, ...buttons));
}

function trailOf(game: Game): number[][] {
  return game.trail.map(({ theta }) => Array.from(theta));
}

/** The trail goes into the run, so that it is saved with it. */
function keep(lab: Lab, game: Game): void {
  if (game.moves === game.sent) return;
  game.sent = game.moves;
  lab.link.say({ kind: "hand", trail: trailOf(game), go: false, assists: game.assists });
}

function asksOf(lab: Lab, game: Game): Omit<Asks, "floor"> {
  return {
    go() {
      game.end();
      game.sent = game.moves;
      lab.link.say({ kind: "hand", trail: trailOf(game), go: true, assists: game.assists });
    },
    race() {
      begin(lab, { start: Array.from(game.trail[0].theta) });
      lab.link.say({ kind: "play", on: true });
    },
  };
}
