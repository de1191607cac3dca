// The picture of the rows with the hand's line or boundary, to be dragged; below it the sliders.
import { areaOf, type Axes, extent, makeAxes, roomy } from "../../charts/axes";
import { boundaryPicture } from "../../charts/boundary";
import { makeStage, type Stage } from "../../charts/canvas";
import { checkbox, make, setText } from "../../charts/elements";
import { fitPicture } from "../../charts/fit";
import type { Picture } from "../../charts/picture";
import { predictedPicture } from "../../charts/predicted";
import { column, hasLabels } from "../../charts/rows";
import { themeOf } from "../../charts/theme";
import type { Store } from "../../store";
import { text } from "../text";
import { boundaryHandles, drawBoundary } from "./boundary";
import { type Card, cardOf } from "./card";
import { type Curve, curvePicture, machineKey } from "./curve";
import type { Game } from "./game";
import { type Handle, type Handles, makeHandles } from "./handles";
import { lineHandles, sigmoidHandles } from "./line";
import type { Problem } from "./problem";
import { handStore } from "./seen";
import { makeSliders } from "./sliders";
import { canSquare, makeSquares, type Squares } from "./squares";
import { lossFigure, lossName, placeWords } from "./words";

const words = text.hand;

export function pictureCard(problem: Problem, game: Game, machine: () => Store | null): Card {
  const frame = make("div", { class: "held" });
  const stage = makeStage(frame, (width) => Math.round(Math.max(240, Math.min(380, 0.7 * width))));
  const { picture, handles, hint, curve } = toDrag(problem, game, machine, frame);
  const key = make("ul", { class: "key" });
  const readout = make("p", { class: "readout" });
  const squares = curve !== null && canSquare(problem) ? makeSquares(problem, game, curve) : null;
  const sliders = makeSliders(problem, game);
  const host = make("div", { class: "host" }, frame, key, readout);
  const { element, heading } = cardOf("picture", host);
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
      picture.draw(stage, theme);
      const other = machine();
      if (other !== null) drawBoundary(stage.context, page, axes(), other.theta(), theme.now);
      return all[0].at() === null ? words.away : "";
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
