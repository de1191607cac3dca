// A line of text that can be read, marked and copied.
import { freshId, make, setAttribute, setText, wordButton } from "../../charts/elements";
import { text } from "../text";

const words = text.share;

export interface Copyable {
  element: HTMLElement;
  show(line: string): void;
}

export function copyable(name: string): Copyable {
  const id = freshId("copy");
  const field = make("input", { type: "text", readonly: "", id, spellcheck: "false" });
  const said = make("span", { class: "quiet", role: "status" });
  const button = wordButton(words.copy, () => {
    void copied(field).then((done) => setText(said, done ? words.copied : words.cannotCopy));
  });
  setAttribute(button, "aria-label", words.copyOf(name));
  field.addEventListener("focus", () => field.select());
  const label = make("label", { for: id }, name);
  return {
    element: make("div", { class: "copyable" }, label, make("div", { class: "line" }, field, button), said),
    show(line) {
      if (field.value === line) return;
      field.value = line;
      setText(said, "");
    },
  };
}

/** Where the clipboard may not be written to, the line is marked instead. */
async function copied(field: HTMLInputElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.focus();
    field.select();
    return false;
  }
}
