// Where branches came from: a line each along the updates, from where it left its origin's.
import type { BranchTold } from "../contract";

const SVG = "http://www.w3.org/2000/svg";
const [WIDE, HIGH] = [100, 40];

/** Branches in the order of a tree: each after its origin, and before its origin's younger ones. */
export function inTreeOrder(branches: BranchTold[]): BranchTold[] {
  const there = new Set(branches.map(({ number }) => number));
  const from = (one: BranchTold): number | null =>
    one.origin !== null && there.has(one.origin.branch) ? one.origin.branch : null;
  const found: BranchTold[] = [];
  const add = (origin: number | null): void => {
    for (const branch of branches) {
      if (from(branch) !== origin) continue;
      found.push(branch);
      add(branch.number);
    }
  };
  add(null);
  return found;
}

/** How many origins a branch has before it, among those that are there. */
export function depthOf(branch: BranchTold, branches: BranchTold[]): number {
  const origin = branches.find(({ number }) => number === branch.origin?.branch);
  return origin === undefined ? 0 : 1 + depthOf(origin, branches);
}

/** The part of the tree that belongs to a row: its own line, and those that pass by on their way. */
export function treeRow(branches: BranchTold[], row: number): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDE} ${HIGH}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "tree");
  svg.setAttribute("aria-hidden", "true"); // the words of the row say it
  const reach = Math.max(1, ...branches.map(({ updates }) => updates));
  const x = (step: number): number => 3 + ((WIDE - 6) * step) / reach;
  branches.forEach((branch, at) => {
    const origin = branches.findIndex(({ number }) => number === branch.origin?.branch);
    if (origin < 0 || row < origin || row > at) return;
    const [top, bottom] = [row === origin ? HIGH / 2 : 0, row === at ? HIGH / 2 : HIGH];
    svg.append(lineOf(branch.place, x(branch.origin?.step ?? 0), top, x(branch.origin?.step ?? 0), bottom));
  });
  const mine = branches[row];
  const from = branches.some(({ number }) => number === mine.origin?.branch) ? (mine.origin?.step ?? 0) : 0;
  const own = lineOf(mine.place, x(from), HIGH / 2, x(Math.max(mine.updates, from)) + 0.01, HIGH / 2);
  own.classList.add("own");
  svg.append(own);
  return svg;
}

function lineOf(place: number, x1: number, y1: number, x2: number, y2: number): SVGLineElement {
  const line = document.createElementNS(SVG, "line");
  Object.entries({ x1, y1, x2, y2 }).forEach(([name, value]) => line.setAttribute(name, String(value)));
  line.setAttribute("vector-effect", "non-scaling-stroke");
  line.style.setProperty("stroke", `var(--class-${place})`);
  return line;
}
