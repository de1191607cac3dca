// The map: the loss over two of the numbers (or one), the learner's trail, the machine's path, and
// one arrow at a time.  Its ends stay where they are.
import { areaOf, type Axes, clipped, drawAxes, extent, inside, makeAxes } from "../../charts/axes";
import type { Stage } from "../../charts/canvas";
import type { Field } from "../../charts/contours";
import { keyLine, keySign } from "../../charts/picture";
import { even } from "../../charts/rows";
import type { Theme } from "../../charts/theme";
import type { Store } from "../../store";
import { hills, levelsIn } from "../../views/surface";
import { text } from "../text";
import { arrowOn, bead, polyline } from "./drawing";
import type { Game } from "./game";
import type { Problem } from "./problem";
import { lossName } from "./words";

const words = text.hand.map;
const WORK = 4e6; // rows times places of the map
const MOST_PATH = 400; // of the machine's states drawn

export interface LossMap {
  readonly title: string;
  chosen: [number, number]; // numbers across and up; the same where there is only one
  prepare(stage: Stage, theme: Theme): void;
  draw(stage: Stage, theme: Theme): void;
  key(theme: Theme, machine: boolean): HTMLElement[];
  /** What its ground depends on besides size and colours. */
  depends(): string;
}

export function lossMap(problem: Problem, game: Game, machine: () => Store | null): LossMap {
  const count = problem.start.length;
  const flat = count === 1;
  const chosen: [number, number] = flat ? [0, 0] : [0, count === 2 ? 1 : Math.min(1, count - 1)];
  let axes: Axes;
  let ground: HTMLCanvasElement;

  /** Where a theta lies on the map: of a single number, at its loss. */
  function at(theta: ArrayLike<number>, loss: () => number): [number, number] {
    const [x, y] = chosen;
    return [clipped(axes.x(theta[x])), clipped(axes.y(flat ? loss() : theta[y]))];
  }

  /** The others where the last move left them. */
  function held(): Float64Array {
    return Float64Array.from(game.trail[game.trail.length - 1].theta);
  }

  function machinePath(other: Store): [number, number][] {
    const last = other.index;
    const stride = Math.max(1, Math.ceil(last / MOST_PATH));
    const places: [number, number][] = [];
    for (let i = 0; i <= last; i += stride) places.push(state(other, i));
    places.push(state(other, last));
    return places;
  }

  function state(other: Store, index: number): [number, number] {
    const theta = other.theta(index);
    return at(theta, () => problem.loss(Float64Array.from(theta)));
  }

  return {
    get title() {
      const [x, y] = chosen.map((i) => problem.names[i]);
      if (flat) return words.curve(x);
      return count === 2 ? words.title(x, y) : words.slice(x, y);
    },
    chosen,
    depends: () => (count <= 2 ? "" : `${chosen} ${held().filter((_, i) => !chosen.includes(i))}`),
    prepare(stage, theme) {
      const [x, y] = chosen;
      const area = areaOf(stage.width, stage.height, 56);
      if (flat) {
        const line = curve(problem);
        axes = makeAxes(area, problem.ranges[0], [0, Math.max(...line.losses) * 1.04]);
        ground = stage.layer((context) => {
          drawAxes(context, axes, theme, { x: problem.names[0], y: lossName(problem.store.page) });
          const places = Array.from(line.at, (w, i): [number, number] => [axes.x(w), axes.y(line.losses[i])]);
          inside(context, area, () => polyline(context, places, { colour: theme.quiet, width: 1.8, dash: [] }));
        });
        return;
      }
      axes = makeAxes(area, problem.ranges[x], problem.ranges[y]);
      const field = fieldOf(problem, held(), x, y);
      ground = stage.layer((context) => {
        hills(context, field, levelsIn(field), axes, theme);
        drawAxes(context, axes, theme, { x: problem.names[x], y: problem.names[y] }, false);
      });
    },
    draw(stage, theme) {
      const { context } = stage;
      stage.clear();
      stage.show(ground);
      const other = machine();
      inside(context, axes.area, () => {
        if (other !== null) {
          const path = machinePath(other);
          polyline(context, path, { colour: theme.now, width: 2, dash: [6, 4] });
          bead(context, path[path.length - 1], 5, theme.now, theme.card);
        }
        const trail = game.trail.map((move) => at(move.theta, () => move.loss));
        const here = at(game.theta, () => game.loss);
        polyline(context, [...trail, here], { colour: theme.ink, width: 1.6, dash: [] });
        for (const place of trail) bead(context, place, 3, theme.ink, theme.card);
        bead(context, at(game.best.theta, () => game.best.loss), 5.5, theme.extra, theme.card);
        bead(context, here, 7, theme.accent, theme.card);
        drawArrow(stage, here, theme);
      });
    },
    key(theme, trained) {
      return [
        keyLine(words.you, theme.ink),
        keySign("●", words.best, theme.extra),
        ...(trained ? [keyLine(words.machine, theme.now, true)] : []),
      ];
    },
  };

  /** The negative gradient from here, as long as can be seen; its ends are told in the data. */
  function drawArrow(stage: Stage, here: [number, number], theme: Theme): void {
    const { canvas, context } = stage;
    delete canvas.dataset.arrow;
    if (game.arrow === null) return;
    const [x, y] = chosen;
    const [dx, dy] = [game.arrow[x], flat ? 0 : game.arrow[y]];
    const toX = axes.x(game.theta[x] + dx) - axes.x(game.theta[x]);
    const toY = flat ? 0 : axes.y(game.theta[y] + dy) - axes.y(game.theta[y]);
    const tip = arrowOn(context, here, [toX, toY], theme.validation, theme.card);
    if (tip === null) return;
    const there = [axes.x.invert(tip[0]) - axes.x.invert(here[0]), flat ? 0 : axes.y.invert(tip[1]) - axes.y.invert(here[1])];
    canvas.dataset.arrow = there.join(" ");
  }
}

function fieldOf({ rows, ranges, loss }: Problem, theta: Float64Array, x: number, y: number): Field {
  const side = Math.max(17, Math.min(61, Math.floor(Math.sqrt(WORK / Math.max(1, rows.count)))));
  const [xs, ys] = [even(...ranges[x], side), even(...ranges[y], side)];
  const values = new Float64Array(side * side);
  for (let i = 0; i < values.length; i++) {
    theta[x] = xs[i % side];
    theta[y] = ys[Math.floor(i / side)];
    values[i] = loss(theta);
  }
  return { values, nx: side, ny: side, x: ranges[x], y: ranges[y] };
}

function curve({ ranges, loss }: Problem): { at: Float64Array; losses: number[] } {
  const at = even(...ranges[0], 121);
  const losses = Array.from(at, (w) => loss(Float64Array.of(w)));
  return { at, losses: extent(losses) === null ? losses.map(() => 1) : losses };
}
