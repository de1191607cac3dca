// One chart for both: the loss after each move by hand, and after each update by machine.
import { type Area, areaOf, drawAxes, inside, makeAxes } from "../../charts/axes";
import type { Stage } from "../../charts/canvas";
import { keyLine } from "../../charts/picture";
import type { Theme } from "../../charts/theme";
import type { Store } from "../../store";
import { text } from "../text";
import { bead, polyline, type Spot } from "./drawing";
import { type Game, same } from "./game";
import { lossFigure } from "./words";

const words = text.hand.chart;
const FIRST = 60; // updates of the machine that are drawn, or
const ROUNDING = 1e-6; // of curves, which come in single precision
const TIMES = 4; // so many times the moves by hand, where that is more

export interface LossChart {
  draw(stage: Stage, theme: Theme, log: boolean): void;
  key(theme: Theme, machine: boolean): HTMLElement[];
  words(): string;
}

/** What the machine did: the updates at which its loss is known, and that loss. */
interface Descent {
  from: number; // after how many moves by hand it began
  updates: ArrayLike<number>;
  losses: ArrayLike<number>;
}

export function lossChart(game: Game, machine: () => Store | null, name: string): LossChart {
  function descent(): Descent | null {
    const store = machine();
    const curve = store?.curve("loss") ?? null;
    if (store === null || curve === null || curve.x.length === 0) return null;
    // It begins where the hand let go, or, as the hand did, at the start.
    const begun = [...game.trail].reverse().find((move) => same(move.theta, store.theta(0)));
    return { from: begun?.number ?? 0, updates: curve.x, losses: curve.y };
  }

  function draw(stage: Stage, theme: Theme, log: boolean): void {
    const found = descent();
    const hand = game.trail.map((move): Spot => [move.number, move.loss]);
    const path = found === null ? [] : spots(found, mostOf(game));
    const floor = game.floor?.loss ?? null;
    const height = (loss: number): number => (log ? Math.log10(loss) : loss);
    const all = [...hand, ...path].filter(([, loss]) => Number.isFinite(height(loss)));
    const last = Math.max(5, ...all.map(([x]) => x));
    const [low, high] = upEnds(all.map(([, loss]) => height(loss)), hand[0][1], log);
    const axes = makeAxes(areaOf(stage.width, stage.height, 56), [0, last], [low, high]);
    const spot = ([x, loss]: Spot): Spot => [axes.x(x), axes.y(height(loss))];
    const { context } = stage;
    stage.clear();
    drawAxes(context, axes, theme, { x: words.x, y: log ? words.power(name) : name });
    inside(context, roomAround(axes.area), () => {
      if (floor !== null && Number.isFinite(height(floor))) {
        const ends = [spot([0, floor]), spot([last, floor])];
        polyline(context, ends, { colour: theme.extra, width: 2, dash: [2, 4] });
      }
      polyline(context, path.map(spot), { colour: theme.now, width: 2.2, dash: [6, 4] });
      polyline(context, hand.map(spot), { colour: theme.ink, width: 2, dash: [] });
      for (const one of hand) bead(context, spot(one), 3.5, theme.ink, theme.card);
      if (path.length > 0) bead(context, spot(path[path.length - 1]), 4.5, theme.now, theme.card);
    });
  }

  return {
    draw,
    key: (theme, trained) => [
      keyLine(words.you, theme.ink),
      ...(trained ? [keyLine(words.machine, theme.now, true)] : []),
      ...(typeof game.floor?.loss === "number" ? [keyLine(text.hand.score.floor, theme.extra, true)] : []),
    ],
    words() {
      const found = descent();
      const said = words.said(game.moves, lossFigure(game.best.loss));
      if (found === null) return said;
      const { updates, losses } = found;
      const last = updates.length - 1;
      const below = Array.from(losses).findIndex((loss) => loss < game.best.loss * (1 - ROUNDING));
      const compared = below < 0 ? words.above : words.below(updates[below]);
      const drawn = updates[last] > mostOf(game) ? words.first(mostOf(game)) : "";
      return said + words.machineSaid(updates[last], lossFigure(losses[last])) + compared + drawn;
    },
  };
}

/** Its first updates: beside the moves of a hand more would be a line along the edge. */
function spots({ from, updates, losses }: Descent, most: number): Spot[] {
  const found: Spot[] = [];
  for (let i = 0; i < updates.length && updates[i] <= most; i++) found.push([from + updates[i], losses[i]]);
  return found;
}

function mostOf(game: Game): number {
  return Math.max(FIRST, TIMES * game.moves);
}

/** So that beads on the edge are whole. */
function roomAround({ left, top, right, bottom }: Area): Area {
  return { left: left - 6, top: top - 6, right: right + 6, bottom: bottom + 6 };
}

/** From 0 to a little above the start, or the powers of ten there are. */
function upEnds(heights: number[], start: number, log: boolean): [number, number] {
  if (log) return [Math.floor(Math.min(...heights)), Math.ceil(Math.max(...heights) + 1e-9)];
  return [Math.min(0, ...heights), Math.max(1.08 * start, Math.min(3 * start, 1.05 * Math.max(...heights)))];
}
