// A number that is set by typing: Enter takes it, Escape leaves it as it was.
import { freshId, make, setAttribute } from "../../charts/elements";
import { text } from "../text";

const words = text.inside;

export interface NumberField {
  element: HTMLElement;
  show(value: number, locked: boolean): void; // what holds now; it does not disturb who is typing
}

export function numberField(take: (value: number) => void): NumberField {
  const id = freshId("value");
  const input = make("input", { type: "number", id, step: "any", class: "weight-value" });
  const hint = make("span", { class: "quiet", id: `${id}-hint` }, words.keys);
  let holds = 0;
  let typing = false;
  setAttribute(input, "aria-describedby", `${id}-hint`);

  function put(): void {
    typing = false;
    input.value = String(holds);
  }

  input.addEventListener("input", () => {
    typing = true;
    input.setCustomValidity("");
  });
  input.addEventListener("blur", put);
  input.addEventListener("keydown", (event) => {
    event.stopPropagation(); // arrows and Space are the field's here
    if (event.key === "Escape") put();
    if (event.key !== "Enter") return;
    event.preventDefault();
    const to = input.valueAsNumber;
    if (!Number.isFinite(to)) {
      input.setCustomValidity(words.notANumber);
      input.reportValidity();
      return;
    }
    typing = false;
    take(to);
  });
  return {
    element: make("div", { class: "choice" }, make("label", { for: id }, words.set), input, hint),
    show(value, locked) {
      holds = value;
      input.disabled = locked;
      if (locked) hint.textContent = words.locked;
      if (!typing && input.value !== String(value)) input.value = String(value);
    },
  };
}
