// Numbers over two features: how large the prediction is where.
import { mathsOf } from "../looking";
import type { Store } from "../store";
import { type Axes, axesIn, drawAxes, extent, inside, roomy } from "./axes";
import type { Stage } from "./canvas";
import { make } from "./elements";
import { figure } from "./figures";
import { drawRing, drawRows, keyParts, nearestRow, type Picture, type Placed } from "./picture";
import { makeRunner, meanOver, rowsOver } from "./plane";
import { makeTile } from "./pointed";
import { column, heldAt, type Shown, targetColumn, targetUnit } from "./rows";
import { rgb, type Theme } from "./theme";
import { featureChoices, otherFeatures, sampled } from "./two_features";

const SIDE = 48; // places along each axis, at most
const WORK = 8e6; // places times parameters times rows averaged over

export function planePicture(store: Store, shown: Shown): Picture {
  const { page } = store;
  const maths = mathsOf(store)!;
  const run = makeRunner(maths.net);
  const choices = featureChoices(store);
  const others = otherFeatures(store, shown);
  const tile = makeTile();
  const range = roomy(extent(targetColumn(page, shown, 0)) ?? [0, 1]);
  let axes: Axes;
  let at: Placed;
  let ground: HTMLCanvasElement;
  let marks: HTMLCanvasElement;
  let over: Float64Array[];
  let side: number;

  return {
    get title() {
      const { x, y } = store.chosen;
      return `Predicted ${page.target.name} over ${page.features[x].name} and ${page.features[y].name}`;
    },
    controls: [...choices.elements, ...others.elements],
    choices: () => `${store.chosen.x} ${store.chosen.y} ${others.averaged()}`,
    prepare(stage, theme) {
      const { x, y } = store.chosen;
      choices.follow();
      others.follow();
      const [left, up] = [column(page, shown, x), column(page, shown, y)];
      const ranges = { x: roomy(extent(left) ?? [0, 1]), y: roomy(extent(up) ?? [0, 1]) };
      axes = axesIn(stage, theme, ranges.x, ranges.y);
      const bases = others.averaged() ? sampled(shown) : [heldAt(shown)];
      side = Math.max(12, Math.min(SIDE, Math.floor(Math.sqrt(WORK / (maths.net.parameters * bases.length)))));
      over = bases.map((base) => rowsOver(page, shown, [x, y], ranges, [side, side], base));
      at = { x: left.map((value) => axes.x(value)), y: up.map((value) => axes.y(value)) };
      const words = { x: page.features[x].name, y: page.features[y].name };
      ground = stage.layer((context) => drawAxes(context, axes, theme, words, false));
      const colour = (i: number): string => (shown.part[i] === 1 ? theme.validation : theme.train);
      marks = stage.layer((context) => drawRows(context, at, { part: shown.part, code: () => 0, colour }, theme));
    },
    draw(stage, theme) {
      stage.clear();
      inside(stage.context, axes.area, () => {
        paint(stage, theme);
        stage.show(marks);
        drawRing(stage.context, at, store.chosen.row, theme);
      });
      stage.show(ground);
      return `The stronger the colour, the larger: from ${figure(range[0])} to ${figure(range[1])}.`;
    },
    key: (theme) => [...keyParts(shown.part, [theme.train, theme.validation]), ramp(theme)],
    rowAt: (x, y) => nearestRow(at, x, y),
  };

  function paint(stage: Stage, theme: Theme): void {
    const values = meanOver(over, (rows) => maths.link(run(store.theta(), rows).scores));
    const [low, high] = [rgb(theme.low), rgb(theme.high)];
    const image = tile(side, side);
    const { k } = maths.net;
    for (let i = 0; i < side * side; i++) {
      const value = targetUnit(page, values[i * k]);
      const share = Math.max(0, Math.min(1, (value - range[0]) / (range[1] - range[0] || 1))) || 0;
      const to = 4 * ((side - 1 - Math.floor(i / side)) * side + (i % side));
      for (let c = 0; c < 3; c++) image.data[to + c] = low[c] + share * (high[c] - low[c]);
      image.data[to + 3] = Number.isFinite(value) ? 255 : 0;
    }
    const { left, right, top, bottom } = axes.area;
    const [dx, dy] = [(right - left) / (side - 1), (bottom - top) / (side - 1)];
    stage.context.drawImage(image.canvas(), left - dx / 2, top - dy / 2, right - left + dx, bottom - top + dy);
  }

  function ramp(theme: Theme): HTMLElement {
    const block = (colour: string): HTMLElement => {
      const swatch = make("span", { class: "swatch block" });
      swatch.style.setProperty("background", colour);
      return swatch;
    };
    return make("li", {}, block(theme.low), figure(range[0]), block(theme.high), figure(range[1]));
  }
}
