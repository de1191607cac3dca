// What the learner does: where they are, every move they made, their best, and what they asked for.
import type { Problem } from "./problem";

/** A move: what happens between press and release. */
export interface Move {
  number: number; // 0 is the start
  theta: Float64Array;
  loss: number;
}

/** The best possible, as Python found it; or why there is none. */
export interface Floor {
  loss: number | null;
  theta: Float64Array | null;
  words: string;
}

export interface Game {
  readonly theta: Float64Array;
  readonly loss: number;
  readonly trail: readonly Move[];
  readonly best: Move;
  readonly moves: number;
  readonly assists: number;
  readonly arrow: Float64Array | null; // the negative gradient, asked for here
  floor: Floor | null;
  guess: number | null;
  sent: number; // moves that Python knows of
  /** Sets theta while a move lasts. */
  to(theta: Float64Array): void;
  /** The move is made. */
  end(): void;
  ask(): void;
  restart(): void;
  changed(): void;
  on(listener: () => void): () => void;
}

const MOST_MOVES = 2000;
const MOST_NUMBERS = 20_000;

export function makeGame(problem: Problem): Game {
  const listeners = new Set<() => void>();
  const most = Math.min(MOST_MOVES, Math.floor(MOST_NUMBERS / problem.start.length));
  let theta: Float64Array = problem.start;
  let loss = problem.loss(theta);
  let trail: Move[] = [{ number: 0, theta, loss }];
  let best = trail[0];
  let moves = 0;
  let assists = 0;
  let arrow: Float64Array | null = null;

  function changed(): void {
    for (const listener of [...listeners]) listener();
  }

  const game: Game = {
    get theta() {
      return theta;
    },
    get loss() {
      return loss;
    },
    get trail() {
      return trail;
    },
    get best() {
      return best;
    },
    get moves() {
      return moves;
    },
    get assists() {
      return assists;
    },
    get arrow() {
      return arrow;
    },
    floor: null,
    guess: null,
    sent: 0,
    to(next) {
      if (!next.every(Number.isFinite) || same(next, theta)) return;
      theta = Float64Array.from(next);
      loss = problem.loss(theta);
      arrow = null;
      changed();
    },
    end() {
      if (same(theta, trail[trail.length - 1].theta)) return;
      moves += 1;
      const move = { number: moves, theta, loss };
      trail = [...(trail.length < most ? trail : thinned(trail)), move];
      if (loss < best.loss) best = move;
      changed();
    },
    ask() {
      if (arrow !== null) return;
      assists += 1;
      arrow = Float64Array.from(problem.downhill(theta));
      changed();
    },
    restart() {
      theta = trail[0].theta;
      loss = trail[0].loss;
      trail = trail.slice(0, 1);
      best = trail[0];
      [moves, assists, arrow] = [0, 0, null];
      [game.floor, game.guess, game.sent] = [null, null, 0];
      changed();
    },
    changed,
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return game;
}

export function same(one: ArrayLike<number>, other: ArrayLike<number>): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

/** Every other move but the start: a long trail stays a trail. */
function thinned(trail: readonly Move[]): Move[] {
  return trail.filter((_, i) => i === 0 || i % 2 === 1);
}
