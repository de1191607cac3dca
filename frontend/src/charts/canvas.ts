// A canvas as sharp as the screen, and layers of the same size that are drawn once.
import { make } from "./elements";

export interface Stage {
  readonly canvas: HTMLCanvasElement;
  readonly context: CanvasRenderingContext2D;
  readonly width: number; // in CSS pixels
  readonly height: number;
  /** Takes on the host's width, which the browser must work out; false where it has none. */
  fit(): boolean;
  /** Another canvas of the same size, drawn by `draw`. */
  layer(draw: (context: CanvasRenderingContext2D) => void): HTMLCanvasElement;
  /** The empty canvas with a layer on it. */
  clear(): void;
  show(layer: HTMLCanvasElement): void;
}

/** `shape`: height for a width, in CSS pixels. */
export function makeStage(host: HTMLElement, shape: (width: number) => number): Stage {
  const canvas = make("canvas", { role: "img", class: "stage" });
  host.append(canvas);
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  let width = 0;
  let height = 0;
  let ratio = 1;

  function sized(target: HTMLCanvasElement): void {
    target.width = Math.round(width * ratio);
    target.height = Math.round(height * ratio);
  }

  return {
    canvas,
    context,
    get width() {
      return width;
    },
    get height() {
      return height;
    },
    fit() {
      const wide = Math.floor(host.clientWidth);
      const now = Math.min(globalThis.devicePixelRatio || 1, 3);
      if (wide === 0) return false;
      if (wide === width && now === ratio) return true;
      [width, height, ratio] = [wide, Math.round(shape(wide)), now];
      sized(canvas);
      canvas.style.setProperty("height", `${height}px`);
      return true;
    },
    layer(draw) {
      const found = document.createElement("canvas");
      sized(found);
      const inside = found.getContext("2d") as CanvasRenderingContext2D;
      inside.scale(ratio, ratio);
      draw(inside);
      return found;
    },
    clear() {
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
    },
    show(layer) {
      context.drawImage(layer, 0, 0, width, height);
    },
  };
}
