// The controls all others are made of: a slider with its number, a choice, a switch, a number.
import { freshId, make, setAttribute, setText } from "../../charts/elements";
import { text } from "../text";
import type { Scale } from "./scales";

const words = text.controls;
const PLACES = 1000; // a slider's own steps

/** One setting on the panel.  `draw(undefined)` leaves what is shown as it is. */
export interface Field<V> {
  readonly element: HTMLElement;
  draw(value: V): void;
  /** Why it cannot be changed here; "" where it can. */
  disable(reason: string): void;
}

interface Frame {
  element: HTMLElement;
  why: HTMLElement;
  says(reason: string): void;
}

/** What stands around a control: its name, and why it cannot be used. */
function framed(name: Node, head: (Node | null)[], ...below: Node[]): Frame {
  const why = make("p", { class: "why", id: freshId("why") });
  const line = make("div", { class: "line" }, name, ...head);
  const element = make("div", { class: "setting" }, line, ...below, why);
  return {
    element,
    why,
    says(reason) {
      setText(why, reason);
      element.classList.toggle("off", reason !== "");
    },
  };
}

export interface SliderFacts {
  name: string;
  scale: Scale;
  words?: (value: number) => string; // a value as it is spoken; the figure itself by default
  wide?: boolean; // a line of its own under its name
  none?: string; // what the far right end means instead of a number, such as "all"
  live?: boolean; // whether it is told while it moves, or once it stays
  changed: (value: number | null) => void;
}

export interface Slider extends Field<number | null> {
  readonly rail: HTMLElement; // what lies behind the thumb, for marks
  rescale(scale: Scale): void;
  describe(id: string): void;
}

/** A slider, and the same number to be typed. */
export function slider(facts: SliderFacts): Slider {
  const id = freshId("field");
  const number = make("input", { type: "number", id, step: "any", inputmode: "decimal" });
  const range = make("input", { type: "range", min: "0", max: String(PLACES), step: "1", "aria-label": facts.name });
  const rail = make("div", { class: "rail", "aria-hidden": "true" });
  const track = make("div", { class: "slide" }, rail, range);
  const named = make("label", { for: id }, facts.name);
  const frame = facts.wide ? framed(named, [number], track) : framed(named, [track, number]);
  if (facts.none !== undefined) number.placeholder = facts.none;
  let { scale } = facts;
  let shown: number | null = null;

  function draw(value: number | null): void {
    shown = value;
    const place = value === null ? 1 : Math.max(0, Math.min(1, scale.place(value)));
    const at = String(Math.round(place * PLACES));
    if (range.value !== at) range.value = at;
    write(number, value === null ? "" : String(value));
    setAttribute(range, "aria-valuetext", spoken(value));
  }

  function spoken(value: number | null): string {
    if (value === null) return facts.none ?? words.none;
    return facts.words?.(value) ?? String(value);
  }

  function slid(): number | null {
    const place = Number(range.value) / PLACES;
    return facts.none !== undefined && place === 1 ? null : scale.at(place);
  }

  /** To where a key went, and on to the next number where it stays the same: keys are never stuck. */
  function onward(): void {
    const from = shown === null ? PLACES : Math.round(scale.place(shown) * PLACES);
    const way = Math.sign(Number(range.value) - from);
    for (let at = Number(range.value); way !== 0 && at > 0 && at < PLACES && slid() === shown; at += way) {
      range.value = String(at + way);
    }
  }

  let keyed = false;
  range.addEventListener("keydown", () => (keyed = true));
  range.addEventListener("pointerdown", () => (keyed = false));
  range.addEventListener("input", () => {
    if (keyed) onward();
    draw(slid());
    if (facts.live) facts.changed(shown);
  });
  range.addEventListener("change", () => {
    if (!facts.live) facts.changed(shown);
  });
  onTyped(number, facts.none !== undefined, (value) => facts.changed(value), () => draw(shown));
  number.addEventListener("keydown", (event) => {
    const way = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
    if (way === 0) return;
    event.preventDefault();
    range.value = String(Number(range.value) + way * (PLACES / 100));
    onward();
    draw(slid());
    facts.changed(shown);
  });
  return {
    element: frame.element,
    rail,
    draw,
    rescale(next) {
      scale = next;
      draw(shown);
    },
    describe: (described) => range.setAttribute("aria-describedby", `${described} ${frame.why.id}`),
    disable(reason) {
      frame.says(reason);
      range.disabled = number.disabled = reason !== "";
    },
  };
}

/** A number to be typed, with what stands after it. */
export function numberField(name: string, changed: (value: number) => void, ...after: Node[]): Field<number> {
  const id = freshId("field");
  const input = make("input", { type: "number", id, step: "1" });
  const frame = framed(make("label", { for: id }, name), [input, ...after]);
  let shown = 0;
  onTyped(input, false, (value) => changed(value as number), () => write(input, String(shown)));
  return {
    element: frame.element,
    draw(value) {
      shown = value;
      write(input, String(value));
    },
    disable(reason) {
      frame.says(reason);
      input.disabled = reason !== "";
    },
  };
}

/** What is being typed is left alone; it is finished by Enter or by leaving, and dropped by Escape. */
function onTyped(
  input: HTMLInputElement,
  mayBeEmpty: boolean,
  changed: (value: number | null) => void,
  back: () => void,
): void {
  input.addEventListener("input", () => (input.dataset.typing = "yes"));
  input.addEventListener("change", () => {
    delete input.dataset.typing;
    if (Number.isFinite(input.valueAsNumber)) changed(input.valueAsNumber);
    else if (mayBeEmpty && !input.validity.badInput) changed(null);
    else back();
  });
  input.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    delete input.dataset.typing;
    back();
  });
  input.addEventListener("blur", () => delete input.dataset.typing);
}

function write(input: HTMLInputElement, value: string): void {
  if (input.dataset.typing === undefined && input.value !== value) input.value = value;
}

export interface Option {
  value: string;
  words: string;
  unfit?: string; // why it cannot be chosen; "" where it can
}

export interface Choice extends Field<string> {
  offer(options: Option[]): void;
}

/** One of several by name. */
export function choiceField(name: string, chosen: (value: string) => void): Choice {
  const id = freshId("field");
  const select = make("select", { id });
  const frame = framed(make("label", { for: id }, name), [select]);
  let offered = "";
  select.addEventListener("change", () => chosen(select.value));
  return {
    element: frame.element,
    offer(options) {
      const key = JSON.stringify(options);
      if (key === offered) return;
      offered = key;
      const before = select.value;
      select.replaceChildren(...options.map(optionElement));
      select.value = before;
    },
    draw(value) {
      if (select.value !== value) select.value = value;
    },
    disable(reason) {
      frame.says(reason);
      select.disabled = reason !== "";
    },
  };
}

function optionElement({ value, words: named, unfit = "" }: Option): HTMLOptionElement {
  const option = make("option", { value }, unfit === "" ? named : words.unfitOption(named));
  option.disabled = unfit !== "";
  option.title = unfit;
  return option;
}

/** Yes or no. */
export function switchField(name: string, switched: (on: boolean) => void): Field<boolean> {
  const id = freshId("field");
  const input = make("input", { type: "checkbox", id });
  const frame = framed(make("label", { for: id }, name), [input]);
  input.addEventListener("change", () => switched(input.checked));
  return {
    element: frame.element,
    draw(value) {
      input.checked = value;
    },
    disable(reason) {
      frame.says(reason);
      input.disabled = reason !== "";
    },
  };
}
