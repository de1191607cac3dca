// What the lab adds to the page's style sheet.
import { CONTROLS } from "./controls/style";
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
.descend.lab[data-mode="hand"] .timeline { position: static; }
@container descend (min-width: 820px) {
  .descend.lab .room.tall .views > [data-view="picture"] { grid-row: span 2; }
  .descend.lab .room.tall .views > [data-view="race"] { grid-column: 1 / -1; }
}
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
  fill: color-mix(in srgb, var(--validation) var(--strength, 9%), transparent);
  stroke: color-mix(in srgb, var(--validation) calc(4 * var(--strength, 9%)), transparent); stroke-width: 1;
}
.descend.lab .squares .mean { fill: color-mix(in srgb, var(--validation) 30%, transparent); stroke: var(--validation); stroke-width: 2; }
.descend.lab .sliders { display: grid; grid-template-columns: minmax(1.4em, max-content) minmax(0, 1fr) 1em 7em; gap: 4px 8px; margin: 8px 0; }
.descend.lab .slider { display: grid; grid-column: 1 / -1; grid-template-columns: subgrid; align-items: center; font-size: 0.9em; }
.descend.lab .slider input[type="number"] { width: 100%; }
.descend.lab .slider .name { overflow-wrap: anywhere; font-weight: 600; }
.descend.lab .way { color: var(--validation); text-align: center; }
.descend.lab .standing { display: grid; gap: 10px; justify-items: start; }
.descend.lab .standing .now { margin-bottom: 2px; }
.descend.lab .gap:empty { display: none; }
.descend.lab .standing button[aria-disabled="true"] { opacity: 0.6; cursor: default; }
.descend.lab .predict input { min-width: 6.5em; }
.descend.lab .predict { border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); padding: 8px 0; width: 100%; }
.descend.lab .compass { display: grid; gap: 4px; justify-items: start; }
@container descend (max-width: 470px) {
  .descend.lab .sliders { grid-template-columns: minmax(1.4em, 6.6em) minmax(0, 1fr) 1em 5.6em; }
}
`;

const LAB = `
.descend.lab > .headrow { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: center; gap: 6px 14px; }
.descend.lab > .headrow { margin-bottom: 10px; }
.descend.lab > .headrow > .part { display: flex; align-items: center; gap: 6px; margin: 0; }
.descend.lab > .headrow > .part:first-child { margin-right: auto; }
.descend.lab > .curtain {
  position: fixed; inset: 0; z-index: 20; display: grid; place-items: center; pointer-events: none;
  background: color-mix(in srgb, var(--card) 82%, transparent); border: 3px dashed var(--accent); font-size: 1.2em; font-weight: 600;
}
.descend.lab > .top { display: contents; }
.descend.lab > .top > .part:has(> .timeline) { position: sticky; top: 0; z-index: 6; margin-bottom: 14px; }
.descend.lab > .top .timeline { position: static; margin-bottom: 0; }
.descend.lab > .notices { position: sticky; top: calc(var(--bar, 60px) + 8px); height: 0; z-index: 7; display: flex; justify-content: center; }
.descend.lab .notice {
  flex: none; align-self: start; display: flex; gap: 10px; align-items: start; max-width: min(72ch, calc(100% - 16px));
  background: var(--card); border: 1px solid var(--edge); border-left: 4px solid var(--accent); border-radius: 10px;
  padding: 8px 8px 8px 14px; box-shadow: 0 6px 24px rgb(0 0 0 / 0.16);
}
.descend.lab .notice.empty { border: 0; padding: 0; box-shadow: none; }
.descend.lab .notice.empty button { display: none; }
.descend.lab .notice:has([data-severity="error"]) { border-left-color: var(--validation); }
.descend.lab .notice button { border: 0; min-width: 30px; min-height: 30px; padding: 0; }
.descend.lab .said { padding-top: 3px; max-height: 40dvh; overflow-y: auto; }
.descend.lab > .columns { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; }
.descend.lab .main, .descend.lab .side { min-width: 0; }
@container descend (min-width: 1100px) {
  .descend.lab > .columns:has(> .side > .part:not([hidden])) { grid-template-columns: 300px minmax(0, 1fr); }
  .descend.lab > .columns > .side {
    position: sticky; top: calc(var(--bar, 60px) + 10px); align-self: start; max-height: calc(100dvh - var(--bar, 60px) - 18px); overflow-y: auto;
    scrollbar-width: thin; scrollbar-color: var(--edge) transparent; padding: 2px; margin: -2px;
  }
}
`;

// The playbar: two lines on a wide screen, one thing below the other on a phone.
const PLAY = `
.descend .playbar {
  grid-template: "buttons track step speed" auto "foot foot foot foot" auto / auto minmax(0, 1fr) auto auto;
}
.descend.lab:focus { outline: none; }
.descend .playbar .foot { grid-area: foot; display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: center; min-width: 0; }
.descend .playbar .status { flex: 1 1 16em; color: var(--quiet); font-size: 0.875em; }
.descend .playbar .status[data-kind="ended"] { color: var(--ink); border-left: 3px solid var(--validation); padding-left: 10px; }
.descend .playbar .aside { display: flex; flex-wrap: wrap; gap: 5px; }
.descend .playbar .mark.change { color: var(--accent); }
.descend .playbar button[aria-disabled="true"] { opacity: 0.45; cursor: default; }
.descend .playbar .step input { width: 6.4em; }
@container descend (max-width: 900px) {
  .descend .playbar {
    grid-template: "track track track" auto "buttons step speed" auto "foot foot foot" auto / auto 1fr auto;
  }
  .descend .playbar .speed > span, .descend .playbar .step .word { display: none; }
}
@container descend (max-width: 620px) {
  .descend .playbar {
    grid-template: "track track" auto "buttons buttons" auto "step speed" auto "foot foot" auto / 1fr auto;
  }
  .descend .playbar .buttons button { flex: 1 1 auto; padding-inline: 4px; }
  .descend .playbar .aside button { flex: 1 1 auto; }
}
`;

const METRICS = `
.descend.lab .confusions { display: flex; flex-wrap: wrap; gap: 10px 28px; }
.descend.lab table.confusion td { text-align: center; padding: 5px 12px; }
.descend.lab table.confusion td.right { background: color-mix(in srgb, var(--train) calc(var(--share) * 0.3), transparent); }
.descend.lab table.confusion td.wrong { background: color-mix(in srgb, var(--validation) calc(var(--share) * 0.3), transparent); }
`;

const BRANCHES = `
.descend .branching { margin-bottom: 14px; padding: 10px 14px 12px; gap: 8px; contain: none; }
.descend.lab[data-mode="hand"] .branching { display: none; }
.descend .branching-head { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 14px; }
.descend .branching-head h3 { margin-right: auto; }
.descend .branching > .buttons, .descend .race-side .buttons { display: flex; flex-wrap: wrap; gap: 6px; }
.descend .sign-of-branch { width: 15px; height: 15px; flex: none; }
.descend .branches > li {
  display: grid; align-items: center; column-gap: 12px; min-height: 36px; padding: 0 6px; border-radius: 8px;
  grid-template-columns: auto minmax(110px, max-content) minmax(0, 1fr) 90px max-content 72px auto;
}
.descend .branches > li + li { border-top: 1px solid var(--line); }
.descend .branches > li.current { background: var(--tint); }
.descend .branches .check { display: flex; }
.descend .branching .pick { display: inline-flex; align-items: center; gap: 7px; min-height: 30px; cursor: pointer; }
.descend .branches .pick { padding-left: calc(var(--depth, 0) * 12px); }
.descend .branches .called { font-weight: 600; overflow-wrap: normal; }
.descend .branching input[type="radio"] { width: 17px; height: 17px; margin: 2px; flex: none; accent-color: var(--accent); }
.descend .branching input[type="text"] {
  font: inherit; width: 11em; min-height: 28px; color: var(--ink); background: var(--card); border: 1px solid var(--edge); border-radius: 6px; padding: 2px 6px;
}
.descend .branches .differs { font-size: 0.875em; color: var(--quiet); overflow-wrap: anywhere; padding: 4px 0; }
.descend .branches .numbers { display: grid; grid-template-columns: minmax(8.4em, max-content) minmax(8em, max-content) minmax(9.6em, max-content); font-size: 0.875em; column-gap: 8px; white-space: nowrap; }
.descend .branches .numbers .loss { font-weight: 600; }
.descend .branch-tree { align-self: stretch; min-height: 36px; position: relative; }
.descend .branch-tree .tree { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.descend .branch-tree line { stroke-width: 1.5; }
.descend .branch-tree line.own { stroke-width: 4; stroke-linecap: round; }
.descend .spark { width: 72px; height: 22px; overflow: visible; }
.descend .spark polyline { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.descend .branches .acts { display: flex; gap: 2px; }
.descend .branches .acts button { border-color: transparent; background: none; min-width: 30px; padding: 3px 6px; color: var(--quiet); }
.descend .branches .acts button:hover { background: var(--tint); color: var(--ink); }
.descend .branching fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
.descend .branching legend { font-weight: 600; font-size: 0.9em; padding: 0; }
.descend .branching .rules { padding: 6px 0 2px; }
.descend .branching .rules button { margin-top: 4px; }
.descend .branching .opened { border-top: 1px solid var(--line); padding-top: 10px; display: grid; gap: 6px; }
.descend .branching .opened > * { min-width: 0; }
.descend .compared { display: grid; gap: 10px 28px; align-items: start; }
.descend .branching thead td { border-bottom: 1px solid var(--line); }
.descend .race-room { display: grid; gap: 8px 20px; grid-template-columns: minmax(0, 1fr); align-items: start; }
.descend .race-room > * { min-width: 0; }
.descend .racebar { display: grid; grid-template-columns: auto minmax(80px, 1fr) auto; gap: 6px 14px; align-items: center; }
.descend .racebar .buttons { display: flex; gap: 5px; }
.descend .race-ground .stage { cursor: crosshair; touch-action: manipulation; }
.descend .race .order { font-weight: 600; font-size: 0.95em; min-height: 3em; }
.descend .standings th, .descend .standings td { padding: 1px 10px 1px 0; overflow-wrap: normal; vertical-align: middle; }
.descend .standings thead th { vertical-align: bottom; line-height: 1.25; }
.descend .standings td { white-space: nowrap; }
.descend .standings td:last-child { padding-right: 0; }
.descend .standings th { font-weight: 400; }
.descend .race-options { margin: 8px 0; }
.descend .race-options legend { float: left; margin-right: 14px; line-height: 30px; }
.descend .said-of-it { display: grid; gap: 3px; }
@container descend (min-width: 900px) {
  .descend .race-room { grid-template-columns: minmax(0, 1.1fr) minmax(0, 1fr); }
  .descend .racebar { grid-column: 1 / -1; }
  .descend .compared { grid-template-columns: repeat(2, max-content); }
}
@container descend (max-width: 899px) {
  .descend .branches > li { grid-template-columns: auto minmax(0, 1fr) 72px auto; row-gap: 0; padding-bottom: 6px; }
  .descend .branch-tree { display: none; }
  .descend .branches .differs { grid-column: 2 / -1; grid-row: 2; padding: 0; }
  .descend .branches .numbers { grid-column: 2 / -1; grid-row: 3; display: flex; flex-wrap: wrap; gap: 0 12px; }
  .descend .racebar { grid-template-columns: minmax(0, 1fr) auto; }
  .descend .racebar input { grid-column: 1 / -1; grid-row: 2; }
}
@container descend (max-width: 470px) {
  .descend .racebar { grid-template-columns: minmax(0, 1fr); }
  .descend .racebar .buttons button { flex: 1; }
  .descend .branches > li { grid-template-columns: auto minmax(0, 1fr) auto; column-gap: 8px; }
  .descend .branches .spark { grid-column: 3; grid-row: 2; align-self: start; }
  .descend .branches .differs { grid-column: 2; }
}
`;

let sheet: CSSStyleSheet | null = null;

/** Gives the element's document, or the shadow root it is in, the lab's sheet; once. */
export function adoptLabStyle(el: Element): void {
  const root = el.getRootNode() as Document | ShadowRoot;
  if (sheet === null) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(LAB + PLAY + METRICS + CONTROLS + HAND + BRANCHES + INSIDE + SHARE);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
}
