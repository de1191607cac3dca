// The loss along the updates, with where we are on it.
import type uPlot from "uplot";
import { extent } from "../charts/axes";
import { checkbox, choice, make, setText } from "../charts/elements";
import { counted, figure } from "../charts/figures";
import { type Chart, type Line, makeChart, type Mark, type Plan } from "../charts/lines";
import { valueAt } from "../charts/moments";
import { seldom } from "../charts/seldom";
import { themeOf } from "../charts/theme";
import type { Curve } from "../contract";
import type { MakeView, Store } from "../store";

const LOSSES = ["loss", "epoch_loss", "validation_loss"];
const HINT = "Point at the chart to read it, press to go there.";
const APART = 80; // milliseconds between two drawings of a curve that grows
const WIDE = 100; // a loss that falls by this factor is first shown on a log axis

export const loss: MakeView = (store, host) => {
  if (lossCurves(store).length === 0 && store.grown === 0) return null;
  let overlay = "";
  let chart: Chart | null = null;
  let drawn = ""; // what the chart was made for
  let grown = 0; // and the store it has taken its numbers from
  let taken = 0; // when
  const due = seldom(store);

  const frame = make("div", { class: "chart", role: "img" });
  const nowLine = make("div", { class: "now-line" });
  const nowPoint = make("div", { class: "now-point" });
  const readout = make("p", { class: "readout hint", "aria-hidden": "true" });
  const key = make("ul", { class: "key" });
  const note = make("p", { class: "note", hidden: "" });
  const log = checkbox("logarithmic", false, (on) => store.choose({ log: on }));
  const row = make("div", { class: "choices" });
  host.append(frame, key, readout, row, note);
  const [first] = lossCurves(store);
  if (first !== undefined && spread(store, first) > WIDE) store.choose({ log: true });

  function choices(): void {
    const others = store.page.curves.filter(({ name }) => !LOSSES.includes(name));
    const options = others.map((curve) => ({ value: curve.name, words: curve.label }));
    row.replaceChildren(log.label);
    if (options.length === 0) return;
    const none = { value: "", words: "none" };
    const { label } = choice("second axis", [none, ...options], overlay, (name) => {
      overlay = name;
      rebuild();
    });
    row.append(label);
  }

  /** Of a run that goes on, curves come, and from some length on as means with what they lie between. */
  function wanted(): string {
    const curves = store.page.curves.map(({ name, label, low }) => `${name} ${label} ${low !== null}`);
    return [store.chosen.log, ...curves].join();
  }

  function rebuild(): void {
    chart?.plot.destroy();
    chart = null;
    const width = Math.floor(frame.clientWidth);
    if (width === 0) return;
    drawn = wanted();
    choices();
    const plan = planned(store, overlay);
    const size = { width, height: heightFor(width) };
    frame.style.setProperty("min-height", `${size.height}px`);
    key.replaceChildren(...plan.lines.map((line) => keyOf(line, host)));
    if (plan.lines.length === 0) return;
    chart = makeChart(store, frame, plan, () => themeOf(host), size, mark);
    const { plot } = chart;
    plot.over.append(nowLine, nowPoint);
    follow(plot, store);
    plot.hooks.setCursor = [() => tell()];
    took();
  }

  function took(): void {
    [grown, taken] = [store.grown, performance.now()];
    const sentence = gaps(store, store.chosen.log);
    setText(note, sentence);
    note.hidden = sentence === "";
  }

  /** While it trains, a few times a second: nobody sees more, and the marker moves in between. */
  function refresh(): void {
    if (chart === null || grown === store.grown) return;
    if (store.playing && performance.now() - taken < APART) return;
    took();
    chart.refresh();
  }

  /** The marker where we are: two elements moved, nothing drawn. */
  function mark(): void {
    if (chart === null) return;
    const { plot } = chart;
    const x = plot.valToPos(store.step, "x");
    nowLine.style.setProperty("transform", `translateX(${x}px)`);
    const here = valueAt(store, mainCurve(store)?.name ?? "", store.step);
    const seen = here !== null && Number.isFinite(here.value) && (!store.chosen.log || here.value > 0);
    nowPoint.hidden = !seen;
    if (!seen) return;
    const [left, top] = [plot.valToPos(here.step, "x"), plot.valToPos(here.value, "left")];
    nowPoint.style.setProperty("transform", `translate(${left}px, ${top}px)`);
  }

  function tell(): void {
    const left = chart?.plot.cursor.left ?? -1;
    const step = Math.round(chart?.plot.posToVal(left, "x") ?? 0);
    setText(readout, left < 0 ? HINT : readAt(step));
  }

  function readAt(step: number): string {
    const curves = lossCurves(store);
    const shown = store.page.curves.filter((one) => curves.includes(one) || one.name === overlay);
    const words = shown.flatMap(({ name, label }) => {
      const at = valueAt(store, name, step);
      return at === null ? [] : [`${label} ${figure(at.value)}`];
    });
    return words.length === 0 ? "" : `Update ${step}: ${words.join(", ")}`;
  }

  return {
    name: "loss",
    get title() {
      return titled(store);
    },
    draw() {
      log.input.checked = store.chosen.log;
      if (drawn !== wanted()) rebuild();
      else {
        refresh();
        mark();
      }
      if (!due()) return;
      tell();
      frame.setAttribute("aria-label", `${titled(store)}. ${readAt(store.step)}`);
    },
    resize() {
      rebuild();
    },
    destroy() {
      chart?.plot.destroy();
    },
  };
};

/** With whole batches, the mean over an epoch is the loss once more. */
function lossCurves({ page }: Store): Curve[] {
  const batches = page.optimizer.batch_size !== null;
  return page.curves.filter(({ name }) => LOSSES.includes(name) && (batches || name !== "epoch_loss"));
}

/** The one the marker and the title are about. */
function mainCurve(store: Store): Curve | undefined {
  return lossCurves(store)[0];
}

function heightFor(width: number): number {
  return Math.round(Math.max(220, Math.min(340, 0.62 * width)));
}

/** "Loss falls from 84 to 0.077 in 600 updates" */
function titled(store: Store): string {
  const curves = lossCurves(store);
  const main = curves.find((curve) => curve.name === "epoch_loss") ?? curves[0];
  const y = store.curve(main?.name ?? "")?.y ?? [];
  if (y.length === 0) return "The loss, as soon as there is an update";
  const [from, to, joined] = endsOf(main, y);
  const name = joined ? "Mean loss of blocks of updates" : "Loss";
  const updates = counted(store.page.updates, "update");
  if (y.length < 2) return `${name} ${figure(from)} after ${updates}`;
  if (!Number.isFinite(to)) return `${name} leaves the finite numbers, from ${figure(from)}`;
  const verb = to < from ? "falls" : to > from ? "rises" : "stays";
  return verb === "stays"
    ? `${name} stays at ${figure(from)} for ${updates}`
    : `${name} ${verb} from ${figure(from)} to ${figure(to)} in ${updates}`;
}

/** Where a curve begins and ends; of blocks of updates their means, where no more is known. */
function endsOf({ low, ends }: Curve, y: ArrayLike<number>): [from: number, to: number, joined: boolean] {
  const [first, last] = [y[0], y[y.length - 1]];
  if (low === null) return [first, last, false];
  if (ends == null) return [first, last, true];
  return [ends[0] ?? Number.NaN, ends[1] ?? Number.NaN, false];
}

/** The largest over the smallest, where all are above 0. */
function spread(store: Store, curve: Curve): number {
  const found = extent(store.curve(curve.name)?.y ?? []);
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
  const updates = (): number => (store.grown === 0 ? page.updates : roundedUp(page.updates));
  return { lines, log: store.chosen.log, left: "loss", right, updates, marks: () => marks(store) };
}

const ROUND = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
const SHORTEST = 50; // updates on the axis of a run that has just begun

/** The axis of a run that goes on grows in round steps, so that the curve does not crawl. */
function roundedUp(updates: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(updates, SHORTEST)));
  const times = ROUND.find((one) => one * power >= Math.max(updates, SHORTEST)) ?? 10;
  return times * power;
}

function looks(name: string, both: boolean): Pick<Line, "colour" | "width" | "dash"> {
  if (name === "validation_loss") return { colour: (t) => t.validation, width: 2, dash: [6, 4] };
  if (both && name === "loss") return { colour: (t) => t.faint, width: 1, dash: [] };
  return { colour: (t) => t.train, width: 2, dash: [] };
}

function marks({ page, grown }: Store): Mark[] {
  const { best_step: best, reason } = page.outcome;
  const found: Mark[] = (page.marks ?? []).map(({ step, sentence }) => ({ step, words: sentence }));
  if (grown > 0) return found; // it has not stopped
  if (best !== null && best !== page.updates) found.push({ step: best, words: `best, update ${best}` });
  if (reason !== "epochs") found.push({ step: page.updates, words: `stopped: ${reason}` });
  return found;
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
    const step = plot.posToVal(x, "x");
    store.play(false);
    if (store.grown > 0) store.goToStep(step); // any state can be had
    else store.go(nearest(store.page.frames, step));
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
