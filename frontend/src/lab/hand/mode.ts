// By hand or by machine: which of the two the lab shows.
import { make } from "../../charts/elements";
import type { Lab, Part } from "../context";
import { text } from "../text";

export type Mode = "hand" | "machine";
const CHANGED = "descend:mode";
const words = text.hand.modes;

export function modeOf(lab: Lab): Mode {
  return lab.root.dataset.mode === "hand" ? "hand" : "machine";
}

export function setMode(lab: Lab, mode: Mode): void {
  if (modeOf(lab) === mode && lab.root.dataset.mode !== undefined) return;
  lab.root.dataset.mode = mode;
  lab.root.dispatchEvent(new CustomEvent(CHANGED));
}

export function onMode(lab: Lab, listener: () => void, signal: AbortSignal): void {
  lab.root.addEventListener(CHANGED, listener, { signal });
}

/** The switch at the top of the lab. */
export const handSwitch: Part = (lab, host, signal) => {
  const button = (mode: Mode): HTMLButtonElement => {
    const found = make("button", { type: "button", class: "mode" }, words[mode]);
    found.addEventListener("click", () => setMode(lab, mode));
    return found;
  };
  const buttons: Record<Mode, HTMLButtonElement> = { hand: button("hand"), machine: button("machine") };
  host.classList.add("modes");
  host.append(make("div", { role: "group", "aria-label": words.name }, buttons.hand, buttons.machine));
  const draw = (): void => {
    for (const mode of ["hand", "machine"] as const) {
      buttons[mode].setAttribute("aria-pressed", String(modeOf(lab) === mode));
    }
  };
  onMode(lab, draw, signal);
  setMode(lab, "machine");
};
