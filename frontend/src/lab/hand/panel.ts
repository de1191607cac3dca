// How it stands: now, best so far, the best possible and the gap; what one may ask for; going on.
import { make, setText, wordButton } from "../../charts/elements";
import { setValue, valueSpan } from "../../charts/figures";
import { text } from "../text";
import type { Game } from "./game";
import type { Problem } from "./problem";
import { downWords, floorFigure, gapWords, lossFigure } from "./words";

const words = text.hand;

/** What the panel asks of Python. */
export interface Asks {
  floor(): void;
  go(): void; // descent from where the hand is
  race(): void; // descent from where the hand began
}

export interface Panel {
  element: HTMLElement;
  draw(): void;
}

export function makePanel(game: Game, asks: Asks): Panel {
  const figures = standing(game);
  const checked = prediction(game, asks);
  const buttons = make(
    "div",
    { class: "choices" },
    mainButton(words.go, asks.go),
    wordButton(words.race, asks.race),
    wordButton(words.back, () => (game.to(game.best.theta), game.end())),
    wordButton(words.again, () => game.restart()),
  );
  const element = make("div", { class: "standing" }, figures.element, checked.element, buttons);
  return {
    element,
    draw() {
      figures.draw();
      checked.draw();
    },
  };
}

/** One arrow at a time, each an assist: which way is down from here. */
export function makeCompass(problem: Problem, game: Game): Panel {
  const said = make("p", { class: "readout", role: "status" });
  const which = wordButton(words.which, () => game.ask());
  return {
    element: make("div", { class: "compass" }, which, said),
    draw() {
      which.setAttribute("aria-disabled", String(game.arrow !== null));
      setText(said, game.arrow === null ? "" : downWords(problem, game.arrow));
    },
  };
}

function mainButton(name: string, act: () => void): HTMLButtonElement {
  const button = wordButton(name, act);
  button.classList.add("main");
  return button;
}

/** The figures of the game, each with its full number beside it. */
function standing(game: Game): Panel {
  const values = { now: valueSpan("now"), best: valueSpan("best"), floor: valueSpan("floor"), moves: valueSpan("moves"), assists: valueSpan("assists") };
  const items = Object.entries(values).map(([name, value]) =>
    make("div", {}, make("dt", {}, words.score[name as keyof typeof values]), make("dd", {}, value)),
  );
  const gap = make("p", { class: "gap" });
  return {
    element: make("div", {}, make("dl", { class: "now" }, ...items), gap),
    draw() {
      for (const [name, loss] of [["now", game.loss], ["best", game.best.loss]] as const) {
        setValue(values[name], loss);
        setText(values[name], lossFigure(loss));
      }
      setValue(values.moves, game.moves);
      setValue(values.assists, game.assists);
      const floor = game.floor?.loss ?? null;
      if (floor === null) {
        setText(values.floor, game.floor === null ? words.score.unknown : words.score.none);
        values.floor.removeAttribute("data-value");
      } else {
        setValue(values.floor, floor);
        setText(values.floor, floorFigure(game));
      }
      setText(gap, gapWords(game));
    },
  };
}

/** Predict, then check: the guess comes first, the floor only when it is asked for. */
function prediction(game: Game, asks: Asks): Panel {
  const guess = make("input", { type: "number", step: "any", "aria-label": words.guess });
  guess.addEventListener("keydown", (event) => event.stopPropagation());
  const show = wordButton(words.show, () => {
    game.guess = guess.value === "" ? null : guess.valueAsNumber;
    asks.floor();
  });
  const said = make("p", { class: "readout", role: "status" });
  const asking = make("div", { class: "choices" }, make("label", { class: "choice" }, make("span", {}, words.predict), guess), show);
  return {
    element: make("div", { class: "predict" }, asking, said),
    draw() {
      asking.hidden = game.floor !== null;
      setText(said, game.floor === null ? "" : floorWords(game));
    },
  };
}

function floorWords(game: Game): string {
  const { floor, guess, trail } = game;
  if (floor!.loss === null) return floor!.words;
  const slack = Math.max(0.05 * Math.abs(floor!.loss), 0.001 * Math.abs(trail[0].loss - floor!.loss));
  const near = guess !== null && Math.abs(guess - floor!.loss) <= slack;
  const judged = guess === null ? "" : words.guessed(lossFigure(guess), guess > floor!.loss, near);
  return judged + words.floorSay(floorFigure(game), floor!.words);
}
