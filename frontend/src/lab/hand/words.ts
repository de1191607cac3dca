// Sentences of the activity that need numbers.
import { figure } from "../../charts/figures";
import type { Page } from "../../contract";
import { text } from "../text";
import type { Game } from "./game";
import type { Problem } from "./problem";

const words = text.hand;

/** What the loss is called in the title. */
export function lossName({ loss, reduction, penalty }: Page): string {
  if (penalty !== null) return words.objective;
  if (loss.name === "squared_error") return reduction === "mean" ? words.mse : words.sse;
  return words.loss(loss.name.replaceAll("_", " "), reduction);
}

/** A loss with as many digits as the game needs: two places, more where it is small. */
export function lossFigure(loss: number): string {
  return figure(loss, Math.abs(loss) >= 100 ? 5 : 4);
}

/** The floor: what is only rounding above 0 is 0. */
export function floorFigure({ floor, trail }: Game): string {
  const loss = floor?.loss ?? Number.NaN;
  return lossFigure(Math.abs(loss) < 1e-15 * trail[0].loss ? 0 : loss);
}

/** "w −5, b 3"; of many only how many there are. */
export function placeWords({ names }: Problem, theta: ArrayLike<number>): string {
  if (names.length > 3) return words.numbers(names.length);
  return names.map((name, i) => `${name} ${figure(theta[i], 4)}`).join(", ");
}

/** Everything a move has changed, for those who hear it. */
export function stateWords(problem: Problem, game: Game): string {
  const name = lossName(problem.store.page);
  return words.spoken(name, lossFigure(game.loss), placeWords(problem, game.theta), lossFigure(game.best.loss), gapWords(game));
}

/** How far the best so far is above the floor. */
export function gapWords({ floor, best, trail }: Game): string {
  if (floor === null || floor.loss === null) return "";
  const gap = Math.max(0, best.loss - floor.loss);
  const whole = trail[0].loss - floor.loss;
  return words.gap(gap, whole > 0 ? 1 - gap / whole : null);
}

const TOLD = 4; // of many numbers, the steepest

/** Which way is down, for each number: "less w, more b"; of many for the steepest. */
export function downWords({ names }: Problem, downhill: ArrayLike<number>): string {
  const size = Math.hypot(...Array.from(downhill));
  if (!(size > 1e-12)) return words.flat;
  const steepest = names.map((_, i) => i).sort((i, j) => Math.abs(downhill[j]) - Math.abs(downhill[i]));
  const told = steepest.slice(0, TOLD).sort((i, j) => i - j);
  const parts = told.map((i) => {
    if (Math.abs(downhill[i]) < 0.01 * size) return words.stay(names[i]);
    return downhill[i] > 0 ? words.more(names[i]) : words.less(names[i]);
  });
  return words.down(parts.join(", "), names.length - told.length, figure(size));
}
