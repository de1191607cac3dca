// Penalties, as src/descend/penalties.py states them: l1 ‖w‖₁ + l2/2 ‖w‖², over the weights, and
// over the biases only where that was asked for.
import type { Part } from "./contract";
import type { Net } from "./net";

export interface Strengths {
  l1: number;
  l2: number;
  biases: boolean;
}

const NONE: Strengths = { l1: 0, l2: 0, biases: false };

/** How strongly a penalty pulls, or null where the page does not know it. */
export function strengthsOf(penalty: Part | null): Strengths | null {
  if (penalty === null) return NONE;
  const { strength, biases, l1_ratio } = penalty.parameters;
  const share = { l2: 0, l1: 1, elastic_net: l1_ratio }[penalty.name]; // of the absolute value
  if (share === undefined) return null;
  return { l1: strength * share, l2: strength * (1 - share), biases: Boolean(biases) };
}

/** Calls `see` with every parameter that is penalised. */
function each(net: Net, { biases }: Strengths, see: (at: number) => void): void {
  for (const { weight, bias, inputs, units } of net.layers) {
    for (let at = weight; at < weight + inputs * units; at++) see(at);
    if (biases && bias >= 0) for (let at = bias; at < bias + units; at++) see(at);
  }
}

export function penaltyValue(net: Net, strengths: Strengths, theta: Float64Array): number {
  if (strengths.l1 === 0 && strengths.l2 === 0) return 0;
  let absolute = 0;
  let squared = 0;
  each(net, strengths, (at) => {
    absolute += Math.abs(theta[at]);
    squared += theta[at] * theta[at];
  });
  return strengths.l1 * absolute + 0.5 * strengths.l2 * squared;
}

/** Adds the gradient of l2/2 ‖w‖².  l1 has none: it works by a threshold after each update. */
export function addPenaltySlope(
  net: Net,
  strengths: Strengths,
  theta: Float64Array,
  gradient: Float64Array,
): void {
  if (strengths.l2 !== 0) each(net, strengths, (at) => (gradient[at] += strengths.l2 * theta[at]));
}
