// The update of one parameter: the optimizer's formula, and what was recorded.
import { count, counted, figure } from "../charts/figures";
import { valueAt } from "../charts/moments";
import { math } from "../foreign";
import { type Line, piece, result, type Worked } from "./line";
import { ruleLines, ruleWords } from "./rules";
import { nameOf } from "./whole";
import { o, symbolOf, type Value } from "./writer";

export function updateLine(at: Worked): Line {
  return {
    head: `The update of the ${nameOf(at)}`,
    pieces: steps(at) ? gradientStep(at) : rule(at),
    note: () => [rateWords(at), ruleWords(at.store.page.optimizer.name), ...recorded(at)].filter(Boolean).join(" "),
  };
}

/** Plain gradient descent can be worked out from the numbers here. */
function steps({ store, look }: Worked): boolean {
  return store.page.optimizer.name === "gradient_descent" && look.maths.loss !== null;
}

function rate({ store }: Worked): number {
  const found = valueAt(store, "learning_rate", store.step);
  return found?.value ?? store.page.optimizer.parameters.learning_rate ?? Number.NaN;
}

function gradientStep(at: Worked): MathMLElement[] {
  const { store, look, w, parameter } = at;
  const θ = (): number => store.theta()[parameter];
  const g: Value = () => (at.waits() ? null : look.gradient()[parameter]);
  const η = (): number => rate(at);
  return [
    piece(
      symbolOf("θ'"),
      o("="),
      w.quantity("θ", θ)(),
      o("−"),
      w.quantity("η", η)(true),
      o("·"),
      w.quantity("g", g)(true),
    ),
    ...result(at, () => (at.waits() ? null : θ() - η() * look.gradient()[parameter])),
  ];
}

function rule({ store }: Worked): MathMLElement[] {
  const lines = ruleLines(store.page.optimizer.name);
  const written = lines ?? [math("mtext", store.page.optimizer.name)];
  return written.map((line, i) => piece(...(i === 0 ? [] : [math("mtext", "\u2003")]), line));
}

const GREEK: Record<string, string> = {
  learning_rate: "η",
  beta: "β",
  beta1: "β₁",
  beta2: "β₂",
  decay: "ρ",
  epsilon: "ε",
  weight_decay: "λ",
  momentum_decay: "decay of the momentum",
  memory: "steps remembered",
};

function rateWords(at: Worked): string {
  const { parameters, searches } = at.store.page.optimizer;
  const found = Object.entries(parameters).map(([name, value]) => {
    const shown = name === "learning_rate" ? rate(at) : value;
    return `${GREEK[name] ?? name} = ${figure(shown, 4)}`;
  });
  if (searches) {
    const length = valueAt(at.store, "learning_rate", at.store.step);
    if (length !== null) found.unshift(`a = ${figure(length.value, 4)}`);
  }
  return found.length === 0 ? "" : `${found.join(", ")}.`;
}

/** What the frames say, and why it may differ from the formula. */
function recorded(at: Worked): string[] {
  const { store, parameter } = at;
  const { frames } = store.page;
  const [now, next] = [store.step, frames[store.index + 1]];
  const before = store.theta()[parameter];
  const last = store.grown > 0 ? "the newest state" : "the last recorded frame";
  if (next === undefined) return [`This is ${last}, with θ = ${figure(before, 6)}.`];
  const after = store.theta(store.index + 1)[parameter];
  const said = [
    `Recorded: θ = ${figure(before, 6)} at update ${count(now)} and ${figure(after, 6)} at update ${count(next)}, a change of ${figure(after - before, 4)}.`,
  ];
  if (next < now) said.push("The returned parameters are those of an earlier update.");
  else if (next > now + 1) said.push(`That is ${counted(next - now, "update")} together; the formula is one of them.`);
  else if (steps(at)) said.push(...reasons(at));
  return said;
}

/** Why the recorded update is not the formula's with the gradient on the rows shown. */
function reasons(at: Worked): string[] {
  const { rows, optimizer, penalty } = at.store.page;
  const found = [];
  if (optimizer.batch_size !== null) found.push(`the update saw a batch of ${counted(optimizer.batch_size, "row")}`);
  else if (rows.shown.train < rows.all.train) found.push("the update saw all rows, not only those shown");
  if (penalty !== null && penalty.name !== "l2") found.push("the absolute penalty then moved it towards 0");
  return found.length === 0 ? [] : [`Where the two differ: ${found.join(", and ")}.`];
}
