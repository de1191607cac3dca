// What can be taken away: the run, its report, a script; made by Python, saved by the browser.
import { freshId, make, setText, wordButton } from "../../charts/elements";
import type { Lab } from "../context";
import { text } from "../text";

const words = text.share.files;
const SCRIPTS = ["numpy", "jax", "torch", "sklearn"];

export function files(lab: Lab, signal: AbortSignal): HTMLElement {
  const id = freshId("name");
  const name = make("input", { type: "text", id, maxlength: "80", autocomplete: "name" });
  const said = make("p", { class: "quiet", role: "status" });
  const waiting = new Map<string, HTMLButtonElement>(); // what was asked for here and is being made

  const button = (what: string, called: string): HTMLButtonElement => {
    const made = wordButton(called, () => {
      waiting.set(what, made);
      made.disabled = true;
      setText(said, words.making(called));
      lab.link.say({ kind: "file", what, name: name.value });
    });
    made.dataset.file = what;
    return made;
  };
  const free = (what: string): void => {
    const made = waiting.get(what);
    if (made !== undefined) made.disabled = false;
    waiting.delete(what);
  };

  const stops = [
    lab.link.on("file", (told, [content]) => {
      if (!waiting.has(told.what)) return; // another tab of the same session asked
      free(told.what);
      save(told.name, told.type, content);
      setText(said, words.saved(told.name));
    }),
    lab.link.on("said", ({ severity, sentence }) => {
      if (severity !== "error" || waiting.size === 0) return;
      for (const what of [...waiting.keys()]) free(what);
      setText(said, sentence);
    }),
  ];
  signal.addEventListener("abort", () => stops.forEach((stop) => stop()));
  return make(
    "section",
    {},
    make("h3", {}, words.title),
    make("div", { class: "field" }, make("label", { for: id }, words.name), name),
    make("div", { class: "choices" }, button("run", words.run), button("report", words.report)),
    make("p", {}, words.script),
    make("div", { class: "choices" }, ...SCRIPTS.map((what) => button(what, words.made[what]))),
    make("p", { class: "quiet" }, words.sklearn),
    said,
  );
}

function save(name: string, type: string, content: DataView): void {
  const whole = content.buffer as ArrayBuffer;
  const blob = new Blob([new Uint8Array(whole, content.byteOffset, content.byteLength)], { type });
  const address = URL.createObjectURL(blob);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
