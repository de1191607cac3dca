// What can be chosen, as src/descend/lab/choices.py says it: no control knows a loss or an optimizer by
// its name, so that a new one is there the day Python has it.
import type { Settings, Told } from "../contract";

/** A number that a part takes, such as the beta of momentum; null where it has no end. */
export interface NumberChoice {
  name: string;
  default: number | boolean;
  flag?: boolean;
  whole?: boolean;
  low?: number | null;
  high?: number | null;
}

export interface PartChoice {
  name: string;
  numbers: NumberChoice[];
  refused?: string | null; // why it cannot be chosen here
  searches?: boolean; // of optimizers: finds its own steps
  targets?: string; // of losses: what they are for
}

export interface DataChoice {
  name: string;
  words: string;
  kind: string | null; // of the targets
  drawn: boolean; // its rows are made by formula
  noise: { words: string; high: number } | null;
  rows: number | null; // where there are just so many
  classes: boolean; // whether one chooses how many labels there are
  preview: [x: number, y: number, label: number][]; // some rows, in a square from 0 to 1
}

/** What was done to a column of a table. */
export interface ColumnTold {
  name: string;
  treatment: string; // "number", "category", "date" …, "target"
  sentence: string;
}

type Range = [low: number, high: number];

export interface Choices {
  data: DataChoice[];
  columns: { name: string; kind: string }[]; // of the table that is looked at
  told: ColumnTold[]; // what became of them
  features: string[];
  kind: string | null;
  loss: PartChoice[];
  optimizer: PartChoice[];
  penalty: PartChoice[];
  schedule: PartChoice[];
  activation: PartChoice[];
  init: string[];
  reduction: string[];
  ranges: { layers: Range; units: Range; learning_rate: Range; n: Range | null; classes: Range | null };
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

export type PartKey = "loss" | "optimizer" | "penalty" | "schedule" | "activation";

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

/** Why there is no such thing where the optimizer finds its own steps; "" elsewhere. */
export function ruleSearching({ settings, choices }: Now): string {
  const name = partOf(settings, "optimizer")?.name ?? "";
  return choices.optimizer.find((one) => one.name === name)?.searches ? name : "";
}
