// The squares of the errors over the rows: their mean area is the MSE.
import { setAttribute, setText } from "../../charts/elements";
import { figure } from "../../charts/figures";
import { text } from "../text";
import type { Curve } from "./curve";
import type { Game } from "./game";
import type { Problem } from "./problem";

const SVG = "http://www.w3.org/2000/svg";
const MOST = 200; // squares drawn

export interface Squares {
  element: SVGSVGElement;
  draw(on: boolean, words: Element): void;
}

export function canSquare({ store: { page }, maths, shown }: Problem): boolean {
  return page.loss.name === "squared_error" && maths.net.d === 1 && maths.net.k === 1 && shown.d === 1;
}

export function makeSquares(problem: Problem, game: Game, picture: Curve): Squares {
  const { X, y, count } = problem.rows;
  const stride = Math.max(1, Math.ceil(count / MOST));
  const shown = Math.ceil(count / stride);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "squares");
  svg.setAttribute("aria-hidden", "true");
  const squares = Array.from({ length: shown }, () => document.createElementNS(SVG, "rect"));
  const mean = document.createElementNS(SVG, "rect");
  mean.setAttribute("class", "mean");
  svg.append(...squares, mean);
  // Many squares lie over one another: each is the paler.
  svg.style.setProperty("--strength", `${Math.max(1.5, Math.min(12, 240 / shown))}%`);

  function place(square: SVGRectElement, i: number): number {
    const { area } = picture.axes();
    const sheet = picture.sheet();
    const score = game.theta[0] * X[i] + (game.theta[1] ?? 0);
    const [left, from, to] = [sheet.left(X[i]), sheet.top(y[i]), sheet.top(score)];
    const side = Math.abs(to - from);
    const x = left > (area.left + area.right) / 2 ? left - side : left; // towards the middle
    setAttribute(square, "x", String(x - area.left));
    setAttribute(square, "y", String(Math.min(from, to) - area.top));
    setAttribute(square, "width", String(side));
    setAttribute(square, "height", String(side));
    return (score - y[i]) ** 2;
  }

  /** One square of the mean area, in the lower left corner. */
  function placeMean(root: number): void {
    const { area } = picture.axes();
    const sheet = picture.sheet();
    const side = Math.abs(sheet.top(root) - sheet.top(0));
    setAttribute(mean, "x", "4");
    setAttribute(mean, "y", String(area.bottom - area.top - side - 4));
    setAttribute(mean, "width", String(side));
    setAttribute(mean, "height", String(side));
  }

  return {
    element: svg,
    draw(on, words) {
      svg.toggleAttribute("hidden", !on);
      words.toggleAttribute("hidden", !on);
      if (!on) return;
      const { left, top, right, bottom } = picture.axes().area;
      svg.style.setProperty("transform", `translate(${left}px, ${top}px)`);
      setAttribute(svg, "width", String(right - left));
      setAttribute(svg, "height", String(bottom - top));
      let sum = 0;
      squares.forEach((square, i) => {
        sum += place(square, i * stride);
      });
      placeMean(Math.sqrt(sum / shown));
      const { scale } = problem.store.page.target;
      setText(words, text.hand.squaresSay(figure((sum / shown) * scale * scale, 5), shown, count));
    },
  };
}
