// The rows: how many, how noisy, how many are held out; of a table its target.
import { make } from "../../charts/elements";
import { percent } from "../../charts/figures";
import type { Settings } from "../contract";
import { text } from "../text";
import { type Now, numberOf } from "./choices";
import { datasets } from "./datasets";
import { features } from "./features";
import { choiceField, type Field, numberField, slider, switchField } from "./fields";
import type { Control } from "./groups";
import { even, logarithmic } from "./scales";

const words = text.controls;

type Set = (change: Settings) => void;

export function dataControls(set: Set): Control[] {
  return [datasets(set), target(set), rows(set), noise(set), classes(set), heldOut(set), dataSeed(set), features(set), standardize(set)];
}

/** A control for one setting that is a number. */
function numberControl(key: string, field: Field<number | null>, why: (now: Now) => string): Control {
  return {
    keys: [key],
    element: field.element,
    draw(now) {
      field.disable(why(now));
      field.draw(numberOf(now.settings, key));
    },
  };
}

function rows(set: Set): Control {
  const changed = (n: number | null): void => set({ n: Math.round(n ?? 0) });
  const field = slider({ name: words.settings.n, scale: logarithmic(2, 100_000, true), changed });
  return {
    keys: ["n"],
    element: field.element,
    draw({ data, settings }) {
      field.element.classList.toggle("gone", !data.drawn); // a table has the rows it has
      field.disable(data.rows === null ? "" : words.why.rows(words.dataset(data.name), data.rows));
      field.draw(data.rows ?? numberOf(settings, "n"));
    },
  };
}

function noise(set: Set): Control {
  const changed = (value: number | null): void => set({ noise: value ?? 0 });
  const field = slider({ name: words.settings.noise, scale: even(0, 1, 0.01), changed });
  let most = 1;
  return numberControl("noise", field, ({ data }) => {
    if (data.noise !== null && data.noise.high !== most) {
      most = data.noise.high;
      field.rescale(even(0, most, most / 100));
    }
    return data.noise === null ? words.why.noise(words.dataset(data.name)) : "";
  });
}

function classes(set: Set): Control {
  const changed = (value: number | null): void => set({ classes: Math.round(value ?? 2) });
  const field = slider({ name: words.settings.classes, scale: even(2, 8, 1), changed });
  const control = numberControl("classes", field, () => "");
  return {
    ...control,
    draw(now) {
      control.draw(now);
      field.element.classList.toggle("gone", !now.data.classes);
    },
  };
}

function heldOut(set: Set): Control {
  const changed = (value: number | null): void => set({ validation: value ?? 0 });
  const field = slider({ name: words.settings.validation, scale: even(0, 0.9, 0.01), words: percent, changed });
  return numberControl("validation", field, () => "");
}

function dataSeed(set: Set): Control {
  let seed = 0;
  const fresh = make("button", { type: "button" }, words.newData);
  fresh.title = words.newDataSentence;
  fresh.addEventListener("click", () => set({ data_seed: seed + 1 }));
  const field = numberField(words.settings.data_seed, (value) => set({ data_seed: value }), fresh);
  return {
    keys: ["data_seed"],
    element: field.element,
    draw({ settings }) {
      seed = numberOf(settings, "data_seed") ?? 0;
      field.draw(seed);
    },
  };
}

function standardize(set: Set): Control {
  const field = switchField(words.settings.standardize, (on) => set({ standardize: on }));
  field.element.append(make("p", { class: "about" }, words.aboutStandardize));
  return {
    keys: ["standardize"],
    element: field.element,
    draw: ({ settings }) => field.draw(settings.standardize === true),
  };
}

/** What of a table is to be foretold. */
function target(set: Set): Control {
  const field = choiceField(words.settings.target, (name) => set({ target: name }));
  return {
    keys: ["target"],
    element: field.element,
    draw({ settings, data, choices }) {
      field.element.classList.toggle("gone", data.drawn || choices.columns.length === 0);
      field.offer(choices.columns.map((one) => ({ value: one.name, words: one.name })));
      field.draw(String(settings.target ?? ""));
    },
  };
}
