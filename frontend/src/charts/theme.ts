// Colours for what is drawn on canvases: the sheet's own, asked for once and after each change.

/** What style.ts names with two dashes. */
const NAMES = [
  "card",
  "ink",
  "quiet",
  "line",
  "accent",
  "train",
  "validation",
  "fit",
  "now",
  "faint",
  "extra",
  "low",
  "high",
] as const;
type Name = (typeof NAMES)[number];

export const CLASSES = 8;

export interface Theme extends Record<Name, string> {
  classes: string[];
  dark: boolean;
  font: string; // of labels on canvases
}

export type Rgb = readonly [number, number, number];

const known = new WeakMap<Element, Theme>();

/** The colours that hold inside an element of the page. */
export function themeOf(inside: Element): Theme {
  const root = inside.closest(".descend") ?? inside;
  const found = known.get(root) ?? asked(root);
  known.set(root, found);
  return found;
}

/** After a change of scheme: they are asked for again. */
export function forgetTheme(root: Element): void {
  known.delete(root);
}

function asked(root: Element): Theme {
  const probe = document.createElement("span");
  root.append(probe);
  const colour = (name: string): string => {
    probe.style.setProperty("color", `var(--${name})`);
    return getComputedStyle(probe).color;
  };
  const theme = Object.fromEntries(NAMES.map((name) => [name, colour(name)])) as Record<Name, string>;
  const classes = Array.from({ length: CLASSES }, (_, i) => colour(`class-${i}`));
  const { fontFamily } = getComputedStyle(probe);
  probe.remove();
  const [red, green, blue] = rgb(theme.card);
  return { ...theme, classes, dark: red + green + blue < 384, font: `12px ${fontFamily}` };
}

/** The numbers in "rgb(1, 2, 3)". */
export function rgb(colour: string): Rgb {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return [red, green, blue];
}

/** Between two colours: at 0 the first, at 1 the second. */
export function mixed(from: Rgb, to: Rgb, share: number): Rgb {
  const at = (i: 0 | 1 | 2): number => Math.round(from[i] + share * (to[i] - from[i]));
  return [at(0), at(1), at(2)];
}

export function css([red, green, blue]: Rgb, alpha = 1): string {
  return `rgb(${red} ${green} ${blue} / ${alpha})`;
}

/** Calls back when light turns to dark, by the reader's system, by the host, or for paper. */
export function onScheme(root: HTMLElement, changed: () => void): () => void {
  const ends = new AbortController();
  const follow = (): void => {
    const scheme = hostScheme(root);
    if (scheme === null) root.style.removeProperty("color-scheme");
    else root.style.setProperty("color-scheme", scheme);
    forgetTheme(root);
    changed();
  };
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", follow, { signal: ends.signal });
  }
  const watch = new MutationObserver(follow);
  for (const element of [document.documentElement, document.body]) {
    watch.observe(element, { attributes: true, attributeFilter: ["class", "style", "data-theme", JUPYTER] });
  }
  const scheme = hostScheme(root);
  if (scheme !== null) root.style.setProperty("color-scheme", scheme);
  return () => {
    ends.abort();
    watch.disconnect();
  };
}

const JUPYTER = "data-jp-theme-light";

/** What the host says in its own way; null where it says nothing or says it by color-scheme. */
function hostScheme(root: Element): "light" | "dark" | null {
  if (matchMedia("print").matches) return "light";
  const jupyter = document.body.getAttribute(JUPYTER) ?? root.closest(`[${JUPYTER}]`)?.getAttribute(JUPYTER);
  if (jupyter !== undefined && jupyter !== null) return jupyter === "false" ? "dark" : "light";
  const { classList, dataset } = document.documentElement;
  const named = dataset.theme ?? document.body.dataset.theme;
  if (named === "dark" || named === "light") return named;
  const vscode = document.body.classList;
  if (vscode.contains("vscode-dark") || vscode.contains("dark") || classList.contains("dark")) return "dark";
  return null;
}
