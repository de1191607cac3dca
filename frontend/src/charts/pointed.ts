// The unit that is pointed at in the net, whose map then fills the picture of the data.
import type { Store } from "../store";
import type { Rgb } from "./theme";

export interface Pointed {
  layer: number; // 1 for the first that is computed
  unit: number;
}

const known = new WeakMap<Store, Pointed>();

export function pointAt(store: Store, unit: Pointed | null): void {
  if (unit === null) known.delete(store);
  else known.set(store, { layer: unit.layer, unit: unit.unit });
}

export function pointedOf(store: Store): Pointed | null {
  return known.get(store) ?? null;
}

/** What a unit passes on at places of the plane. */
export interface Passed {
  values: Float64Array; // (places, width)
  width: number;
  at: number; // the unit
  bounded: boolean; // by 1 in size
}

const STRONGEST = 235; // opacity, of 255

/** Blue above 0 and orange below, the stronger the further from it. */
export function shade(data: Uint8ClampedArray, across: number, passed: Passed, [plus, minus]: [Rgb, Rgb]): void {
  const { values, width, at, bounded } = passed;
  const places = data.length / 4;
  const up = places / across;
  const largest = bounded ? 1 : largestOf(passed, places);
  for (let i = 0; i < places; i++) {
    const value = values[i * width + at];
    const to = 4 * ((up - 1 - Math.floor(i / across)) * across + (i % across)); // row 0 of an image is at the top
    const [red, green, blue] = value < 0 ? minus : plus;
    data[to] = red;
    data[to + 1] = green;
    data[to + 2] = blue;
    data[to + 3] = STRONGEST * Math.min(1, Math.abs(value) / largest) || 0;
  }
}

function largestOf({ values, width, at }: Passed, places: number): number {
  let largest = 0;
  for (let i = 0; i < places; i++) {
    const size = Math.abs(values[i * width + at]);
    if (size > largest && size < Infinity) largest = size;
  }
  return largest || 1;
}

export interface Tile {
  data: Uint8ClampedArray;
  canvas(): HTMLCanvasElement; // with the data on it
}

/** A small image, made anew only for another size. */
export function makeTile(): (across: number, up: number) => Tile {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  let image: ImageData | null = null;
  return (across, up) => {
    if (image === null || image.width !== across || image.height !== up) {
      canvas.width = across;
      canvas.height = up;
      image = context.createImageData(across, up);
    }
    const kept = image;
    return {
      data: kept.data,
      canvas() {
        context.putImageData(kept, 0, 0);
        return canvas;
      },
    };
  };
}
