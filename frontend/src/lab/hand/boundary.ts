// The handles of a straight boundary over two features: its ends turn it, its middle moves it, and
// the handle beside it says how steep it is.
import { type Axes, clipped, inside } from "../../charts/axes";
import { metFrom, ownUnit } from "../../charts/rows";
import type { Page } from "../../contract";
import { text } from "../text";
import { polyline } from "./drawing";
import type { Game } from "./game";
import type { Handle, Place } from "./handles";
import { ownOf } from "./plane";

type Point = [number, number]; // as the model meets two features
const words = text.hand.handles;
const INSET = 0.06; // of the boundary's length in the picture, that its ends stay away from the edge

export function boundaryHandles(page: Page, axes: () => Axes, bias: boolean, game: Game): Handle[] {
  const level = page.loss.proper ? Math.log(9) : 1; // a probability of 0.9, or the margin
  const own = (place: Place) => ownOf(axes())(place);
  const point = ({ x, y }: Place): Point => [metFrom(page, 0, axes().x.invert(x)), metFrom(page, 1, axes().y.invert(y))];
  const pixel = ([u, v]: Point): Place => ({ x: axes().x(ownUnit(page, 0, u)), y: axes().y(ownUnit(page, 1, v)) });
  const weights = (): Point => [game.theta[0], game.theta[1]];
  const b = (): number => (bias ? game.theta[2] : 0);
  const made = ([u, v]: Point, offset: number): Float64Array => (bias ? Float64Array.of(u, v, offset) : Float64Array.of(u, v));

  /** Where the boundary enters and leaves the picture. */
  function crossing(): [Point, Point] | null {
    const { left, right, top, bottom } = axes().area;
    const [low, high] = [point({ x: left, y: bottom }), point({ x: right, y: top })];
    const [u, v] = weights();
    const found: Point[] = [];
    for (const at of [low[0], high[0]]) if (v !== 0) found.push([at, -(u * at + b()) / v]);
    for (const at of [low[1], high[1]]) if (u !== 0) found.push([-(v * at + b()) / u, at]);
    const slack = 1e-9 * Math.max(high[0] - low[0], high[1] - low[1]);
    const inside = found.filter((p) => [0, 1].every((i) => p[i] >= low[i] - slack && p[i] <= high[i] + slack));
    if (inside.length < 2) return null;
    const sorted = inside.sort((p, q) => p[0] - q[0] || p[1] - q[1]);
    return [sorted[0], sorted[sorted.length - 1]];
  }

  function along(share: number): Point | null {
    const ends = crossing();
    return ends === null ? null : between(ends[0], ends[1], share);
  }

  const middle = (): Point | null => (bias ? along(0.5) : [0, 0]);
  const place = (found: Point | null): Place | null => (found === null ? null : pixel(found));

  /** Turns about the other end; without a bias about where the features are 0. */
  function end(share: number): Handle {
    return {
      name: share < 0.5 ? words.one : words.other,
      own,
      at: () => place(along(share)),
      grab() {
        const anchor: Point = bias ? (along(1 - share) ?? [0, 0]) : [0, 0];
        const steep = Math.hypot(...weights());
        let before = weights();
        return (to) => {
          const [u, v] = point(to);
          const across: Point = [-(v - anchor[1]), u - anchor[0]];
          const length = Math.hypot(...across);
          if (length === 0) return Float64Array.from(game.theta);
          // Of the two sides the one that was: the labels do not change places.
          const turn = (across[0] * before[0] + across[1] * before[1] < 0 ? -steep : steep) / length;
          before = [turn * across[0], turn * across[1]];
          return made(before, -(before[0] * anchor[0] + before[1] * anchor[1]));
        };
      },
    };
  }

  const moves: Handle = {
    name: words.across,
    own,
    at: () => place(middle()),
    grab() {
      const w = weights();
      return (to) => {
        const [u, v] = point(to);
        return made(w, -(w[0] * u + w[1] * v));
      };
    },
  };

  const margin: Handle = {
    name: words.margin,
    own,
    at() {
      const [from, w] = [middle(), weights()];
      const steep = w[0] ** 2 + w[1] ** 2;
      return from === null || steep === 0 ? null : kept(pixel([from[0] + (level * w[0]) / steep, from[1] + (level * w[1]) / steep]), axes());
    },
    grab() {
      const [from, w] = [middle() ?? [0, 0], weights()];
      const size = Math.hypot(...w);
      const unit: Point = [w[0] / size, w[1] / size];
      const least = Math.abs(metFrom(page, 0, axes().x.invert(axes().area.left + 3)) - metFrom(page, 0, axes().x.invert(axes().area.left)));
      return (to) => {
        const [u, v] = point(to);
        const far = (u - from[0]) * unit[0] + (v - from[1]) * unit[1];
        const steep = level / (Math.abs(far) < least ? (far < 0 ? -least : least) : far);
        const next: Point = [steep * unit[0], steep * unit[1]];
        return made(next, -(next[0] * from[0] + next[1] * from[1]));
      };
    },
  };
  return bias ? [end(INSET), moves, end(1 - INSET), margin] : [end(INSET), end(1 - INSET), margin];
}

/** The boundary of other parameters, such as the machine's, drawn across the picture. */
export function drawBoundary(context: CanvasRenderingContext2D, page: Page, axes: Axes, theta: ArrayLike<number>, colour: string): void {
  const [u, v, offset = 0] = Array.from(theta);
  const ends = [axes.x.domain(), axes.y.domain()].map((domain, i) => domain.map((own) => metFrom(page, i, own)));
  const steep = Math.abs(u) > Math.abs(v);
  const spots = (steep ? ends[1] : ends[0]).map((at): [number, number] => {
    const other = -(offset + (steep ? v : u) * at) / (steep ? u : v);
    const [a, b] = steep ? [other, at] : [at, other];
    return [clipped(axes.x(ownUnit(page, 0, a))), clipped(axes.y(ownUnit(page, 1, b)))];
  });
  inside(context, axes.area, () => polyline(context, spots, { colour, width: 2.2, dash: [6, 5] }));
}

function between(from: Point, to: Point, share: number): Point {
  return [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])];
}

/** Inside the picture, so that it can still be taken hold of. */
function kept({ x, y }: Place, { area }: Axes): Place {
  return { x: Math.max(area.left, Math.min(area.right, x)), y: Math.max(area.top, Math.min(area.bottom, y)) };
}
