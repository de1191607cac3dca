// What passes between the lab's page and Python: docs/decisions/0020-the-lab.md.
import type { Block, Curve, Finding, Page, Surface } from "../contract";

/** The settings as Python's `Settings.plain()` has them; which keys there are, `choices` says. */
export type Settings = Record<string, unknown>;

export interface BranchTold {
  number: number;
  name: string; // "" where a person gave it none
  place: number; // 0 to 7: which colour and sign are its own
  origin: { branch: number; step: number } | null;
  differs: [name: string, before: unknown, after: unknown][]; // from the settings of its origin
  edits: number; // parameters set by hand since
  task: string;
  rate: number; // the learning rate in force
  updates: number;
  loss: number | null;
  validation_loss: number | null;
  course: [steps: number[], losses: number[]]; // thinned
  settings: Settings;
  ended: string | null;
}

/** How far a branch is, told while it trains. */
export type Course = Pick<BranchTold, "number" | "updates" | "loss" | "validation_loss" | "course">;

export interface Racer {
  branch: number;
  place: number;
  label: string;
  rate: number | null; // null where it searches
  velocity: boolean; // its optimizer adds up gradients
}

/** What is to be reached, and whether it was. */
export interface GoalTold {
  text: string; // validation_loss<0.1@200
  sentence: string;
  metric: string;
  reached: { step: number; value: number } | null;
  missed: boolean; // its updates are over
}

export interface Told {
  page: { kind: "page"; branch: number; page: Page };
  frames: {
    kind: "frames";
    branch: number;
    steps: number[];
    updates: number;
    figures: Record<string, [number, number | null]>; // curve: [updates done when measured, value]
  };
  state: {
    kind: "state";
    current: number;
    playing: boolean;
    speed: number | null;
    settings: Settings;
    learning_rate: number;
    task: string;
    updates: number;
    updates_per_epoch: number;
    ended: string | null;
    branches: BranchTold[];
    removed: number | null; // the branch that can be brought back
    race: { branches: number[]; playing: boolean; clock: number } | null;
    lock: string[];
    goal: GoalTold | null;
    address: string;
    number: number | null;
    loss: number | null;
    marks: { step: number; sentence: string }[]; // what was changed along the way, in words
    parts: Pick<Page, "optimizer" | "penalty" | "task">;
  };
  curves: { kind: "curves"; unknown?: string; branch: number; step: number; curves: Curve[]; blocks: Record<string, Block> };
  surface: {
    kind: "surface";
    unknown?: string;
    branch: number;
    step: number;
    surface: Surface | null;
    blocks: Record<string, Block>;
  };
  findings: { kind: "findings"; unknown?: string; branch: number; step: number; findings: Finding[]; unseen: string[] };
  curvature: { kind: "curvature"; branch: number; step: number; unknown?: string; [name: string]: unknown };
  metrics: { kind: "metrics"; branch: number; step: number; unknown?: string; [name: string]: unknown };
  forecast: { kind: "forecast"; branch: number; step: number; unknown?: string; [name: string]: unknown };
  choices: { kind: "choices"; unknown?: string; choices: Record<string, unknown> };
  update: {
    kind: "update";
    branch: number;
    step: number; // done before it
    rows: number;
    all_rows: number;
    slots: string[];
    unknown?: string;
  };
  floor: { kind: "floor"; branch: number; loss: number | null; theta: number[] | null; sentence: string };
  courses: { kind: "courses"; branches: Course[] };
  compare: {
    kind: "compare";
    branches: number[];
    names: string[];
    asked: string[][]; // what differs: a name, and what was asked of each
    outcomes: { name: string; label?: string; part?: string; values: (number | null)[] }[];
    said: string[];
    comparable: boolean; // the heights of their losses
    curves: Record<string, [x: string, y: string]>[]; // of each branch, by name: blocks
    blocks: Record<string, Block>;
  };
  // Buffers: the blocks; the frames (F, racers, columns) float64 at `steps`.
  race: {
    kind: "race";
    racers: Racer[];
    columns: string[];
    steps: number[];
    clock: number; // updates that the race is over
    share: number | null; // of the squared motion so far, what lies in the plane
    parameters: number;
    said: string[];
    surface: Surface | null;
    blocks: Record<string, Block>;
  };
  // Buffer: frames (F, racers, columns) float64.
  racing: {
    kind: "racing";
    branches: number[];
    steps: number[];
    clock: number;
    share: number | null;
    playing: boolean;
    ended: Record<string, string>; // branch: why it cannot go on
  };
  file: { kind: "file"; what: string; name: string; type: string };
  said: { kind: "said"; severity: "note" | "error"; sentence: string };
  connection: { kind: "connection"; open: boolean; why?: "ended" | "restarted" };
}

export type Kind = keyof Told;
export type Buffers = DataView[];

/** What the page may say; Python checks it (src/descend/lab/messages.py). */
export type Said =
  | { kind: "hello"; address?: string }
  | { kind: "set"; change: Settings; number?: number }
  | { kind: "play"; on: boolean }
  | { kind: "speed"; updates_per_second: number | null }
  | { kind: "advance"; updates?: number; epochs?: number }
  | { kind: "look"; step: number; branch?: number }
  | { kind: "reset"; start: "same" | "new" }
  | { kind: "edit"; step: number; at: number; to: number }
  | { kind: "branch"; step: number; change?: Settings }
  | { kind: "select" | "remove"; branch: number }
  | { kind: "hand"; trail: number[][]; go?: boolean; assists?: number }
  | { kind: "floor" }
  | { kind: "restore" }
  | { kind: "rename"; branch: number; name: string }
  | { kind: "compare"; branches: number[] }
  | { kind: "race"; branches: number[]; play?: boolean }
  | { kind: "racers"; optimizers: string[]; play?: boolean }
  | { kind: "racing"; on?: boolean; updates?: number; step?: number; start?: number[]; over?: boolean }
  | { kind: "ask"; what: string; step?: number }
  | { kind: "try"; code: string }
  | { kind: "file"; what: string; name?: string };
