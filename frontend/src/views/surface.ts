// The loss over a plane of parameters, the way through it, and where on it we are.
import { areaOf, type Axes, clipped, drawAxes, extent, inside, makeAxes } from "../charts/axes";
import { makeStage, type Stage } from "../charts/canvas";
import { type Field, levelsOf, regionsOf, trace } from "../charts/contours";
import { make, setText } from "../charts/elements";
import { count, figure, percent, short } from "../charts/figures";
import { hatch } from "../charts/hatching";
import { seldom } from "../charts/seldom";
import { type Path, pathOf } from "../charts/paths";
import { css, mixed, rgb, type Theme, themeOf } from "../charts/theme";
import type { DatedSurface, Surface } from "../contract";
import type { MakeView, Store } from "../store";

const STOPS = 500; // of the way drawn at each frame, at most

export const surface: MakeView = (store, host) => {
  if (store.page.surface === null && store.grown === 0) return null;
  const stage = makeStage(host, (width) => Math.round(Math.max(230, Math.min(400, 0.72 * width))));
  const key = make("ul", { class: "key" });
  const readout = make("p", { class: "readout", "aria-hidden": "true" });
  const sentence = make("p", { class: "quiet" });
  host.append(key, readout, sentence);
  stage.canvas.tabIndex = 0; // a place for the keys of the timeline
  let drawn: Drawn | null = null;
  const due = seldom(store);

  stage.canvas.addEventListener("pointerdown", (event) => {
    if (drawn === null) return;
    const box = stage.canvas.getBoundingClientRect();
    store.play(false);
    store.go(nearest(drawn, event.clientX - box.left, event.clientY - box.top));
  });

  /** Ready to draw what is to be seen now; of a run that goes on, the surface comes, and others after. */
  function prepared(): Drawn | null {
    const { surface: now } = store.page;
    if (now === null || (drawn !== null && drawn.surface === now)) return drawn;
    if (!stage.fit()) return null;
    const theme = themeOf(host);
    const found = makeDrawn(store, now, stage, theme);
    key.replaceChildren(...keyOf(found.field, found.levels, theme));
    setText(sentence, saidOf(now));
    return found;
  }

  return {
    name: "surface",
    get title() {
      return drawn === null ? WAITING : titled(drawn.surface);
    },
    draw() {
      drawn = prepared();
      if (drawn === null) {
        stage.canvas.setAttribute("aria-label", WAITING);
        return;
      }
      const { path, axes } = drawn;
      const theme = themeOf(host);
      stage.clear();
      stage.show(drawn.ground);
      inside(stage.context, axes.area, () => {
        way(stage.context, path, axes, theme, store.index, true);
        point(stage, axes, path, store.index, theme);
      });
      if (!due()) return;
      const words = where(drawn, store);
      setText(readout, words);
      stage.canvas.setAttribute("aria-label", `${titled(drawn.surface)}. ${words}`);
    },
    resize() {
      drawn = null;
    },
  };
};

const WAITING = "The loss around the path, as soon as there is one";

/** A surface with all that is drawn of it once. */
interface Drawn {
  store: Store;
  surface: Surface;
  field: Field | null;
  levels: number[];
  axes: Axes;
  ground: HTMLCanvasElement;
  path: Path;
}

function makeDrawn(store: Store, surface: DatedSurface, stage: Stage, theme: Theme): Drawn {
  const field = fieldOf(store, surface);
  const levels = field === null ? [] : levelsIn(field);
  const axes = makeAxes(areaOf(stage.width, stage.height, 56), surface.u, surface.v);
  const path = pathOf(store, surface);
  const ground = stage.layer((context) => {
    if (field !== null) hills(context, field, levels, axes, theme);
    drawAxes(context, axes, theme, { x: surface.axes[0], y: surface.axes[1] }, false);
    if (store.grown > 0) return; // all of the way is behind us
    inside(context, axes.area, () => way(context, path, axes, theme, store.page.frames.length - 1, false));
  });
  return { store, surface, field, levels, axes, ground, path };
}

/** What is drawn, and of a run that goes on, when. */
function saidOf({ sentence, step, exact }: DatedSurface): string {
  if (step === undefined) return sentence;
  const later = exact ? "" : "; the path is projected onto its plane";
  return `${sentence} Drawn at update ${count(step)}${later}.`;
}

function titled({ exact, share, axes }: Surface): string {
  if (exact) return `The loss over ${short(axes[0])} and ${short(axes[1])}, with the path`;
  return `The loss over a plane with ${percent(share)} of the path's squared motion`;
}

function where({ surface, path }: Drawn, store: Store): string {
  const { axes, u, v } = surface;
  const at = path(store.index);
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
  path: Path,
  axes: Axes,
  theme: Theme,
  until: number,
  walked: boolean,
): void {
  const stride = Math.max(1, Math.ceil(until / STOPS));
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

function stop(context: CanvasRenderingContext2D, path: Path, axes: Axes, i: number): void {
  const [u, v] = path(i);
  const [x, y] = [axes.x(u), axes.y(v)];
  if (Number.isFinite(x + y)) context.lineTo(clipped(x), clipped(y));
}

function point({ context }: Stage, axes: Axes, path: Path, index: number, theme: Theme): void {
  const [u, v] = path(index);
  const [x, y] = [axes.x(u), axes.y(v)];
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
export function keyOf(field: Field | null, levels: number[], theme: Theme): HTMLElement[] {
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

function nearest({ path, axes, store }: Drawn, x: number, y: number): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < store.page.frames.length; i++) {
    const [u, v] = path(i);
    const distance = (axes.x(u) - x) ** 2 + (axes.y(v) - y) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}
