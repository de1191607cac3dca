// What the lab adds to the page's style sheet.
import { SHARE } from "./share/style";

const LAB = `
.descend.lab .said:empty { display: none; }
.descend.lab .said[data-severity="error"] { border-left: 3px solid var(--validation); padding-left: 10px; }
.descend.lab .columns { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; }
@container descend (min-width: 1100px) {
  .descend.lab .columns:has(.side > .part) { grid-template-columns: 300px minmax(0, 1fr); }
}
`;

let sheet: CSSStyleSheet | null = null;

/** Gives the element's document, or the shadow root it is in, the lab's sheet; once. */
export function adoptLabStyle(el: Element): void {
  const root = el.getRootNode() as Document | ShadowRoot;
  if (sheet === null) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(LAB + SHARE);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
}
