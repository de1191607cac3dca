// Elements of SVG and of MathML, made like those of charts/elements.ts: no innerHTML, and whatever
// comes from the data is a text node.
const SVG = "http://www.w3.org/2000/svg";
const MATHML = "http://www.w3.org/1998/Math/MathML";

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number> = {},
  ...children: (Node | string)[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

export function math(tag: string, ...children: (Node | string)[]): MathMLElement {
  const element = document.createElementNS(MATHML, tag) as MathMLElement;
  element.append(...children);
  return element;
}
