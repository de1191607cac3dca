// What the doctor found, and the way to the update where it is best seen.
import { icon, make, wordButton } from "../charts/elements";
import type { Finding } from "../contract";
import type { MakeView, Store } from "../store";

const SIGNS = {
  illness: "M8 1.2l7.2 13H.8zM7.1 6h1.800v4.200H7.100zM7.1 11.200h1.800v1.600H7.100z",
  information: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM7.1 7h1.800v5H7.100zM7.1 4h1.800v1.700H7.100z",
};
const WORDS = { illness: "Illness", information: "Information" };

export const findings: MakeView = (store, host) => {
  const found = store.page.findings;
  const list = make("ul", { class: "findings" }, ...found.map((one) => itemOf(one, store)));
  if (found.length === 0) host.append(make("p", {}, "Nothing is reported about this run."));
  else host.append(list);
  return { name: "findings", title: titled(found), draw: () => undefined };
};

function titled(found: Finding[]): string {
  const ill = found.filter((one) => one.severity === "illness").length;
  if (ill > 0) return `The doctor finds ${ill === 1 ? "an illness" : `${ill} illnesses`}`;
  return "The doctor finds no illness";
}

function itemOf(one: Finding, store: Store): HTMLElement {
  const sign = icon(SIGNS[one.severity]);
  sign.querySelector("path")?.setAttribute("fill-rule", "evenodd");
  const text = make(
    "div",
    {},
    make(
      "p",
      {},
      make("span", { class: "kind" }, `${WORDS[one.severity]}: `),
      one.sentence,
      make("span", { class: "quiet" }, ` (${one.code})`),
    ),
    needed(one) ? make("p", { class: "fix" }, make("strong", {}, "What to do: "), one.fix) : null,
    evidenceOf(one),
    goTo(one, store),
  );
  return make("li", { class: `finding ${one.severity}` }, sign, text);
}

function needed({ code, fix }: Finding): boolean {
  return code !== "healthy" && fix !== "";
}

function evidenceOf({ evidence }: Finding): HTMLElement | null {
  if (evidence.length === 0) return null;
  return make("p", { class: "quiet" }, `Evidence: ${evidence.join("; ")}`);
}

function goTo({ step }: Finding, store: Store): HTMLElement | null {
  if (step === null) return null;
  return wordButton(`Go to update ${step}`, () => {
    store.play(false);
    store.goToStep(step);
  });
}
