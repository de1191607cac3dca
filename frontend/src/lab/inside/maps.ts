// Maps in the units: what each passes on over the plane of the two features on the axes.
import { extent, type Range, roomy } from "../../charts/axes";
import { setAttribute } from "../../charts/elements";
import { makeRunner, rowsOver } from "../../charts/plane";
import { makeTile, pointAt, shade } from "../../charts/pointed";
import { column, type Shown, shownRows } from "../../charts/rows";
import { type Rgb, rgb, themeOf } from "../../charts/theme";
import { mathsOf } from "../../looking";
import type { Drawing, Unit } from "../../network/drawing";
import type { Plan } from "../../network/plan";
import type { Store } from "../../store";

const SIDE = 20; // places along each axis, at most
const WORK = 1.5e6; // places times parameters
const APART = 90; // milliseconds between two drawings while the state moves
const BOUNDED = ["sigmoid", "tanh", "softmax", "cos"];

export interface Maps {
  draw(): void;
  point(unit: Unit | null): void;
}

/** Maps need rows with numbers to lay an axis along. */
export function mapsFit(store: Store): boolean {
  return shownRows(store) !== null && mathsOf(store) !== null;
}

export function makeMaps(store: Store, stage: HTMLElement, { units, root }: Drawing, plan: Plan, on: () => boolean, changed: () => void): Maps | null {
  const shown = shownRows(store);
  const maths = mathsOf(store);
  if (shown === null || maths === null) return null;
  const { net } = maths;
  const run = makeRunner(net);
  const canvas = document.createElement("canvas");
  setAttribute(canvas, "aria-hidden", "true");
  stage.classList.add("stage-of-net");
  stage.querySelector("canvas")?.remove();
  stage.prepend(canvas);
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const tile = makeTile();
  const mapped = units.filter(({ spot }) => spot.layer > 0);
  for (const { element, spot } of units) {
    if (spot.layer === 0) element.dataset.plain = "";
  }
  let rows: Float64Array | null = null;
  let key = "";
  let drawn = "";
  let last = 0;
  let timer = 0;

  function lay(): { across: number; up: number } {
    const { x, y } = store.chosen;
    const side = Math.max(6, Math.min(SIDE, Math.floor(Math.sqrt(WORK / net.parameters))));
    const across = side;
    const up = x === y ? 1 : side;
    if (key !== `${x} ${y}`) {
      key = `${x} ${y}`;
      const ranges = { x: rangeOf(store, shown!, x), y: rangeOf(store, shown!, y) };
      rows = rowsOver(store.page, shown!, [x, y], ranges, [across, up]);
    }
    return { across, up };
  }

  function paint(): void {
    timer = 0;
    last = performance.now();
    const { across, up } = lay();
    const tape = run(store.theta(), rows!);
    const theme = themeOf(stage);
    const colours: [Rgb, Rgb] = [rgb(theme.train), rgb(theme.validation)];
    fit(canvas, root, plan);
    const scale = canvas.width / plan.width;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, plan.width, plan.height);
    context.imageSmoothingEnabled = true;
    for (const { spot } of mapped) {
      const { units: width } = net.layers[spot.layer - 1];
      const bounded = spot.layer < net.layers.length && BOUNDED.includes(store.page.model.activation.name);
      const image = tile(across, up);
      shade(image.data, across, { values: tape.passed[spot.layer - 1], width, at: spot.unit, bounded }, colours);
      const { width: w, height: h } = plan.pill;
      context.drawImage(image.canvas(), spot.x - w / 2, spot.y - h / 2, w, h);
    }
  }

  return {
    draw() {
      stage.classList.toggle("mapped", on());
      canvas.hidden = !on();
      if (!on()) return;
      const now = `${store.stamp} ${store.chosen.x} ${store.chosen.y} ${themeOf(stage).dark} ${root.clientWidth}`;
      if (now === drawn) return;
      drawn = now;
      const wait = APART - (performance.now() - last);
      if (timer !== 0) return;
      if (wait > 0) timer = window.setTimeout(paint, wait);
      else paint();
    },
    point(unit) {
      pointAt(store, unit === null || unit.spot.layer === 0 ? null : unit.spot);
      changed();
    },
  };
}

function rangeOf(store: Store, shown: Shown, feature: number): Range {
  return roomy(extent(column(store.page, shown, feature)) ?? [0, 1]);
}

/** As large as the net is drawn, and as sharp as the screen. */
function fit(canvas: HTMLCanvasElement, root: SVGSVGElement, plan: Plan): void {
  const wide = root.clientWidth || plan.width;
  const ratio = Math.min(globalThis.devicePixelRatio || 1, 3);
  const [width, height] = [Math.round(wide * ratio), Math.round((wide * ratio * plan.height) / plan.width)];
  if (canvas.width === width && canvas.height === height) return;
  canvas.width = width;
  canvas.height = height;
  canvas.style.setProperty("width", `${wide}px`);
  canvas.style.setProperty("height", `${height / ratio}px`);
}
