// One feature: rows and what the model makes of the feature, at the frame looked at.
import { mathsOf } from "../looking";
import type { Store } from "../store";
import { type Axes, axesIn, clipped, drawAxes, extent, inside, type Range, roomy } from "./axes";
import { className } from "./judging";
import { drawRing, drawRows, keyLine, keyParts, keySign, nearestRow, type Picture, type Placed } from "./picture";
import { shapeOf } from "./marks";
import { column, even, hasLabels, metFrom, type Shown, targetColumn, targetName, targetUnit } from "./rows";
import type { Theme } from "./theme";

const STEPS = 160; // of the curve
const GAPS = 60; // rows, up to which each one's residual is drawn

export function fitPicture(store: Store, shown: Shown): Picture {
  const { page } = store;
  const labels = hasLabels(page);
  const maths = mathsOf(store);
  const own = column(page, shown, 0);
  const heights = Float64Array.from(targetColumn(page, shown, 0), (y) => heightOf(store, y));
  const xRange = roomy(extent(own) ?? [0, 1]);
  const curve = even(metFrom(page, 0, xRange[0]), metFrom(page, 0, xRange[1]), STEPS);
  const ownCurve = even(xRange[0], xRange[1], STEPS);
  let axes: Axes;
  let at: Placed;
  let ground: HTMLCanvasElement;
  let rows: HTMLCanvasElement;

  const code = (i: number): number => (labels ? shown.y[i * shown.k] : 0);
  function colour(i: number, theme: Theme): string {
    if (labels) return theme.classes[code(i) % theme.classes.length];
    return shown.part[i] === 1 ? theme.validation : theme.train;
  }

  /** What is predicted along the feature: (STEPS, k). */
  function predicted(): Float64Array | null {
    if (maths === null) return null;
    const scores = maths.grid(store.theta(), { x: 0, y: 0, xs: curve, ys: [0], base: [0] });
    return page.loss.proper || !labels ? maths.link(scores) : scores;
  }

  return {
    title: maths === null ? "The rows" : `The rows and the fit over ${page.features[0].name}`,
    controls: [],
    choices: () => "",
    prepare(stage, theme) {
      const words = { x: page.features[0].name, y: upName(store) };
      axes = axesIn(stage, theme, xRange, upRange(store, heights));
      at = { x: own.map((x) => axes.x(x)), y: heights.map((y) => axes.y(y)) };
      ground = stage.layer((context) => drawAxes(context, axes, theme, words));
      const looks = { part: shown.part, code, colour: (i: number) => colour(i, theme) };
      rows = stage.layer((context) => drawRows(context, at, looks, theme));
    },
    draw(stage, theme) {
      const found = predicted();
      stage.clear();
      stage.show(ground);
      let seen = 0;
      inside(stage.context, axes.area, () => {
        if (found !== null && !labels && shown.count <= GAPS) gaps(stage.context, theme, found);
        stage.show(rows);
        if (found !== null) seen = lines(stage.context, theme, found);
        drawRing(stage.context, at, store.chosen.row, theme);
      });
      return found !== null && seen === 0 ? "The fit lies outside this picture." : "";
    },
    key(theme) {
      const k = maths?.net.k ?? 1;
      if (!labels) {
        const parts = keyParts(shown.part, [theme.train, theme.validation]);
        return maths === null ? parts : [...parts, keyLine("fit", theme.fit)];
      }
      const classes = Math.max(2, k);
      return Array.from({ length: classes }, (_, c) =>
        keySign(shapeOf(c).full, className(store, c), theme.classes[c % theme.classes.length]),
      );
    },
    rowAt: (x, y) => nearestRow(at, x, y),
  };

  /** The curves, one per output; returns how many of their places are in the picture. */
  function lines(context: CanvasRenderingContext2D, theme: Theme, found: Float64Array): number {
    const k = maths!.net.k;
    const [low, high] = axes.y.domain();
    let seen = 0;
    for (let j = 0; j < k; j++) {
      context.beginPath();
      for (let i = 0; i < STEPS; i++) {
        const y = targetUnit(page, found[i * k + j]);
        if (!Number.isFinite(y)) continue;
        if (y >= low && y <= high) seen += 1;
        context.lineTo(axes.x(ownCurve[i]), clipped(axes.y(y)));
      }
      context.lineWidth = 2.6;
      context.lineJoin = "round";
      context.strokeStyle = labels && k > 1 ? theme.classes[j % theme.classes.length] : theme.fit;
      context.stroke();
    }
    return seen;
  }

  /** From each row to the curve: what the loss is about. */
  function gaps(context: CanvasRenderingContext2D, theme: Theme, found: Float64Array): void {
    const k = maths!.net.k;
    const span = xRange[1] - xRange[0];
    context.beginPath();
    for (let i = 0; i < shown.count; i++) {
      const place = Math.round(((own[i] - xRange[0]) / span) * (STEPS - 1));
      const y = axes.y(targetUnit(page, found[place * k]));
      if (!Number.isFinite(y)) continue;
      context.moveTo(at.x[i], at.y[i]);
      context.lineTo(at.x[i], clipped(y));
    }
    context.strokeStyle = theme.quiet;
    context.globalAlpha = 0.55;
    context.lineWidth = 1;
    context.stroke();
    context.globalAlpha = 1;
  }
}

/** Where a row stands upright: labels at 0 and 1, or ±1 for scores, or in lanes above all curves. */
function heightOf(store: Store, y: number): number {
  const { targets, proper } = store.page.loss;
  if (targets === "two labels") return proper ? y : 2 * y - 1;
  return targets === "labels" ? 1.08 + 0.07 * y : y;
}

function upRange(store: Store, heights: Float64Array): Range {
  const found = extent(heights) ?? [0, 1];
  const { targets, proper } = store.page.loss;
  if (targets === "two labels") return proper ? [-0.08, 1.08] : [-2, 2];
  return targets === "labels" ? [-0.04, found[1] + 0.06] : roomy(found, 0.1);
}

function upName(store: Store): string {
  const { page } = store;
  if (!hasLabels(page)) return targetName(page, 0);
  if (!page.loss.proper) return "score";
  return page.loss.targets === "two labels" ? `probability of ${className(store, 1)}` : "probability";
}
