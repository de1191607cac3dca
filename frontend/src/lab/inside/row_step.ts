// What one row makes of a weight: what goes through it, and how its loss would change with it.
import type { Look } from "../../looking";
import { rowOf } from "../../looking";
import { type Maths, makeMaths } from "../../maths";
import type { Page } from "../../contract";
import type { Theta } from "../../store";
import type { Place } from "./places";

export interface RowStep {
  input: number; // what comes in from the unit before; 1 for a bias
  term: number; // times the weight
  sum: number; // of all terms and the bias: the unit's sum
  slope: number; // of the row's loss by that sum
  gradient: number; // of the row's loss by the weight
}

/** Works on buffers of its own: of one row, and without the penalty, which no row has. */
export function makeRowStep(page: Page, look: Look): (theta: Theta, row: number, place: Place) => RowStep {
  const maths: Maths = makeMaths({ ...page, penalty: null, reduction: "sum" })!;
  const { d } = maths.net;
  return (theta, row, { at, layer, from, to }) => {
    const one = rowOf(look.rows, row);
    const { tape } = maths.find(theta, one);
    const gradient = maths.gradient(theta, one)[at];
    const coming = layer === 0 ? look.rows.X.subarray(row * d, (row + 1) * d) : tape.passed[layer - 1];
    const input = from < 0 ? 1 : coming[from];
    const { bias } = maths.net.layers[layer];
    const slope = bias >= 0 ? maths.gradient(theta, one)[bias + to] : gradient / input;
    return { input, term: input * theta[at], sum: tape.sums[layer][to], slope, gradient };
  };
}
