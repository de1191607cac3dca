// What is said to everybody: a sentence that stays in sight below the playbar, and goes again.
import { icon, make, setText } from "../charts/elements";
import { text } from "./text";

const CROSS = "M4 4l8 8M12 4l-8 8";
const SHORTEST = 6000; // milliseconds that a note stays; longer ones stay longer
const PER_LETTER = 60;

export interface Notice {
  readonly element: HTMLElement;
  tell(sentence: string, severity: "note" | "error"): void;
  stop(): void;
}

export function makeNotice(): Notice {
  const said = make("p", { class: "said", role: "status" });
  const close = make("button", { type: "button", "aria-label": text.close, title: text.close }, icon(CROSS, "line"));
  const card = make("div", { class: "notice" }, said, close);
  const element = make("div", { class: "notices" }, card);
  let timer = 0;

  function tell(sentence: string, severity: "note" | "error"): void {
    clearTimeout(timer);
    said.dataset.severity = severity;
    setText(said, sentence);
    card.classList.toggle("empty", sentence === "");
    if (severity === "note" && sentence !== "") fade(SHORTEST + PER_LETTER * sentence.length);
  }

  /** It goes by itself, unless somebody is reading it. */
  function fade(after: number): void {
    timer = window.setTimeout(() => {
      if (card.matches(":hover, :focus-within")) fade(SHORTEST);
      else tell("", "note");
    }, after);
  }

  close.addEventListener("click", () => tell("", "note"));
  tell("", "note");
  return { element, tell, stop: () => clearTimeout(timer) };
}
