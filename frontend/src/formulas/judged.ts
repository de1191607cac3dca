// What the score predicts, and how wrong that is: prediction, loss and slope of the row chosen.
import { figure, short } from "../charts/figures";
import type { Loss } from "../losses";
import { type Line, piece, result, type Worked } from "./line";
import { type LossLines, lossLines, type Quantities } from "./loss_lines";
import { e, frac, o, row, symbolOf } from "./writer";

/** No lines where the loss is one's own. */
export function judgedLines(at: Worked): Line[] {
  const { loss } = at.look.maths;
  const lines = lossLines(at.store.page.loss);
  if (loss === null || lines === null) return [];
  const q = quantities(at, lines);
  return [prediction(at, lines, q), lossLine(at, lines, q), slopeLine(at, loss, lines, q)];
}

/** Which cases hold now: where that changes, the lines are to be written anew. */
export function casesNow(at: Worked): number {
  const { loss } = at.store.page;
  const lines = lossLines(loss);
  return lines?.which?.(quantities(at, lines), loss) ?? 0;
}

function quantities(at: Worked, lines: LossLines): Quantities {
  const { store, look, w, output } = at;
  const s = (): number => look.one().scores[output];
  const y = (): number => targetOf(at);
  const greek: Record<string, string> = { delta: "δ" };
  return {
    s: w.quantity("s", s),
    y: w.quantity("y", y),
    p: w.quantity(lines.predicts, () => look.one().predicted[output]),
    parameter: (name) => w.quantity(greek[name] ?? name, () => store.page.loss.parameters[name]),
    error: () => s() - y(),
    margin: () => (2 * y() - 1) * s(),
  };
}

function targetOf({ store, look, output }: Worked): number {
  const columns = look.rows.y.length / look.rows.count;
  return look.rows.y[store.chosen.row * columns + (columns === 1 ? 0 : output)];
}

// ------------------------------------------------------------------- the prediction

function prediction(at: Worked, lines: LossLines, q: Quantities): Line {
  const { store, look, w } = at;
  const value = (): number => look.one().predicted[at.output];
  const right = store.page.loss.name === "softmax" ? shareOfAll(at) : (lines.link?.(q, w) ?? q.s());
  const plain = lines.link === null && store.page.loss.name !== "softmax";
  return {
    head: store.page.loss.proper ? "Its probability" : "What it predicts",
    pieces: [piece(symbolOf(lines.predicts), o("="), right), ...(plain ? [] : result(at, value))],
    note: () => predictedWords(at, value(), lines.predicts),
  };
}

const CLASSES = 4; // terms of the sum over classes that are written

/** e^s of the label over the sum of all. */
function shareOfAll({ look, w, output }: Worked): Node {
  const { k } = look.maths.net;
  const score = (j: number): Node => e(w.quantity(`s_${j + 1}`, () => look.one().scores[j])());
  const shown = Array.from({ length: Math.min(k, CLASSES) }, (_, j) => [...(j === 0 ? [] : [o("+")]), score(j)]);
  const below = row(...shown.flat(), ...(k > CLASSES ? [o("+"), o("⋯")] : []));
  return frac(score(output), below);
}

function predictedWords(at: Worked, value: number, symbol: string): string {
  const { page, chosen } = at.store;
  const { classes, mean, scale } = page.target;
  const target = targetOf(at);
  if (classes !== null && page.loss.targets === "labels") {
    return `The label of row ${chosen.row} is ${short(classes[target] ?? "", 40)}.`;
  }
  if (classes !== null && at.look.maths.net.k === 1) {
    const [no, yes] = classes.map((name) => short(name, 40));
    const own = target === 1 ? yes : no;
    const said = page.loss.proper ? `p is the probability of ${yes}` : `A score above 0 says ${yes}`;
    return `${said}; row ${chosen.row} is ${own}, y = ${figure(target)}.`;
  }
  if (mean === 0 && scale === 1) return `The target is y = ${figure(target, 4)}.`;
  const [said, truth] = [value, target].map((one) => figure(mean + scale * one, 4));
  return `In the target's own unit ${figure(mean, 4)} + ${figure(scale, 4)} ${symbol} = ${said}; row ${chosen.row} has ${truth}.`;
}

// ------------------------------------------------------------------- loss and slope

function lossLine(at: Worked, lines: LossLines, q: Quantities): Line {
  const { look, w, store, output } = at;
  const { loss, net } = look.maths;
  const several = loss !== null && !loss.rowwise && net.k > 1;
  const value = (): number =>
    several && loss !== null && !loss.rowwise
      ? loss.value(look.one().scores[output], targetOf(at))
      : look.one().losses![0];
  return {
    head: `Its loss: ${store.page.loss.name.replaceAll("_", " ")}`,
    pieces: [piece(symbolOf("ℓ"), o("="), lines.value(q, w)), ...result(at, value)],
    note: several
      ? () => `The row's loss is the mean over its ${net.k} outputs: ${figure(look.one().losses![0], 4)}.`
      : undefined,
  };
}

function slopeLine(at: Worked, loss: Loss, lines: LossLines, q: Quantities): Line {
  const { look, w, output } = at;
  const value = (): number =>
    loss.rowwise ? look.one().predicted[output] - 1 : loss.slope(look.one().scores[output], targetOf(at));
  return {
    head: "How the loss changes with the score",
    pieces: [piece(partial("ℓ", "s"), o("="), lines.slope(q, w)), ...result(at, value)],
  };
}

export function partial(above: string, below: string): Node {
  return frac(row(o("∂"), symbolOf(above)), row(o("∂"), symbolOf(below)));
}
