// Arrows of the racers: where the gradient leads down, where the last update went, where memory pushes.
import type { Axes } from "../../charts/axes";
import type { Theme } from "../../charts/theme";
import type { Column, RaceRecord } from "./record";
import { colourOf } from "./signs";

export type ArrowKind = "gradient" | "update" | "velocity";

const LONGEST = 70; // pixels, of the longest of a kind
const LOOKS: Record<ArrowKind, { sign: 1 | -1; width: number; dash: number[] }> = {
  gradient: { sign: -1, width: 1.6, dash: [] },
  update: { sign: 1, width: 3.4, dash: [] },
  velocity: { sign: 1, width: 1.8, dash: [5, 3] },
};

type Drawn = [racer: number, dx: number, dy: number];

export function drawArrows(
  context: CanvasRenderingContext2D,
  record: RaceRecord,
  kind: ArrowKind,
  shown: (racer: number) => boolean,
  axes: Axes,
  theme: Theme,
): void {
  const { sign } = LOOKS[kind];
  const [u, v] = [`${kind}_u`, `${kind}_v`] as [Column, Column];
  const wide = axes.x(1) - axes.x(0);
  const high = axes.y(1) - axes.y(0);
  const found: Drawn[] = record.racers
    .map((_, i): Drawn => [i, sign * record.value(i, u) * wide, sign * record.value(i, v) * high])
    .filter(([i, dx, dy]) => shown(i) && Number.isFinite(dx + dy));
  const longest = Math.max(...found.map(([, dx, dy]) => Math.hypot(dx, dy)));
  if (!(longest > 0)) return;
  for (const [i, dx, dy] of found) {
    const at = [axes.x(record.value(i, "u")), axes.y(record.value(i, "v"))] as const;
    const scale = LONGEST / longest;
    arrow(context, at, [dx * scale, dy * scale], kind, colourOf(record.racers[i].place, theme), theme);
  }
}

/** A shaft and a head, on a rim of the ground's colour. */
function arrow(
  context: CanvasRenderingContext2D,
  [x, y]: readonly [number, number],
  [dx, dy]: readonly [number, number],
  kind: ArrowKind,
  colour: string,
  theme: Theme,
): void {
  const length = Math.hypot(dx, dy);
  if (length < 3) return;
  const { width, dash } = LOOKS[kind];
  const head = Math.min(9, 0.45 * length);
  const turn = Math.atan2(dy, dx);
  context.save();
  context.translate(x, y);
  context.rotate(turn);
  for (const [colourNow, extra] of [[theme.card, 2.4], [colour, 0]] as const) {
    context.strokeStyle = colourNow;
    context.lineWidth = width + extra;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(0, 0);
    context.lineTo(length, 0);
    context.stroke();
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(length - head, -0.55 * head);
    context.lineTo(length, 0);
    context.lineTo(length - head, 0.55 * head);
    context.stroke();
  }
  context.restore();
}
