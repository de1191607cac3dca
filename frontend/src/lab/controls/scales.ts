// From a slider's place, 0 to 1, to a number and back.

export interface Scale {
  readonly low: number;
  readonly high: number;
  at(place: number): number;
  place(value: number): number; // may lie outside of 0 to 1
}

/** Even steps. */
export function even(low: number, high: number, step: number): Scale {
  return {
    low,
    high,
    at: (place) => rounded(low + Math.round((place * (high - low)) / step) * step, 10),
    place: (value) => (value - low) / (high - low),
  };
}

/** Each decade as long as any other. */
export function logarithmic(low: number, high: number, whole = false): Scale {
  const [from, to] = [Math.log10(low), Math.log10(high)];
  return {
    low,
    high,
    at(place) {
      const value = 10 ** (from + place * (to - from));
      return whole ? Math.round(value) : rounded(value, 3);
    },
    place: (value) => (to > from ? (Math.log10(value) - from) / (to - from) : 0),
  };
}

/** For shares that matter the closer they are to one: 0, 0.9, 0.99, 0.999 stand equally far apart. */
export function towardsOne(most: number): Scale {
  const decades = -Math.log10(1 - most);
  return {
    low: 0,
    high: most,
    at: (place) => rounded(1 - rounded(10 ** (-decades * place), 3), 10),
    place: (value) => -Math.log10(1 - value) / decades,
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}

/** A scale for a number of which the range, null where it has no end, and the usual value are known. */
export function scaleFor(low: number | null, high: number | null, usual: number, whole: boolean): Scale {
  if (low === 0 && high === 1 && usual >= 0.8) return towardsOne(0.9999);
  if (low === 0 && high !== null && usual > 0 && usual < 0.01) return logarithmic(usual / 1e3, high);
  if (low !== null && high !== null) return even(low, high, whole ? 1 : 0.01);
  if (whole) return logarithmic(Math.max(low ?? 1, 1), Math.max(100, 10 * usual), true);
  return usual > 0 ? logarithmic(usual / 1e4, Math.max(100 * usual, 1)) : even(low ?? -1, high ?? 1, 0.001);
}
