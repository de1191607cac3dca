// Everything on the page is tied to one number: the index of the frame that is looked at.
import type { Curve, Page } from "./contract";

/** Parameters: in double precision where the run is small, else in single. */
export type Theta = Float32Array | Float64Array;
export type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array;

/** What may be chosen besides the frame; views read it, and any view may change it. */
export interface Chosen {
  row: number; // of the rows shown: the one whose numbers stand in the formulas
  x: number; // features on the axes
  y: number;
  numbers: boolean; // formulas in numbers, or in symbols
  log: boolean; // logarithmic loss axis
}

export interface Store {
  readonly page: Page;
  readonly index: number; // of the frame
  readonly step: number; // page.frames[index]
  // Another number whenever theta at the frame looked at is another one: a key to what was computed.
  readonly stamp: number;
  // Grows with every frame, curve or finding that is added; for good 0 where a run has ended.
  readonly grown: number;
  readonly chosen: Readonly<Chosen>;
  readonly playing: boolean;
  readonly speed: number; // frames per second
  block(name: string): Numbers; // decoded once
  theta(index?: number): Theta; // (P,) a view, of the frame looked at by default
  curve(name: string): { curve: Curve; x: Int32Array; y: Float32Array } | null;
  go(index: number): void; // to a frame, clamped
  goToStep(step: number): void; // to the last frame at or before an update
  choose(change: Partial<Chosen>): void;
  play(on: boolean): void;
  setSpeed(framesPerSecond: number): void;
  // Called at most once per animation frame, after anything changed; returns the way to stop.
  on(listener: () => void): () => void;
  destroy(): void; // stops playing and forgets all listeners, for good
}

/** A part of the screen.  `draw` is called whenever the store changed, and must be cheap. */
export interface View {
  readonly name: string; // "loss", "data" …; also the element's data-view
  readonly title: string; // what is seen, in words
  readonly pace?: number; // milliseconds between two drawings while playing: more is not seen, and costs
  draw(): void;
  resize?(): void;
  destroy?(): void;
}

/** Makes a view inside `host`, or returns null where this run has nothing for it to show. */
export type MakeView = (store: Store, host: HTMLElement) => View | null;
