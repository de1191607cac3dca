// The loss over a plane of parameters, the way through it, and where on it we are.
import { areaOf, type Axes, clipped, drawAxes, extent, inside, makeAxes } from "../charts/axes";
import { makeStage, type Stage } from "../charts/canvas";
import { type Field, levelsOf, regionsOf, trace } from "../charts/contours";
import { make, setText } from "../charts/elements";
import { figure, percent, short } from "../charts/figures";
import { hatch } from "../charts/hatching";
import { css, mixed, rgb, type Theme, themeOf } from "../charts/theme";
import type { Surface } from "../contract";
import type { MakeView, Store } from "../store";

const STOPS = 500; // of the way drawn at each frame, at most

export const surface: MakeView = (store, host) => {
  const drawn = store.page.surface;
  if (drawn === null) return null;
  const path = store.block(drawn.path) as Float32Array;
  const field = fieldOf(store, drawn);
  const levels = field === null ? [] : levelsIn(field);
  const stage = makeStage(host, (width) => Math.round(Math.max(230, Math.min(400, 0.72 * width))));
  const key = make("ul", { class: "key" });
  const readout = make("p", { class: "readout", "aria-hidden": "true" });
  host.append(key, readout, make("p", { class: "quiet" }, drawn.sentence));
  stage.canvas.tabIndex = 0; // a place for the keys of the timeline
  let axes: Axes | null = null;
  let ground: HTMLCanvasElement | null = null;

  function prepare(): void {
    const theme = themeOf(host);
    axes = makeAxes(areaOf(stage.width, stage.height, 56), drawn!.u, drawn!.v);
    ground = stage.layer((context) => {
      if (field !== null) hills(context, field, levels, axes!, theme);
      drawAxes(context, axes!, theme, { x: drawn!.axes[0], y: drawn!.axes[1] }, false);
      inside(context, axes!.area, () => way(context, path, axes!, theme, path.length / 2 - 1, false));
    });
    key.replaceChildren(...keyOf(field, levels, theme));
  }

  stage.canvas.addEventListener("pointerdown", (event) => {
    if (axes === null) return;
    const box = stage.canvas.getBoundingClientRect();
    store.play(false);
    store.go(nearest(path, axes, event.clientX - box.left, event.clientY - box.top));
  });

  return {
    name: "surface",
    title: titled(drawn),
    draw() {
      if (ground === null) {
        if (!stage.fit()) return;
        prepare();
      }
      const theme = themeOf(host);
      stage.clear();
      stage.show(ground!);
      inside(stage.context, axes!.area, () => {
        way(stage.context, path, axes!, theme, store.index, true);
        point(stage, axes!, path, store.index, theme);
      });
      const words = where(drawn, path, store);
      setText(readout, words);
      stage.canvas.setAttribute("aria-label", `${titled(drawn)}. ${words}`);
    },
    resize() {
      ground = null;
    },
  };
};

function titled({ exact, share, axes }: Surface): string {
  if (exact) return `The loss over ${short(axes[0])} and ${short(axes[1])}, with the path`;
  return `The loss over a plane with ${percent(share)} of the path's squared motion`;
}

function where({ axes, u, v }: Surface, path: Float32Array, store: Store): string {
  const at = [path[2 * store.index], path[2 * store.index + 1]];
  if (!at.every(Number.isFinite)) return `Update ${store.step}: the parameters are not finite.`;
  const within = at[0] >= u[0] && at[0] <= u[1] && at[1] >= v[0] && at[1] <= v[1];
  const [across, up] = axes.map((axis) => axis.split(",")[0]); // without its share
  const words = `Update ${store.step}: ${across} ${figure(at[0])}, ${up} ${figure(at[1])}`;
  return within ? words : `${words}, outside this picture.`;
}

function fieldOf(store: Store, { values, shape, u, v }: Surface): Field | null {
  if (values === null) return null;
  return { values: store.block(values), ny: shape[0], nx: shape[1], x: u, y: v };
}

export function levelsIn({ values }: Field): number[] {
  const found = extent(values as Iterable<number> & ArrayLike<number>);
  return found === null ? [] : levelsOf(...found);
}

/** Regions from the valley up, each over the last; cells without a value are hatched. */
export function hills(context: CanvasRenderingContext2D, field: Field, levels: number[], axes: Axes, theme: Theme): void {
  const { left, top, right, bottom } = axes.area;
  const finite = { ...field, values: Array.from(field.values, (v) => (Number.isFinite(v) ? v : Infinity)) };
  inside(context, axes.area, () => {
    context.fillStyle = shade(theme, 0, levels.length);
    context.fillRect(left, top, right - left, bottom - top);
    regionsOf(finite, levels).forEach((region, i) => {
      context.beginPath();
      trace(context, region, finite, axes);
      context.fillStyle = shade(theme, i + 1, levels.length);
      context.fill();
      context.strokeStyle = css(rgb(theme.ink), 0.14);
      context.lineWidth = 0.8;
      context.stroke();
    });
    hatch(context, field, axes, theme.quiet);
  });
}

export function shade(theme: Theme, level: number, levels: number): string {
  return css(mixed(rgb(theme.low), rgb(theme.high), level / Math.max(1, levels)));
}

/** The way up to a frame: in full where it has been, faint where all of it lies. */
function way(
  context: CanvasRenderingContext2D,
  path: Float32Array,
  axes: Axes,
  theme: Theme,
  until: number,
  walked: boolean,
): void {
  const stride = Math.max(1, Math.ceil(path.length / 2 / STOPS));
  context.beginPath();
  for (let i = 0; i < until; i += stride) stop(context, path, axes, i);
  stop(context, path, axes, until);
  context.lineJoin = "round";
  context.strokeStyle = walked ? theme.ink : css(rgb(theme.ink), 0.35);
  context.lineWidth = walked ? 2.2 : 1;
  context.setLineDash(walked ? [] : [2, 3]);
  context.stroke();
  context.setLineDash([]);
}

function stop(context: CanvasRenderingContext2D, path: Float32Array, axes: Axes, i: number): void {
  const [x, y] = [axes.x(path[2 * i]), axes.y(path[2 * i + 1])];
  if (Number.isFinite(x + y)) context.lineTo(clipped(x), clipped(y));
}

function point({ context }: Stage, axes: Axes, path: Float32Array, index: number, theme: Theme): void {
  const [x, y] = [axes.x(path[2 * index]), axes.y(path[2 * index + 1])];
  if (!Number.isFinite(x + y)) return;
  context.beginPath();
  context.arc(x, y, 6, 0, 2 * Math.PI);
  context.fillStyle = theme.now;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = theme.card;
  context.stroke();
}

/** A few of the levels, lowest first, and what the other signs mean. */
function keyOf(field: Field | null, levels: number[], theme: Theme): HTMLElement[] {
  const items: HTMLElement[] = [];
  const few = [0, Math.floor(levels.length / 3), Math.floor((2 * levels.length) / 3), levels.length - 1];
  if (levels.length >= 4) {
    for (const i of few) {
      const swatch = make("span", { class: "swatch block" });
      swatch.style.setProperty("background", shade(theme, i + 1, levels.length));
      items.push(make("li", {}, swatch, `from ${figure(levels[i])}`));
    }
  }
  if (field !== null && Array.from(field.values).some((value) => !Number.isFinite(value))) {
    items.push(make("li", {}, "hatched: the loss is not finite"));
  }
  return items;
}

function nearest(path: Float32Array, axes: Axes, x: number, y: number): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < path.length / 2; i++) {
    const distance = (axes.x(path[2 * i]) - x) ** 2 + (axes.y(path[2 * i + 1]) - y) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}
