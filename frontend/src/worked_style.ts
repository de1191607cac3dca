// The sheet of the net and of the formulas; colours and the rest are those of style.ts.
const NET = `
.descend .net { display: block; max-width: 100%; height: auto; overflow: visible; font: inherit; }
.descend .net .wire { stroke: var(--train); fill: none; }
.descend .net .wire.minus, .descend .net .tick.minus { stroke: var(--validation); stroke-dasharray: 5 3; }
.descend .net text { fill: var(--ink); font-size: 12px; }
.descend .net .head, .descend .net .more { fill: var(--quiet); text-anchor: middle; }
.descend .net .number { text-anchor: middle; font-size: 11.5px; pointer-events: none; }
.descend .net .name { text-anchor: end; }
.descend .net .ground { fill: var(--card); stroke: var(--edge); }
.descend .net .shade { fill: var(--train); stroke: none; }
.descend .net .shade.minus { fill: var(--validation); }
.descend .net .tick { stroke: var(--ink); stroke-width: 2; }
.descend .net .tick.unknown { display: none; }
.descend .net .unit { cursor: pointer; }
.descend .net .unit:hover .ground, .descend .net .unit[aria-pressed="true"] .ground { stroke: var(--now); stroke-width: 2.5; }
.descend .net .unit:focus-visible { outline: none; }
.descend .net .unit:focus-visible .ground { stroke: var(--accent); stroke-width: 3; }
.descend .unit-words { min-height: 4.5em; }
.descend .swatch.plus-wire { color: var(--train); }
.descend .swatch.minus-wire { color: var(--validation); }
@media print { .descend .unit-words { display: none; } }
`;

const FORMULAS = `
.descend .formulas { display: grid; gap: 12px 28px; grid-template-columns: minmax(0, 1fr); }
@container descend (min-width: 900px) { .descend .formulas { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
.descend .formula { border-top: 1px solid var(--line); padding-top: 8px; min-width: 0; }
.descend h4 { font-size: 0.875rem; font-weight: 600; color: var(--quiet); }
.descend .worked { overflow-x: auto; overflow-y: hidden; padding: 4px 0; line-height: 2.1; }
.descend .worked math { font-size: 1.08rem; margin-inline-end: 0.2em; }
@container descend (max-width: 470px) { .descend .worked math { font-size: 0.95rem; } }
.descend .worked mtd { text-align: start; padding: 1px 3px; }
`;

let sheet: CSSStyleSheet | null = null;

export function adoptWorkedStyle(el: Element): void {
  const root = el.getRootNode() as Document | ShadowRoot;
  if (sheet === null) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(NET + FORMULAS);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
}
