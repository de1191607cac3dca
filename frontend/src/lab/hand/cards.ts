// The map with the compass below it, and the chart of both ways.
import { makeStage } from "../../charts/canvas";
import { checkbox, choice, make, setText } from "../../charts/elements";
import { count } from "../../charts/figures";
import { type Theme, themeOf } from "../../charts/theme";
import type { Store } from "../../store";
import { text } from "../text";
import { type Card, cardOf } from "./card";
import { lossChart } from "./chart";
import type { Game } from "./game";
import { lossMap } from "./map";
import { makeCompass } from "./panel";
import type { Problem } from "./problem";
import { lossName, placeWords } from "./words";

const words = text.hand;

export function mapCard(problem: Problem, game: Game, machine: () => Store | null): Card {
  const found = lossMap(problem, game, machine);
  const host = make("div", { class: "host" });
  const stage = makeStage(host, (width) => Math.round(Math.max(240, Math.min(380, 0.7 * width))));
  const key = make("ul", { class: "key" });
  const { element, heading } = cardOf("map", host);
  const many = problem.start.length > 2;
  const compass = makeCompass(problem, game);
  host.append(key, compass.element);
  let prepared: string | null = null;
  if (many) host.append(make("div", { class: "choices" }, ...sliceChoices(problem, found.chosen, () => game.changed())));
  host.append(make("p", { class: "quiet" }, many ? words.map.sliced(problem.start.length - 2) : words.map.exact));
  const draw = (): void => {
    const theme: Theme = themeOf(element);
    const now = `${found.depends()} ${machine() !== null}`;
    if (prepared !== now) {
      if (!stage.fit()) return;
      found.prepare(stage, theme);
      key.replaceChildren(...found.key(theme, machine() !== null));
      prepared = now;
    }
    found.draw(stage, theme);
    compass.draw();
    setText(heading, found.title);
    stage.canvas.setAttribute("aria-label", `${found.title}. ${words.map.said(placeWords(problem, game.theta), game.moves)}`);
  };
  return { element, draw, again: () => (prepared = null) };
}

/** Which two of the numbers the slice is over; choosing the other's makes them change places. */
function sliceChoices({ names }: Problem, chosen: [number, number], changed: () => void): HTMLElement[] {
  const options = names.map((name, i) => ({ value: String(i), words: name }));
  const selects = ([0, 1] as const).map((axis) =>
    choice(axis === 0 ? words.map.across : words.map.up, options, String(chosen[axis]), (value) => {
      const to = Number(value);
      if (to === chosen[1 - axis]) chosen[1 - axis] = chosen[axis];
      chosen[axis] = to;
      selects.forEach(({ select }, i) => (select.value = String(chosen[i])));
      changed();
    }),
  );
  return selects.map(({ label }) => label);
}

export function chartCard(problem: Problem, game: Game, machine: () => Store | null): Card {
  const found = lossChart(game, machine, lossName(problem.store.page));
  const host = make("div", { class: "host" });
  const stage = makeStage(host, (width) => Math.round(Math.max(220, Math.min(320, 0.5 * width))));
  const key = make("ul", { class: "key" });
  const readout = make("p", { class: "readout" });
  const log = checkbox(words.chart.log, false, () => game.changed());
  const { element, heading } = cardOf("race", host);
  host.append(key, make("div", { class: "choices" }, log.label), readout);
  setText(heading, words.chart.title);
  let keyed = "";
  return {
    element,
    draw() {
      const theme = themeOf(element);
      if (!stage.fit()) return;
      found.draw(stage, theme, log.input.checked);
      const now = `${machine() !== null} ${count(game.floor?.loss ?? NaN)} ${theme.ink}`;
      if (keyed !== now) key.replaceChildren(...found.key(theme, machine() !== null));
      keyed = now;
      setText(readout, found.words());
      stage.canvas.setAttribute("aria-label", `${words.chart.title}. ${found.words()}`);
    },
    again() {
      keyed = "";
    },
  };
}
