// The panel's groups, and what belongs to each: which settings a control shows, and is locked by.
import { icon, make, setText } from "../../charts/elements";
import { text } from "../text";
import type { Now } from "./choices";

const words = text.controls;
const MARK = "M2 12.500h12M6.500 12.500V3.500l5 2.500-5 2.500";
const FORK = "M4.500 14V2M4.500 10.500C4.500 7 11.500 9 11.500 4.500M9.500 6l2-2.500 2 2.500";

/** A control on the panel. */
export interface Control {
  readonly keys: readonly string[]; // the settings it shows; one of them locked locks it
  readonly element: HTMLElement;
  draw(now: Now): void;
}

export interface Group {
  readonly element: HTMLDetailsElement;
  readonly controls: readonly Control[];
  say(chosen: string): void; // what is chosen, for the heading of a closed group
}

/** A group that opens and closes; its heading says what its controls do to the training. */
export function group(name: keyof typeof words.groups, continues: boolean, controls: Control[]): Group {
  const effect = continues ? words.continues : words.branches;
  const sign = make("span", { class: "effect", title: effect.sentence });
  sign.append(icon(continues ? MARK : FORK, "line"), make("span", {}, effect.short));
  const now = make("span", { class: "now-chosen" });
  const summary = make("summary", {}, make("span", { class: "name" }, words.groups[name]), now, sign);
  const body = make("div", { class: "body" });
  for (const { element, keys } of controls) {
    element.dataset.settings = keys.join(" ");
    body.append(element);
  }
  const element = make("details", { class: "group", "data-group": name }, summary, body);
  return { element, controls, say: (sentence) => setText(now, sentence) };
}

/** Hides what is locked, and a group of which nothing is left to see; returns whether anything is. */
export function lock({ element, controls }: Group, locked: ReadonlySet<string>): boolean {
  for (const control of controls) control.element.hidden = control.keys.some((key) => locked.has(key));
  element.hidden = controls.every((control) => control.element.hidden || control.element.classList.contains("gone"));
  return !element.hidden;
}

/** Says of a control that Python changed its setting on its own. */
export function tell({ element }: Control, also: boolean): void {
  const said = element.querySelector(":scope > .also");
  if (!also) said?.remove();
  else if (said === null) element.append(make("p", { class: "also" }, words.also));
}
