// A branch's losses as a small line, and where it stands, kept new while it trains.
import { extent } from "../../charts/axes";
import type { BranchTold, Course } from "../contract";

const SVG = "http://www.w3.org/2000/svg";
const [WIDE, HIGH] = [72, 22];

/** A small line of losses on a log axis, where they allow for one. */
export interface Spark {
  element: SVGSVGElement;
  draw(course: BranchTold["course"], reach: number, heights: readonly [number, number] | null): void;
}

export function makeSpark(place: number): Spark {
  const element = document.createElementNS(SVG, "svg");
  element.setAttribute("viewBox", `0 0 ${WIDE} ${HIGH}`);
  element.setAttribute("class", "spark");
  element.setAttribute("aria-hidden", "true"); // the loss stands beside it
  const line = document.createElementNS(SVG, "polyline");
  line.style.setProperty("stroke", `var(--class-${place})`);
  element.append(line);
  return {
    element,
    draw([steps, losses], reach, heights) {
      line.setAttribute("points", heights === null ? "" : pointsOf(steps, losses, reach, heights));
    },
  };
}

function pointsOf(steps: number[], losses: number[], reach: number, [low, high]: readonly [number, number]): string {
  const scaled = scaleOf(low, high);
  return steps
    .map((step, i) => {
      const x = 1 + ((WIDE - 2) * step) / Math.max(1, reach);
      return `${x.toFixed(1)},${(1 + (HIGH - 2) * (1 - scaled(losses[i]))).toFixed(1)}`;
    })
    .join(" ");
}

/** From a loss to its height, 0 to 1; logarithmic where all losses are above 0. */
function scaleOf(low: number, high: number): (loss: number) => number {
  const log = low > 0;
  const [from, to] = log ? [Math.log(low), Math.log(high)] : [low, high];
  return (loss) => ((log ? Math.log(loss) : loss) - from) / (to - from || 1);
}

/** The range of all losses, so that the small lines can be held against each other. */
export function heightsOf(courses: Pick<Course, "course">[]): readonly [number, number] | null {
  return extent(courses.flatMap(({ course }) => course[1]));
}
