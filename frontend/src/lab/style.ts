// What the lab adds to the page's style sheet.
import { INSIDE } from "./inside/style";
import { SHARE } from "./share/style";

const HAND = `
.descend.lab .modes { margin-bottom: 10px; }
.descend.lab .modes > div { display: inline-flex; }
.descend.lab .mode { min-width: 108px; min-height: 36px; border-radius: 0; }
.descend.lab .mode:first-child { border-radius: 9px 0 0 9px; }
.descend.lab .mode:last-child { border-radius: 0 9px 9px 0; border-left: 0; }
.descend.lab .mode[aria-pressed="true"] { background: var(--accent); color: var(--on-accent); border-color: transparent; font-weight: 620; }
.descend.lab[data-mode="hand"] .board, .descend.lab[data-mode="hand"] .side { display: none; }
.descend.lab[data-mode="hand"] .columns { grid-template-columns: minmax(0, 1fr) !important; }
.descend.lab .hand > section { display: grid; gap: 10px; }
.descend.lab .hand .choices { gap: 8px 12px; }
.descend.lab .held { position: relative; }
.descend.lab .handle {
  position: absolute; left: -13px; top: -13px; width: 26px; height: 26px; border-radius: 50%;
  background: color-mix(in srgb, var(--accent) 30%, transparent); border: 2.5px solid var(--accent);
  cursor: grab; touch-action: none;
}
.descend.lab .handle::after { content: ""; position: absolute; inset: 6px; border-radius: 50%; background: var(--accent); }
.descend.lab .handle:active { cursor: grabbing; }
.descend.lab .handle:focus-visible { border-radius: 50%; }
.descend.lab .squares { position: absolute; left: 0; top: 0; pointer-events: none; overflow: hidden; }
.descend.lab .squares rect {
  fill: color-mix(in srgb, var(--validation) 9%, transparent); stroke: var(--validation); stroke-opacity: 0.55; stroke-width: 1;
}
.descend.lab .sliders { display: grid; gap: 4px; margin: 8px 0; }
.descend.lab .slider {
  display: grid; grid-template-columns: minmax(1.4em, auto) minmax(0, 1fr) 1em 7em; gap: 8px; align-items: center; font-size: 0.9em;
}
.descend.lab .many .slider { grid-template-columns: 9.5em minmax(0, 1fr) 1em 7em; }
.descend.lab .slider input[type="number"] { width: 100%; }
.descend.lab .slider .name { overflow-wrap: anywhere; font-weight: 600; }
.descend.lab .way { color: var(--now); text-align: center; }
.descend.lab .standing { display: grid; gap: 10px; justify-items: start; }
.descend.lab .standing .now { margin-bottom: 2px; }
.descend.lab .gap:empty { display: none; }
.descend.lab .standing button[aria-disabled="true"] { opacity: 0.6; cursor: default; }
.descend.lab .predict { border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); padding: 8px 0; width: 100%; }
@container descend (max-width: 470px) {
  .descend.lab .many .slider { grid-template-columns: 6.4em minmax(0, 1fr) 1em 5.6em; }
  .descend.lab .slider { grid-template-columns: minmax(1.4em, auto) minmax(0, 1fr) 1em 5.6em; }
}
`;

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
    sheet.replaceSync(LAB + HAND + INSIDE + SHARE);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
}
