// Where a parameter stands in the net: from which unit, to which; and what it is called.
import type { Page } from "../../contract";
import { short } from "../../charts/figures";
import { outputName } from "../../network/words";
import type { Net } from "../../net";
import { text } from "../text";

export interface Place {
  at: number; // in theta
  layer: number; // in net.layers
  from: number; // the unit of the layer before, or the feature; -1 for a bias
  to: number;
}

export function placeOf(net: Net, at: number): Place | null {
  for (const [layer, { inputs, units, weight, bias }] of net.layers.entries()) {
    if (at >= weight && at < weight + inputs * units) {
      return { at, layer, from: Math.floor((at - weight) / units), to: (at - weight) % units };
    }
    if (bias >= 0 && at >= bias && at < bias + units) return { at, layer, from: -1, to: at - bias };
  }
  return null;
}

const words = text.inside;

/** "weight from x1 to unit 2 of layer 1", "bias of the score". */
export function called(page: Page, net: Net, { layer, from, to }: Place): string {
  const target = unitName(page, net, layer + 1, to);
  return from < 0 ? words.bias(target) : words.weight(unitName(page, net, layer, from), target);
}

export function unitName(page: Page, net: Net, layer: number, unit: number): string {
  if (layer === 0) return short(page.features[unit]?.name ?? `x${unit + 1}`, 32);
  if (layer < net.layers.length) return words.unit(unit + 1, layer);
  return net.k === 1 ? words.score : words.scoreOf(outputName(page, unit));
}
