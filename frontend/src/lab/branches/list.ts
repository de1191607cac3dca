// The list of branches: which there are, where each came from, how far it is; one is shown.
import { freshId, iconButton, make, setAttribute, setText } from "../../charts/elements";
import type { Lab } from "../context";
import type { BranchTold, Course, Told } from "../contract";
import { text } from "../text";
import { heightsOf, makeSpark, type Spark } from "./courses";
import { signOf } from "./signs";
import { depthOf, inTreeOrder, treeRow } from "./tree";

const REMOVE = "M3.500 3.500l9 9M12.500 3.500l-9 9";
const RENAME = "M3 13l.7-3L10.800 2.900l2.300 2.300L6 12.300z";
const words = text.branches;

export interface BranchList {
  readonly element: HTMLElement;
  readonly chosen: ReadonlySet<number>; // to compare or race
  draw(state: Told["state"]): void;
  progress(courses: Course[]): void;
}

interface Row {
  branch: BranchTold;
  element: HTMLElement;
  radio: HTMLInputElement;
  updates: HTMLElement;
  loss: HTMLElement;
  validation: HTMLElement;
  tree: HTMLElement;
  spark: Spark;
}

export function makeBranchList(lab: Lab, changed: () => void): BranchList {
  const element = make("ul", { class: "branches", "aria-label": words.name });
  const group = freshId("shown");
  const chosen = new Set<number>();
  let rows: Row[] = [];
  let drawn = "";

  function draw(state: Told["state"]): void {
    const ordered = inTreeOrder(state.branches);
    for (const number of [...chosen]) if (!ordered.some((one) => one.number === number)) chosen.delete(number);
    const shape = JSON.stringify(ordered.map(({ number, name, differs, edits, origin }) => [number, name, differs, edits, origin]));
    if (shape !== drawn) {
      const focused = focusIn(element);
      rows = ordered.map((branch) => rowOf(branch, ordered));
      element.replaceChildren(...rows.map((row) => row.element));
      drawn = shape;
      restoreFocus(element, focused);
    }
    rows.forEach((row, i) => {
      row.branch = ordered[i];
      row.radio.checked = row.branch.number === state.current;
      row.element.classList.toggle("current", row.radio.checked);
    });
    figures();
  }

  function rowOf(branch: BranchTold, all: BranchTold[]): Row {
    const called = words.branch(branch.number, branch.name);
    const radio = make("input", { type: "radio", name: group, "aria-label": words.show(called) });
    radio.addEventListener("change", () => lab.link.say({ kind: "select", branch: branch.number }));
    const check = make("input", { type: "checkbox", "aria-label": words.choose(called) });
    check.checked = chosen.has(branch.number);
    check.addEventListener("change", () => {
      if (check.checked) chosen.add(branch.number);
      else chosen.delete(branch.number);
      changed();
    });
    const name = make("span", { class: "called" }, called);
    const pick = make("label", { class: "pick" }, radio, signOf(branch.place), name);
    pick.style.setProperty("--depth", String(Math.min(3, depthOf(branch, all))));
    const [updates, loss, validation] = ["updates", "loss", "validation"].map((key) => make("span", { class: `figure ${key}` }));
    const tree = make("span", { class: "branch-tree" });
    const spark = makeSpark(branch.place);
    const rename = iconButton(words.rename(called), RENAME, () => askName(lab, branch, name, called));
    const remove = iconButton(words.remove(called), REMOVE, () => lab.link.say({ kind: "remove", branch: branch.number }));
    remove.querySelector("svg")?.classList.replace("full", "line");
    remove.disabled = all.length === 1;
    const origin = make("span", { class: "differs" }, words.origin(branch.origin, branch.differs, branch.edits, branch.rate, beginning(branch)));
    const row = make(
      "li",
      { "data-branch": String(branch.number) },
      make("label", { class: "check" }, check),
      pick,
      origin,
      tree,
      make("span", { class: "numbers" }, updates, loss, validation),
      spark.element,
      make("span", { class: "acts" }, rename, remove),
    );
    return { branch, element: row, radio, updates, loss, validation, tree, spark };
  }

  function figures(): void {
    const ordered = rows.map(({ branch }) => branch);
    const reach = Math.max(1, ...ordered.map(({ updates }) => updates));
    const heights = heightsOf(ordered);
    rows.forEach((row, i) => {
      setText(row.updates, words.updates(row.branch.updates));
      setText(row.loss, words.loss(row.branch.loss));
      setText(row.validation, words.validation(row.branch.validation_loss));
      setAttribute(row.loss, "data-value", String(row.branch.loss));
      row.spark.draw(row.branch.course, reach, heights);
      row.tree.replaceChildren(treeRow(ordered, i));
    });
  }

  return {
    element,
    chosen,
    draw,
    progress(courses) {
      for (const course of courses) {
        const row = rows.find(({ branch }) => branch.number === course.number);
        if (row !== undefined) row.branch = { ...row.branch, ...course };
      }
      figures();
    },
  };
}

/** What is said of a branch that came from no other. */
function beginning({ number, settings }: BranchTold): string {
  return number === 1 || settings.target === "" ? words.first : words.otherTable(String(settings.target));
}

/** Which control of which branch has the focus, for a list that is made anew. */
function focusIn(element: HTMLElement): [branch: string, at: number] | null {
  const root = element.getRootNode() as Document | ShadowRoot;
  const row = root.activeElement?.closest("li") ?? null;
  if (row === null || !element.contains(row)) return null;
  return [row.dataset.branch ?? "", [...row.querySelectorAll("input, button")].indexOf(root.activeElement!)];
}

function restoreFocus(element: HTMLElement, focused: [string, number] | null): void {
  if (focused === null) return;
  const row = element.querySelector(`li[data-branch="${focused[0]}"]`) ?? element.querySelector("li.current, li");
  (row?.querySelectorAll("input, button")[focused[1]] as HTMLElement | undefined)?.focus();
}

/** The name becomes a field; Enter keeps what was typed, Escape leaves it. */
function askName(lab: Lab, branch: BranchTold, name: HTMLElement, called: string): void {
  const field = make("input", { type: "text", maxlength: "40", "aria-label": words.newName(called) });
  field.value = branch.name;
  let left = false;
  const leave = (): void => {
    if (left) return; // leaving it, the field loses the focus
    left = true;
    field.replaceWith(name);
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      leave();
      lab.link.say({ kind: "rename", branch: branch.number, name: field.value.trim() });
    } else if (event.key === "Escape") leave();
    event.stopPropagation(); // keys of the timeline are not meant here
  });
  field.addEventListener("blur", leave);
  name.replaceWith(field);
  field.focus();
  field.select();
}
