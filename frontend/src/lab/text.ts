// Every word of the lab's own that a person reads, in one place, ready to be translated.
import { count, counted, figure } from "../charts/figures";
import type { Curvature } from "./curvature";

export const text = {
  title: "descend lab",
  lost: "The connection was lost; trying again. What was trained is kept.",
  waiting: "Waiting for the first state of the model.",
  playbar: {
    name: "Training",
    play: "Play",
    pause: "Pause",
    update: "One update",
    epoch: "One epoch",
    back: "One update back",
    first: "To the start",
    newest: "To the newest state",
    step: "Update looked at",
    at: "update",
    of: (updates: number) => `of ${count(updates)}`,
    goTo: (updates: number) => `Go to update, of ${count(updates)}`,
    speed: "Speed",
    flatOut: "as fast as it can",
    times: (factor: number) => `${factor}x`,
    reset: "Reset to the same start",
    restart: "New start",
    branch: "Branch from here",
    branchFrom: (step: number) => `Begins another branch that is the same up to update ${count(step)}.`,
    branchWhere: "Go to an earlier update first: another branch can begin there.",
    changed: (step: number, sentence: string) => `Update ${count(step)}: ${sentence}`,
    found: (step: number, code: string) => `Update ${count(step)}: the doctor found ${code}`,
    spoken: (step: number, updates: number, loss: number | null) =>
      `update ${count(step)} of ${count(updates)}${loss === null ? "" : `, loss ${figure(loss)}`}`,
    atTheStart: "At the start: press Play, or do one update at a time.",
    training: (updates: number) => `Training: ${counted(updates, "update")} done.`,
    paused: (updates: number) => `Paused after ${counted(updates, "update")}.`,
    replaying: (step: number, updates: number) =>
      `Replaying update ${count(step)} of ${count(updates)}; then training goes on.`,
    lookingBack: (step: number, updates: number) =>
      `Looking back at update ${count(step)} of ${count(updates)}.`,
    fetching: (wanted: number, step: number) =>
      `Update ${count(wanted)} is on its way; update ${count(step)} is shown.`,
    ended: (sentence: string) =>
      `${sentence} Go back to an earlier update and branch from there, or lower the learning rate.`,
  },
  curvature: {
    curvature: "largest curvature",
    edge: "what the step can bear",
    updates: "updates",
    none: "Curvature against 2/learning rate",
    title: ({ sharpness, edge, formula }: Pick<Curvature, "sharpness" | "edge" | "formula">) => {
      if (sharpness <= 0) return `Largest curvature ${figure(sharpness)}: no direction bends upwards here`;
      const above = sharpness > edge;
      const then = above ? "the loss need not fall" : "the step can bear it";
      return `Largest curvature ${figure(sharpness)} is ${above ? "above" : "below"} ${formula} = ${figure(edge)}: ${then}`;
    },
    readout: ({ step, rate, limit, best, claim }: Curvature) => {
      const parts = [`Update ${count(step)}: learning rate ${figure(rate)}`];
      parts.push(limit === null ? "no limit is known" : `limit ${figure(limit)} (${claim})`);
      if (best !== null) parts.push(`best ${figure(best)}`);
      return `${parts.join(", ")}.`;
    },
  },
  metrics: {
    name: "Metrics",
    none: "How good the model is",
    right: (share: string, part: string) => `${share} of the ${part} rows are right`,
    explained: (r2: number, part: string) => `R² ${figure(r2)} on the ${part} rows`,
    measured: (step: number, rows: string[]) => `Measured at update ${count(step)}, on ${rows.join(" and ")}.`,
    confusion: (part: string) => `Confusion matrix, ${part} rows`,
    is: (label: string) => `is ${label}`,
    says: (label: string) => `said ${label}`,
    tooMany: (classes: number) => `A confusion matrix of ${count(classes)} labels does not fit here.`,
    figures: {
      accuracy: "accuracy",
      log_loss: "log loss",
      auc: "area under the ROC curve",
      precision: "precision",
      recall: "recall",
      f1: "F1",
      r2: "R²",
      mse: "mean squared error",
      rmse: "root mean squared error",
      mae: "mean absolute error",
    } as Record<string, string>,
  },
  findings: {
    tryIt: "Try it",
  },
};
