// Numbers as people read them, with the full ones beside them for tests and for the curious.
import { make, setAttribute, setText } from "./elements";

/** At most `digits` significant figures: 0.0421, 1 234 000, 1.2e300; words for what is none. */
export function figure(value: number, digits = 3): string {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "infinite" : "minus infinite";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return signed(exponential(value, digits));
  const shown = Number(value.toPrecision(size >= 10 ** digits ? Math.ceil(Math.log10(size) + 1e-9) : digits));
  return signed(grouped(shown));
}

function exponential(value: number, digits: number): string {
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  return `${Number(mantissa)}e${Number(exponent)}`;
}

function signed(text: string): string {
  return text.replaceAll("-", "−");
}

function grouped(value: number): string {
  const [whole, part] = String(value).split(".");
  const digits = whole.replace("-", "");
  const spaced = digits.length > 4 ? digits.replace(/\B(?=(\d{3})+$)/g, "\u202f") : digits;
  return `${value < 0 ? "-" : ""}${spaced}${part === undefined ? "" : `.${part}`}`;
}

/** A whole number: 130, 12 000. */
export function count(value: number): string {
  return grouped(value);
}

/** A number and its noun: "1 row", "12 rows". */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** A share of one in percent: 17 %, 0.4 %, 99.8 %, "under 0.1 %". */
export function percent(share: number): string {
  const value = 100 * share;
  if (value > 0 && value < 0.1) return "under 0.1 %";
  if (value > 99 && value < 100) return `${Math.floor(10 * value) / 10} %`; // never rounded to all
  return `${value >= 10 ? Math.round(value) : Number(value.toPrecision(2))} %`;
}

/** A number on the page: read as `figure` says, and known in full as data-value. */
export function valueSpan(name: string): HTMLSpanElement {
  return make("span", { class: "value", "data-name": name });
}

/** Puts a number into its span. */
export function setValue(span: HTMLElement, value: number, digits = 3): void {
  setText(span, figure(value, digits));
  setAttribute(span, "data-value", String(value));
}

/** A name that fits: its middle gives way. */
export function short(name: string, most = 24): string {
  if (name.length <= most) return name;
  const half = Math.floor((most - 1) / 2);
  return `${name.slice(0, most - 1 - half)}…${name.slice(-half)}`;
}
