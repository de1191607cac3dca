// Losses of several branches on shared axes: each in its colour, with its sign at its end.
import uPlot from "uplot";
import { figure } from "../../charts/figures";
import { drawable } from "../../charts/lines";
import { type Theme, themeOf } from "../../charts/theme";
import { text } from "../text";
import { colourOf, drawSign } from "./signs";

const words = text.branches.comparison;

export interface Course {
  steps: ArrayLike<number>;
  losses: ArrayLike<number>;
  place: number; // of the branch
  dashed: boolean; // of the validation rows
}

/** Whether all losses that can be drawn are above 0. */
export function logarithmic(courses: Course[]): boolean {
  return courses.every(({ losses }) => Array.from(losses).every((loss) => !(loss <= 0)));
}

export function chartOf(host: HTMLElement, courses: Course[]): uPlot {
  const theme = themeOf(host);
  const log = logarithmic(courses);
  const width = Math.floor(host.clientWidth);
  const tables = courses.map(
    ({ steps, losses }) => [Array.from(steps), drawable(losses, log)] as uPlot.AlignedData,
  );
  const series: uPlot.Series[] = courses.map(({ place, dashed }) => ({
    scale: "y",
    stroke: colourOf(place, theme),
    width: dashed ? 1.4 : 2,
    dash: dashed ? [6, 4] : [],
    points: { show: false },
    spanGaps: false,
  }));
  const range: uPlot.Range.Function = (_, low, high) =>
    low === null || high === null ? [0.1, 10] : log ? uPlot.rangeLog(low, high, 10, false) : roomy(low, high);
  return new uPlot(
    {
      width,
      height: Math.round(Math.max(220, Math.min(360, 0.5 * width))),
      series: [{}, ...series],
      scales: { x: { time: false }, y: log ? { distr: 3, log: 10, range } : { range } },
      axes: axesOf(theme),
      legend: { show: false },
      cursor: { show: false },
      padding: [10, 18, 0, 0],
      hooks: { draw: [(plot) => ends(plot, courses, theme)] },
    },
    tables.length === 1 ? tables[0] : uPlot.join(tables),
    host,
  );
}

function roomy(low: number, high: number): uPlot.Range.MinMax {
  const span = high - low || Math.abs(high) || 1;
  return [low - 0.06 * span, high + 0.06 * span];
}

function axesOf(theme: Theme): uPlot.Axis[] {
  const common = {
    stroke: theme.quiet,
    font: theme.font,
    labelFont: theme.font,
    grid: { stroke: theme.line, width: 1 },
    ticks: { stroke: theme.line, width: 1, size: 5 },
    gap: 5,
    values: (_: uPlot, splits: number[]) => splits.map((value) => (value === null ? "" : figure(value, 4))),
  };
  return [
    { ...common, label: words.across, labelSize: 18, size: 28, space: 64 },
    { ...common, scale: "y", label: words.up, labelSize: 20, size: 62, space: 34 },
  ];
}

/** Each line's sign where it ends. */
function ends(plot: uPlot, courses: Course[], theme: Theme): void {
  courses.forEach(({ steps, losses, place, dashed }) => {
    const last = steps.length - 1;
    if (dashed || last < 0 || !Number.isFinite(losses[last])) return;
    const at = [plot.valToPos(steps[last], "x", true), plot.valToPos(losses[last], "y", true)] as const;
    drawSign(plot.ctx, place, at, 13 * uPlot.pxRatio, theme);
  });
}
