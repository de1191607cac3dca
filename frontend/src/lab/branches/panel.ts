// Branches: their list, and two rooms that open below it, where some are compared or race.
import { make, setText, wordButton } from "../../charts/elements";
import type { Part } from "../context";
import { text } from "../text";
import { makeComparison } from "./comparison";
import { makeBranchList } from "./list";
import { makeRace } from "./race";
import { makeRules } from "./rules";

const words = text.branches;

export const branchesPanel: Part = (lab, host, signal) => {
  const list = makeBranchList(lab, acts);
  const title = make("h3", {}, words.name);
  const hint = make("span", { class: "quiet", role: "status" });
  const from = wordButton(words.from, () => lab.store && lab.link.say({ kind: "branch", step: lab.store.step }));
  const restore = wordButton("", () => lab.link.say({ kind: "restore" }));
  const compare = wordButton(words.compare, () => comparison.open([...list.chosen]));
  const race = wordButton(words.race, () => racing.open([...list.chosen]));
  const optimizers = wordButton(words.rulesButton, () => {
    rules.element.hidden = !rules.element.hidden;
    optimizers.setAttribute("aria-expanded", String(!rules.element.hidden));
    rules.draw();
  });
  optimizers.setAttribute("aria-expanded", "false");
  const comparison = makeComparison(lab, signal);
  const racing = makeRace(lab, signal);
  const rules = makeRules(lab, (names) => {
    rules.element.hidden = true;
    optimizers.setAttribute("aria-expanded", "false");
    racing.openRules(names);
  });
  rules.element.hidden = true;
  host.classList.add("card", "branching");
  host.setAttribute("role", "group");
  host.setAttribute("aria-label", words.name);
  host.hidden = true;
  host.append(
    make("div", { class: "branching-head" }, title, hint),
    list.element,
    make("div", { class: "buttons" }, from, restore, compare, race, optimizers),
    rules.element,
    comparison.element,
    racing.element,
  );

  function acts(): void {
    const number = list.chosen.size;
    compare.disabled = race.disabled = number < 2;
    const several = (lab.state?.branches.length ?? 0) > 1;
    for (const button of [compare, race]) button.hidden = !several;
    setText(hint, several ? words.chosen(number) : "");
    const removed = lab.state?.removed ?? null;
    restore.hidden = removed === null;
    if (removed !== null) setText(restore, words.restore(removed));
  }

  function follow(): void {
    if (lab.store !== null) setText(from, words.fromStep(lab.store.step));
  }

  const ends = [
    lab.onState((state) => {
      host.hidden = state.lock.includes("branches");
      optimizers.hidden = state.lock.includes("optimizer");
      list.draw(state);
      setText(title, words.title(state.branches.length));
      acts();
      follow();
    }),
    lab.onStore((store) => store.on(follow)),
    lab.link.on("courses", ({ branches }) => list.progress(branches)),
    lab.link.on("choices", () => rules.draw()),
  ];
  signal.addEventListener("abort", () => {
    for (const end of ends) end();
    host.replaceChildren();
  });
};
