// What the doctor found, and the way to the update where it is best seen.
import { icon, make, wordButton } from "../charts/elements";
import type { Finding } from "../contract";
import type { MakeView, Store } from "../store";

const SIGNS = {
  illness: "M8 1.2l7.2 13H.8zM7.1 6h1.800v4.200H7.100zM7.1 11.200h1.800v1.600H7.100z",
  information: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM7.1 7h1.800v5H7.100zM7.1 4h1.800v1.700H7.100z",
};
const WORDS = { illness: "Illness", information: "Information" };

/** What may be done about a finding, where somebody can: a button that says so. */
export interface Remedy {
  words: string;
  act(finding: Finding): void;
}

export const findings: MakeView = findingsWith(null);

export function findingsWith(remedy: Remedy | null): MakeView {
  return (store, host) => {
    let listed: Finding[] | null = null;
    let written = "";

    function list(): void {
      const found = store.page.findings;
      if (found === listed) return;
      listed = found;
      const now = JSON.stringify(found);
      if (now === written) return;
      written = now;
      const focused = placeOf(host);
      const items = found.map((one) => itemOf(one, store, remedy));
      host.replaceChildren(items.length === 0 ? make("p", {}, NOTHING) : make("ul", { class: "findings" }, ...items));
      if (focused !== "") host.querySelector<HTMLElement>(`[data-place="${focused}"]`)?.focus();
    }

    list();
    return {
      name: "findings",
      get title() {
        return titled(store.page.findings);
      },
      draw: list,
    };
  };
}

const NOTHING = "Nothing is reported about this run.";

/** Which button is focused, so that it is again once the list was written anew. */
function placeOf(host: HTMLElement): string {
  const active = (host.getRootNode() as Document | ShadowRoot).activeElement;
  return active instanceof HTMLElement && host.contains(active) ? (active.dataset.place ?? "") : "";
}

function titled(found: Finding[]): string {
  const ill = found.filter((one) => one.severity === "illness").length;
  if (ill > 0) return `The doctor finds ${ill === 1 ? "an illness" : `${ill} illnesses`}`;
  return "The doctor finds no illness";
}

function itemOf(one: Finding, store: Store, remedy: Remedy | null): HTMLElement {
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
    buttons(one, store, remedy),
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

function buttons(one: Finding, store: Store, remedy: Remedy | null): HTMLElement | null {
  const { code, step } = one;
  const found: HTMLElement[] = [];
  if (step !== null) {
    const goTo = wordButton(`Go to update ${step}`, () => {
      store.play(false);
      store.goToStep(step);
    });
    goTo.dataset.place = `go ${code}`;
    found.push(goTo);
  }
  if (remedy !== null && needed(one)) {
    const act = wordButton(remedy.words, () => remedy.act(one));
    act.setAttribute("aria-label", `${remedy.words}: ${one.fix}`);
    act.dataset.place = `try ${code}`;
    found.push(act);
  }
  return found.length === 0 ? null : make("div", { class: "choices" }, ...found);
}
