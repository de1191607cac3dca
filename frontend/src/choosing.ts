// The row whose numbers are shown, chosen by its number; rows are counted from 0, as in Python.
import { make } from "./charts/elements";
import { counted } from "./charts/figures";
import type { Store } from "./store";

export interface Chooser {
  element: HTMLElement;
  draw(): void;
}

export function rowChooser(store: Store, last: number): Chooser {
  const input = make("input", { type: "number", min: "0", max: String(last), step: "1" });
  input.addEventListener("change", () => {
    if (input.value !== "") store.choose({ row: input.valueAsNumber });
    draw();
  });
  const of = make("span", {}, `of the ${counted(last + 1, "row")} shown, from 0`);
  function draw(): void {
    const row = String(store.chosen.row);
    if (document.activeElement !== input && input.value !== row) input.value = row;
  }
  draw();
  return { element: make("label", { class: "choice" }, make("span", {}, "row"), input, of), draw };
}
