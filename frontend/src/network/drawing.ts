// The net drawn: made once for a size, then only attributes that differ are changed.
import type { Page } from "../contract";
import { setText } from "../charts/elements";
import { short } from "../charts/figures";
import { svg } from "../foreign";
import type { Net } from "../net";
import type { Column, Plan, Spot, Wire } from "./plan";

/** What a unit shows; the mean is NaN where it is not known. */
export interface Shade {
  value: number;
  mean: number;
  largest: number; // what counts as much in its layer
}

export interface Unit {
  spot: Spot;
  element: SVGGElement;
  shade(shade: Shade): void;
}

export interface Drawing {
  root: SVGSVGElement;
  units: Unit[];
  /** Widths by size, against the layer's scale; colour and dash by sign. */
  weigh(theta: ArrayLike<number>, scales: number[]): void;
  /** The words beside the outputs. */
  say(words: string[]): void;
}

export function drawn(plan: Plan, net: Net, page: Page): Drawing {
  const lines = plan.wires.map(line);
  const units = plan.columns.flatMap(({ spots }) => spots.map((spot) => makeUnit(spot, plan)));
  const outputs = plan.columns[plan.columns.length - 1].spots.map((spot) => beside(spot, plan));
  const root = svg(
    "svg",
    { class: "net", viewBox: `0 0 ${plan.width} ${plan.height}`, width: plan.width, height: plan.height },
    svg("g", { "aria-hidden": "true" }, ...lines, ...heads(plan, net, page), ...names(plan, page), ...outputs),
    ...units.map((unit) => unit.element),
  );
  return {
    root,
    units,
    weigh: weigher(plan.wires, lines),
    say: (words) => outputs.forEach((text, i) => setText(text, short(words[i] ?? "", room(plan)))),
  };
}

function room(plan: Plan): number {
  return plan.width < 480 ? 7 : 14;
}

// ------------------------------------------------------------------- lines

function line({ x1, y1, x2, y2, bias }: Wire): SVGLineElement {
  return svg("line", { x1, y1, x2, y2, class: bias ? "wire bias" : "wire" });
}

const STEPS = 5; // widths a pixel
const WIDEST = 4.5;

function weigher(wires: Wire[], lines: SVGLineElement[]): Drawing["weigh"] {
  const before = new Int16Array(wires.length).fill(-1); // as drawn: twice the width, plus the sign
  return (theta, scales) => {
    for (let i = 0; i < wires.length; i++) {
      const { at, layer } = wires[i];
      const width = widthOf(theta[at], scales[layer]);
      const now = 2 * width + Number(theta[at] < 0);
      if (now === before[i]) continue;
      before[i] = now;
      lines[i].setAttribute("stroke-width", String(width / STEPS));
      lines[i].classList.toggle("minus", theta[at] < 0);
    }
  };
}

/** In steps; a weight that is not a number has no line. */
function widthOf(weight: number, scale: number): number {
  const size = Math.abs(weight);
  if (Number.isNaN(size)) return 0;
  return Math.round(STEPS * (0.2 + (WIDEST - 0.2) * Math.min(1, size / scale || 0)));
}

// ------------------------------------------------------------------- words

function heads({ columns, width, pill }: Plan, net: Net, page: Page): SVGTextElement[] {
  const narrow = (width / columns.length) < 105;
  const above = ({ layer }: Column): string => {
    if (layer === 0) return narrow ? "in" : "features";
    if (layer === net.layers.length) return narrow ? "out" : "scores";
    return narrow ? page.model.activation.name.slice(0, 7) : `layer ${layer}, ${page.model.activation.name}`;
  };
  const top = columns.map((column) => svg("text", { x: column.x, y: 13, class: "head" }, above(column)));
  const more = columns
    .filter(({ folded }) => folded > 0)
    .map(({ x, below, folded }) =>
      svg("text", { x, y: below, class: "more" }, pill.width < 30 ? `+${folded}` : `… ${folded} more`),
    );
  return [...top, ...more];
}

function names({ columns, margin, pill }: Plan, page: Page): SVGTextElement[] {
  const letters = Math.floor((margin - pill.width / 2 - 6) / 6.6);
  return columns[0].spots.map(({ x, y, unit }) => {
    const name = page.features[unit]?.name ?? `x${unit + 1}`;
    const text = svg("text", { x: x - pill.width / 2 - 6, y: y + 4, class: "name" }, short(name, Math.max(3, letters)));
    return text;
  });
}

function beside({ x, y }: Spot, { pill }: Plan): SVGTextElement {
  return svg("text", { x: x + pill.width / 2 + 6, y: y + 4, class: "said" });
}

// ------------------------------------------------------------------- units

function makeUnit(spot: Spot, { pill }: Plan): Unit {
  const { x, y } = spot;
  const box = { x: x - pill.width / 2, y: y - pill.height / 2, width: pill.width, height: pill.height, rx: 6 };
  const ground = svg("rect", { ...box, class: "ground" });
  const shade = svg("rect", { ...box, class: "shade" });
  const half = pill.width / 2 - 4;
  const tick = svg("line", { x1: 0, x2: 0, y1: y + pill.height / 2 - 4, y2: y + pill.height / 2, class: "tick" });
  const text = svg("text", { x, y: y + 4, class: "number" });
  const element = svg("g", { class: "unit", role: "button", tabindex: -1, "aria-pressed": "false" }, ground, shade, tick, text);
  return {
    spot,
    element,
    shade({ value, mean, largest }) {
      const share = Math.min(1, Math.abs(value) / largest || 0);
      shade.setAttribute("fill-opacity", (0.45 * share).toFixed(2));
      shade.classList.toggle("minus", value < 0);
      if (pill.width >= 34) setText(text, brief(value));
      const known = Number.isFinite(mean);
      tick.classList.toggle("unknown", !known);
      if (known) {
        const place = half * Math.max(-1, Math.min(1, mean / largest || 0));
        tick.setAttribute("transform", `translate(${(x + place).toFixed(1)} 0)`);
      }
    },
  };
}

/** At most five signs: 0.42, −12, 1e300, "–" for what is no number. */
export function brief(value: number): string {
  if (Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  const text = size === Infinity ? "∞" : size !== 0 && (size >= 9999.5 || size < 0.005) ? power(size) : decimal(size);
  return value < 0 ? `−${text}` : text;
}

function power(size: number): string {
  return size.toExponential(0).replace("+", "").replace("-", "−");
}

function decimal(size: number): string {
  if (size >= 99.5) return String(Math.round(size));
  return size >= 9.95 ? size.toFixed(1) : size.toFixed(2);
}
