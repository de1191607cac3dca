// Curves over updates, drawn by uPlot once per choice; a frame only moves the marker over them.
import uPlot from "uplot";
import type { Store } from "../store";
import { figure } from "./figures";
import type { Theme } from "./theme";

/** A line to be drawn: where it comes from, and how it looks. */
export interface Line {
  name: string; // of the curve
  label: string;
  colour: (theme: Theme) => string;
  width: number;
  dash: number[];
  side: "left" | "right";
}

export interface Plan {
  lines: Line[];
  log: boolean; // of the left axis
  left: string; // names of the axes
  right: string;
  updates: number;
  marks: { step: number; words: string }[]; // upright lines
}

/** What uPlot takes: gaps are null, and undefined where another curve was measured. */
type Column = (number | null | undefined)[];

/** A curve's values as they can be drawn: what is not finite, or not above 0 on a log axis, is a gap. */
export function drawable(values: ArrayLike<number>, log: boolean): Column {
  return Array.from(values, (value) =>
    Number.isFinite(value) && (!log || value > 0) ? value : null,
  );
}

export function makeChart(
  store: Store,
  host: HTMLElement,
  plan: Plan,
  theme: () => Theme,
  size: { width: number; height: number },
  drawn: (plot: uPlot) => void, // it draws later than it is made
): uPlot {
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  const tables: uPlot.AlignedData[] = [];
  for (const line of plan.lines) {
    const found = store.curve(line.name);
    if (found === null) continue;
    const log = plan.log && line.side === "left";
    const table: [number[], ...Column[]] = [Array.from(found.x)];
    const { low, high } = found.curve;
    if (low !== null && high !== null) {
      table.push(drawable(store.block(high), log), drawable(store.block(low), log));
      bands.push({
        series: [series.length, series.length + 1],
        fill: () => faint(line.colour(theme())),
      });
      series.push(invisible(line), invisible(line));
    }
    table.push(drawable(found.y, log));
    series.push(visible(line, theme, found.x.length));
    tables.push(table as uPlot.AlignedData);
  }
  const data = tables.length === 1 ? tables[0] : uPlot.join(tables);
  const options: uPlot.Options = {
    ...size,
    series,
    bands,
    scales: scales(plan),
    axes: axes(plan, theme),
    legend: { show: false },
    padding: [8, plan.lines.some((line) => line.side === "right") ? 0 : 14, 0, 0],
    cursor: { drag: { x: false, y: false, setScale: false }, y: false, points: { size: 7 } },
    hooks: { draw: [(plot) => drawMarks(plot, plan, theme()), drawn] },
  };
  return new uPlot(options, data, host);
}

function faint(colour: string): string {
  return colour.replace("rgb(", "rgba(").replace(")", ", 0.18)");
}

function invisible(line: Line): uPlot.Series {
  return { scale: line.side, stroke: undefined, width: 0, points: { show: false } };
}

function visible(line: Line, theme: () => Theme, count: number): uPlot.Series {
  return {
    label: line.label,
    scale: line.side,
    stroke: () => line.colour(theme()),
    width: line.width,
    dash: line.dash,
    points: { show: count <= 12, size: 6, fill: () => line.colour(theme()) },
  };
}

function scales(plan: Plan): uPlot.Scales {
  const range: uPlot.Range.Function = (_, low, high) => spanned(low, high);
  const logRange: uPlot.Range.Function = (_, low, high) =>
    low === null || high === null ? [0.1, 10] : uPlot.rangeLog(low, high, 10, false);
  return {
    x: { time: false, range: () => [0, Math.max(1, plan.updates)] },
    left: plan.log ? { distr: 3, log: 10, range: logRange } : { range },
    right: { range },
  };
}

/** From 0 where that is near; otherwise with room around. */
function spanned(low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low === null || high === null) return [0, 1];
  const span = high - low || Math.abs(high) || 1;
  const from = low >= 0 && low < 0.4 * high ? 0 : low - 0.06 * span;
  return [from, high + 0.06 * span];
}

function axes(plan: Plan, theme: () => Theme): uPlot.Axis[] {
  const common = {
    stroke: () => theme().quiet,
    font: theme().font,
    labelFont: theme().font,
    grid: { stroke: () => theme().line, width: 1, filter: plan.log ? decades : undefined },
    ticks: { stroke: () => theme().line, width: 1, size: 5 },
    gap: 5,
  };
  const values = (_: uPlot, splits: number[]): string[] =>
    splits.map((value) => (value === null ? "" : figure(value, 4)));
  // On a log axis uPlot leaves null where a label would not fit.
  const side = { ...common, values, size: sized };
  const found: uPlot.Axis[] = [
    { ...common, label: "updates", labelSize: 18, size: 28, values, space: 64 },
    { ...side, scale: "left", label: plan.left, labelSize: 20, space: 34 },
  ];
  if (plan.lines.some((line) => line.side === "right")) {
    found.push({ ...side, scale: "right", side: 1, label: plan.right, labelSize: 20, grid: { show: false } });
  }
  return found;
}

/** On a log axis, lines at the powers of ten alone, where there are several. */
function decades(_: uPlot, splits: number[]): (number | null)[] {
  const powers = splits.map((value) => (Number.isInteger(round(Math.log10(value))) ? value : null));
  return powers.filter((value) => value !== null).length < 3 ? splits : powers;
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** As wide as its longest label. */
function sized(_: uPlot, values: string[] | null): number {
  const longest = Math.max(3, ...(values ?? []).map((value) => value?.length ?? 0));
  return 12 + 7 * longest;
}

/** Upright dashed lines with words at the top: where training stopped, which update was best. */
function drawMarks(plot: uPlot, plan: Plan, theme: Theme): void {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.strokeStyle = theme.quiet;
  ctx.fillStyle = theme.quiet;
  ctx.lineWidth = ratio;
  ctx.font = theme.font.replace("12px", `${11 * ratio}px`);
  ctx.textBaseline = "top";
  plan.marks.forEach(({ step, words }, i) => {
    const x = Math.round(plot.valToPos(step, "x", true)) + 0.5;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const right = x > bbox.left + bbox.width / 2;
    ctx.textAlign = right ? "right" : "left";
    ctx.fillText(words, x + (right ? -5 : 5) * ratio, bbox.top + (4 + 15 * i) * ratio);
  });
  ctx.restore();
}
