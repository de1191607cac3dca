// The model's other settings, the loss, and the optimizer.
import { make } from "../../charts/elements";
import type { Settings } from "../contract";
import { text } from "../text";
import { type Now, numberOf, ruleSearching } from "./choices";
import { choiceField, numberField, slider, switchField } from "./fields";
import type { Control } from "./groups";
import { layers } from "./layers";
import { partChoice, partNumbers } from "./parts";
import { logarithmic } from "./scales";

const words = text.controls;

type Set = (change: Settings) => void;

const linear = ({ settings }: Now): string => ((settings.hidden as number[]).length === 0 ? words.why.linear : "");

export function modelControls(set: Set): Control[] {
  const activation = { key: "activation" as const, set, why: linear };
  return [layers(set), partChoice(activation), partNumbers(activation), initialisation(set), start(set), bias(set)];
}

export function lossControls(set: Set): Control[] {
  const loss = { key: "loss" as const, set };
  return [partChoice(loss), partNumbers(loss), reduction(set)];
}

export function optimizerControls(set: Set): Control[] {
  const rule = { key: "optimizer" as const, set };
  const schedule = {
    key: "schedule" as const,
   
    set,
    none: words.noSchedule,
    why: searching,
  };
  return [
    partChoice(rule),
    batch(set),
    partChoice(schedule),
    partNumbers(schedule),
    clip("clip_norm", set),
    clip("clip_value", set),
    seed(set),
  ];
}

export function penaltyControls(set: Set): Control[] {
  const penalty = { key: "penalty" as const, set, none: words.noPenalty };
  return [partChoice(penalty), partNumbers(penalty)];
}

/** Why something has no meaning where the optimizer finds its own steps. */
function searching(now: Now): string {
  const name = ruleSearching(now);
  return name === "" ? "" : words.why.searches(words.part(name));
}

function initialisation(set: Set): Control {
  const field = choiceField(words.settings.init, (name) => set({ init: name }));
  return {
    keys: ["init"],
    element: field.element,
    draw({ settings, choices }) {
      field.offer(choices.init.map((name) => ({ value: name, words: words.part(name) })));
      field.disable(settings.start !== null ? words.why.start : "");
      field.draw(String(settings.init));
    },
  };
}

/** Parameters set by hand instead of drawn. */
function start(set: Set): Control {
  const forget = make("button", { type: "button" }, words.forgetStart);
  forget.addEventListener("click", () => set({ start: null }));
  const element = make("div", { class: "setting" }, make("p", { class: "about" }, words.startByHand), forget);
  return {
    keys: ["start"],
    element,
    draw: ({ settings }) => element.classList.toggle("gone", settings.start === null),
  };
}

function bias(set: Set): Control {
  const field = switchField(words.settings.bias, (on) => set({ bias: on }));
  return { keys: ["bias"], element: field.element, draw: ({ settings }) => field.draw(settings.bias === true) };
}

function reduction(set: Set): Control {
  const field = choiceField(words.settings.reduction, (name) => set({ reduction: name }));
  return {
    keys: ["reduction"],
    element: field.element,
    draw({ settings, choices }) {
      field.offer(choices.reduction.map((name) => ({ value: name, words: words.reduction(name) })));
      field.draw(String(settings.reduction));
    },
  };
}

/** Rows to an update: from one to nearly all, and at the right end all of them. */
function batch(set: Set): Control {
  const changed = (rows: number | null): void => set({ batch_size: rows === null ? null : Math.round(rows) });
  let most = 1;
  const field = slider({
    name: words.settings.batch_size,
    scale: logarithmic(1, 2, true),
    words: (rows) => words.rows(rows),
    none: words.allRows,
    changed,
  });
  return {
    keys: ["batch_size"],
    element: field.element,
    draw(now: Now) {
      if (now.rows.train !== most) {
        most = now.rows.train;
        field.rescale(logarithmic(1, Math.max(2, most), true));
      }
      field.disable(searching(now));
      field.draw(numberOf(now.settings, "batch_size"));
    },
  };
}

function clip(key: "clip_norm" | "clip_value", set: Set): Control {
  const changed = (value: number | null): void => set({ [key]: value });
  const field = slider({ name: words.settings[key], scale: logarithmic(1e-3, 1e3), none: words.off, changed });
  return {
    keys: [key],
    element: field.element,
    draw(now) {
      field.disable(searching(now));
      field.draw(numberOf(now.settings, key));
    },
  };
}

function seed(set: Set): Control {
  const field = numberField(words.settings.seed, (value) => set({ seed: value }));
  field.element.append(make("p", { class: "about" }, words.aboutSeed));
  return { keys: ["seed"], element: field.element, draw: ({ settings }) => field.draw(numberOf(settings, "seed") ?? 0) };
}
