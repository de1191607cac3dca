// Units are reached by mouse and by keyboard: one stop for Tab, arrows from unit to unit.
import { setAttribute } from "../charts/elements";
import type { Drawing, Unit } from "./drawing";

/** Tells which unit's numbers are wanted: the one pointed at or focused, else the one kept. */
export function roving({ root, units }: Drawing, show: (unit: Unit | null) => void): void {
  let kept: Unit | null = null;
  const unitOf = (event: Event): Unit | undefined =>
    units.find(({ element }) => element.contains(event.target as Node));

  function keep(unit: Unit): void {
    kept = kept === unit ? null : unit;
    for (const one of units) setAttribute(one.element, "aria-pressed", String(one === kept));
    show(unit);
  }

  function focus(unit: Unit): void {
    for (const one of units) setAttribute(one.element, "tabindex", one === unit ? "0" : "-1");
    unit.element.focus();
  }

  setAttribute(units[0].element, "tabindex", "0");
  root.addEventListener("pointerover", (event) => show(unitOf(event) ?? kept));
  root.addEventListener("pointerleave", () => show(kept));
  root.addEventListener("focusin", (event) => show(unitOf(event) ?? kept));
  root.addEventListener("focusout", () => show(kept));
  root.addEventListener("click", (event) => {
    const unit = unitOf(event);
    if (unit === undefined) return;
    focus(unit);
    keep(unit);
  });
  root.addEventListener("keydown", (event) => {
    const unit = unitOf(event);
    if (unit === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") keep(unit);
    else if (event.key in MOVES) focus(neighbour(units, unit, MOVES[event.key]));
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

const MOVES: Record<string, readonly [number, number]> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
};

/** The nearest unit in the next layer, or the next in this one; the same at the edge. */
function neighbour(units: Unit[], { spot }: Unit, [across, down]: readonly [number, number]): Unit {
  const among = units.filter((one) =>
    across === 0
      ? one.spot.layer === spot.layer && one.spot.unit === spot.unit + down
      : one.spot.layer === spot.layer + across,
  );
  const far = (one: Unit): number => Math.abs(one.spot.y - spot.y);
  const same = units.find((one) => one.spot === spot)!;
  return among.reduce((best, one) => (far(one) < far(best) ? one : best), among[0] ?? same);
}
