// The room of one problem: picture, sliders, map, chart and standing; drawn at each move.
import { boundaryPicture } from "../../charts/boundary";
import { areaOf, type Axes, extent, makeAxes, roomy } from "../../charts/axes";
import { makeStage, type Stage } from "../../charts/canvas";
import { checkbox, choice, freshId, make, setText } from "../../charts/elements";
import { count } from "../../charts/figures";
import { fitPicture } from "../../charts/fit";
import type { Picture } from "../../charts/picture";
import { predictedPicture } from "../../charts/predicted";
import { column, hasLabels } from "../../charts/rows";
import { onScheme, type Theme, themeOf } from "../../charts/theme";
import type { Store } from "../../store";
import { text } from "../text";
import { boundaryHandles, drawBoundary } from "./boundary";
import { lossChart } from "./chart";
import { type Curve, curvePicture, machineKey } from "./curve";
import type { Game } from "./game";
import { type Handle, type Handles, makeHandles } from "./handles";
import { lineHandles, sigmoidHandles } from "./line";
import { lossMap } from "./map";
import { type Asks, makeCompass, makePanel } from "./panel";
import type { Problem } from "./problem";
import { handStore } from "./seen";
import { makeSliders } from "./sliders";
import { canSquare, makeSquares, type Squares } from "./squares";
import { lossFigure, lossName, placeWords, stateWords } from "./words";

const words = text.hand;

/** A part of the room: drawn at each change, prepared again where its size or colours changed. */
interface Card {
  element: HTMLElement;
  draw(): void;
  again(): void;
}

export interface Room {
  element: HTMLElement;
  /** The store whose training is drawn beside the hand's way; the same problem. */
  follow(store: Store): void;
  destroy(): void;
}

export function makeRoom(problem: Problem, game: Game, asks: Asks): Room {
  let store: Store = problem.store;
  const machine = (): Store | null => (store.page.updates > 0 ? store : null);
  const panel = makePanel(game, asks);
  const picture = pictureCard(problem, game, machine);
  const cards = [picture, ...mapCards(problem, game, machine), chartCard(problem, game, machine)];
  const spoken = make("p", { class: "unseen", role: "status", "aria-live": "polite" });
  const side = make("section", { class: "card", "aria-label": words.score.name, "data-view": "standing" }, panel.element);
  const grid = make("div", { class: "views" }, picture.element, ...cards.slice(1, -1).map((card) => card.element), side, cards[cards.length - 1].element);
  const element = make("div", { class: "room" }, grid, spoken);
  const root = make("div");
  let due = 0;
  let said = -1;

  function draw(): void {
    due = 0;
    if (element.clientWidth === 0) return; // it is drawn once it is seen again
    for (const card of cards) card.draw();
    panel.draw();
    if (said !== game.moves) setText(spoken, said < 0 ? "" : stateWords(problem, game));
    said = game.moves;
    element.dataset.drawn = String(Number(element.dataset.drawn ?? 0) + 1);
  }

  function changed(): void {
    if (due === 0) due = requestAnimationFrame(draw);
  }

  function again(): void {
    for (const card of cards) card.again();
    changed();
  }

  const sizes = new ResizeObserver(again);
  sizes.observe(grid);
  let unfollow = store.on(changed);
  const ends = [game.on(changed), () => sizes.disconnect(), () => unfollow(), () => cancelAnimationFrame(due)];
  const attached = new ResizeObserver(() => {
    if (!element.isConnected) return;
    attached.disconnect();
    ends.push(onScheme(element.closest<HTMLElement>(".descend") ?? root, again));
  });
  attached.observe(element);
  ends.push(() => attached.disconnect());
  changed();
  return {
    element,
    follow(next) {
      unfollow();
      store = next;
      unfollow = store.on(changed);
      again();
    },
    destroy() {
      for (const end of ends) end();
      element.remove();
    },
  };
}

// ------------------------------------------------------------------- the cards

function card(name: string, host: HTMLElement): { element: HTMLElement; heading: HTMLElement } {
  const heading = make("h3", { id: freshId("hand") });
  const element = make("section", { class: "card", "aria-labelledby": heading.id, "data-view": name }, heading, host);
  return { element, heading };
}

function pictureCard(problem: Problem, game: Game, machine: () => Store | null): Card {
  const frame = make("div", { class: "held" });
  const stage = makeStage(frame, (width) => Math.round(Math.max(240, Math.min(380, 0.7 * width))));
  const { picture, handles, hint, curve } = toDrag(problem, game, machine, frame);
  const key = make("ul", { class: "key" });
  const readout = make("p", { class: "readout" });
  const squares = curve !== null && canSquare(problem) ? makeSquares(problem, game, curve) : null;
  const sliders = makeSliders(problem, game);
  const host = make("div", { class: "host" }, frame, key, readout);
  const { element, heading } = card("picture", host);
  const drawSquares = squares === null ? () => undefined : squaresInto(host, frame, squares);
  const { all, shown } = problem.store.page.rows;
  const sampled = shown.train < all.train ? `${words.sampled(shown.train, all.train)} ` : "";
  host.append(sliders.element, make("p", { class: "quiet" }, `${sampled}${hint} ${words.drag.keys}`));
  let prepared: string | null = null;
  if (handles !== null) grabbing(stage, handles);

  return {
    element,
    draw() {
      const theme = themeOf(element);
      const now = `${picture.choices()} ${machine() !== null}`;
      if (prepared !== now) {
        if (!stage.fit()) return;
        picture.prepare(stage, theme);
        key.replaceChildren(...picture.key(theme));
        prepared = now;
      }
      setText(readout, picture.draw(stage, theme));
      readout.hidden = readout.textContent === "";
      drawSquares();
      sliders.draw();
      const place = placeWords(problem, game.theta);
      handles?.made.draw(place);
      const title = words.title(lossName(problem.store.page), lossFigure(game.loss), place);
      setText(heading, title);
      heading.dataset.value = String(game.loss);
      stage.canvas.setAttribute("aria-label", title);
    },
    again() {
      prepared = null;
    },
  };
}

interface Dragged {
  picture: Picture;
  curve: Curve | null;
  handles: { made: Handles; all: Handle[]; across: Handle | null; far(x: number, y: number): number } | null;
  hint: string;
}

/** What there is to be dragged: a line, a sigmoid, a boundary, or nothing. */
function toDrag(problem: Problem, game: Game, machine: () => Store | null, frame: HTMLElement): Dragged {
  const { store, shown, maths } = problem;
  const { page } = store;
  const { d, k } = maths.net;
  const made = (all: Handle[]) => makeHandles(frame, all, game, words.handles.at);
  if (d === 1 && k === 1) {
    const curve = curvePicture(problem, game, machine);
    const bent = hasLabels(page) && page.loss.proper;
    const make = bent ? sigmoidHandles : lineHandles;
    const all = make(curve.axes, curve.sheet, curve.ends, page.model.bias, game);
    const score = (x: number): number => game.theta[0] * curve.sheet().met(x) + (game.theta[1] ?? 0);
    const far = (x: number, y: number): number => Math.abs(curve.sheet().top(score(x)) - y);
    const across = page.model.bias ? all[bent ? 0 : 1] : null;
    const hint = bent ? words.drag.sigmoid : page.model.bias ? words.drag.line : words.drag.through;
    return { picture: curve, curve, handles: { made: made(all), all, across, far }, hint };
  }
  const seen = handStore(problem, game);
  if (d === 1) return { picture: fitPicture(seen, shown), curve: null, handles: null, hint: words.drag.none };
  if (!hasLabels(page)) return { picture: predictedPicture(seen, shown), curve: null, handles: null, hint: words.drag.none };
  const picture = boundaryPicture(seen, shown);
  if (d > 2 || k > 1) return { picture, curve: null, handles: null, hint: words.drag.none };
  const axes = planeAxes(problem, frame);
  const beside: Picture = {
    ...picture,
    title: "",
    draw(stage, theme) {
      const said = picture.draw(stage, theme);
      const other = machine();
      if (other !== null) drawBoundary(stage.context, page, axes(), other.theta(), theme.now);
      return said;
    },
    key: (theme) => [...picture.key(theme), ...machineKey(machine(), theme)],
  };
  const all = boundaryHandles(page, axes, page.model.bias, game);
  return { picture: beside, curve: null, handles: { made: made(all), all, across: null, far: () => Infinity }, hint: words.drag.boundary };
}

/** The axes of the boundary's picture: two features, with room around the rows. */
function planeAxes({ store: { page }, shown }: Problem, frame: HTMLElement): () => Axes {
  const ranges = [0, 1].map((i) => roomy(extent(column(page, shown, i)) ?? [0, 1]));
  let axes: Axes | null = null;
  let size = "";
  return () => {
    const canvas = frame.querySelector("canvas")!;
    const [width, height] = [Math.floor(frame.clientWidth), canvas.clientHeight];
    if (axes === null || size !== `${width} ${height}`) axes = makeAxes(areaOf(width, height), ranges[0], ranges[1]);
    size = `${width} ${height}`;
    return axes;
  };
}

const NEAR = 12; // pixels from the line within which a press takes hold of it

/** With the mouse the line itself can be taken, anywhere. */
function grabbing({ canvas }: Stage, { made, across, far }: NonNullable<Dragged["handles"]>): void {
  if (across === null) return;
  const distance = (event: PointerEvent): number => {
    const box = canvas.getBoundingClientRect();
    return far(event.clientX - box.left, event.clientY - box.top);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && distance(event) <= NEAR) made.seize(across, event);
  });
  canvas.addEventListener("pointermove", (event) => {
    canvas.style.setProperty("cursor", distance(event) <= NEAR ? "move" : "default");
  });
}

function squaresInto(host: HTMLElement, frame: HTMLElement, squares: Squares): () => void {
  const said = make("p", { class: "readout", "data-name": "squares" });
  const shown = checkbox(words.squares, false, () => draw());
  const draw = (): void => squares.draw(shown.input.checked, said);
  frame.querySelector("canvas")!.after(squares.element);
  host.append(make("div", { class: "choices" }, shown.label), said);
  return draw;
}

function mapCards(problem: Problem, game: Game, machine: () => Store | null): Card[] {
  const found = lossMap(problem, game, machine);
  const host = make("div", { class: "host" });
  const stage = makeStage(host, (width) => Math.round(Math.max(240, Math.min(380, 0.7 * width))));
  const key = make("ul", { class: "key" });
  const { element, heading } = card("map", host);
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
  return [{ element, draw, again: () => (prepared = null) }];
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

function chartCard(problem: Problem, game: Game, machine: () => Store | null): Card {
  const found = lossChart(game, machine, lossName(problem.store.page));
  const host = make("div", { class: "host" });
  const stage = makeStage(host, (width) => Math.round(Math.max(220, Math.min(320, 0.5 * width))));
  const key = make("ul", { class: "key" });
  const readout = make("p", { class: "readout" });
  const log = checkbox(words.chart.log, false, () => game.changed());
  const { element, heading } = card("race", host);
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
