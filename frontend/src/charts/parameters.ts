// Parameters by name: "weight of area", "bias", "layer 1 weight of x2 to unit 3".
import type { Page } from "../contract";
import { short } from "./figures";

export interface Parameter {
  name: string;
  at: number; // in theta
}

/** The first parameters, as many as asked for, in theta's order. */
export function parametersOf(page: Page, most: number): Parameter[] {
  const found: Parameter[] = [];
  for (const { name, shape, start } of page.layout) {
    const size = shape.reduce((product, length) => product * length, 1);
    for (let i = 0; i < size && found.length < most; i++) {
      found.push({ name: named(page, name, shape, i), at: start + i });
    }
  }
  return found;
}

export function parameterCount(page: Page): number {
  return page.layout.length === 0 ? 0 : page.blocks.theta.shape[1];
}

function named(page: Page, array: string, shape: number[], i: number): string {
  const places = placesOf(shape, i);
  if (page.model.kind === "own") return places.length === 0 ? array : `${array}[${places.join(", ")}]`;
  const single = page.model.sizes.length === 2;
  const outputs = shape[shape.length - 1] ?? 1;
  const to = outputs > 1 ? output(page, single, places[places.length - 1]) : "";
  const fromFeature = shape.length === 2 && shape[0] === page.features.length && isFirst(page, array);
  if (shape.length === 2) {
    const from = fromFeature ? short(page.features[places[0]].name) : `unit ${places[0] + 1}`;
    return `${array} of ${from}${to}`;
  }
  return `${array}${to}`;
}

function isFirst(page: Page, array: string): boolean {
  return page.layout[0]?.name === array;
}

function output(page: Page, single: boolean, j: number): string {
  const { classes } = page.target;
  if (!single) return ` to unit ${j + 1}`;
  return classes === null ? ` to output ${j + 1}` : ` to ${short(classes[j] ?? String(j))}`;
}

function placesOf(shape: number[], i: number): number[] {
  const found: number[] = [];
  let rest = i;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    found.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return found;
}
