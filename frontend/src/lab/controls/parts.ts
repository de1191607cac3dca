// A part by its name, and its numbers: a loss with its delta, a rule with its beta, a penalty.
import { make, setText } from "../../charts/elements";
import { text } from "../text";
import type { Settings } from "../contract";
import { type Named, type Now, type NumberChoice, type PartChoice, type PartKey, partOf } from "./choices";
import { type Choice, choiceField, type Field, type Option, slider, switchField } from "./fields";
import type { Control } from "./groups";
import { scaleFor } from "./scales";

const words = text.controls;

type Set = (change: Settings) => void;

// The numbers of these are changed while the training goes on, so they follow the slider.
const LIVE: readonly PartKey[] = ["optimizer", "penalty"];

export interface PartFacts {
  key: PartKey; // of the settings
  set: Set;
  none?: string; // what it is called where there is none of it
  why?: (now: Now) => string; // why there can be none here
}

/** Which one: its name, and in a sentence what it is. */
export function partChoice({ key, set, none, why }: PartFacts): Control {
  const field: Choice = choiceField(words.settings[key], (name) => set({ [key]: name === "" ? null : name }));
  const sentence = make("p", { class: "about" });
  field.element.append(sentence);
  return {
    keys: [key],
    element: field.element,
    draw(now) {
      const { settings, choices } = now;
      const options = choices[key].map(optionOf);
      field.offer(none === undefined ? options : [{ value: "", words: none }, ...options]);
      const name = partOf(settings, key)?.name ?? "";
      field.draw(name);
      setText(sentence, words.about[name] ?? "");
      field.disable(why?.(now) ?? "");
    },
  };
}

/** Its numbers, each with a slider; others where it is another part. */
export function partNumbers({ key, set }: PartFacts): Control {
  const live = LIVE.includes(key);
  const element = make("div", { class: "numbers" });
  let name = "";
  let fields = new Map<string, Field<never>>();
  let part: Named | null = null;

  // All numbers go together: of two changes to one part at the same step only the last is kept.
  function change(number: string, value: number | boolean): void {
    if (part !== null) set({ [key]: { ...part, [number]: value } });
    if (part !== null) part = { ...part, [number]: value };
  }

  function build(found: PartChoice | undefined): void {
    const made = (found?.numbers ?? []).map((one) => [one.name, numberOf(one, live, change)] as const);
    fields = new Map(made);
    element.replaceChildren(...made.map(([, field]) => field.element));
  }

  return {
    keys: [key],
    element,
    draw({ settings, choices }) {
      part = partOf(settings, key);
      if ((part?.name ?? "") !== name || fields.size === 0) {
        name = part?.name ?? "";
        build(choices[key].find((one) => one.name === name));
      }
      for (const [number, field] of fields) field.draw(part?.[number] as never);
    },
  };
}

function optionOf({ name, refused }: PartChoice): Option {
  return { value: name, words: words.part(name), unfit: refused ?? "" };
}

function numberOf(
  one: NumberChoice,
  live: boolean,
  change: (name: string, value: number | boolean) => void,
): Field<never> {
  const named = words.number(one.name);
  if (typeof one.default === "boolean") return switchField(named, (on) => change(one.name, on));
  const scale = scaleFor(one.low ?? null, one.high ?? null, one.default, one.whole === true);
  const take = (value: number | null): void => change(one.name, value ?? 0);
  return slider({ name: named, scale, live, changed: take });
}
