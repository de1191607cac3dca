// Lines, beads and an arrow on a canvas.
export type Spot = readonly [number, number];

export function polyline(
  context: CanvasRenderingContext2D,
  spots: readonly Spot[],
  look: { colour: string; width: number; dash: number[] },
): void {
  context.beginPath();
  for (const [x, y] of spots) if (Number.isFinite(x + y)) context.lineTo(x, y);
  context.setLineDash(look.dash);
  context.lineWidth = look.width;
  context.lineJoin = "round";
  context.strokeStyle = look.colour;
  context.stroke();
  context.setLineDash([]);
}

export function bead(context: CanvasRenderingContext2D, [x, y]: Spot, radius: number, colour: string, edge: string): void {
  if (!Number.isFinite(x + y)) return;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
  context.lineWidth = radius > 4 ? 2 : 1;
  context.strokeStyle = edge;
  context.stroke();
}

const LONG = 62; // pixels, of every arrow: it says which way, not how far

/** An arrow from a spot, of one length; returns its tip, or null where it points nowhere. */
export function arrowOn(context: CanvasRenderingContext2D, [x, y]: Spot, [dx, dy]: Spot, colour: string, edge: string): Spot | null {
  const length = Math.hypot(dx, dy);
  if (!(length > 1e-9) || !Number.isFinite(length)) return null;
  const [ux, uy] = [dx / length, dy / length];
  const tip: Spot = [x + LONG * ux, y + LONG * uy];
  const neck: Spot = [tip[0] - 13 * ux, tip[1] - 13 * uy];
  for (const [stroke, width] of [
    [edge, 8],
    [colour, 4],
  ] as const) {
    context.strokeStyle = stroke;
    context.fillStyle = stroke;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(...neck);
    context.stroke();
    context.beginPath();
    context.moveTo(...tip);
    context.lineTo(neck[0] - 8 * uy, neck[1] + 8 * ux);
    context.lineTo(neck[0] + 8 * uy, neck[1] - 8 * ux);
    context.closePath();
    context.fill();
    if (stroke === edge) {
      context.lineWidth = 4;
      context.stroke();
    }
  }
  return tip;
}
