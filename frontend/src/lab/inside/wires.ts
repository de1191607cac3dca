// Weights in the net are reached by mouse, and by keyboard: one stop for Tab, arrows from weight to
// weight, Enter to open one.
import { setAttribute } from "../../charts/elements";
import { figure } from "../../charts/figures";
import { svg } from "../../foreign";
import type { Net } from "../../net";
import type { Drawing } from "../../network/drawing";
import type { Plan, Wire } from "../../network/plan";
import type { Store } from "../../store";
import { text } from "../text";
import { called, placeOf } from "./places";
import type { Selected } from "./selected";

const words = text.inside;
const REACH = 7; // pixels from a line that still mean it

export interface Wires {
  draw(): void;
}

export function wiresIn(store: Store, net: Net, { root }: Drawing, { wires }: Plan, selected: Selected, open: () => void): Wires {
  const picked = svg("line", { class: "wire-pick" });
  const near = svg("line", { class: "wire-near", visibility: "hidden" });
  const door = svg("g", { class: "wires-door", role: "button", tabindex: 0 }, picked);
  root.append(near, door);

  /** The line under the pointer, if it is not over a unit. */
  function under(event: MouseEvent): Wire | null {
    if ((event.target as Element).closest(".unit") !== null) return null;
    const box = root.getBoundingClientRect();
    const scale = root.viewBox.baseVal.width / (box.width || 1);
    return nearest(wires, (event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
  }

  function pick(wire: Wire): void {
    selected.choose(wire.at);
    draw();
  }

  root.addEventListener("pointermove", (event) => {
    const wire = under(event);
    if (wire !== null) place(near, wire);
    setAttribute(near, "visibility", wire === null ? "hidden" : "visible");
    root.style.setProperty("cursor", wire === null ? "" : "pointer");
  });
  root.addEventListener("pointerleave", () => setAttribute(near, "visibility", "hidden"));
  root.addEventListener("click", (event) => {
    const wire = under(event);
    if (wire === null) return;
    pick(wire);
    open();
  });
  door.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const now = Math.max(0, wires.findIndex(({ at }) => at === selected.at));
    if (event.key === "Enter" || event.key === " ") open();
    else if (event.key in MOVES) pick(wires[moved(wires, now, MOVES[event.key])]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function draw(): void {
    const wire = wires.find(({ at }) => at === selected.at) ?? wires[0];
    place(picked, wire);
    const found = placeOf(net, wire.at)!;
    setAttribute(door, "aria-label", words.wires(called(store.page, net, found), figure(store.theta()[wire.at], 4)));
  }

  return { draw };
}

function place(line: SVGLineElement, { x1, y1, x2, y2 }: Wire): void {
  for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) setAttribute(line, name, String(value));
}

const MOVES: Record<string, "on" | "back" | "right" | "left"> = {
  ArrowDown: "on",
  ArrowUp: "back",
  ArrowRight: "right",
  ArrowLeft: "left",
};

/** The next line of the same layer, or the first of the layer beside it; the same at the edge. */
function moved(wires: Wire[], now: number, way: (typeof MOVES)[string]): number {
  const { layer } = wires[now];
  if (way === "on" || way === "back") {
    const to = now + (way === "on" ? 1 : -1);
    return wires[to]?.layer === layer ? to : now;
  }
  const beside = wires.findIndex((wire) => wire.layer === layer + (way === "right" ? 1 : -1));
  return beside < 0 ? now : beside;
}

export function nearest(wires: Wire[], x: number, y: number): Wire | null {
  let best: Wire | null = null;
  let least = REACH;
  for (const wire of wires) {
    const distance = distanceTo(wire, x, y);
    if (distance < least) [best, least] = [wire, distance];
  }
  return best;
}

function distanceTo({ x1, y1, x2, y2 }: Wire, x: number, y: number): number {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const along = Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - x1 - along * dx, y - y1 - along * dy);
}
