// A ladder of problems, from one number to eleven: where the hand begins to lose.
import type { Settings } from "../contract";
import { text } from "../text";

export interface Rung {
  name: keyof typeof text.hand.rungs;
  change: Settings;
}

const LINE: Settings = {
  data: "sliders",
  n: 100,
  noise: 0,
  data_seed: 0,
  validation: 0,
  features: ["x1"],
  standardize: false,
  hidden: [],
  bias: true,
  loss: "squared_error",
  reduction: "mean",
  penalty: null,
  optimizer: "gradient_descent",
  learning_rate: 0.05,
  batch_size: null,
  start: [-5, 3],
};
const CLOUDS: Settings = {
  ...LINE,
  data: "blobs",
  n: 120,
  classes: 2,
  noise: 1.5,
  loss: "logistic",
  learning_rate: 0.3,
};

/** What each is, as the settings have it. */
export const RUNGS: Rung[] = [
  { name: "slope", change: { ...LINE, bias: false, noise: 4, start: [-5] } },
  { name: "line", change: LINE },
  { name: "noisy", change: { ...LINE, noise: 4 } },
  {
    name: "byHand",
    change: { ...LINE, data: "line_by_hand", noise: 0.1, data_seed: 42, validation: 0.2, learning_rate: 0.1, start: [-2, 3] },
  },
  { name: "sigmoid", change: { ...CLOUDS, features: ["x2"], start: [0.5, 1] } },
  { name: "boundary", change: { ...CLOUDS, features: ["x1", "x2"], start: [1, 0.5, 0.5] } },
  {
    name: "houses",
    change: {
      ...LINE,
      data: "houses",
      n: 3,
      features: ["area", "distance", "rooms"],
      standardize: true,
      learning_rate: 0.3,
      start: [0, 0, 0, 428000],
    },
  },
  {
    name: "diabetes",
    change: { ...LINE, data: "diabetes", target: "progression", features: [], learning_rate: "auto", validation: 0.3, start: [...new Array(10).fill(0), 150] },
  },
];
