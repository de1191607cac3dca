// Handles over a picture: to be dragged, or focused and moved with the arrow keys.
import { make, setAttribute } from "../../charts/elements";
import { figure } from "../../charts/figures";
import type { Game } from "./game";

export interface Place {
  x: number; // in CSS pixels of the stage
  y: number;
}

/** A point of the fit that can be taken hold of. */
export interface Handle {
  name: string;
  /** Where it is now; null where it is out of the picture. */
  at(): Place | null;
  /** What its place says in the data's own units, for those who hear it. */
  own(place: Place): { x: number; y: number };
  /** Takes hold: the result turns a place of the pointer into theta. */
  grab(): (to: Place) => Float64Array;
}

export interface Handles {
  elements: HTMLElement[];
  draw(words: string): void;
  /** Takes hold of a handle from a place on the canvas. */
  seize(handle: Handle, event: PointerEvent): void;
}

const SMALL = 4; // pixels an arrow key moves a handle,
const LARGE = 24; // and with Shift
const WAYS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export function makeHandles(
  stage: HTMLElement,
  handles: Handle[],
  game: Game,
  spoken: (x: string, y: string, place: string) => string,
): Handles {
  const elements = handles.map((handle) => {
    const element = make("div", { class: "handle", role: "slider", tabindex: "0", "aria-label": handle.name, "aria-valuenow": "0" });
    element.addEventListener("pointerdown", (event) => seize(handle, event, element));
    element.addEventListener("keydown", (event) => keyed(handle, event, game));
    element.addEventListener("keyup", () => game.end());
    element.addEventListener("blur", () => game.end());
    return element;
  });
  stage.append(...elements);

  /** From press to release the handle follows the pointer, as far from it as it was taken. */
  function seize(handle: Handle, event: PointerEvent, element?: HTMLElement): void {
    const at = handle.at();
    if (at === null || event.button !== 0) return;
    event.preventDefault();
    const target = element ?? elements[handles.indexOf(handle)];
    target.focus({ preventScroll: true });
    const box = stage.getBoundingClientRect();
    const off = element === undefined ? { x: box.left, y: box.top } : { x: event.clientX - at.x, y: event.clientY - at.y };
    const move = handle.grab();
    const over = new AbortController();
    const follow = (now: PointerEvent): void => {
      if (now.pointerId === event.pointerId) game.to(move({ x: now.clientX - off.x, y: now.clientY - off.y }));
    };
    const end = (now: PointerEvent): void => {
      if (now.pointerId !== event.pointerId) return;
      over.abort();
      game.end();
    };
    addEventListener("pointermove", follow, { signal: over.signal });
    addEventListener("pointerup", end, { signal: over.signal });
    addEventListener("pointercancel", end, { signal: over.signal });
  }

  return {
    elements,
    seize,
    draw(words) {
      handles.forEach((handle, i) => {
        const at = handle.at();
        const element = elements[i];
        element.hidden = at === null;
        if (at === null) return;
        element.style.setProperty("transform", `translate(${at.x.toFixed(2)}px, ${at.y.toFixed(2)}px)`);
        const own = handle.own(at);
        setAttribute(element, "aria-valuenow", String(own.y));
        setAttribute(element, "aria-valuetext", spoken(figure(own.x), figure(own.y), words));
      });
    },
  };
}

function keyed(handle: Handle, event: KeyboardEvent, game: Game): void {
  const way = WAYS[event.key];
  const at = handle.at();
  if (way === undefined || at === null || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  event.stopPropagation();
  const far = event.shiftKey ? LARGE : SMALL;
  game.to(handle.grab()({ x: at.x + far * way[0], y: at.y + far * way[1] }));
}
