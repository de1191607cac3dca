// What can be chosen, as src/descend/lab/choices.py says it: no control knows a loss or an optimizer by
// its name, so that a new one is there the day Python has it.
import type { Settings, Told } from "../contract";

/** A number that a part takes, such as the beta of momentum. */
export interface NumberChoice {
  name: string;
  usual: number | boolean;
  low: number;
  high: number;
  whole: boolean;
}

export interface PartChoice {
  name: string;
  words: string; // what it is, in a line
  numbers: NumberChoice[];
  unfit: string; // why it cannot be chosen here; "" where it can
}

export interface DataChoice {
  name: string;
  words: string;
  kind: string | null; // of the targets
  noise: { words: string; most: number } | null;
  rows: number | null; // where there are just so many
  labels: boolean; // whether one chooses how many labels there are
  features: string[]; // that can be made of its columns
  preview: [x: number, y: number, label: number][]; // some rows, in a square from 0 to 1
}

export interface ColumnChoice {
  name: string;
  words: string; // what it holds
  unfit: string; // why it cannot be a feature
  target: string; // why it cannot be the target
}

export interface OptimizerChoice extends PartChoice {
  searches: boolean; // finds its own steps
}

export interface Choices {
  data: DataChoice[];
  columns: ColumnChoice[]; // of the table that is open
  losses: PartChoice[];
  penalties: PartChoice[];
  optimizers: OptimizerChoice[];
  schedules: PartChoice[];
  activations: PartChoice[];
  initialisations: string[];
  reductions: string[];
  ranges: Record<string, [low: number, high: number]>;
}

/** A part in the settings: its name, and its numbers. */
export type Named = { name: string } & Record<string, number | boolean | string>;

/** What the controls are drawn from. */
export interface Now {
  settings: Settings;
  state: Told["state"];
  choices: Choices;
  data: DataChoice;
  rows: { train: number; validation: number };
  inputs: number; // of the model
  outputs: number;
}

export function partOf(settings: Settings, key: string): Named | null {
  return (settings[key] ?? null) as Named | null;
}

export function numberOf(settings: Settings, key: string): number | null {
  const value = settings[key];
  return typeof value === "number" ? value : null;
}

export function namesOf(settings: Settings, key: string): string[] {
  return (settings[key] ?? []) as string[];
}
