// Some branches compared: their losses in one chart, what was asked of them, and what came of it.
import type uPlot from "uplot";
import { make, setText, wordButton } from "../../charts/elements";
import { count, figure } from "../../charts/figures";
import { onScheme } from "../../charts/theme";
import { type Bytes, decode } from "../../decode";
import type { Lab } from "../context";
import type { Told } from "../contract";
import { text } from "../text";
import { chartOf, type Course, logarithmic } from "./chart";
import { signOf } from "./signs";

const words = text.branches.comparison;

export function makeComparison(lab: Lab, signal: AbortSignal): { element: HTMLElement; open(branches: number[]): void } {
  const frame = make("div", { class: "chart", role: "img", "aria-label": words.chart });
  const key = make("ul", { class: "key" });
  const notes = make("div", { class: "said-of-it" });
  const tables = make("div", { class: "compared" });
  const waiting = make("p", { class: "quiet", role: "status" });
  const again = wordButton(words.again, () => ask());
  const close = wordButton(text.branches.close, () => {
    element.hidden = true;
    branches = [];
  });
  const element = make(
    "section",
    { class: "opened", "aria-label": words.title },
    make("div", { class: "branching-head" }, make("h3", {}, words.title), again, close),
    waiting,
    frame,
    key,
    notes,
    tables,
  );
  element.hidden = true;
  let branches: number[] = [];
  let seen: { courses: Course[] } | null = null;
  let chart: uPlot | null = null;

  function ask(): void {
    setText(waiting, words.waiting);
    lab.link.say({ kind: "compare", branches });
  }

  function draw(): void {
    chart?.destroy();
    chart = null;
    if (seen === null || element.hidden || frame.clientWidth === 0) return;
    chart = chartOf(frame, seen.courses);
  }

  function take(told: Told["compare"], data: Bytes): void {
    if (told.branches.join() !== [...branches].sort((a, b) => a - b).join()) return;
    setText(waiting, "");
    const placed = told.branches.map((number) => placeOf(lab, number));
    seen = { courses: told.curves.flatMap((curves, i) => coursesOf(curves, told, data, placed[i])) };
    key.replaceChildren(
      ...told.names.map((name, i) => make("li", {}, signOf(placed[i]), name)),
      make("li", {}, words.solid),
      ...(seen.courses.some(({ dashed }) => dashed) ? [make("li", {}, words.dashed)] : []),
    );
    const sentences = [...told.said];
    if (!told.comparable) sentences.unshift(words.incomparable);
    if (!logarithmic(seen.courses)) sentences.push(words.linear);
    notes.replaceChildren(...sentences.map((one) => make("p", { class: "quiet" }, one)));
    tables.replaceChildren(outcomes(told, placed), asked(told, placed));
    element.dataset.compared = told.branches.join(" ");
    draw();
  }

  const ends = [lab.link.on("compare", (told, [data]) => take(told, data)), onScheme(lab.root, draw)];
  const sizes = new ResizeObserver(() => chart !== null && Math.abs(chart.width - frame.clientWidth) > 1 && draw());
  sizes.observe(frame);
  signal.addEventListener("abort", () => {
    for (const end of ends) end();
    sizes.disconnect();
    chart?.destroy();
  });
  return {
    element,
    open(chosen) {
      branches = chosen;
      element.hidden = false;
      ask();
    },
  };
}

function placeOf(lab: Lab, number: number): number {
  return lab.state?.branches.find((one) => one.number === number)?.place ?? 0;
}

function coursesOf(curves: Record<string, [string, string]>, told: Told["compare"], data: Bytes, place: number): Course[] {
  return Object.entries(curves).map(([name, [x, y]]) => ({
    steps: decode(told.blocks[x], data) as Int32Array,
    losses: decode(told.blocks[y], data) as Float64Array,
    place,
    dashed: name !== "loss",
  }));
}

function headed(title: string, names: string[], placed: number[], rows: HTMLElement[]): HTMLElement {
  const heads = names.map((name, i) => make("th", { scope: "col" }, signOf(placed[i]), " ", name));
  return make(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": title },
    make(
      "table",
      {},
      make("caption", {}, title),
      make("thead", {}, make("tr", {}, make("td", {}, words.what), ...heads)),
      make("tbody", {}, ...rows),
    ),
  );
}

function asked({ asked: rows, names }: Told["compare"], placed: number[]): HTMLElement {
  if (rows.length === 0) return make("p", { class: "quiet" }, words.alike);
  return headed(
    words.asked,
    names,
    placed,
    rows.map(([what, ...values]) => make("tr", {}, make("th", { scope: "row" }, what), ...values.map((value) => make("td", {}, value)))),
  );
}

function outcomes({ outcomes: rows, names }: Told["compare"], placed: number[]): HTMLElement {
  return headed(
    words.outcomes,
    names,
    placed,
    rows.map(({ name, label, part, values }) => {
      const cells = values.map((value) => {
        const shown = value === null ? words.none : name === "updates" ? count(value) : figure(value);
        return make("td", { "data-name": `${name}${part === undefined ? "" : ` ${part}`}`, "data-value": String(value) }, shown);
      });
      return make("tr", {}, make("th", { scope: "row" }, words.outcome(name, label, part)), ...cells);
    }),
  );
}
