// The loss along the updates, with where we are on it.
import type uPlot from "uplot";
import { extent } from "../charts/axes";
import { checkbox, choice, make, setText } from "../charts/elements";
import { counted, figure } from "../charts/figures";
import { type Line, makeChart, type Plan } from "../charts/lines";
import { valueAt } from "../charts/moments";
import { themeOf } from "../charts/theme";
import type { Curve } from "../contract";
import type { MakeView, Store } from "../store";

const LOSSES = ["loss", "epoch_loss", "validation_loss"];
const HINT = "Point at the chart to read it, press to go there.";
const WIDE = 100; // a loss that falls by this factor is first shown on a log axis

export const loss: MakeView = (store, host) => {
  const curves = lossCurves(store);
  const first = curves[0];
  if (first === undefined) return null;
  const main = curves.find((curve) => curve.name === "epoch_loss") ?? first;
  let overlay = "";
  let chart: uPlot | null = null;
  let drawn = false;

  const frame = make("div", { class: "chart", role: "img" });
  const nowLine = make("div", { class: "now-line" });
  const nowPoint = make("div", { class: "now-point" });
  const readout = make("p", { class: "readout", "aria-hidden": "true" });
  const key = make("ul", { class: "key" });
  const note = make("p", { class: "note", hidden: "" });
  const log = checkbox("logarithmic", false, (on) => store.choose({ log: on }));
  host.append(frame, key, readout, choices(), note);
  if (spread(store, first) > WIDE) store.choose({ log: true });

  function choices(): HTMLElement {
    const others = store.page.curves.filter(({ name }) => !LOSSES.includes(name));
    const options = others.map((curve) => ({ value: curve.name, words: curve.label }));
    const row = make("div", { class: "choices" }, log.label);
    if (options.length > 0) {
      const none = { value: "", words: "none" };
      const { label } = choice("second axis", [none, ...options], "", (name) => {
        overlay = name;
        rebuild();
      });
      row.append(label);
    }
    return row;
  }

  function rebuild(): void {
    chart?.destroy();
    chart = null;
    const width = Math.floor(frame.clientWidth);
    if (width === 0) return;
    const plan = planned(store, overlay);
    const size = { width, height: heightFor(width) };
    chart = makeChart(store, frame, plan, () => themeOf(host), size, mark);
    chart.over.append(nowLine, nowPoint);
    follow(chart, store);
    chart.hooks.setCursor = [() => tell()];
    key.replaceChildren(...plan.lines.map((line) => keyOf(line, host)));
    drawn = store.chosen.log;
    const sentence = gaps(store, store.chosen.log);
    setText(note, sentence);
    note.hidden = sentence === "";
  }

  /** The marker where we are: two elements moved, nothing drawn. */
  function mark(): void {
    if (chart === null) return;
    const x = chart.valToPos(store.step, "x");
    nowLine.style.setProperty("transform", `translateX(${x}px)`);
    const here = valueAt(store, first.name, store.step);
    const seen = here !== null && Number.isFinite(here.value) && (!store.chosen.log || here.value > 0);
    nowPoint.hidden = !seen;
    if (!seen) return;
    const [left, top] = [chart.valToPos(here.step, "x"), chart.valToPos(here.value, "left")];
    nowPoint.style.setProperty("transform", `translate(${left}px, ${top}px)`);
  }

  function tell(): void {
    const left = chart?.cursor.left ?? -1;
    const step = Math.round(chart?.posToVal(left, "x") ?? 0);
    setText(readout, left < 0 ? HINT : readAt(step));
  }

  function readAt(step: number): string {
    const shown = store.page.curves.filter((one) => curves.includes(one) || one.name === overlay);
    const words = shown.flatMap(({ name, label }) => {
      const at = valueAt(store, name, step);
      return at === null ? [] : [`${label} ${figure(at.value)}`];
    });
    return `Update ${step}: ${words.join(", ")}`;
  }

  return {
    name: "loss",
    get title() {
      return titled(store, main);
    },
    draw() {
      log.input.checked = store.chosen.log;
      if (chart === null || drawn !== store.chosen.log) rebuild();
      else mark();
      tell();
      frame.setAttribute("aria-label", `${titled(store, main)}. ${readAt(store.step)}`);
    },
    resize() {
      rebuild();
    },
    destroy() {
      chart?.destroy();
    },
  };
};

/** With whole batches, the mean over an epoch is the loss once more. */
function lossCurves({ page }: Store): Curve[] {
  const batches = page.optimizer.batch_size !== null;
  return page.curves.filter(({ name }) => LOSSES.includes(name) && (batches || name !== "epoch_loss"));
}

function heightFor(width: number): number {
  return Math.round(Math.max(220, Math.min(340, 0.62 * width)));
}

/** "Loss falls from 84 to 0.077 in 600 updates" */
function titled(store: Store, curve: Curve): string {
  const y = store.block(curve.y);
  const [from, to] = [y[0], y[y.length - 1]];
  const updates = counted(store.page.updates, "update");
  if (y.length < 2) return `Loss ${figure(from)} after ${updates}`;
  if (!Number.isFinite(to)) return `Loss leaves the finite numbers, from ${figure(from)}`;
  const verb = to < from ? "falls" : to > from ? "rises" : "stays";
  return verb === "stays"
    ? `Loss stays at ${figure(from)} for ${updates}`
    : `Loss ${verb} from ${figure(from)} to ${figure(to)} in ${updates}`;
}

/** The largest over the smallest, where all are above 0. */
function spread(store: Store, curve: Curve): number {
  const found = extent(store.block(curve.y));
  return found === null || found[0] <= 0 ? 1 : found[1] / found[0];
}

/** What the curve has that cannot be drawn, in a sentence. */
function gaps(store: Store, log: boolean): string {
  for (const name of LOSSES) {
    const found = store.curve(name);
    if (found === null) continue;
    const broken = found.y.findIndex((value) => !Number.isFinite(value));
    const step = found.x[broken];
    if (broken >= 0) return `At update ${step} the ${found.curve.label} is not finite: the curve has a gap there.`;
    const low = found.y.findIndex((value) => value <= 0);
    if (log && low >= 0) return "Losses of 0 and below have no place on a logarithmic axis: the curve has gaps.";
  }
  return "";
}

function planned(store: Store, overlay: string): Plan {
  const { page } = store;
  const curves = lossCurves(store);
  const both = curves.some(({ name }) => name === "epoch_loss");
  const lines: Line[] = [];
  for (const curve of page.curves) {
    const { name, label } = curve;
    if (curves.includes(curve)) lines.push({ ...looks(name, both), name, label, side: "left" });
    else if (name === overlay) {
      lines.push({ name, label, side: "right", colour: (t) => t.extra, width: 1.6, dash: [7, 3, 2, 3] });
    }
  }
  const right = lines.find((line) => line.side === "right")?.label ?? "";
  return { lines, log: store.chosen.log, left: "loss", right, updates: page.updates, marks: marks(store) };
}

function looks(name: string, both: boolean): Pick<Line, "colour" | "width" | "dash"> {
  if (name === "validation_loss") return { colour: (t) => t.validation, width: 2, dash: [6, 4] };
  if (both && name === "loss") return { colour: (t) => t.faint, width: 1, dash: [] };
  return { colour: (t) => t.train, width: 2, dash: [] };
}

function marks({ page }: Store): Plan["marks"] {
  const best = page.outcome.best_step;
  return best === null || best === page.updates ? [] : [{ step: best, words: `best, update ${best}` }];
}

function keyOf(line: Line, host: HTMLElement): HTMLElement {
  const swatch = make("span", { class: line.dash.length > 0 ? "swatch dashed" : "swatch" });
  swatch.style.setProperty("color", line.colour(themeOf(host)));
  const side = line.side === "right" ? " (right axis)" : "";
  return make("li", {}, swatch, `${line.label}${side}`);
}

/** Pressing and dragging goes to the nearest recorded frame. */
function follow(plot: uPlot, store: Store): void {
  const { over } = plot;
  const go = (event: PointerEvent): void => {
    const x = event.clientX - over.getBoundingClientRect().left;
    store.play(false);
    store.go(nearest(store.page.frames, plot.posToVal(x, "x")));
  };
  over.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    over.setPointerCapture(event.pointerId);
    go(event);
  });
  over.addEventListener("pointermove", (event) => {
    if (over.hasPointerCapture(event.pointerId)) go(event);
  });
}

function nearest(frames: number[], step: number): number {
  let best = 0;
  for (let i = 1; i < frames.length; i++) {
    if (Math.abs(frames[i] - step) < Math.abs(frames[best] - step)) best = i;
  }
  return best;
}
