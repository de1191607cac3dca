// What passes between the lab's page and Python: docs/decisions/0020-the-lab.md.
import type { Block, Curve, Finding, Page, Surface } from "../contract";

/** The settings as Python's `Settings.plain()` has them; which keys there are, `choices` says. */
export type Settings = Record<string, unknown>;

export interface BranchTold {
  number: number;
  origin: { branch: number; step: number } | null;
  task: string;
  updates: number;
  loss: number | null;
  validation_loss: number | null;
  settings: Settings;
  ended: string | null;
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
    lock: string[];
    goal: GoalTold | null;
    address: string;
    number: number | null;
    loss: number | null;
    marks: { step: number; sentence: string }[]; // what was changed along the way, in words
    parts: Pick<Page, "optimizer" | "penalty" | "task">;
  };
  curves: { kind: "curves"; branch: number; step: number; curves: Curve[]; blocks: Record<string, Block> };
  surface: {
    kind: "surface";
    branch: number;
    step: number;
    surface: Surface | null;
    blocks: Record<string, Block>;
  };
  findings: { kind: "findings"; branch: number; step: number; findings: Finding[]; unseen: string[] };
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
  race: { kind: "race"; [name: string]: unknown };
  file: { kind: "file"; what: string; name: string; type: string };
  said: { kind: "said"; severity: "note" | "error"; sentence: string };
  connection: { kind: "connection"; open: boolean };
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
  | { kind: "race"; branches: number[]; play?: boolean }
  | { kind: "ask"; what: string; step?: number }
  | { kind: "try"; code: string }
  | { kind: "file"; what: string; name?: string };
