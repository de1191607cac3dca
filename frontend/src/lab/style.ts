// What the lab adds to the page's style sheet.
const LAB = `
.descend.lab .said:empty { display: none; }
.descend.lab .said[data-severity="error"] { border-left: 3px solid var(--validation); padding-left: 10px; }
.descend.lab .columns { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; }
@container descend (min-width: 1100px) {
  .descend.lab .columns:has(.side > .part) { grid-template-columns: 300px minmax(0, 1fr); }
}
`;

// The playbar: two lines on a wide screen, one thing below the other on a phone.
const PLAY = `
.descend .playbar {
  grid-template: "buttons track step speed" auto "standing standing standing standing" auto / auto minmax(0, 1fr) auto auto;
}
.descend .playbar .standing { grid-area: standing; display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: center; min-width: 0; }
.descend .playbar .status { flex: 1 1 16em; color: var(--quiet); font-size: 0.875em; }
.descend .playbar .status[data-kind="ended"] { color: var(--ink); border-left: 3px solid var(--validation); padding-left: 10px; }
.descend .playbar .acts { display: flex; flex-wrap: wrap; gap: 5px; }
.descend .playbar .mark.change { color: var(--accent); }
.descend .playbar button[aria-disabled="true"] { opacity: 0.45; cursor: default; }
.descend .playbar .step input { width: 6.4em; }
@container descend (max-width: 900px) {
  .descend .playbar {
    grid-template: "track track track" auto "buttons step speed" auto "standing standing standing" auto / auto 1fr auto;
  }
  .descend .playbar .speed > span, .descend .playbar .step .word { display: none; }
}
@container descend (max-width: 620px) {
  .descend .playbar {
    grid-template: "track track" auto "buttons buttons" auto "step speed" auto "standing standing" auto / 1fr auto;
  }
  .descend .playbar .buttons button { flex: 1 1 auto; padding-inline: 4px; }
  .descend .playbar .acts button { flex: 1 1 auto; }
}
`;

const METRICS = `
.descend.lab .confusions { display: flex; flex-wrap: wrap; gap: 10px 28px; }
.descend.lab table.confusion td { text-align: center; padding: 5px 12px; }
.descend.lab table.confusion td.right { background: color-mix(in srgb, var(--train) calc(var(--share) * 0.3), transparent); }
.descend.lab table.confusion td.wrong { background: color-mix(in srgb, var(--validation) calc(var(--share) * 0.3), transparent); }
`;

let sheet: CSSStyleSheet | null = null;

/** Gives the element's document, or the shadow root it is in, the lab's sheet; once. */
export function adoptLabStyle(el: Element): void {
  const root = el.getRootNode() as Document | ShadowRoot;
  if (sheet === null) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(LAB + PLAY + METRICS);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
}
