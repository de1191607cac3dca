// Marks for rows: a shape for each class, full for training rows and hollow for validation rows.

type Draw = (context: CanvasRenderingContext2D, x: number, y: number, r: number) => void;

function polygon(corners: readonly (readonly [number, number])[]): Draw {
  return (context, x, y, r) => {
    corners.forEach(([dx, dy], i) => {
      if (i === 0) context.moveTo(x + r * dx, y + r * dy);
      else context.lineTo(x + r * dx, y + r * dy);
    });
    context.closePath();
  };
}

function circle(context: CanvasRenderingContext2D, x: number, y: number, r: number): void {
  context.moveTo(x + r, y);
  context.arc(x, y, r, 0, 2 * Math.PI);
}

const SHAPES: { draw: Draw; full: string; hollow: string }[] = [
  { draw: circle, full: "●", hollow: "○" },
  { draw: polygon([[0, -1.2], [1.1, 0.85], [-1.1, 0.85]]), full: "▲", hollow: "△" },
  { draw: polygon([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]), full: "■", hollow: "□" },
  { draw: polygon([[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]]), full: "◆", hollow: "◇" },
  { draw: polygon([[0, 1.2], [1.1, -0.85], [-1.1, -0.85]]), full: "▼", hollow: "▽" },
];

export function shapeOf(code: number): (typeof SHAPES)[number] {
  return SHAPES[code % SHAPES.length];
}

/** A mark on a canvas; hollow ones let what lies below shine through. */
export function drawMark(
  context: CanvasRenderingContext2D,
  at: { x: number; y: number; r: number },
  look: { code: number; colour: string; hollow: boolean; edge: string },
): void {
  context.beginPath();
  shapeOf(look.code).draw(context, at.x, at.y, look.hollow ? at.r - 0.4 : at.r);
  if (look.hollow) {
    context.lineWidth = 1.6;
    context.strokeStyle = look.colour;
    context.stroke();
    return;
  }
  context.fillStyle = look.colour;
  context.fill();
  context.lineWidth = 0.8;
  context.strokeStyle = look.edge;
  context.stroke();
}

/** Marks get smaller where there are many. */
export function radius(rows: number): number {
  if (rows <= 120) return 4.2;
  return rows <= 700 ? 3.4 : 2.5;
}
