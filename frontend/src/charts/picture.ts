// A picture of the rows: its layers are drawn once for each size and choice, the rest at each frame.
import { make } from "./elements";
import type { Stage } from "./canvas";
import { drawMark, radius, shapeOf } from "./marks";
import type { Theme } from "./theme";

export interface Picture {
  readonly title: string;
  controls: HTMLElement[];
  /** What its layers depend on besides size and colours. */
  choices(): string;
  prepare(stage: Stage, theme: Theme): void;
  /** Draws a frame; returns what there is to say about it. */
  draw(stage: Stage, theme: Theme): string;
  key(theme: Theme): HTMLElement[];
  /** The row at a place of the canvas, or null. */
  rowAt(x: number, y: number): number | null;
}

/** Rows with their places on the canvas. */
export interface Placed {
  x: Float64Array;
  y: Float64Array;
}

export interface Looks {
  part: Uint8Array;
  code(i: number): number; // its shape
  colour(i: number): string;
}

export function drawRows(context: CanvasRenderingContext2D, at: Placed, looks: Looks, theme: Theme): void {
  const r = radius(at.x.length);
  for (let i = 0; i < at.x.length; i++) {
    if (!Number.isFinite(at.x[i] + at.y[i])) continue;
    const look = { code: looks.code(i), colour: looks.colour(i), hollow: looks.part[i] === 1, edge: theme.card };
    drawMark(context, { x: at.x[i], y: at.y[i], r }, look);
  }
}

/** A ring around the row whose numbers stand in the formulas. */
export function drawRing(context: CanvasRenderingContext2D, at: Placed, row: number, theme: Theme): void {
  if (row >= at.x.length || !Number.isFinite(at.x[row] + at.y[row])) return;
  context.beginPath();
  context.arc(at.x[row], at.y[row], radius(at.x.length) + 4, 0, 2 * Math.PI);
  context.strokeStyle = theme.now;
  context.lineWidth = 2;
  context.stroke();
}

const NEAR = 14; // pixels within which a press means a row

export function nearestRow({ x, y }: Placed, left: number, top: number): number | null {
  let best: number | null = null;
  let least = NEAR * NEAR;
  for (let i = 0; i < x.length; i++) {
    const distance = (x[i] - left) ** 2 + (y[i] - top) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

/** A sign with its meaning. */
export function keySign(sign: string, words: string, colour: string): HTMLElement {
  const shown = make("span", { class: "sign", "aria-hidden": "true" }, sign);
  shown.style.setProperty("color", colour);
  return make("li", {}, shown, words);
}

export function keyLine(words: string, colour: string, dashed = false): HTMLElement {
  const swatch = make("span", { class: dashed ? "swatch dashed" : "swatch" });
  swatch.style.setProperty("color", colour);
  return make("li", {}, swatch, words);
}

/** "● training rows", "○ validation rows", as many as there are kinds. */
export function keyParts(part: Uint8Array, colours: [string, string]): HTMLElement[] {
  const { full, hollow } = shapeOf(0);
  const found: HTMLElement[] = [];
  if (part.includes(0)) found.push(keySign(full, "training rows", colours[0]));
  if (part.includes(1)) found.push(keySign(hollow, "validation rows", colours[1]));
  return found;
}
