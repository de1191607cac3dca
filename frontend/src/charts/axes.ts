// Two axes around an area of a canvas: scales, ticks, labels.
import { type ScaleLinear, scaleLinear } from "d3-scale";
import { figure, short } from "./figures";
import type { Theme } from "./theme";

export interface Area {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Axes {
  x: ScaleLinear<number, number>;
  y: ScaleLinear<number, number>;
  area: Area;
}

export type Range = readonly [number, number];

/** The smallest and largest finite value. */
export function extent(values: Iterable<number>): Range | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** A range with room around it, also where all values are one. */
export function roomy([low, high]: Range, share = 0.06): Range {
  const span = high - low || Math.abs(high) || 1;
  return [low - share * span, high + share * span];
}

export function makeAxes(area: Area, x: Range, y: Range): Axes {
  return {
    x: scaleLinear().domain(x).range([area.left, area.right]),
    y: scaleLinear().domain(y).range([area.bottom, area.top]),
    area,
  };
}

/** Ticks that fit: one in about 70 pixels across, one in about 45 down. */
function ticks(axes: Axes): { x: number[]; y: number[] } {
  const { left, right, top, bottom } = axes.area;
  return {
    x: axes.x.ticks(Math.max(2, Math.floor((right - left) / 70))),
    y: axes.y.ticks(Math.max(2, Math.floor((bottom - top) / 45))),
  };
}

/** Grid, ticks and labels, for a layer that is drawn once. */
export function drawAxes(
  context: CanvasRenderingContext2D,
  axes: Axes,
  theme: Theme,
  words: { x: string; y: string },
  grid = true,
): void {
  const { left, right, top, bottom } = axes.area;
  const at = ticks(axes);
  context.font = theme.font;
  context.lineWidth = 1;
  context.strokeStyle = theme.line;
  context.beginPath();
  for (const tick of at.x) upright(context, axes.x(tick), grid ? top : bottom, bottom + 4);
  for (const tick of at.y) level(context, axes.y(tick), left - 4, grid ? right : left);
  context.rect(crisp(left), crisp(top), Math.round(right - left), Math.round(bottom - top));
  context.stroke();
  context.fillStyle = theme.quiet;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of at.x) context.fillText(figure(tick, 4), axes.x(tick), bottom + 7);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of at.y) context.fillText(figure(tick, 4), left - 7, axes.y(tick));
  labels(context, axes.area, theme, words);
}

function labels(
  context: CanvasRenderingContext2D,
  { left, right, bottom }: Area,
  theme: Theme,
  words: { x: string; y: string },
): void {
  const fitting = (width: number): number => Math.max(12, Math.floor(width / 6.4));
  context.fillStyle = theme.ink;
  context.textBaseline = "bottom";
  context.textAlign = "right";
  context.fillText(short(words.x, fitting(right - left)), right, bottom + 38);
  // The upright axis is named above itself, level: nobody has to turn their head.
  context.textBaseline = "top";
  context.textAlign = "left";
  context.fillText(short(words.y, fitting(right)), 2, 1);
}

/** The area left for drawing, inside a canvas: ticks to the left, names above and below. */
export function areaOf(width: number, height: number, left = 46): Area {
  return { left, top: 22, right: width - 10, bottom: height - 40 };
}

/** Axes that fill a canvas, with room at the left for the longest of the upright axis's numbers. */
export function axesIn(
  { context, width, height }: { context: CanvasRenderingContext2D; width: number; height: number },
  theme: Theme,
  x: Range,
  y: Range,
): Axes {
  const plain = makeAxes(areaOf(width, height), x, y);
  context.font = theme.font;
  const widest = Math.max(0, ...ticks(plain).y.map((tick) => context.measureText(figure(tick, 4)).width));
  return makeAxes(areaOf(width, height, Math.max(46, Math.ceil(widest) + 10)), x, y);
}

function crisp(at: number): number {
  return Math.round(at) + 0.5;
}

function upright(context: CanvasRenderingContext2D, x: number, from: number, to: number): void {
  context.moveTo(crisp(x), from);
  context.lineTo(crisp(x), to);
}

function level(context: CanvasRenderingContext2D, y: number, from: number, to: number): void {
  context.moveTo(from, crisp(y));
  context.lineTo(to, crisp(y));
}

/** Everything drawn by `draw` stays inside the area. */
export function inside(context: CanvasRenderingContext2D, { left, top, right, bottom }: Area, draw: () => void): void {
  context.save();
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  context.clip();
  draw();
  context.restore();
}

/** Canvases draw nothing at all through places too far away. */
export function clipped(at: number): number {
  return Math.max(-1e5, Math.min(1e5, at));
}
