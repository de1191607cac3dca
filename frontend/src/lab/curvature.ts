// The largest curvature against what the step can bear, over the updates: the edge of stability seen.
import uPlot from "uplot";
import { make, setText } from "../charts/elements";
import { figure } from "../charts/figures";
import { type Theme, themeOf } from "../charts/theme";
import type { MakeView, Store } from "../store";
import type { Told } from "./contract";
import type { Link } from "./link";
import { text } from "./text";

const words = text.curvature;

/** What Python tells of the curvature (src/descend/lab/sharpness.py). */
export interface Curvature {
  step: number;
  sharpness: number; // the largest curvature, as the optimizer meets it
  edge: number; // what the learning rate can bear
  bears: number; // edge times learning rate
  formula: string; // of the edge
  rate: number; // the learning rate of the next update
  scaled: boolean; // divided by the gradient's own size
  limit: number | null; // of the learning rate
  best: number | null; // where it is known
  claim: "exact" | "bound" | "indication";
  sentence: string;
  points: { steps: number[]; curvatures: number[]; edges: number[] };
}

/** What was told last of the branch that is shown; null where nothing was, or nothing can be. */
export function curvatureOf(told: Told["curvature"] | null): Curvature | null {
  return told === null || told.unknown !== undefined ? null : (told as unknown as Curvature);
}

export function curvatureView(link: Link): MakeView {
  return (store, host) => {
    const branch = link.last("page")?.branch;
    const frame = make("div", { class: "chart", role: "img" });
    const key = make("ul", { class: "key" });
    const readout = make("p", { class: "readout" });
    const note = make("p", { class: "quiet" });
    host.append(frame, key, readout, note);
    let plot: uPlot | null = null;
    let drawn: Told["curvature"] | null = null;

    function told(): Told["curvature"] | null {
      const last = link.last("curvature");
      return last?.branch === branch ? last : null;
    }

    function rebuild({ points }: Curvature): void {
      plot?.destroy();
      plot = null;
      const width = Math.floor(frame.clientWidth);
      if (width === 0) return;
      plot = makePlot(store, frame, width, points, () => themeOf(host));
      key.replaceChildren(keyOf(words.curvature, "", themeOf(host).train), keyOf(words.edge, " dashed", themeOf(host).validation));
    }

    function take(now: Told["curvature"]): void {
      const found = curvatureOf(now);
      if (found === null) {
        drawn = now;
        setText(note, now.unknown ?? "");
        return;
      }
      if (plot === null) rebuild(found);
      else plot.setData(columns(found.points));
      drawn = plot === null ? null : now;
      setText(readout, words.readout(found));
      setText(note, found.sentence);
    }

    return {
      name: "curvature",
      get title() {
        const found = curvatureOf(told());
        return found === null ? words.none : words.title(found);
      },
      draw() {
        const now = told();
        for (const part of [frame, key, readout]) part.hidden = curvatureOf(now) === null;
        if (now !== null && now !== drawn) take(now);
        frame.setAttribute("aria-label", this.title);
      },
      resize() {
        plot?.destroy();
        plot = drawn = null;
      },
      destroy: () => plot?.destroy(),
    };
  };
}

function keyOf(name: string, look: string, colour: string): HTMLElement {
  const swatch = make("span", { class: `swatch${look}` });
  swatch.style.setProperty("color", colour);
  return make("li", {}, swatch, name);
}

function columns({ steps, curvatures, edges }: Curvature["points"]): uPlot.AlignedData {
  return [steps, curvatures.map(above), edges.map(above)];
}

/** On a logarithmic axis only what is above 0 has a place. */
function above(value: number): number | null {
  return Number.isFinite(value) && value > 0 ? value : null;
}

const HEIGHT = 230;

function makePlot(store: Store, host: HTMLElement, width: number, points: Curvature["points"], theme: () => Theme): uPlot {
  const line = (colour: (t: Theme) => string, dash: number[]): uPlot.Series => ({
    stroke: () => colour(theme()),
    width: 2,
    dash,
    points: { show: dash.length === 0, size: 4, fill: () => colour(theme()) },
  });
  const axis = {
    stroke: () => theme().quiet,
    font: theme().font,
    labelFont: theme().font,
    grid: { stroke: () => theme().line, width: 1 },
    ticks: { stroke: () => theme().line, width: 1, size: 5 },
    gap: 5,
    values: (_: uPlot, splits: number[]) => splits.map((value) => (value === null ? "" : figure(value))),
  };
  const options: uPlot.Options = {
    width,
    height: HEIGHT,
    series: [{}, line((t) => t.train, []), line((t) => t.validation, [6, 4])],
    scales: {
      x: { time: false, range: (_, __, high) => [0, Math.max(1, high ?? 1, store.page.updates)] },
      y: { distr: 3, log: 10, range: (_, low, high) => uPlot.rangeLog(low ?? 0.1, high ?? 10, 10, false) },
    },
    axes: [
      { ...axis, label: words.updates, labelSize: 18, size: 28, space: 64 },
      { ...axis, label: words.curvature, labelSize: 20, size: 56, space: 30 },
    ],
    legend: { show: false },
    padding: [8, 18, 0, 0],
    cursor: { drag: { x: false, y: false, setScale: false }, y: false, points: { size: 7 } },
  };
  return new uPlot(options, columns(points), host);
}
