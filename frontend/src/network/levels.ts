// What the net's lines and ticks are measured against.
import type { Theta } from "../store";
import type { Look } from "../looking";
import type { Net } from "../net";

/** The largest weight leading to each layer at the returned parameters; of layer 0 there is none. */
export function scalesOf(net: Net, theta: Theta): number[] {
  const found = net.layers.map(({ weight, inputs, units }) => {
    let largest = 0;
    for (let at = weight; at < weight + inputs * units; at++) {
      const size = Math.abs(theta[at]);
      if (size > largest && size < Infinity) largest = size;
    }
    return largest || 1;
  });
  return [1, ...found];
}

const ROOM = 1.25;

/** The same scales, those with room that weights have outgrown: widths don't change at every frame. */
export function widened(scales: number[], now: number[]): number[] {
  if (now.every((largest, layer) => largest <= scales[layer])) return scales;
  return scales.map((scale, layer) => (now[layer] > scale ? ROOM * now[layer] : scale));
}

const features = new WeakMap<Look, Float64Array>();

/** What each unit passes on, on average over the rows shown; features first. */
export function meansOf(look: Look): Float64Array[] {
  const { rows, maths } = look;
  let first = features.get(look);
  if (first === undefined) {
    first = columnMeans(rows.X, maths.net.d, rows.count);
    features.set(look, first);
  }
  const passed = look.found().tape.passed;
  return [first, ...passed.map((values, i) => columnMeans(values, maths.net.layers[i].units, rows.count))];
}

function columnMeans(values: Float64Array, columns: number, rows: number): Float64Array {
  const found = new Float64Array(columns);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let j = 0; j < columns; j++) found[j] += values[at++];
  }
  return found.map((sum) => sum / rows);
}
