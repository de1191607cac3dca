// The playbar's keys work anywhere in the lab, except where keys have another meaning.
import type { Lab } from "./context";
import type { Moves } from "./moves";

const OWN = "input:not([data-keys=play]), select, textarea, dialog, [contenteditable]";
const ROLES = ["slider", "spinbutton", "radio", "radiogroup", "listbox", "option", "tab", "menu", "grid", "tree", "dialog"];
const ELSEWHERE = [OWN, ...ROLES.map((role) => `[role=${role}]`)].join();
const PRESSED = "button, summary, a, [role=button]";

export function playKeys(lab: Lab, moves: Moves, signal: AbortSignal): void {
  const pressed = (event: KeyboardEvent): void => {
    const target = event.composedPath()[0];
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (!(target instanceof Element) || target.closest(ELSEWHERE) !== null) return;
    if (event.key === " " && target.closest(PRESSED) !== null) return;
    const act = action(lab, moves, event.key, event.shiftKey);
    if (act === null) return;
    event.preventDefault();
    act();
  };
  lab.root.tabIndex = -1; // whoever clicks anywhere in the lab, may go on by keys
  lab.root.addEventListener("keydown", pressed, { signal });
}

function action(lab: Lab, moves: Moves, key: string, shift: boolean): (() => void) | null {
  const epoch = lab.state?.updates_per_epoch ?? 1;
  const tenth = Math.max(1, Math.round((lab.store?.page.updates ?? 0) / 10));
  switch (key) {
    case "ArrowRight":
    case "ArrowUp":
      return shift ? moves.epoch : moves.update;
    case "ArrowLeft":
    case "ArrowDown":
      return () => moves.by(shift ? -epoch : -1);
    case "PageUp":
      return () => moves.by(tenth);
    case "PageDown":
      return () => moves.by(-tenth);
    case "Home":
      return () => moves.to(0);
    case "End":
      return moves.newest;
    case " ":
      return moves.play;
    default:
      return null;
  }
}
