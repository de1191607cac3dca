// Each branch has a colour and a sign of its own: one is never told from another by colour alone.
import { css, rgb, type Theme } from "../../charts/theme";
import { icon } from "../../charts/elements";

/** Outlines in a 16 by 16 box. */
const SIGNS = [
  "M8 2.500a5.500 5.500 0 1 1 0 11a5.500 5.500 0 1 1 0-11z",
  "M8 1.800L14.600 13.400H1.400z",
  "M3 3h10v10H3z",
  "M8 1.300L14.700 8L8 14.700L1.300 8z",
  "M8 14.200L1.400 2.600h13.200z",
  "M6 2h4v4h4v4h-4v4H6v-4H2V6h4z",
  "M8 1.200l1.900 4.500l4.900.4l-3.700 3.200l1.100 4.800L8 11.500l-4.200 2.600l1.100-4.800L1.200 6.100l4.900-.4z",
  "M4.600 2.300L2.300 4.600L5.700 8l-3.400 3.400l2.300 2.300L8 10.300l3.400 3.400l2.300-2.300L10.300 8l3.400-3.400l-2.300-2.300L8 5.700z",
];
const paths = new Map<number, Path2D>();

/** The sign as an element, in its colour. */
export function signOf(place: number): SVGSVGElement {
  const found = icon(SIGNS[place % SIGNS.length]);
  found.classList.add("sign-of-branch");
  found.style.setProperty("color", `var(--class-${place % SIGNS.length})`);
  return found;
}

/** The sign on a canvas, with a rim that parts it from what lies below. */
export function drawSign(
  context: CanvasRenderingContext2D,
  place: number,
  [x, y]: readonly [number, number],
  size: number,
  theme: Theme,
): void {
  const known = paths.get(place) ?? new Path2D(SIGNS[place % SIGNS.length]);
  paths.set(place, known);
  context.save();
  context.translate(x - size / 2, y - size / 2);
  context.scale(size / 16, size / 16);
  context.lineWidth = 48 / size;
  context.lineJoin = "round";
  context.strokeStyle = theme.card;
  context.stroke(known);
  context.fillStyle = colourOf(place, theme);
  context.fill(known);
  context.restore();
}

export function colourOf(place: number, theme: Theme, alpha = 1): string {
  return css(rgb(theme.classes[place % SIGNS.length]), alpha);
}
