// By hand: the learner's own way through a problem, before and beside the machine's.
import { choice, make, wordButton } from "../../charts/elements";
import type { Lab, Part } from "../context";
import type { LiveStore } from "../live";
import { text } from "../text";
import { type Game, makeGame } from "./game";
import { modeOf, onMode } from "./mode";
import type { Asks } from "./panel";
import { problemOf, type Unfit, unfitness } from "./problem";
import { type Room, makeRoom } from "./room";
import { RUNGS } from "./rungs";

const words = text.hand;
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
  let later = 0;
  let asking: Game | null = null; // whose floor Python is looking for

  const rungs = choice(words.problem, [], "", (value) => value !== "" && begin(lab, Number(value)));
  host.classList.add("hand");
  host.append(make("section", { "aria-label": words.name }, make("div", { class: "choices" }, rungs.label), place));

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
    fillRungs(rungs.select, store, unfit === "");
    if (unfit !== "") {
      clear();
      place.append(offer(lab, unfit, store));
      return;
    }
    enter(store);
  }

  /** The room of the store's problem: the one that is open, where it is the same. */
  function enter(store: LiveStore): void {
    const problem = problemOf(store);
    if (shown?.key === problem.key) {
      shown.room.follow(store);
      return;
    }
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

function fillRungs(select: HTMLSelectElement, store: LiveStore, fit: boolean): void {
  const numbers = store.page.blocks.theta.shape[1];
  const present = fit ? [make("option", { value: "" }, words.present(numbers))] : [make("option", { value: "" }, words.choose)];
  const others = RUNGS.map(({ name }, i) => make("option", { value: String(i) }, words.rungs[name]));
  select.replaceChildren(...present, ...others);
  select.value = "";
}

function begin(lab: Lab, rung: number): void {
  lab.link.say({ kind: "set", change: RUNGS[rung].change });
}

/** Where the model cannot be set by hand: why, and what to take instead. */
function offer(lab: Lab, unfit: Exclude<Unfit, "">, store: LiveStore): HTMLElement {
  const why = words.offer[unfit](store.page.task);
  const line = wordButton(words.offer.line, () => begin(lab, RUNGS.findIndex(({ name }) => name === "line")));
  line.classList.add("main");
  const linear = wordButton(words.offer.linear, () => lab.link.say({ kind: "set", change: { hidden: [] } }));
  const buttons = unfit === "hidden layers" ? [line, linear] : [line];
  return make("div", { class: "card" }, make("p", {}, why), make("div", { class: "choices" }, ...buttons));
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
      lab.link.say({ kind: "set", change: { start: Array.from(game.trail[0].theta) } });
      lab.link.say({ kind: "play", on: true });
    },
  };
}
