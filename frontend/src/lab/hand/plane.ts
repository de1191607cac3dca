// Between a picture's pixels, the data's own units and what the model meets.
import type { Axes } from "../../charts/axes";
import { metFrom, ownUnit, targetUnit } from "../../charts/rows";
import type { Page } from "../../contract";
import type { Place } from "./handles";

/** Of a model with one feature: the feature across, what is predicted up. */
export interface Sheet {
  met(x: number): number; // pixel across to what the model meets
  left(met: number): number;
  score(y: number): number; // pixel up to the score that predicts it
  top(score: number): number;
  link(score: number): number;
}

const NEAR_CERTAIN = 0.002;

export function sheetOf(page: Page, axes: Axes): Sheet {
  const proper = page.loss.targets === "two labels" && page.loss.proper;
  const counts = page.loss.name === "poisson";
  const link = (score: number): number => (proper ? 1 / (1 + Math.exp(-score)) : counts ? Math.exp(score) : score);
  const unlink = (value: number): number => {
    if (proper) {
      const p = Math.max(NEAR_CERTAIN, Math.min(1 - NEAR_CERTAIN, value));
      return Math.log(p / (1 - p));
    }
    return counts ? Math.log(Math.max(value, 1e-6)) : value;
  };
  const { mean, scale } = numbers(page) ? page.target : { mean: 0, scale: 1 };
  return {
    met: (x) => metFrom(page, 0, axes.x.invert(x)),
    left: (met) => axes.x(ownUnit(page, 0, met)),
    score: (y) => unlink((axes.y.invert(y) - mean) / (scale || 1)),
    top: (score) => axes.y(numbers(page) ? targetUnit(page, link(score)) : link(score)),
    link,
  };
}

function numbers({ loss }: Page): boolean {
  return loss.targets === "numbers" || loss.targets === "counts";
}

export function ownOf(axes: Axes): (place: Place) => { x: number; y: number } {
  return ({ x, y }) => ({ x: axes.x.invert(x), y: axes.y.invert(y) });
}
