// Where everything of a net lies on the screen: which units are shown, and the lines between them.
// Layer 0 are the features, layer i the units that net.layers[i - 1] makes.
import type { Net } from "../net";

export interface Spot {
  layer: number;
  unit: number;
  x: number; // the middle
  y: number;
}

/** A weight's line, or a bias's short one; `at` is its place in theta. */
export interface Wire {
  layer: number; // the one it leads to
  at: number;
  bias: boolean;
  x1: number;
  y1: number;
  x2: number;
  y2: number;
}

export interface Column {
  layer: number;
  x: number;
  spots: Spot[];
  folded: number; // units that are not drawn
  below: number; // y of the words that say so
}

export interface Plan {
  width: number;
  height: number;
  pill: { width: number; height: number };
  margin: number; // at the left, for the features' names
  right: number; // and for what is said of the outputs
  columns: Column[];
  wires: Wire[];
}

/** How large units are. */
export interface PlanLook {
  pitch: number; // from one unit to the next
  width: number;
  height: number;
}

const MOST = 12; // units drawn of a layer
const PILLS: PlanLook = { pitch: 27, width: 48, height: 19 };
const HEAD = 26; // for the words above the columns
const FOOT = 22; // for "… 20 more"
const LEAST = 14; // pixels a unit is wide

/** How many of so many units are drawn: folding a single one would save nothing. */
export function drawnOf(units: number): number {
  return units <= MOST + 1 ? units : MOST;
}

export function planOf(net: Net, width: number, look: PlanLook = PILLS): Plan {
  const sizes = [net.d, ...net.layers.map((layer) => layer.units)];
  const tallest = Math.max(...sizes.map(drawnOf));
  const folds = sizes.some((size) => drawnOf(size) < size);
  const height = HEAD + tallest * look.pitch + (folds ? FOOT : 4);
  const margin = Math.max(52, Math.min(132, width * 0.2));
  const right = Math.max(88, Math.min(110, width * 0.16));
  const gap = (width - margin - right) / (sizes.length - 1);
  const pillWidth = Math.max(LEAST, Math.min(look.width, gap * 0.62));
  const columns = sizes.map((size, layer) => columnOf(layer, size, margin + layer * gap, tallest, look.pitch));
  return {
    width,
    height,
    margin,
    right,
    pill: { width: pillWidth, height: look.height },
    columns,
    wires: wiresOf(net, columns, { width: pillWidth, height: look.height }),
  };
}

function columnOf(layer: number, size: number, x: number, tallest: number, pitch: number): Column {
  const drawn = drawnOf(size);
  const top = HEAD + ((tallest - drawn) / 2) * pitch + pitch / 2;
  const spots = Array.from({ length: drawn }, (_, unit) => ({ layer, unit, x, y: top + unit * pitch }));
  return { layer, x, spots, folded: size - drawn, below: top + drawn * pitch };
}

function wiresOf(net: Net, columns: Column[], pill: { width: number; height: number }): Wire[] {
  return net.layers.flatMap(({ units, weight, bias }, i) => {
    const [from, to] = [columns[i], columns[i + 1]];
    const [x1, x2] = [from.x + pill.width / 2, to.x - pill.width / 2];
    const found: Wire[] = from.spots.flatMap((a) =>
      to.spots.map((b) => {
        const at = weight + a.unit * units + b.unit;
        return { layer: i + 1, at, bias: false, x1, y1: a.y, x2, y2: b.y };
      }),
    );
    if (bias < 0) return found;
    for (const { x, y, unit } of to.spots) {
      const x1 = x - pill.width / 2 + 7;
      const above = y - pill.height / 2;
      found.push({ layer: i + 1, at: bias + unit, bias: true, x1, y1: above - 6, x2: x1, y2: above });
    }
    return found;
  });
}
