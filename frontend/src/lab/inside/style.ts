// The look of the weight panel and of what the lab draws into the net.
export const INSIDE = `
.descend .weight-lines { display: grid; grid-template-columns: minmax(0, 1fr); gap: 2px 16px; margin: 4px 0; }
.descend .weight-lines dt { color: var(--quiet); font-size: 0.875em; }
.descend .weight-lines dd { margin-bottom: 6px; }
.descend .weight-lines .value { font-weight: 600; }
.descend .weight-value.weight-value { width: 12em; }
.descend .stage-of-net { position: relative; }
.descend .stage-of-net > canvas { position: absolute; left: 0; top: 0; pointer-events: none; }
.descend .stage-of-net > .net { position: relative; }
.descend .stage-of-net .wire-pick { stroke: var(--now); fill: none; stroke-width: 3; pointer-events: none; stroke-linecap: round; }
.descend .stage-of-net .wire-near { stroke: var(--now); fill: none; stroke-width: 6; opacity: 0.35; pointer-events: none; }
.descend .stage-of-net .wires-door:focus-visible { outline: none; }
.descend .stage-of-net .wires-door:focus-visible .wire-pick { stroke: var(--accent); stroke-width: 6; }
.descend .stage-of-net.mapped .unit .ground { fill: transparent; }
.descend .stage-of-net.mapped .unit .shade { display: none; }
.descend .stage-of-net.mapped .unit[data-plain] .shade { display: inline; }
.descend .stage-of-net.mapped .unit .number { display: none; }
.descend .stage-of-net.mapped .unit[data-plain] .ground { fill: var(--card); }
.descend .stage-of-net.mapped .unit[data-plain] .number { display: inline; }
`;
