// Labels over two features: which label is said where, the others held at their mean.
import { mathsOf } from "../looking";
import type { Store } from "../store";
import { areaOf, type Axes, drawAxes, extent, inside, makeAxes, roomy } from "./axes";
import { type Field, traceZero } from "./contours";
import { className, saidBy } from "./judging";
import { shapeOf } from "./marks";
import { followersOf, makeRunner, meanOver, rowsOver } from "./plane";
import { makeTile as makeSmall, type Pointed, pointedOf, shade } from "./pointed";
import { nameOf } from "../network/words";
import { drawRing, drawRows, keyLine, keySign, nearestRow, type Picture, type Placed } from "./picture";
import { column, even, heldAt, metFrom, type Shown } from "./rows";
import { type Rgb, rgb, type Theme } from "./theme";
import { featureChoices, otherFeatures, sampled } from "./two_features";
import type { Stage } from "./canvas";

// Places along each axis at which the model is asked, at most; and places times parameters: fewer
// while frames follow one another.
const SIDE = 64;
const RESTING = 4e7;
const MOVING = 1.2e6;
const STRONG = 72; // opacity, of 255, where a label is sure

export function boundaryPicture(store: Store, shown: Shown): Picture {
  const { page } = store;
  const maths = mathsOf(store);
  const base = heldAt(shown);
  let axes: Axes;
  let at: Placed;
  let ground: HTMLCanvasElement;
  let rows: HTMLCanvasElement;
  let meshes: { resting: Mesh; moving: Mesh };
  let colours: Rgb[];
  const tileOfUnit = makeSmall();

  const controls = featureChoices(store);
  const others = otherFeatures(store, shown);
  const run = maths === null ? null : makeRunner(maths.net);

  return {
    get title() {
      const { x, y } = store.chosen;
      const pointed = pointedOf(store);
      const over = `over ${page.features[x].name} and ${page.features[y].name}`;
      if (pointed !== null && maths !== null) return `What ${nameOf(page, maths.net, pointed)} passes on, ${over}`;
      return `Predicted label over ${page.features[x].name} and ${page.features[y].name}`;
    },
    controls: [...controls.elements, ...others.elements],
    choices: () => `${store.chosen.x} ${store.chosen.y} ${others.averaged()}`,
    prepare(stage, theme) {
      const { x, y } = store.chosen;
      controls.follow();
      others.follow();
      const [left, up] = [column(page, shown, x), column(page, shown, y)];
      const [xRange, yRange] = [roomy(extent(left) ?? [0, 1]), roomy(extent(up) ?? [0, 1])];
      axes = makeAxes(areaOf(stage.width, stage.height), xRange, yRange);
      const bases = others.averaged() ? sampled(shown) : [base];
      const simple = bases.length === 1 && followersOf(page, shown, x, y).length === 0;
      const mesh = (side: number): Mesh => ({
        side,
        over: simple ? null : bases.map((each) => rowsOver(page, shown, [x, y], { x: xRange, y: yRange }, [side, side], each)),
        plain: rowsOver(page, shown, [x, y], { x: xRange, y: yRange }, [side, side]),
        xs: even(metFrom(page, x, xRange[0]), metFrom(page, x, xRange[1]), side),
        ys: even(metFrom(page, y, yRange[0]), metFrom(page, y, yRange[1]), side),
        tile: makeTile(side),
      });
      const parameters = (maths?.net.parameters ?? 1) * bases.length;
      meshes = { resting: mesh(sideFor(RESTING, parameters)), moving: mesh(sideFor(MOVING, parameters)) };
      at = { x: left.map((value) => axes.x(value)), y: up.map((value) => axes.y(value)) };
      colours = theme.classes.map(rgb);
      const words = { x: page.features[x].name, y: page.features[y].name };
      ground = stage.layer((context) => drawAxes(context, axes, theme, words, false));
      const code = (i: number): number => shown.y[i * shown.k];
      const colour = (i: number): string => theme.classes[code(i) % theme.classes.length];
      rows = stage.layer((context) => drawRows(context, at, { part: shown.part, code, colour }, theme));
    },
    draw(stage, theme) {
      stage.clear();
      inside(stage.context, axes.area, () => {
        if (maths !== null && pointedOf(store) === null) regions(stage, theme);
        else if (maths !== null) unitMap(stage, theme, pointedOf(store)!);
        stage.show(rows);
        drawRing(stage.context, at, store.chosen.row, theme);
      });
      stage.show(ground);
      return "";
    },
    key: (theme) => keyOf(store, shown, theme, maths !== null),
    rowAt: (x, y) => nearestRow(at, x, y),
  };

  function regions(stage: Stage, theme: Theme): void {
    const mesh = store.playing ? meshes.moving : meshes.resting;
    const { side, tile } = mesh;
    const { scores, linked } = said(mesh);
    const k = maths!.net.k;
    paint(tile.image, scores, k, linked, colours);
    tile.context.putImageData(tile.image, 0, 0);
    spread(stage, tile.context.canvas, side);
    stage.context.beginPath();
    for (const field of margins(scores, k, side, axes)) traceZero(stage.context, field, axes);
    stage.context.strokeStyle = theme.fit;
    stage.context.lineWidth = 2.2;
    stage.context.stroke();
  }

  /** Scores over the mesh, and the probabilities they mean; of several rows, both on average. */
  function said({ over, xs, ys }: Mesh): { scores: Float64Array; linked: Float64Array | null } {
    const { x, y } = store.chosen;
    const theta = store.theta();
    const { proper } = page.loss;
    if (over === null || over.length === 1) {
      const scores = over === null ? maths!.grid(theta, { x, y, xs, ys, base }) : run!(theta, over[0]).scores;
      return { scores, linked: proper ? maths!.link(scores) : null };
    }
    const mean = meanOver(over, (rows) => (proper ? maths!.link(run!(theta, rows).scores) : run!(theta, rows).scores));
    if (!proper) return { scores: mean, linked: null };
    // Labels change where the mean probability of one leads; of two labels, at a half.
    return { scores: maths!.net.k === 1 ? mean.map((p) => p - 0.5) : mean, linked: mean };
  }

  function unitMap(stage: Stage, theme: Theme, { layer, unit }: Pointed): void {
    const { side, plain } = store.playing ? meshes.moving : meshes.resting;
    const values = run!(store.theta(), plain).passed[layer - 1];
    const image = tileOfUnit(side, side);
    const width = maths!.net.layers[layer - 1].units;
    const bounded = layer < maths!.net.layers.length && BOUNDED.includes(page.model.activation.name);
    shade(image.data, side, { values, width, at: unit, bounded }, [rgb(theme.train), rgb(theme.validation)]);
    stage.context.globalAlpha = 0.6; // rows are to be seen on it
    spread(stage, image.canvas(), side);
    stage.context.globalAlpha = 1;
    const field = { values: Float64Array.from({ length: side * side }, (_, i) => values[i * width + unit]), nx: side, ny: side };
    stage.context.beginPath();
    traceZero(stage.context, { ...field, x: axes.x.domain() as [number, number], y: axes.y.domain() as [number, number] }, axes);
    stage.context.strokeStyle = theme.fit;
    stage.context.lineWidth = 1.6;
    stage.context.stroke();
  }

  function spread(stage: Stage, image: HTMLCanvasElement, side: number): void {
    const { left, right, top, bottom } = axes.area;
    const [dx, dy] = [(right - left) / (side - 1), (bottom - top) / (side - 1)];
    // Values lie on the corners of the grid, pixels in its cells: half a cell more on each side.
    stage.context.drawImage(image, left - dx / 2, top - dy / 2, right - left + dx, bottom - top + dy);
  }
}

const BOUNDED = ["sigmoid", "tanh", "softmax", "cos"];
interface Mesh {
  side: number;
  over: Float64Array[] | null; // rows at each place; null where a grid does, at less cost
  plain: Float64Array; // with the other features at their mean
  xs: Float64Array;
  ys: Float64Array;
  tile: { context: CanvasRenderingContext2D; image: ImageData };
}

function sideFor(work: number, parameters: number): number {
  return Math.max(16, Math.min(SIDE, Math.floor(Math.sqrt(work / parameters))));
}

function makeTile(side: number): Mesh["tile"] {
  const canvas = document.createElement("canvas");
  canvas.width = side;
  canvas.height = side;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  return { context, image: context.createImageData(side, side) };
}

/** Colours the places: the label said, the stronger the surer.  Row 0 of an image is at the top. */
function paint(
  { data, width }: ImageData,
  scores: Float64Array,
  k: number,
  linked: Float64Array | null,
  colours: Rgb[],
): void {
  for (let i = 0; i < width * width; i++) {
    const to = 4 * ((width - 1 - Math.floor(i / width)) * width + (i % width));
    const said = saidBy(scores, i * k, k);
    const [red, green, blue] = colours[said % colours.length];
    data[to] = red;
    data[to + 1] = green;
    data[to + 2] = blue;
    data[to + 3] = STRONG * sureness(scores, linked, i * k, k, said);
  }
}

/** From 0 (undecided) to 1 (certain). */
function sureness(scores: Float64Array, linked: Float64Array | null, at: number, k: number, said: number): number {
  if (linked === null) return Math.min(1, Math.abs(scores[at + (k === 1 ? 0 : said)])) || 0;
  if (k === 1) return Math.abs(2 * linked[at] - 1) || 0;
  return (linked[at + said] - 1 / k) / (1 - 1 / k) || 0;
}

/** Fields that are 0 where the label said changes: the score, or each label's lead over all others. */
function margins(scores: Float64Array, k: number, side: number, axes: Axes): Field[] {
  const [x, y] = [axes.x.domain(), axes.y.domain()] as [[number, number], [number, number]];
  const found: Field[] = [];
  for (let c = 0; c < k; c++) {
    const values = new Float64Array(side * side);
    for (let i = 0; i < values.length; i++) values[i] = lead(scores, i * k, k, c);
    found.push({ values, nx: side, ny: side, x, y });
  }
  return found;
}

function lead(scores: Float64Array, at: number, k: number, c: number): number {
  if (k === 1) return bounded(scores[at]);
  let other = Number.NEGATIVE_INFINITY;
  for (let j = 0; j < k; j++) if (j !== c && scores[at + j] > other) other = scores[at + j];
  return bounded(scores[at + c] - other);
}

function bounded(value: number): number {
  return Number.isNaN(value) ? -1 : Math.max(-1e9, Math.min(1e9, value));
}

function keyOf(store: Store, shown: Shown, theme: Theme, line: boolean): HTMLElement[] {
  const classes = Math.max(2, store.page.target.classes?.length ?? 0, store.page.model.sizes.at(-1) ?? 0);
  const hollow = shown.part.includes(1);
  const found = Array.from({ length: Math.min(classes, 8) }, (_, c) => {
    const signs = hollow ? `${shapeOf(c).full}${shapeOf(c).hollow}` : shapeOf(c).full;
    return keySign(signs, className(store, c), theme.classes[c % theme.classes.length]);
  });
  if (line) found.push(keyLine("decision boundary", theme.fit));
  return found;
}
