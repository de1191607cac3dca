// The teacher's part: what is locked, what is to be reached, and the link that says so.
import type { Page } from "../../contract";
import { checkbox, choice, freshId, make, setText } from "../../charts/elements";
import { hasLabels } from "../../charts/rows";
import type { GoalTold } from "../contract";
import type { Lab } from "../context";
import { text } from "../text";
import { classQuery, commandOf, gradeOf, linkOf, ownPage } from "./address";
import { copyable } from "./copying";

const words = text.share.class;

export interface ForClass {
  element: HTMLElement;
  draw(): void;
}

export function forClass(lab: Lab): ForClass {
  const locks = new Set<string>();
  const boxes = Object.entries(words.locked).map(([lock, name]) => {
    const box = checkbox(name, false, (on) => {
      hold(lock, on);
      draw();
    });
    box.input.dataset.lock = lock;
    return box;
  });
  const goal = goalFields(
    () => draw(),
    (metric) => {
      if (LOSSES.includes(metric)) hold("loss", true);
    },
  );
  const why = make("p", { class: "quiet", role: "status" });
  const command = copyable(words.command);
  const link = ownPage(lab.root) ? copyable(words.link) : null;
  const grade = copyable(words.grade);
  let given = ""; // the locks and the goal that this lab was opened with

  function hold(lock: string, on: boolean): void {
    if (on) locks.add(lock);
    else locks.delete(lock);
    for (const { input } of boxes) input.checked = locks.has(input.dataset.lock!);
  }

  /** An exercise that was opened is where one begins. */
  function begin(lock: readonly string[], told: string): void {
    if (given === `${lock.join()} ${told}`) return;
    given = `${lock.join()} ${told}`;
    locks.clear();
    for (const one of lock) hold(one, true);
    goal.begin(told);
  }

  function draw(): void {
    const { state, store } = lab;
    if (state === null) return;
    if (store !== null) goal.offer(measuredIn(store.page, state.goal));
    if (store !== null) begin(state.lock, state.goal?.text ?? "");
    setText(why, LOSSES.includes(goal.metric()) ? words.whyLoss(locks.has("loss")) : "");
    const query = classQuery(state.address, [...locks], goal.text());
    command.show(commandOf(query));
    link?.show(linkOf(query));
    grade.show(gradeOf(query));
    element.hidden = state.lock.length > 0; // who was given locks has no say in them
  }

  const element = make(
    "section",
    {},
    make("h3", {}, words.title),
    make("p", { class: "quiet" }, words.about),
    make("fieldset", {}, make("legend", {}, words.locks), make("div", { class: "choices" }, ...boxes.map(({ label }) => label))),
    goal.element,
    why,
    command.element,
    link?.element ?? null,
    grade.element,
    make("p", { class: "quiet" }, words.whyLink),
  );
  return { element, draw };
}

/** What a history of this run has to offer, before its first update too. */
function measuredIn(page: Page, goal: GoalTold | null): string[] {
  const curves = page.curves.map(({ name }) => name).filter((name) => !UNFIT.includes(name));
  const held = page.rows.all.validation > 0;
  const known = held ? ["validation_loss", ...(hasLabels(page) ? ["validation_accuracy"] : [])] : [];
  return [...new Set([...known, "loss", ...curves, ...(goal === null ? [] : [goal.metric])])];
}

interface GoalFields {
  element: HTMLElement;
  offer(names: string[]): void;
  begin(text: string): void; // with a goal as an address has it
  metric(): string; // "" for none
  text(): string; // "" for none
}

const UNFIT = ["learning_rate", "update_norm"];
const LOSSES = ["loss", "epoch_loss", "validation_loss"]; // met more easily by some losses than by others
const GOAL = /^(\w+)([<>])([^@]+)(?:@(\d+))?$/;

function goalFields(changed: () => void, chosen: (metric: string) => void): GoalFields {
  const metric = choice(words.metric, [{ value: "", words: words.none }], "", () => {
    side.select.value = /accuracy|r2/.test(metric.select.value) ? ">" : "<";
    chosen(metric.select.value);
    settled();
  });
  const sides = [
    { value: "<", words: words.below },
    { value: ">", words: words.above },
  ];
  const side = choice(words.side, sides, "<", changed);
  const value = number(words.value, "0.1", "any");
  const within = number(words.updates, "", "1");
  within.input.placeholder = words.any;
  for (const { input } of [value, within]) input.addEventListener("input", changed);
  const rest = make("span", { class: "rest" }, side.select, value.input, make("span", {}, words.within), within.input, make("span", {}, words.after));
  let offered = "";

  function settled(): void {
    rest.hidden = metric.select.value === "";
    changed();
  }

  rest.hidden = true;
  return {
    element: make("fieldset", {}, make("legend", {}, words.goal), make("div", { class: "choices" }, metric.select, rest)),
    offer(names) {
      if (names.join() === offered) return;
      offered = names.join();
      const before = metric.select.value;
      const option = (name: string): HTMLOptionElement => make("option", { value: name }, words.metrics(name));
      metric.select.replaceChildren(make("option", { value: "" }, words.none), ...names.map(option));
      metric.select.value = names.includes(before) ? before : "";
      rest.hidden = metric.select.value === "";
    },
    begin(text) {
      const [, name = "", sign = "<", bound = "0.1", most = ""] = GOAL.exec(text) ?? [];
      [metric.select.value, side.select.value, value.input.value, within.input.value] = [name, sign, bound, most];
      rest.hidden = name === "";
    },
    metric: () => metric.select.value,
    text() {
      const bound = value.input.valueAsNumber;
      if (metric.select.value === "" || !Number.isFinite(bound)) return "";
      const most = within.input.valueAsNumber;
      const updates = Number.isInteger(most) && most > 0 ? `@${most}` : "";
      return `${metric.select.value}${side.select.value}${bound}${updates}`;
    },
  };
}

function number(name: string, value: string, step: string): { input: HTMLInputElement } {
  const input = make("input", { type: "number", value, step, id: freshId("number"), "aria-label": name });
  if (step === "1") input.min = "1";
  return { input };
}
