// Hatched cells: where there is no value to draw.
import type { Axes } from "./axes";
import type { Field } from "./contours";

/** Hatches the cells whose value is not finite; false where there are none. */
export function hatch(context: CanvasRenderingContext2D, field: Field, axes: Axes, colour: string): boolean {
  const { values, nx, ny, x, y } = field;
  const dx = (x[1] - x[0]) / Math.max(1, nx - 1);
  const dy = (y[1] - y[0]) / Math.max(1, ny - 1);
  let found = false;
  context.beginPath();
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    found = true;
    const u = x[0] + ((i % nx) - 0.5) * dx;
    const v = y[0] + (Math.floor(i / nx) - 0.5) * dy;
    const [left, top] = [axes.x(u), axes.y(v + dy)];
    context.rect(left, top, axes.x(u + dx) - left, axes.y(v) - top);
  }
  if (found) stripes(context, axes, colour);
  return found;
}

function stripes(context: CanvasRenderingContext2D, { area }: Axes, colour: string): void {
  context.save();
  context.clip();
  context.beginPath();
  const tall = area.bottom - area.top;
  for (let x = area.left - tall; x < area.right; x += 7) {
    context.moveTo(x, area.bottom);
    context.lineTo(x + tall, area.top);
  }
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.stroke();
  context.restore();
}
