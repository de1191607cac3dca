// The page's one style sheet, constructed: it needs no <style>, and works in shadow roots.
import uplot from "uplot/dist/uPlot.min.css" with { type: "text" };

// Okabe and Ito's colours, darkened or lightened until each stands 3:1 against its ground.
const COLOURS = `
.descend {
  --card: light-dark(#fffefb, #191d22);
  --ground: light-dark(#f6f5f1, #121519);
  --ink: light-dark(#20262c, #e8ebee);
  --quiet: light-dark(#5a646e, #a5afb9);
  --line: light-dark(#e2e1db, #31383f);
  --edge: light-dark(#858d95, #737e89);
  --accent: light-dark(#0b5e9e, #72b9f0);
  --on-accent: light-dark(#ffffff, #0e1216);
  --tint: light-dark(#e9f1f8, #1d2c3a);
  --train: light-dark(#0072b2, #56b4e9);
  --validation: light-dark(#c65200, #f0a04b);
  --faint: light-dark(#7fb4d6, #36688a);
  --extra: light-dark(#00795a, #2fbf93);
  --fit: light-dark(#20262c, #f2f4f6);
  --now: light-dark(#b0206e, #ff8cc3);
  --low: light-dark(#f3f8fb, #20282f);
  --high: light-dark(#6b9abd, #55708a);
  --class-0: light-dark(#0072b2, #56b4e9);
  --class-1: light-dark(#c65200, #f0924a);
  --class-2: light-dark(#00795a, #2fbf93);
  --class-3: light-dark(#a8478a, #e39bc6);
  --class-4: light-dark(#866500, #e6c229);
  --class-5: light-dark(#3d4a57, #c9d1d9);
  --class-6: light-dark(#4b3fb5, #a79bff);
  --class-7: light-dark(#8a1f2d, #f08a8a);
}`;

const PAGE = `
.descend {
  container: descend / inline-size;
  box-sizing: border-box;
  color: var(--ink);
  font: 400 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
  text-align: start;
  min-width: 0;
}
.descend *, .descend *::before { box-sizing: border-box; }
.descend :where(h2, h3, h4, p, ul, ol, figure, table, dl, dd) { margin: 0; padding: 0; }
.descend :where(ul, ol) { list-style: none; }
.descend h2 { font-size: 1.45rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; text-wrap: balance; }
.descend h3 { font-size: 1.02rem; line-height: 1.35; font-weight: 620; text-wrap: balance; }
.descend :where(h2, h3, p, li, td, th, dd) { overflow-wrap: anywhere; color: inherit; }
.descend .quiet { color: var(--quiet); font-size: 0.875rem; }
.descend .unseen {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}
.descend [hidden] { display: none !important; }
.descend :focus-visible { outline: 2.5px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.descend .head { display: grid; gap: 4px; margin-bottom: 12px; }
.descend .head .task { color: var(--quiet); max-width: 80ch; }
`;

const CONTROLS = `
.descend button, .descend select, .descend input[type="number"] {
  font: inherit; font-size: 0.9rem; color: var(--ink); background: var(--card);
  border: 1px solid var(--edge); border-radius: 8px; min-height: 32px; margin: 0;
}
.descend button {
  display: inline-flex; align-items: center; justify-content: center; gap: 6px;
  min-width: 34px; padding: 3px 9px; cursor: pointer;
}
.descend button:hover { background: var(--tint); }
.descend button.main { background: var(--accent); color: var(--on-accent); border-color: transparent; min-width: 44px; }
.descend button.main:hover { filter: brightness(1.1); }
.descend button:disabled { opacity: 0.45; cursor: default; }
.descend select { padding: 3px 6px; max-width: 100%; }
.descend input[type="number"] { width: 5.6em; padding: 3px 6px; }
.descend input[type="checkbox"] { width: 18px; height: 18px; margin: 3px; accent-color: var(--accent); }
.descend input[type="range"] { width: 100%; height: 26px; margin: 0; accent-color: var(--accent); cursor: pointer; background: none; }
.descend .icon { width: 14px; height: 14px; flex: none; fill: currentColor; }
.descend .icon.line { fill: none; stroke: currentColor; stroke-width: 1.8; }
.descend .choice { display: inline-flex; flex-wrap: wrap; align-items: center; gap: 6px; font-size: 0.875rem; min-height: 26px; min-width: 0; }
.descend .choice > span { color: var(--quiet); }
.descend .choices { display: flex; flex-wrap: wrap; gap: 6px 16px; align-items: center; margin: 6px 0 2px; }
.descend .timeline {
  position: sticky; top: 0; z-index: 5; display: grid; gap: 4px 14px;
  padding: 8px 14px 8px; margin-bottom: 14px;
  background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  box-shadow: 0 3px 12px rgb(0 0 0 / 0.06);
  grid-template: "buttons track step speed" auto / auto minmax(0, 1fr) auto auto; align-items: center;
}
.descend .timeline .buttons { grid-area: buttons; display: flex; gap: 5px; }
.descend .timeline .track { grid-area: track; position: relative; padding-top: 9px; }
.descend .timeline .step { grid-area: step; }
.descend .timeline .speed { grid-area: speed; }
.descend .track .marks { position: absolute; inset: 0 8px auto; height: 12px; pointer-events: none; }
.descend .track .mark {
  position: absolute; top: 0; width: 10px; height: 10px; margin-left: -5px; display: block; color: var(--quiet);
}
.descend .track .mark .icon { width: 10px; height: 10px; display: block; }
.descend .track .mark.illness { color: var(--validation); }
.descend .track .mark.best { color: var(--extra); }
@container descend (max-width: 760px) {
  .descend .timeline { grid-template: "track track track" auto "buttons step speed" auto / auto 1fr auto; }
  .descend .timeline .speed span, .descend .timeline .step .word { display: none; }
}
@container descend (max-width: 470px) {
  .descend .timeline { padding: 6px 10px; grid-template: "track track" auto "buttons buttons" auto "step speed" auto / 1fr auto; }
  .descend .timeline .buttons { justify-content: space-between; }
  .descend .timeline .buttons button { flex: 1; }
  .descend .timeline .step .word { display: inline; }
}
`;

const VIEWS = `
.descend .views { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; }
@container descend (min-width: 820px) {
  .descend .views { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .descend .views .wide { grid-column: 1 / -1; }
}
.descend .card {
  background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px 16px;
  min-width: 0; display: flex; flex-direction: column; gap: 6px;
}
.descend .card > .host { min-width: 0; }
.descend .stage { display: block; width: 100%; touch-action: pan-y; }
.descend .readout { font-size: 0.875rem; min-height: 1.5em; color: var(--quiet); }
.descend .readout .value, .descend .now .value { color: var(--ink); font-weight: 600; }
.descend .now { display: flex; flex-wrap: wrap; gap: 2px 22px; margin-bottom: 14px; padding: 0 2px; }
.descend .now dt { display: inline; color: var(--quiet); }
.descend .now dd { display: inline; margin-left: 6px; }
.descend .key { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 0.84rem; margin: 4px 0; color: var(--quiet); }
.descend .key li { display: inline-flex; align-items: center; gap: 6px; }
.descend .swatch { width: 18px; height: 0; border-top: 2.5px solid; flex: none; }
.descend .swatch.dashed { border-top-style: dashed; }
.descend .swatch.block { height: 12px; border: 1px solid var(--edge); border-radius: 3px; }
.descend .sign { font-size: 1.05em; line-height: 1; }
.descend .note { border-left: 3px solid var(--validation); padding: 2px 0 2px 10px; font-size: 0.9rem; margin-top: 6px; }
.descend .pair { display: grid; gap: 14px; grid-template-columns: minmax(0, 1fr); }
@container descend (min-width: 1080px) { .descend .wide .pair { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
.descend .findings { display: grid; gap: 12px; }
.descend .finding { display: grid; grid-template-columns: 22px minmax(0, 1fr); gap: 4px 10px; }
.descend .finding + .finding { border-top: 1px solid var(--line); padding-top: 12px; }
.descend .finding > .icon { width: 20px; height: 20px; margin-top: 2px; color: var(--accent); }
.descend .finding.illness > .icon { color: var(--validation); }
.descend .finding .kind { font-weight: 650; }
.descend .finding .fix { margin-top: 2px; }
.descend .finding button { margin-top: 6px; }
.descend details > summary { cursor: pointer; min-height: 28px; padding: 3px 0; }
.descend .scroll { overflow-x: auto; max-width: 100%; }
.descend table { border-collapse: collapse; font-size: 0.875rem; color: inherit; background: none; }
.descend caption { text-align: start; color: var(--quiet); padding: 4px 0; }
.descend th, .descend td { text-align: end; padding: 3px 12px 3px 0; border: 0; border-bottom: 1px solid var(--line); background: none; font-weight: 400; }
.descend thead th { color: var(--quiet); font-weight: 600; }
.descend th[scope="row"], .descend th:first-child { text-align: start; }
.descend tr[aria-current] { background: var(--tint); }
`;

const CHARTS = `
.descend .chart { position: relative; }
.descend .chart .uplot { font-family: inherit; width: 100%; }
.descend .chart .u-over { cursor: crosshair; touch-action: pan-y; }
.descend .chart .u-cursor-x { border-right-color: var(--quiet) !important; }
.descend .chart .now-line {
  position: absolute; top: 0; bottom: 0; left: -1px; width: 2px; background: var(--now); pointer-events: none;
}
.descend .chart .now-line::before {
  content: ""; position: absolute; top: -5px; left: -4px; border: 5px solid transparent; border-top: 7px solid var(--now);
}
.descend .chart .now-point {
  position: absolute; left: -5px; top: -5px; width: 10px; height: 10px; border-radius: 50%;
  border: 2px solid var(--card); pointer-events: none; background: var(--now);
}
@media (prefers-reduced-motion: no-preference) { .descend button { transition: background-color 0.12s; } }
@media (forced-colors: active) { .descend .swatch, .descend .mark { forced-color-adjust: none; } }
@media print {
  .descend { --card: #ffffff; font-size: 12px; }
  .descend .timeline, .descend .choices, .descend button { display: none !important; }
  .descend .card { break-inside: avoid; border-color: #cccccc; }
  .descend .views { display: block; }
  .descend .card { margin-bottom: 12px; }
}
`;

let sheet: CSSStyleSheet | null = null;

/** Gives the element's document, or the shadow root it is in, our sheet; once. */
export function adoptStyle(el: Element): void {
  const root = el.getRootNode() as Document | ShadowRoot;
  if (sheet === null) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(uplot + COLOURS + PAGE + CONTROLS + VIEWS + CHARTS);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
}
