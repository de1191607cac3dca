// A slider and a number for each parameter.
import { make, setAttribute } from "../../charts/elements";
import { figure } from "../../charts/figures";
import { text } from "../text";
import type { Game } from "./game";
import { type Problem, rounded } from "./problem";

const words = text.hand;
const STEPS = 400; // of an arrow key, from end to end
const LARGE = 10; // times as much with Shift

export interface Sliders {
  element: HTMLElement;
  draw(): void;
}

export function makeSliders(problem: Problem, game: Game): Sliders {
  const rows = problem.names.map((name, i) => slider(problem, game, name, i));
  const element = make("div", { class: "sliders", role: "group", "aria-label": words.sliders }, ...rows.map((row) => row.element));
  return { element, draw: () => rows.forEach((row) => row.draw()) };
}

function slider(problem: Problem, game: Game, name: string, i: number): Sliders {
  const [low, high] = problem.ranges[i];
  const step = rounded((high - low) / STEPS);
  const range = make("input", { type: "range", min: String(low), max: String(high), step: "any", "aria-label": name });
  const number = make("input", { type: "number", step: "any", "aria-label": words.exact(name) });
  const way = make("span", { class: "way", "aria-hidden": "true" });

  function to(value: number): void {
    const next = Float64Array.from(game.theta);
    next[i] = value;
    game.to(next);
  }

  range.addEventListener("input", () => to(range.valueAsNumber));
  range.addEventListener("keydown", (event) => {
    const next = keyed(event, game.theta[i], step, low, high);
    if (next === null) return;
    event.preventDefault();
    event.stopPropagation();
    to(next);
  });
  for (const over of ["pointerup", "keyup", "blur", "change"]) range.addEventListener(over, () => game.end());
  number.addEventListener("keydown", (event) => event.stopPropagation());
  number.addEventListener("change", () => {
    if (number.value !== "") to(number.valueAsNumber);
    game.end();
    draw();
  });

  function draw(): void {
    const value = game.theta[i];
    if (range.valueAsNumber !== value) range.value = String(value);
    setAttribute(range, "aria-valuetext", figure(value, 4));
    if (document.activeElement !== number) number.value = String(Number(value.toPrecision(6)));
    const down = game.arrow?.[i] ?? 0;
    way.textContent = down === 0 ? "" : down > 0 ? "▶" : "◀";
  }
  return { element: make("div", { class: "slider" }, make("span", { class: "name" }, name), range, way, number), draw };
}

/** Where a key takes a value: whole steps, within its ends; null where the key means nothing. */
function keyed(event: KeyboardEvent, value: number, step: number, low: number, high: number): number | null {
  if (event.altKey || event.ctrlKey || event.metaKey) return null;
  if (event.key === "Home") return low;
  if (event.key === "End") return high;
  const ways: Record<string, number> = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: LARGE, PageDown: -LARGE };
  if (!(event.key in ways)) return null;
  const far = ways[event.key] * step * (event.shiftKey ? LARGE : 1);
  const next = Math.round((value + far) / step) * step;
  return Math.max(low, Math.min(high, Number(next.toPrecision(12))));
}
