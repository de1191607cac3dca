// What the lab adds to the page's style sheet.
import { CONTROLS } from "./controls/style";

const LAB = `
.descend.lab .said:empty { display: none; }
.descend.lab .said[data-severity="error"] { border-left: 3px solid var(--validation); padding-left: 10px; }
.descend.lab > .top { position: sticky; top: 0; z-index: 6; }
.descend.lab > .columns { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; }
@container descend (min-width: 1100px) {
  .descend.lab > .columns:has(> .side > .part:not([hidden])) { grid-template-columns: 300px minmax(0, 1fr); }
  .descend.lab > .columns > .side {
    position: sticky; top: 84px; align-self: start; max-height: calc(100dvh - 92px); overflow-y: auto;
    scrollbar-width: thin; scrollbar-color: var(--edge) transparent; padding: 2px; margin: -2px;
  }
}
`;

let sheet: CSSStyleSheet | null = null;

/** Gives the element's document, or the shadow root it is in, the lab's sheet; once. */
export function adoptLabStyle(el: Element): void {
  const root = el.getRootNode() as Document | ShadowRoot;
  if (sheet === null) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(LAB + CONTROLS);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
}
