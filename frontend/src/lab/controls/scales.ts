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

/** A scale for a number of which only the range and the usual value are known. */
export function scaleFor(low: number, high: number, usual: number, whole: boolean): Scale {
  if (low === 0 && high === 1 && usual >= 0.8 && usual < 1) return towardsOne(0.9999);
  const end = Number.isFinite(high) ? high : Math.max(100 * usual, 1);
  if (whole) return end - low > 100 ? logarithmic(Math.max(low, 1), end, true) : even(low, end, 1);
  if (Number.isFinite(high) && high - low <= 1) return even(low, high, 0.01);
  const begin = low > 0 ? low : Math.min(usual > 0 ? usual / 1000 : 1e-6, 1e-3);
  return logarithmic(begin, end);
}
