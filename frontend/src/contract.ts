// What Python hands to the page: one JSON object and one block of bytes.  src/descend/page/payload.py
// writes it, docs/decisions/0019-pictures-and-the-page.md says why it looks as it does.
//
// The module is an anywidget: the host's model holds `page` (this object) and `data` (a DataView).
// The report inlines both, a notebook sends both, the lab will send `data` again as frames arrive.

/** Where an array lies in the bytes.  Floats and ints are little-endian, C order. */
export interface Block {
  dtype: "float32" | "float64" | "int32" | "uint8";
  shape: number[];
  offset: number; // in bytes, a multiple of 8
  bytes: number; // as it lies there
  // "shuffle": byte planes one after another (all first bytes, then all second bytes …).
  // "xor-shuffle": each row XORed with the row before it (as unsigned ints), then shuffled.
  filter: "none" | "shuffle" | "xor-shuffle";
}

export interface Part {
  name: string;
  parameters: Record<string, number>; // such as {delta: 1.5}
}

/** `Linear` has sizes [d, k]; an own model has no sizes, and the page computes nothing with it. */
export interface Model {
  kind: "layers" | "own";
  label: string;
  sizes: number[]; // [d, hidden …, k]
  activation: Part; // of the hidden layers
  bias: boolean;
}

export interface Curve {
  name: string; // as in the history: "loss", "validation_loss", "gradient_norm" …
  label: string; // for people
  per: "update" | "epoch";
  x: string; // block (m,) int32: updates done when it was measured
  y: string; // block (m,) float32
  low: string | null; // blocks (m,): smallest and largest where y is the mean of several updates
  high: string | null;
  ends?: [number | null, number | null] | null; // first and last value of a joined one, where they are known
}

/** Something that was changed after so many updates: "learning rate 0.1 → 0.01". */
export interface Mark {
  step: number;
  sentence: string;
}

export interface Finding {
  code: string;
  severity: "illness" | "information";
  sentence: string;
  evidence: string[]; // "limit 0.08" …
  fix: string;
  step: number | null; // the update it is best seen at
}

/** The loss over a plane of parameters: origin + u·directions[0] + v·directions[1]. */
export interface Surface {
  exact: boolean; // two parameters: the plane is everything
  share: number; // of the path's squared motion that lies in the plane, 0 to 1
  sentence: string; // what is drawn, never presented as the whole
  axes: [string, string];
  origin: string; // block (P,) float64
  directions: string; // block (2, P) float64
  path: string; // block (frames, 2) float32: u, v of every frame
  u: [number, number]; // the range drawn
  v: [number, number];
  values: string | null; // block (nv, nu) float32, row 0 at v[0]; NaN where not finite
  shape: [number, number]; // [nv, nu]
}

/** Of a run that is going on: with the update at which it was computed. */
export interface DatedSurface extends Surface {
  step?: number;
}

export interface Page {
  schema: 1;
  title: string;
  task: string; // the sentence: model + loss + optimizer
  summary: string[]; // sentences for people and for screen readers
  outcome: { reason: string; sentence: string; loss: number | null; best_step: number | null };
  model: Model;
  loss: Part & { targets: "numbers" | "counts" | "two labels" | "labels"; proper: boolean };
  reduction: "mean" | "sum";
  penalty: Part | null; // parameters of "l2": {alpha}; as the Python part names them
  optimizer: Part & { searches: boolean; batch_size: number | null };
  layout: { name: string; shape: number[]; start: number }[];
  // A column in its own unit is mean + scale · (what the model meets).
  // `why`: why it is no axis to look along, in a sentence; where it is one there is none.
  features: { name: string; mean: number; scale: number; why?: string }[];
  target: { name: string; mean: number; scale: number; classes: string[] | null };
  axes: number[]; // features, the ones to draw first
  updates: number; // done in all
  frames: number[]; // the steps of the recorded frames of theta, ascending, from 0 to updates
  returned: number; // the frame that equals the returned parameters
  rows: {
    shown: { train: number; validation: number };
    all: { train: number; validation: number };
    sentence: string; // "all 340 training rows", "5000 of 1 000 000 training rows, drawn by …"
  };
  curves: Curve[];
  marks?: Mark[]; // what was changed along the way, in order; pages of before have none
  findings: Finding[];
  surface: DatedSurface | null;
  blocks: Record<string, Block>;
  // Always: theta (F, P) float32, or float64 where the run is small, as X and y then
  // are.  Where rows are at hand: X (m, d) float32 as the model meets them,
  // y (m, k) float32 (labels: (m, 1), codes from 0), part (m,) uint8 (0 training, 1 validation),
  // weight (m,) float32 where rows are weighed.
}
