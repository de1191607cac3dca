// Which optimizers are to race: those that Python knows, each with a tick.
import { checkbox, make, setText, wordButton } from "../../charts/elements";
import type { Lab } from "../context";
import { text } from "../text";

const USUAL = ["gradient_descent", "momentum", "nesterov", "rmsprop", "adam", "adamw"];
const [FEWEST, MOST] = [2, 8];
const words = text.branches;

/** What `choices` says of an optimizer; `refused` is the sentence that says why it cannot be. */
interface Known {
  name: string;
  refused?: string | null;
}

export function makeRules(lab: Lab, race: (names: string[]) => void): { element: HTMLElement; draw(): void } {
  const chosen = new Set(USUAL);
  const ticks = make("div", { class: "choices" });
  const button = wordButton("", () => race([...ticks.querySelectorAll("input:checked")].map((one) => (one as HTMLInputElement).value)));
  const element = make(
    "fieldset",
    { class: "rules" },
    make("legend", {}, words.rules),
    make("p", { class: "quiet" }, words.rulesSentence),
    ticks,
    button,
  );
  let drawn = "";

  function counted(): void {
    const number = ticks.querySelectorAll("input:checked").length;
    setText(button, words.raceRules(number));
    button.disabled = number < FEWEST || number > MOST;
  }

  function draw(): void {
    const rules = rulesOf(lab);
    const key = JSON.stringify(rules);
    if (key === drawn) return;
    drawn = key;
    ticks.replaceChildren(
      ...rules.map(({ name, refused }) => {
        const tick = checkbox(text.controls.part(name), chosen.has(name) && !refused, (on) => {
          if (on) chosen.add(name);
          else chosen.delete(name);
          counted();
        });
        tick.input.value = name;
        tick.input.disabled = Boolean(refused);
        if (refused) tick.label.title = refused;
        return tick.label;
      }),
    );
    counted();
  }

  return { element, draw };
}

/** Python's list, once it came; until then the usual ones. */
function rulesOf(lab: Lab): Known[] {
  const told = lab.link.last("choices")?.choices as { optimizer?: Known[]; optimizers?: Known[] } | undefined;
  const known = told?.optimizer ?? told?.optimizers;
  return known === undefined ? USUAL.map((name) => ({ name })) : known.map(({ name, refused }) => ({ name, refused }));
}
