// The ground of a race: the surface, the paths on it, a sign for each racer; a press starts them anew.
import { areaOf, type Axes, clipped, drawAxes, inside, makeAxes } from "../../charts/axes";
import { makeStage } from "../../charts/canvas";
import type { Field } from "../../charts/contours";
import { make } from "../../charts/elements";
import { type Theme, themeOf } from "../../charts/theme";
import type { Surface } from "../../contract";
import { hills, keyOf, levelsIn } from "../../views/surface";
import { type ArrowKind, drawArrows } from "./arrows";
import type { RaceRecord } from "./record";
import { colourOf, drawSign } from "./signs";

const STOPS = 400; // of a path drawn at each frame, at most
const STEP = 0.02; // of the range, that an arrow key moves the start; with Shift ten times that

export interface Look {
  paths: boolean;
  arrows: Record<ArrowKind, boolean>;
  hidden: ReadonlySet<number>; // branches
}

export interface Ground {
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  /** Where the keyboard would start everybody; null until it was asked for. */
  readonly aim: readonly [number, number] | null;
  draw(record: RaceRecord, look: Look): void;
  resize(): void;
}

export function makeGround(
  surface: Surface,
  values: ArrayLike<number> | null,
  start: (u: number, v: number) => void,
  aimed: () => void,
): Ground {
  const element = make("div", { class: "ground" });
  const stage = makeStage(element, (width) => Math.round(Math.max(240, Math.min(480, 0.72 * width))));
  const key = make("ul", { class: "key" });
  element.append(key);
  const { canvas } = stage;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application"); // it has keys of its own, said in its label
  const field: Field | null =
    values === null ? null : { values, ny: surface.shape[0], nx: surface.shape[1], x: surface.u, y: surface.v };
  const levels = field === null ? [] : levelsIn(field);
  let axes: Axes | null = null;
  let hilly: HTMLCanvasElement | null = null;
  let aim: [number, number] | null = null;

  function prepare(theme: Theme): void {
    axes = makeAxes(areaOf(stage.width, stage.height, 56), surface.u, surface.v);
    hilly = stage.layer((context) => {
      if (field !== null) hills(context, field, levels, axes!, theme);
      drawAxes(context, axes!, theme, { x: surface.axes[0], y: surface.axes[1] }, false);
    });
    key.replaceChildren(...keyOf(field, levels, theme));
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (axes === null || event.button !== 0) return;
    const box = canvas.getBoundingClientRect();
    const { left, right, top, bottom } = axes.area;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    if (x < left || x > right || y < top || y > bottom) return;
    start(axes.x.invert(x), axes.y.invert(y));
  });
  canvas.addEventListener("keydown", (event) => {
    const moves: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const move = moves[event.key];
    const [[u0, u1], [v0, v1]] = [surface.u, surface.v];
    if (move !== undefined) {
      const [u, v] = aim ?? [(u0 + u1) / 2, (v0 + v1) / 2];
      const by = STEP * (event.shiftKey ? 10 : 1);
      aim = [within(u + move[0] * by * (u1 - u0), u0, u1), within(v + move[1] * by * (v1 - v0), v0, v1)];
      aimed();
    } else if (event.key === "Enter" && aim !== null) start(...aim);
    else if (event.key === "Escape") {
      aim = null;
      aimed();
    } else return;
    event.preventDefault();
    event.stopPropagation(); // keys of the timeline are not meant here
  });

  return {
    element,
    canvas,
    get aim() {
      return aim;
    },
    draw(record, look) {
      const theme = themeOf(element);
      if (hilly === null) {
        if (!stage.fit()) return;
        prepare(theme);
      }
      stage.clear();
      stage.show(hilly!);
      inside(stage.context, axes!.area, () => {
        if (look.paths) record.racers.forEach((_, i) => shown(record, look, i) && path(stage.context, record, i, axes!, theme));
        for (const [kind, on] of Object.entries(look.arrows) as [ArrowKind, boolean][]) {
          if (on) drawArrows(stage.context, record, kind, (i) => shown(record, look, i), axes!, theme);
        }
        record.racers.forEach(({ place }, i) => {
          if (!shown(record, look, i)) return;
          const at = [axes!.x(record.value(i, "u")), axes!.y(record.value(i, "v"))] as const;
          if (Number.isFinite(at[0] + at[1])) drawSign(stage.context, place, at, 17, theme);
        });
        if (aim !== null) cross(stage.context, axes!, aim, theme);
      });
    },
    resize() {
      hilly = null;
    },
  };
}

function shown(record: RaceRecord, look: Look, racer: number): boolean {
  return !look.hidden.has(record.racers[racer].branch);
}

function within(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

/** The way of a racer up to the frame looked at, on a rim that parts it from the hills. */
function path(context: CanvasRenderingContext2D, record: RaceRecord, racer: number, axes: Axes, theme: Theme): void {
  const stride = Math.max(1, Math.ceil(record.index / STOPS));
  context.beginPath();
  for (let i = 0; i < record.index; i += stride) stop(context, record, racer, axes, i);
  stop(context, record, racer, axes, record.index);
  context.lineJoin = "round";
  context.strokeStyle = theme.card;
  context.lineWidth = 4;
  context.stroke();
  context.strokeStyle = colourOf(record.racers[racer].place, theme);
  context.lineWidth = 2;
  context.stroke();
}

function stop(context: CanvasRenderingContext2D, record: RaceRecord, racer: number, axes: Axes, at: number): void {
  const [x, y] = [axes.x(record.value(racer, "u", at)), axes.y(record.value(racer, "v", at))];
  if (Number.isFinite(x + y)) context.lineTo(clipped(x), clipped(y));
}

/** Where the keyboard aims. */
function cross(context: CanvasRenderingContext2D, axes: Axes, [u, v]: [number, number], theme: Theme): void {
  const [x, y] = [axes.x(u), axes.y(v)];
  for (const [colour, width] of [[theme.card, 5], [theme.now, 2]] as const) {
    context.beginPath();
    context.moveTo(x - 11, y);
    context.lineTo(x + 11, y);
    context.moveTo(x, y - 11);
    context.lineTo(x, y + 11);
    context.arc(x, y, 7, 0, 2 * Math.PI);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }
}
