// The handles of a line over one feature: its ends turn it, its middle moves it.
import type { Axes } from "../../charts/axes";
import { text } from "../text";
import type { Game } from "./game";
import type { Handle, Place } from "./handles";
import { ownOf, type Sheet } from "./plane";

const words = text.hand.handles;
const PLACES = 96; // along the line at which its visible end is looked for

/** `ends`: what the model meets at the first and last row. */
export function lineHandles(axes: () => Axes, sheet: () => Sheet, ends: [number, number], bias: boolean, game: Game): Handle[] {
  const score = (met: number): number => game.theta[0] * met + (bias ? game.theta[1] : 0);
  const pixel = (met: number): Place => ({ x: sheet().left(met), y: sheet().top(score(met)) });
  const within = ({ y }: Place): boolean => y >= axes().area.top && y <= axes().area.bottom;

  /** The place nearest to an end at which the line is in the picture. */
  function visible(end: number, middle: number): number {
    for (let i = 0; i <= PLACES; i++) {
      const met = end + ((middle - end) * i) / PLACES;
      if (within(pixel(met))) return met;
    }
    return end;
  }

  function clamped({ x, y }: Place): Place {
    const { top, bottom } = axes().area;
    return { x, y: Math.max(top, Math.min(bottom, y)) };
  }

  const middle = (ends[0] + ends[1]) / 2;
  const own = (place: Place) => ownOf(axes())(place);

  /** Turns about the other end; without a bias about where the features are 0. */
  function end(which: 0 | 1): Handle {
    const far = ends[1 - which];
    const met = (): number => visible(ends[which], bias ? far : 0);
    return {
      name: which === 0 ? words.left : words.right,
      own,
      at: () => clamped(pixel(met())),
      grab() {
        const [here, anchor, held] = [met(), far, score(far)];
        return ({ y }) => {
          const to = sheet().score(y);
          if (!bias) return Float64Array.of(here === 0 ? game.theta[0] : to / here);
          const w = (to - held) / (here - anchor);
          return Float64Array.of(w, held - w * anchor);
        };
      },
    };
  }

  const center: Handle = {
    name: words.middle,
    own,
    at: () => {
      const [from, to] = [visible(ends[0], ends[1]), visible(ends[1], ends[0])];
      return clamped(pixel(within(pixel(middle)) ? middle : (from + to) / 2));
    },
    grab() {
      const w = game.theta[0];
      return ({ x, y }) => Float64Array.of(w, sheet().score(y) - w * sheet().met(x));
    },
  };
  return bias ? [end(0), center, end(1)] : [end(0), end(1)];
}

/** The handles of a sigmoid: its middle moves it across, the other one turns it about its middle. */
export function sigmoidHandles(axes: () => Axes, sheet: () => Sheet, ends: [number, number], bias: boolean, game: Game): Handle[] {
  let kept = (ends[0] + ends[1]) / 2;
  const b = (): number => (bias ? game.theta[1] : 0);
  const own = (place: Place) => ownOf(axes())(place);
  const span = (ends[1] - ends[0]) / 6;

  /** Where it passes one half, as far as that is in the picture. */
  function center(): number {
    if (!bias) return 0;
    const w = game.theta[0];
    if (w !== 0) kept = Math.max(ends[0], Math.min(ends[1], -b() / w));
    return kept;
  }

  const pixel = (met: number): Place => ({ x: sheet().left(met), y: sheet().top(game.theta[0] * met + b()) });
  const beside = (): number => center() + (center() + span > ends[1] ? -span : span);

  const moves: Handle = {
    name: words.center,
    own,
    at: () => pixel(center()),
    grab() {
      const w = game.theta[0];
      return ({ x }) => {
        kept = sheet().met(x);
        return Float64Array.of(w, 0 - w * kept);
      };
    },
  };
  const turns: Handle = {
    name: words.steep,
    own,
    at: () => pixel(beside()),
    grab() {
      const [about, at] = [center(), beside()];
      const held = game.theta[0] * about + b();
      return ({ y }) => {
        const w = (sheet().score(y) - held) / (at - about);
        return bias ? Float64Array.of(w, held - w * about) : Float64Array.of(w);
      };
    },
  };
  return bias ? [moves, turns] : [turns];
}
