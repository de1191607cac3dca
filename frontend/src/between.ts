// In place of d3-interpolate, which would bring all of d3-color (package.json names this file as its
// alias): our scales map numbers to numbers, so numbers are all that lies between two values.

/** What lies at a share of the way from a to b. */
export function interpolateNumber(a: number, b: number): (share: number) => number {
  const [from, to] = [Number(a), Number(b)];
  return (share) => from * (1 - share) + to * share;
}

export function interpolateRound(a: number, b: number): (share: number) => number {
  const between = interpolateNumber(a, b);
  return (share) => Math.round(between(share));
}

export { interpolateNumber as interpolate };

/** Scales of several pieces, which we have none of. */
export function piecewise(): never {
  throw new Error("The page has no scales of several pieces.");
}
