// A card of the room: a heading, and what is drawn below it.
import { freshId, make } from "../../charts/elements";

/** A part of the room: drawn at each change, prepared again where its size or colours changed. */
export interface Card {
  element: HTMLElement;
  draw(): void;
  again(): void;
}

export function cardOf(name: string, host: HTMLElement): { element: HTMLElement; heading: HTMLElement } {
  const heading = make("h3", { id: freshId("hand") });
  const element = make("section", { class: "card", "aria-labelledby": heading.id, "data-view": name }, heading, host);
  return { element, heading };
}
