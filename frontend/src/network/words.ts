// The numbers of a unit, in words.
import type { Theta } from "../store";
import type { Page } from "../contract";
import { counted, figure, short } from "../charts/figures";
import type { Found } from "../maths";
import type { Net } from "../net";
import type { Spot } from "./plan";

/** What is known of the row chosen and of all rows shown; null where no rows are at hand. */
export interface Known {
  one: Found | null;
  x: Float64Array | null; // the row's features
  means: Float64Array[] | null; // of each layer, features first
  rows: number;
}

const NAMED = 3; // weights named

export function nameOf(page: Page, net: Net, { layer, unit }: Pick<Spot, "layer" | "unit">): string {
  if (layer === 0) return short(page.features[unit]?.name ?? `feature ${unit + 1}`, 40);
  if (layer < net.layers.length) return `layer ${layer}, unit ${unit + 1}`;
  return net.k === 1 ? "the score" : `the score of ${outputName(page, unit)}`;
}

export function outputName(page: Page, unit: number): string {
  const found = page.loss.targets === "labels" ? page.target.classes?.[unit] : undefined;
  return found === undefined ? `output ${unit + 1}` : short(found, 24);
}

/** "layer 1, unit 3: sum 0.42, tanh 0.4; mean over 500 rows 0.12. Bias 0.1. Largest weights …" */
export function wordsOf(page: Page, net: Net, theta: Theta, spot: Spot, known: Known): string {
  const parts = spot.layer === 0 ? ofFeature(page, spot, known) : ofUnit(page, net, spot, known);
  const said = [`${nameOf(page, net, spot)}${parts.length > 0 ? `: ${parts.join("; ")}` : ""}`];
  if (spot.layer > 0) said.push(...incoming(page, net, theta, spot));
  return `${said.join(". ")}.`;
}

function ofFeature(page: Page, { unit }: Spot, { x, means, rows }: Known): string[] {
  if (x === null) return [];
  const { mean, scale } = page.features[unit];
  const found = [`${figure(mean + scale * x[unit], 4)} in the row chosen`];
  if (mean !== 0 || scale !== 1) found.push(`${figure(x[unit], 4)} as the model meets it`);
  if (means !== null) found.push(`mean over ${counted(rows, "row")} ${figure(mean + scale * means[0][unit])}`);
  return found;
}

function ofUnit(page: Page, net: Net, { layer, unit }: Spot, { one, means, rows }: Known): string[] {
  if (one === null) return [];
  const { sums, passed } = one.tape;
  const found = [`sum ${figure(sums[layer - 1][unit], 4)}`];
  if (layer < net.layers.length) {
    found.push(`${page.model.activation.name} ${figure(passed[layer - 1][unit], 4)}`);
  } else if (one.predicted[unit] !== one.scores[unit]) {
    found.push(`predicted ${figure(one.predicted[unit], 4)}`);
  }
  if (means !== null) found.push(`mean over ${counted(rows, "row")} ${figure(means[layer][unit])}`);
  return found;
}

function incoming(page: Page, net: Net, theta: Theta, { layer, unit }: Spot): string[] {
  const { inputs, units, weight, bias } = net.layers[layer - 1];
  const all = Array.from({ length: inputs }, (_, i) => ({ i, value: theta[weight + i * units + unit] }));
  all.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const from = (i: number): string => (layer === 1 ? short(page.features[i].name) : `unit ${i + 1}`);
  const named = all.slice(0, NAMED).map(({ i, value }) => `${figure(value)} from ${from(i)}`);
  const words = inputs > NAMED ? "Largest weights" : inputs > 1 ? "Weights" : "Weight";
  const found = [`${words}: ${named.join(", ")}`];
  return bias < 0 ? found : [`Bias ${figure(theta[bias + unit])}`, ...found];
}
