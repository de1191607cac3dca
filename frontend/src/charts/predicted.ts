// Numbers from several features: predicted against true, or along one feature with the others held.
import { mathsOf } from "../looking";
import { type Maths, makeMaths } from "../maths";
import type { Store } from "../store";
import { type Axes, axesIn, clipped, drawAxes, extent, inside, roomy } from "./axes";
import type { Stage } from "./canvas";
import { choice, make } from "./elements";
import { count as counted } from "./figures";
import { planePicture } from "./over_plane";
import { drawRing, drawRows, keyLine, keyParts, nearestRow, type Picture, type Placed } from "./picture";
import { column, even, heldAt, metFrom, type Shown, targetColumn, targetName, targetUnit, thinned } from "./rows";
import type { Theme } from "./theme";

const MOST = 400; // rows predicted at each frame,
const WORK = 4e6; // and rows times parameters
const STEPS = 120; // of the line along a feature

type Kind = "true" | "along" | "plane";

export function predictedPicture(store: Store, shown: Shown): Picture {
  const { page } = store;
  const maths = makeMaths(page); // its own, for its buffers are as long as its rows are many
  const along = mathsOf(store);
  const { places, rows } = thinned(shown, mostRows(maths));
  const outputs = shown.k;
  const plane = along !== null && shown.d > 1 ? planePicture(store, shown) : null;
  let kind: Kind = maths === null ? "along" : "true";
  let output = 0;
  let axes: Axes;
  let at: Placed;
  let ground: HTMLCanvasElement;
  let marks: HTMLCanvasElement;
  let line: { met: Float64Array; own: Float64Array };

  const feature = choice("feature", named(page.features.map(({ name }) => name)), "", (value) =>
    store.choose({ x: Number(value) }),
  );
  const held = make("span", { class: "quiet" }, page.features.length > 1 ? "others held at their mean" : "");

  const ofPlane = make("span", { class: "choices" }, ...(plane?.controls ?? []));

  function looks(theme: Theme) {
    const colour = (i: number): string => (rows.part[i] === 1 ? theme.validation : theme.train);
    return { part: rows.part, code: () => 0, colour };
  }

  function prepareTrue(stage: Stage, theme: Theme): void {
    const range = roomy(extent(targetColumn(page, rows, output)) ?? [0, 1], 0.1);
    axes = axesIn(stage, theme, range, range);
    const name = targetName(page, output);
    const words = { x: `${name}: true`, y: `${name}: predicted` };
    ground = stage.layer((context) => {
      drawAxes(context, axes, theme, words);
      diagonal(context, axes, theme);
    });
    at = {
      x: targetColumn(page, rows, output).map((value) => axes.x(value)),
      y: new Float64Array(rows.count),
    };
  }

  function prepareAlong(stage: Stage, theme: Theme): void {
    const { x } = store.chosen;
    const [across, up] = [column(page, rows, x), targetColumn(page, rows, output)];
    const range = roomy(extent(across) ?? [0, 1]);
    axes = axesIn(stage, theme, range, roomy(extent(up) ?? [0, 1], 0.1));
    const words = { x: page.features[x].name, y: targetName(page, output) };
    ground = stage.layer((context) => drawAxes(context, axes, theme, words));
    at = { x: across.map((value) => axes.x(value)), y: up.map((value) => axes.y(value)) };
    marks = stage.layer((context) => drawRows(context, at, looks(theme), theme));
    const met = even(metFrom(page, x, range[0]), metFrom(page, x, range[1]), STEPS);
    line = { met, own: even(range[0], range[1], STEPS) };
  }

  function drawTrue(stage: Stage, theme: Theme): string {
    const found = maths!.find(store.theta(), { X: rows.X, y: rows.y, weight: null, count: rows.count });
    const [low, high] = axes.y.domain();
    let out = 0;
    for (let i = 0; i < rows.count; i++) {
      const value = targetUnit(page, found.predicted[i * maths!.net.k + output]);
      at.y[i] = axes.y(value);
      if (!(value >= low && value <= high)) out += 1;
    }
    drawRows(stage.context, at, looks(theme), theme);
    const sampled = places.length < shown.count;
    const words = sampled ? [`Drawn: ${counted(places.length)} of the rows shown.`] : [];
    if (out > 0) words.push(`${counted(out)} of ${counted(places.length)} lie outside this picture.`);
    return words.join(" ");
  }

  function drawAlong(stage: Stage, theme: Theme): string {
    stage.show(marks);
    if (along === null) return "";
    const { x } = store.chosen;
    const grid = { x, y: x, xs: line.met, ys: [0], base };
    const values = along.link(along.grid(store.theta(), grid));
    const { k } = along.net;
    stage.context.beginPath();
    for (let i = 0; i < STEPS; i++) {
      const y = axes.y(targetUnit(page, values[i * k + output]));
      if (Number.isFinite(y)) stage.context.lineTo(axes.x(line.own[i]), clipped(y));
    }
    stage.context.strokeStyle = theme.fit;
    stage.context.lineWidth = 2.6;
    stage.context.stroke();
    return "";
  }
  const base = heldAt(shown);

  return {
    get title() {
      if (kind === "plane") return plane!.title;
      if (kind === "true") return `${page.target.name}: predicted against true`;
      return `${page.target.name} along ${page.features[store.chosen.x].name}`;
    },
    controls: controls(),
    choices: () => `${kind} ${output} ${store.chosen.x} ${kind === "plane" ? plane!.choices() : ""}`,
    prepare(stage, theme) {
      feature.select.value = String(store.chosen.x);
      feature.label.hidden = kind !== "along";
      held.hidden = kind !== "along";
      ofPlane.hidden = kind !== "plane";
      if (kind === "plane") return plane!.prepare(stage, theme);
      if (kind === "true") prepareTrue(stage, theme);
      else prepareAlong(stage, theme);
    },
    draw(stage, theme) {
      if (kind === "plane") return plane!.draw(stage, theme);
      let words = "";
      stage.clear();
      stage.show(ground);
      inside(stage.context, axes.area, () => {
        words = kind === "true" ? drawTrue(stage, theme) : drawAlong(stage, theme);
        const ring = places.indexOf(store.chosen.row);
        if (ring >= 0) drawRing(stage.context, at, ring, theme);
      });
      return words;
    },
    key(theme) {
      if (kind === "plane") return plane!.key(theme);
      const parts = keyParts(rows.part, [theme.train, theme.validation]);
      if (kind === "true") return [...parts, keyLine("predicted is true", theme.quiet, true)];
      return along === null ? parts : [...parts, keyLine("predicted", theme.fit)];
    },
    rowAt(x, y) {
      if (kind === "plane") return plane!.rowAt(x, y);
      const found = nearestRow(at, x, y);
      return found === null ? null : places[found];
    },
  };

  function controls(): HTMLElement[] {
    const found: HTMLElement[] = [];
    if (maths !== null) {
      const kinds = [
        { value: "true", words: "predicted against true" },
        { value: "along", words: "along one feature" },
        ...(plane === null ? [] : [{ value: "plane", words: "over two features" }]),
      ];
      const shownAs = choice("picture", kinds, kind, (value) => {
        kind = value as Kind;
        store.choose({});
      });
      found.push(shownAs.label);
    }
    if (outputs > 1) {
      const names = Array.from({ length: outputs }, (_, j) => String(j + 1));
      found.push(
        choice("output", named(names), "0", (value) => {
          output = Number(value);
          store.choose({});
        }).label,
      );
    }
    return [...found, feature.label, held, ofPlane];
  }
}

function mostRows(maths: Maths | null): number {
  return maths === null ? MOST : Math.max(60, Math.min(MOST, Math.floor(WORK / maths.net.parameters)));
}

function named(names: string[]): { value: string; words: string }[] {
  return names.map((words, i) => ({ value: String(i), words }));
}

function diagonal(context: CanvasRenderingContext2D, { area }: Axes, theme: Theme): void {
  context.beginPath();
  context.setLineDash([6, 4]);
  context.moveTo(area.left, area.bottom);
  context.lineTo(area.right, area.top);
  context.strokeStyle = theme.quiet;
  context.lineWidth = 1.6;
  context.stroke();
  context.setLineDash([]);
}
