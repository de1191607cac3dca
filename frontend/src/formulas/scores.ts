// The way from the features of the row chosen to its score.
import { short } from "../charts/figures";
import type { Layer } from "../net";
import { type Addend, type Line, piece, result, sumOf, times, type Worked } from "./line";
import { math } from "../foreign";
import { e, frac, o, of, row, sum, symbolOf } from "./writer";

export function scoreLines(at: Worked): Line[] {
  const { net } = at.look.maths;
  const last = net.layers.length - 1;
  const score = weightedSum(at, last, at.output);
  const line = { head: scoreHead(at), pieces: [...score, ...result(at, () => sumAt(at, last, at.output))] };
  return last === 0 ? [line] : [unitLine(at), line];
}

/** A first hidden unit, as the example of what each of them does. */
function unitLine(at: Worked): Line {
  const { page } = at.store;
  const { net } = at.look.maths;
  const { name } = page.model.activation;
  const z = at.w.quantity("z_1", () => sumAt(at, 0, 0));
  const activated = net.activation.rowwise ? frac(e(z()), row(sum("j"), e(symbolOf("z_j")))) : of(name, z());
  const a = (): number => at.look.one().tape.passed[0][0];
  return {
    head: "Unit 1 of layer 1: a weighted sum, then the activation",
    pieces: [
      ...weightedSum(at, 0, 0),
      ...result(at, () => sumAt(at, 0, 0)),
      piece(math("mtext", "\u2003"), symbolOf("a_1"), o("="), activated),
      ...result(at, a),
    ],
    note: () => others(net.layers),
  };
}

function others(layers: Layer[]): string {
  const hidden = layers.length - 1;
  const first = layers[0].units > 1 ? `The other ${layers[0].units - 1} units of the layer do the same with weights of their own` : "";
  const deeper = hidden > 1 ? "each layer after it takes what the one before passed on" : "";
  const said = [first, deeper].filter((text) => text !== "").join("; ");
  return said === "" ? "" : `${said[0].toUpperCase()}${said.slice(1)}.`;
}

function scoreHead({ store, output }: Worked): string {
  const { page } = store;
  const row = `row ${store.chosen.row}`;
  if (page.model.sizes[page.model.sizes.length - 1] === 1) return `The score of ${row}`;
  const name = page.loss.targets === "labels" ? page.target.classes?.[output] : undefined;
  return name === undefined ? `The score of ${row}, output ${output + 1}` : `The score of ${row} for its label, ${short(name, 40)}`;
}

function sumAt({ look }: Worked, layer: number, unit: number): number {
  return look.one().tape.sums[layer][unit];
}

/** "s = w · x + … + b", of a unit of any layer. */
function weightedSum(at: Worked, layer: number, unit: number): MathMLElement[] {
  const { store, look, w } = at;
  const { inputs, units, weight, bias } = look.maths.net.layers[layer];
  const { d } = look.maths.net;
  const given = (i: number): number =>
    layer === 0 ? look.rows.X[store.chosen.row * d + i] : look.one().tape.passed[layer - 1][i];
  const factor = (i: number): number => store.theta()[weight + i * units + unit];
  const terms: Addend[] = Array.from({ length: inputs }, (_, i) => {
    const name = layer === 0 ? short(store.page.features[i].name, 14) : String(i + 1);
    const known = layer === 0 ? "x" : "a";
    return {
      factors: () => [
        w.quantity(`w_${name}`, () => factor(i))(true),
        times(),
        w.quantity(`${known}_${name}`, () => given(i))(true),
      ],
    };
  });
  const last = bias < 0 ? null : { factors: () => [w.quantity("b", () => store.theta()[bias + unit])(true)] };
  const left = layer === look.maths.net.layers.length - 1 ? "s" : `z_${unit + 1}`;
  return sumOf(left, terms, last, at, (from) => {
    let sum = 0;
    for (let i = from; i < inputs; i++) sum += factor(i) * given(i);
    return sum;
  });
}
