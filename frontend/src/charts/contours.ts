// Level lines of a grid of values, as paths on a canvas.
import { type ContourMultiPolygon, contours } from "d3-contour";
import type { Axes, Range } from "./axes";

/** A grid of values (ny, nx), row 0 at the lowest y, over these ranges: values lie on the corners. */
export interface Field {
  values: ArrayLike<number>;
  nx: number;
  ny: number;
  x: Range;
  y: Range;
}

/** The regions at or above each threshold, in the grid's own places. */
export function regionsOf({ values, nx, ny }: Field, thresholds: number[]): ContourMultiPolygon[] {
  return contours().size([nx, ny]).thresholds(thresholds)(values as number[]);
}

/** Adds a region's outline to the context's path. */
export function trace(
  context: CanvasRenderingContext2D,
  region: ContourMultiPolygon,
  field: Field,
  axes: Axes,
): void {
  const [toX, toY] = placing(field, axes);
  for (const polygon of region.coordinates) {
    for (const ring of polygon) {
      ring.forEach(([x, y], i) => {
        if (i === 0) context.moveTo(toX(x), toY(y));
        else context.lineTo(toX(x), toY(y));
      });
      context.closePath();
    }
  }
}

/** Adds the lines at 0 of a field, without the ways along its border, to the context's path. */
export function traceZero(context: CanvasRenderingContext2D, field: Field, axes: Axes): void {
  const [toX, toY] = placing(field, axes);
  const border = (at: number, size: number): boolean => at <= 0 || at >= size;
  for (const polygon of regionsOf(field, [0])[0].coordinates) {
    for (const ring of polygon) {
      let drawing = false;
      for (const [x, y] of ring) {
        const out = border(x, field.nx) || border(y, field.ny);
        if (drawing) context.lineTo(toX(x), toY(y));
        else context.moveTo(toX(x), toY(y));
        drawing = !out;
      }
    }
  }
}

/** d3's grid has its values in the middle of unit cells: value i lies at i + 0.5. */
function placing({ nx, ny, x, y }: Field, axes: Axes): [(at: number) => number, (at: number) => number] {
  const dx = (x[1] - x[0]) / Math.max(1, nx - 1);
  const dy = (y[1] - y[0]) / Math.max(1, ny - 1);
  return [
    (at) => axes.x(x[0] + (at - 0.5) * dx),
    (at) => axes.y(y[0] + (at - 0.5) * dy),
  ];
}

/** Levels that halve their height above the lowest value: close together where it is flat. */
export function levelsOf(low: number, high: number, most = 12): number[] {
  const found: number[] = [];
  const room = high - low;
  for (let i = 1; i <= most; i++) found.push(low + room * 0.55 ** i);
  return room > 0 ? found.reverse() : [];
}
