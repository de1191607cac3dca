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

let sheet: CSSStyleSheet | null = null;

export function adoptWorkedStyle(el: Element): void {
  const root = el.getRootNode() as Document | ShadowRoot;
  if (sheet === null) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(NET);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
}
