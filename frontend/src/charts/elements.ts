// Elements, made without innerHTML: whatever comes from the data is a text node.

type Child = Node | string | null;
type Attributes = Record<string, string>;

const SVG = "http://www.w3.org/2000/svg";
// Several pages may share a document, and each may have loaded its own copy of this module.
const OURS = Math.random().toString(36).slice(2, 8);
let made = 0;

/** An id that nothing else in the document has. */
export function freshId(word: string): string {
  made += 1;
  return `descend-${OURS}-${word}-${made}`;
}

/** An element with its attributes and children; `class` is the class, the rest as in HTML. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child): child is Node | string => child !== null));
  return element;
}

/** A drawn sign in a 16 by 16 box, in the colour of its text; never the only bearer of meaning. */
export function icon(path: string, look: "full" | "line" = "full"): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `icon ${look}`);
  svg.setAttribute("aria-hidden", "true");
  const drawn = document.createElementNS(SVG, "path");
  drawn.setAttribute("d", path);
  svg.append(drawn);
  return svg;
}

/** A button that shows a sign and is called by words. */
export function iconButton(words: string, path: string, act: () => void): HTMLButtonElement {
  const button = make("button", { type: "button", "aria-label": words, title: words }, icon(path));
  button.addEventListener("click", act);
  return button;
}

/** A button with words on it. */
export function wordButton(words: string, act: () => void): HTMLButtonElement {
  const button = make("button", { type: "button" }, words);
  button.addEventListener("click", act);
  return button;
}

/** A choice of one of several, with its name before it. */
export function choice(
  name: string,
  options: readonly { value: string; words: string }[],
  value: string,
  chosen: (value: string) => void,
): { label: HTMLLabelElement; select: HTMLSelectElement } {
  const select = make("select");
  for (const option of options) {
    select.append(make("option", { value: option.value }, option.words));
  }
  select.value = value;
  select.addEventListener("change", () => chosen(select.value));
  return { label: make("label", { class: "choice" }, make("span", {}, name), select), select };
}

/** A switch with its name after it. */
export function checkbox(
  name: string,
  on: boolean,
  changed: (on: boolean) => void,
): { label: HTMLLabelElement; input: HTMLInputElement } {
  const input = make("input", { type: "checkbox" });
  input.checked = on;
  input.addEventListener("change", () => changed(input.checked));
  return { label: make("label", { class: "choice" }, input, make("span", {}, name)), input };
}

/** Changes a text only where it differs: an unchanged one costs nothing. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Changes an attribute only where it differs. */
export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
