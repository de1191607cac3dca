// One's own table: chosen with a button, or dropped anywhere on the lab.
import { make, wordButton } from "../charts/elements";
import type { Lab, Part } from "./context";
import { text } from "./text";

const KINDS = ".csv,.tsv,.txt,.parquet,.json,.jsonl,.ndjson";
const LARGEST = 64 * 2 ** 20; // as Python has it: larger files are not even read
const words = text.opening;
const reading = new WeakSet<Lab>(); // labs whose notice says that a table is being read

export const opening: Part = (lab, host, signal) => {
  const file = make("input", { type: "file", accept: KINDS, class: "unseen", tabindex: "-1", "aria-label": words.file });
  const door = wordButton(words.open, () => file.click());
  const curtain = make("div", { class: "curtain", hidden: "", "aria-hidden": "true" }, make("p", {}, words.drop));
  host.append(door, file);
  lab.root.append(curtain);
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    file.value = ""; // so that the same one can be chosen again
    if (chosen !== undefined) void send(lab, chosen);
  });
  const { root } = lab;
  const listen = <K extends keyof HTMLElementEventMap>(event: K, act: (event: HTMLElementEventMap[K]) => void): void =>
    root.addEventListener(event, act, { signal });
  listen("dragover", (event) => {
    if (!bringsFile(event)) return;
    event.preventDefault();
    curtain.hidden = false;
  });
  listen("dragleave", (event) => {
    if (!root.contains(event.relatedTarget as Node | null)) curtain.hidden = true;
  });
  listen("drop", (event) => {
    if (!bringsFile(event)) return;
    event.preventDefault();
    curtain.hidden = true;
    const files = event.dataTransfer?.files ?? [];
    if (files.length > 1) lab.tell(words.one, "error");
    else if (files.length === 1) void send(lab, files[0]);
  });
  // Its rows are there, or what is wrong with it was said: it is no longer being read.
  lab.onStore(() => {
    if (reading.has(lab)) lab.tell("");
    reading.delete(lab);
  });
  const unheard = lab.link.on("said", () => reading.delete(lab));
  signal.addEventListener("abort", unheard);
  lab.onState(({ lock }) => {
    host.hidden = lock.includes("data");
  });
};

function bringsFile({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes("Files") ?? false;
}

/** Sends a file up; what Python makes of it comes back as a page, or as a sentence. */
async function send(lab: Lab, file: File): Promise<void> {
  if (lab.state?.lock.includes("data")) {
    lab.tell(words.locked, "error");
    return;
  }
  if (file.size > LARGEST) {
    lab.tell(words.large(file.name, file.size / 2 ** 20), "error");
    return;
  }
  lab.tell(words.reading(file.name));
  reading.add(lab);
  lab.link.sendFile(file.name, await file.arrayBuffer());
}
