// The look of the controls: one column of settings in quiet groups.
export const CONTROLS = `
.descend .controls { display: grid; gap: 10px; align-items: start; grid-template-columns: minmax(0, 1fr); }
.descend .controls.waits { visibility: hidden; }
.descend .controls .group {
  background: var(--card); border: 1px solid var(--line); border-radius: 12px; min-width: 0;
}
.descend .controls summary {
  display: flex; align-items: center; gap: 8px; padding: 8px 14px; min-height: 40px; list-style: none; border-radius: 12px;
}
.descend .controls summary::-webkit-details-marker { display: none; }
.descend .controls summary::before {
  content: ""; width: 7px; height: 7px; flex: none; margin-right: 2px;
  border: solid var(--quiet); border-width: 0 1.8px 1.8px 0; transform: rotate(-45deg);
}
.descend .controls [open] > summary::before { transform: rotate(45deg) translate(-1px, -1px); }
.descend .controls summary .name { font-weight: 620; white-space: nowrap; }
.descend .controls .now-chosen { color: var(--quiet); font-size: 0.85em; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.descend .controls [open] > summary .now-chosen { display: none; }
.descend .controls .effect {
  flex: none; 
  margin-inline-start: auto; display: inline-flex; align-items: center; gap: 4px; color: var(--quiet); font-size: 0.78em;
}
.descend .controls .effect .icon { width: 13px; height: 13px; }
.descend .controls .body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 6px; padding: 0 14px 12px; }
.descend .controls .gone { display: none !important; }
.descend .controls .setting { min-width: 0; display: grid; grid-template-columns: minmax(0, 1fr); gap: 2px; font-size: 0.88em; }
.descend .controls .numbers { display: grid; gap: 6px; }
.descend .controls .numbers:empty { display: none; }
.descend .controls .line { display: flex; align-items: center; gap: 7px; min-height: 30px; }
.descend .controls .line > label, .descend .controls .line > .name { flex: 1; min-width: 0; line-height: 1.25; }
.descend .controls .line > .slide { flex: 0 0 29%; }
.descend .controls .line:has(> .slide) > input { flex: none; }
.descend .controls .line select { flex: 0 1 auto; max-width: 62%; min-width: 0; text-overflow: ellipsis; }
.descend .controls button, .descend .controls select, .descend .controls input[type="number"] { min-height: 28px; font-size: 0.95em; }
.descend .controls input[type="number"] {
  width: 4.4em; text-align: end; padding: 2px 6px; appearance: textfield; background: var(--card);
}
.descend .controls input[type="number"]::-webkit-inner-spin-button { display: none; }
.descend .controls button { padding: 2px 8px; }
.descend .controls button[aria-pressed="true"] { background: var(--tint); border-color: var(--accent); color: var(--accent); font-weight: 600; }
.descend .controls .about { color: var(--quiet); font-size: 0.88em; line-height: 1.4; }
.descend .controls .about:empty, .descend .controls .why:empty { display: none; }
.descend .controls .why, .descend .controls .also { color: var(--quiet); font-size: 0.86em; border-left: 2px solid var(--edge); padding-left: 7px; }
.descend .controls .also { border-color: var(--accent); color: var(--accent); }
.descend .controls .off > .about { display: none; }
.descend .controls .off :is(label, .name) { color: var(--quiet); }
.descend .controls :disabled { cursor: default; }

.descend .controls .slide { position: relative; height: 24px; }
.descend .controls .rail {
  position: absolute; left: 7px; right: 7px; top: 10px; height: 4px; border-radius: 2px; background: var(--line); pointer-events: none;
}
.descend .controls .slide input { position: absolute; inset: 0; height: 24px; appearance: none; background: none; }
.descend .controls .slide input::-webkit-slider-runnable-track { height: 4px; background: none; }
.descend .controls .slide input::-moz-range-track { height: 4px; background: none; }
.descend .controls .slide input::-webkit-slider-thumb {
  appearance: none; width: 14px; height: 14px; margin-top: -5px; border-radius: 50%; background: var(--accent); border: 2px solid var(--card);
  box-shadow: 0 0 0 1px var(--accent);
}
.descend .controls .slide input::-moz-range-thumb {
  width: 10px; height: 10px; border-radius: 50%; background: var(--accent); border: 2px solid var(--card); box-shadow: 0 0 0 1px var(--accent);
}
.descend .controls .slide input:disabled::-webkit-slider-thumb { background: var(--edge); box-shadow: 0 0 0 1px var(--edge); }
.descend .controls .slide input:disabled::-moz-range-thumb { background: var(--edge); box-shadow: 0 0 0 1px var(--edge); }
.descend .controls .slide input:focus-visible { outline-offset: 0; }
.descend .controls .rail .beyond {
  position: absolute; right: 0; top: -3px; height: 10px; border-radius: 0 3px 3px 0;
  background: repeating-linear-gradient(-45deg, var(--validation) 0 1.5px, var(--card) 1.5px 5px);
}
.descend .controls .rail .limit { position: absolute; top: -8px; height: 20px; width: 2px; margin-left: -1px; background: var(--validation); }
.descend .controls .rail .best {
  position: absolute; top: -2px; width: 8px; height: 8px; margin-left: -4px; background: var(--extra); transform: rotate(45deg);
}
.descend .controls .about.over { color: var(--validation); font-weight: 600; }

.descend .controls .datasets { display: grid; grid-template-columns: repeat(auto-fill, minmax(58px, 1fr)); gap: 6px; }
.descend .controls .dataset {
  position: relative; display: grid; justify-items: center; gap: 1px; padding: 4px 1px 3px; border: 1px solid var(--line); border-radius: 8px; cursor: pointer;
  font-size: 0.8em; text-align: center; line-height: 1.2; overflow: hidden;
}
.descend .controls .dataset input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: pointer; }
.descend .controls .dataset:hover { background: var(--tint); }
.descend .controls .dataset:has(:checked) { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); background: var(--tint); font-weight: 600; }
.descend .controls .dataset:has(:focus-visible) { outline: 2.5px solid var(--accent); outline-offset: 1px; }
.descend .controls .dataset svg { width: 44px; height: 44px; }
.descend .controls .dataset path { fill: none; stroke: var(--class-0); stroke-width: 2.8; stroke-linecap: round; }
.descend .controls .dataset .label-1 { stroke: var(--class-1); stroke-linecap: square; stroke-width: 2.4; }
.descend .controls .dataset .label-2 { stroke: var(--class-2); }
.descend .controls .dataset .table { stroke: var(--quiet); stroke-width: 1.2; }

.descend .controls .chips { display: flex; flex-wrap: wrap; gap: 5px; max-height: 190px; overflow-y: auto; padding: 3px 0; }
.descend .controls .chips li { max-width: 100%; }
.descend .controls .chips label {
  max-width: 100%; overflow-wrap: anywhere;
  display: inline-flex; align-items: center; gap: 4px; border: 1px solid var(--edge); border-radius: 14px; padding: 1px 9px 1px 5px; cursor: pointer;
}
.descend .controls .chips label:has(:checked) { background: var(--tint); border-color: var(--accent); }
.descend .controls .chips input { width: 14px; height: 14px; margin: 2px; }
.descend .controls .features input[type="search"] {
  font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--edge); border-radius: 8px; padding: 3px 8px; min-width: 0; margin-bottom: 4px;
}
.descend .controls .refused { color: var(--quiet); font-size: 0.86em; display: grid; gap: 2px; }

.descend .controls .plan { display: grid; gap: 4px; justify-items: center; }
.descend .controls .plan > * { max-width: 400px; }
.descend .controls .net { width: 100%; height: auto; display: block; }
.descend .controls .net path { fill: none; stroke-linecap: round; }
.descend .controls .net .links { stroke: var(--line); stroke-width: 1; }
.descend .controls .net .units { stroke: var(--accent); stroke-width: 11; }
.descend .controls .net .end { stroke: var(--edge); stroke-width: 9; }
.descend .controls .net .more { stroke: var(--ink); stroke-width: 1.8; }
.descend .controls .plan .counts { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); gap: 0; width: 100%; align-items: center; }
.descend .controls .plan .end { text-align: center; color: var(--quiet); font-size: 0.86em; }
.descend .controls .layer { display: grid; justify-items: center; gap: 2px; }
.descend .controls .layer button { min-width: 26px; width: 26px; min-height: 26px; padding: 0; border-radius: 13px; }
.descend .controls .layer input[type="number"] { width: 32px; padding: 1px; text-align: center; }
.descend .controls .layers .buttons { display: flex; gap: 6px; margin-top: 6px; }
.descend .controls .layers .buttons button { flex: 1; }

@container descend (max-width: 1099.9px) {
  .descend .controls { display: block; columns: 2 300px; column-gap: 10px; }
  .descend .controls .group { break-inside: avoid; margin-bottom: 10px; }
}
@container descend (max-width: 699.9px) {
  .descend .controls { columns: 1; border: 1px solid var(--line); border-radius: 12px; background: var(--card); }
  .descend .controls .group { border: 0; margin: 0; background: none; border-radius: 0; }
  .descend .controls .group:not([hidden]) ~ .group { border-top: 1px solid var(--line); }
  .descend .controls .body { padding-bottom: 14px; }
  .descend .controls .line > .slide { flex-basis: 40%; }
}
@media (forced-colors: active) {
  .descend .controls .rail, .descend .controls .limit, .descend .controls .best, .descend .controls .net path { forced-color-adjust: none; }
}
@media print { .descend .controls { display: none; } }
`;
