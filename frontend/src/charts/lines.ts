// Curves over updates, drawn by uPlot; a frame only moves the marker over them.
import uPlot from "uplot";
import type { Curve } from "../contract";
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

export interface Mark {
  step: number;
  words: string;
}

export interface Plan {
  lines: Line[];
  log: boolean; // of the left axis
  left: string; // names of the axes
  right: string;
  updates: () => number; // where the axis of updates ends
  marks: () => Mark[]; // upright lines
}

export interface Chart {
  readonly plot: uPlot;
  refresh(): void; // takes the curves as they are now
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
): Chart {
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  for (const line of plan.lines) {
    const found = store.curve(line.name);
    if (found === null) continue;
    if (banded(found.curve)) {
      bands.push({
        series: [series.length, series.length + 1],
        fill: () => faint(line.colour(theme())),
      });
      series.push(invisible(line), invisible(line));
    }
    series.push(visible(line, theme));
  }
  const options: uPlot.Options = {
    ...size,
    series,
    bands,
    scales: scales(plan),
    axes: axes(plan, theme),
    legend: { show: false },
    padding: [8, plan.lines.some((line) => line.side === "right") ? 0 : 24, 0, 0],
    cursor: { drag: { x: false, y: false, setScale: false }, y: false, points: { size: 7 } },
    hooks: { draw: [(plot) => drawMarks(plot, plan.marks(), theme()), drawn] },
  };
  const plot = new uPlot(options, dataOf(store, plan), host);
  return { plot, refresh: () => plot.setData(dataOf(store, plan)) };
}

function banded({ low, high }: Curve): boolean {
  return low !== null && high !== null;
}

/** The columns, in the order of the series. */
function dataOf(store: Store, plan: Plan): uPlot.AlignedData {
  const tables: uPlot.AlignedData[] = [];
  for (const line of plan.lines) {
    const found = store.curve(line.name);
    if (found === null) continue;
    const log = plan.log && line.side === "left";
    const table: [number[], ...Column[]] = [Array.from(found.x)];
    const { low, high } = found.curve;
    if (low !== null && high !== null) {
      table.push(drawable(store.block(high), log), drawable(store.block(low), log));
    }
    table.push(drawable(found.y, log));
    tables.push(table as uPlot.AlignedData);
  }
  return tables.length === 1 ? tables[0] : uPlot.join(tables);
}

function faint(colour: string): string {
  return colour.replace("rgb(", "rgba(").replace(")", ", 0.18)");
}

function invisible(line: Line): uPlot.Series {
  return { scale: line.side, stroke: undefined, width: 0, points: { show: false } };
}

const FEW = 12; // points of a curve that are drawn one by one

function visible(line: Line, theme: () => Theme): uPlot.Series {
  return {
    label: line.label,
    scale: line.side,
    stroke: () => line.colour(theme()),
    width: line.width,
    dash: line.dash,
    points: { show: (_, __, from, to) => to - from < FEW, size: 6, fill: () => line.colour(theme()) },
  };
}

function scales(plan: Plan): uPlot.Scales {
  const range: uPlot.Range.Function = (_, low, high) => spanned(low, high);
  const logRange: uPlot.Range.Function = (_, low, high) =>
    low === null || high === null ? [0.1, 10] : uPlot.rangeLog(low, high, 10, false);
  return {
    x: { time: false, range: () => [0, Math.max(1, plan.updates())] },
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
    grid: { stroke: () => theme().line, width: 1, ...(plan.log ? { filter: decades } : {}) },
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

const SAID = 6;

/** Upright dashed lines with words at the top: where training stopped, which update was best. */
function drawMarks(plot: uPlot, marks: Mark[], theme: Theme): void {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.strokeStyle = theme.quiet;
  ctx.fillStyle = theme.quiet;
  ctx.lineWidth = ratio;
  ctx.font = theme.font.replace("12px", `${11 * ratio}px`);
  ctx.textBaseline = "top";
  const said = marks.length - SAID; // of many, only the last are named
  marks.forEach(({ step, words }, i) => {
    const x = Math.round(plot.valToPos(step, "x", true)) + 0.5;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    if (i < said) return;
    const right = x > bbox.left + bbox.width / 2;
    ctx.textAlign = right ? "right" : "left";
    const line = i - Math.max(0, said);
    ctx.fillText(words, x + (right ? -5 : 5) * ratio, bbox.top + (4 + 15 * line) * ratio);
  });
  ctx.restore();
}
