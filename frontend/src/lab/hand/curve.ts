// One feature: the rows, the hand's line or curve, and where the machine is.
import { type Axes, axesIn, clipped, drawAxes, extent, inside, type Range, roomy } from "../../charts/axes";
import { className } from "../../charts/judging";
import { shapeOf } from "../../charts/marks";
import { drawRows, keyLine, keyParts, keySign, type Picture, type Placed } from "../../charts/picture";
import { column, even, hasLabels, metFrom, targetColumn, targetName, targetUnit } from "../../charts/rows";
import type { Theme } from "../../charts/theme";
import type { Store } from "../../store";
import { text } from "../text";
import type { Game } from "./game";
import { type Sheet, sheetOf } from "./plane";
import type { Problem } from "./problem";

const STEPS = 120;

export interface Curve extends Picture {
  axes(): Axes;
  sheet(): Sheet;
  ends: [number, number]; // what the model meets at the first and last row
}

/** `machine`: the store whose frame is drawn as well, where it has been trained. */
export function curvePicture(problem: Problem, game: Game, machine: () => Store | null): Curve {
  const { store, shown, maths } = problem;
  const { page } = store;
  const labels = hasLabels(page);
  const across = column(page, shown, 0);
  const heights = labels
    ? Float64Array.from(shown.y, (code) => (page.loss.proper ? code : 2 * code - 1))
    : targetColumn(page, shown, 0);
  const limits = extent(across) ?? [0, 1];
  const xRange = roomy(limits);
  const met = even(metFrom(page, 0, xRange[0]), metFrom(page, 0, xRange[1]), STEPS);
  const own = even(xRange[0], xRange[1], STEPS);
  const yRange = upRange(problem, heights, met);
  let axes: Axes;
  let sheet: Sheet;
  let at: Placed;
  let ground: HTMLCanvasElement;

  function line(context: CanvasRenderingContext2D, theta: ArrayLike<number>, look: { colour: string; dash: number[]; width: number }): void {
    const scores = maths.grid(Float64Array.from(theta), { x: 0, y: 0, xs: met, ys: [0], base: [0] });
    context.beginPath();
    for (let i = 0; i < STEPS; i++) {
      const y = sheet.top(scores[i]);
      if (Number.isFinite(y)) context.lineTo(axes.x(own[i]), clipped(y));
    }
    context.setLineDash(look.dash);
    context.lineWidth = look.width;
    context.lineJoin = "round";
    context.strokeStyle = look.colour;
    context.stroke();
    context.setLineDash([]);
  }

  return {
    title: "",
    controls: [],
    choices: () => "",
    axes: () => axes,
    sheet: () => sheet,
    ends: [metFrom(page, 0, limits[0]), metFrom(page, 0, limits[1])],
    rowAt: () => null,
    prepare(stage, theme) {
      axes = axesIn(stage, theme, xRange, yRange);
      sheet = sheetOf(page, axes);
      at = { x: across.map((x) => axes.x(x)), y: heights.map((y) => axes.y(y)) };
      const colour = (i: number): string => colourOf(problem, i, theme);
      const looks = { part: shown.part, code: (i: number) => (labels ? shown.y[i] : 0), colour };
      ground = stage.layer((context) => {
        drawAxes(context, axes, theme, { x: page.features[0].name, y: upName(store) });
        inside(context, axes.area, () => drawRows(context, at, looks, theme));
      });
    },
    draw(stage, theme) {
      stage.clear();
      stage.show(ground);
      const other = machine();
      inside(stage.context, axes.area, () => {
        if (other !== null) line(stage.context, other.theta(), { colour: theme.now, dash: [6, 5], width: 2.2 });
        line(stage.context, game.theta, { colour: theme.fit, dash: [], width: 3 });
      });
      return "";
    },
    key(theme) {
      const signs = labels
        ? [0, 1].map((c) => keySign(shapeOf(c).full, className(store, c), theme.classes[c]))
        : keyParts(shown.part, [theme.train, theme.validation]);
      return [...signs, keyLine(text.hand.chart.you, theme.fit), ...machineKey(machine(), theme)];
    },
  };
}

export function machineKey(machine: Store | null, theme: Theme): HTMLElement[] {
  return machine === null ? [] : [keyLine(text.hand.machineLine, theme.now, true)];
}

function colourOf({ store, shown }: Problem, i: number, theme: Theme): string {
  if (hasLabels(store.page)) return theme.classes[shown.y[i]];
  return shown.part[i] === 1 ? theme.validation : theme.train;
}

/** Room for the rows and for the line one begins with; it stays. */
function upRange({ store: { page }, maths, start }: Problem, heights: Float64Array, met: Float64Array): Range {
  if (hasLabels(page)) return page.loss.proper ? [-0.08, 1.08] : [-2.5, 2.5];
  const begun = maths.link(maths.grid(start, { x: 0, y: 0, xs: met, ys: [0], base: [0] }));
  const [low, high] = extent(heights) ?? [0, 1];
  // A start from far away must not make the rows small.
  const most = 3 * (high - low || 1);
  const seen = Array.from(begun, (value) => Math.max(low - most, Math.min(high + most, targetUnit(page, value))));
  return roomy(extent([low, high, ...seen]) ?? [low, high]);
}

function upName({ page }: Store): string {
  if (!hasLabels(page)) return targetName(page, 0);
  return page.loss.proper ? text.hand.probability(page.target.classes?.[1] ?? "1") : text.hand.scores;
}
