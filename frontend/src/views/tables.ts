// The same numbers as tables, for those who don't see charts, and for those who want them exactly.
import { className, saidBy } from "../charts/judging";
import { make, setText } from "../charts/elements";
import { count, counted, figure, setValue, short } from "../charts/figures";
import { valueAt } from "../charts/moments";
import { type Parameter, parameterCount, parametersOf } from "../charts/parameters";
import { hasLabels, ownUnit, targetUnit } from "../charts/rows";
import { type Look, lookOf } from "../looking";
import type { MakeView, Store } from "../store";

const STEPS = 20;
const PARAMETERS = 40;
const ROWS = 12;
const FEATURES = 4;

interface Table {
  element: HTMLDetailsElement;
  draw(): void;
}

export const tables: MakeView = (store, host) => {
  const look = lookOf(store);
  const all = [curvesTable(store)];
  if (parameterCount(store.page) > 0) all.push(parametersTable(store));
  if (look !== null) all.push(predictionsTable(store, look));
  host.append(...all.map((table) => table.element));
  for (const table of all) table.element.addEventListener("toggle", () => table.draw());
  return {
    name: "tables",
    title: "The numbers as tables",
    draw() {
      for (const table of all) if (table.element.open) table.draw();
    },
  };
};

function folded(name: string, words: string, table: HTMLTableElement): HTMLDetailsElement {
  const id = table.querySelector("caption")?.textContent ?? name;
  const scroll = make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": id }, table);
  const details = make("details", { "data-table": name }, make("summary", {}, words), scroll);
  return details;
}

function headed(caption: string, names: string[]): { table: HTMLTableElement; body: HTMLTableSectionElement } {
  const row = make("tr", {}, ...names.map((name) => make("th", { scope: "col" }, name)));
  const body = make("tbody");
  const table = make("table", {}, make("caption", {}, caption), make("thead", {}, row), body);
  return { table, body };
}

interface CurvesLine {
  step: number;
  line: HTMLElement;
}

const APART = 1000; // milliseconds between two tables of a run that goes on

/** Every curve at some updates, evenly among the frames; the one looked at is marked. */
function curvesTable(store: Store): Table {
  const { table, body } = headed("Curves at some of the updates", []);
  const head = table.tHead!.rows[0];
  let lines: CurvesLine[] = [];
  let grown = -1;
  let filled = 0;

  function fill(): void {
    const waits = store.playing && performance.now() - filled < APART;
    if (store.grown === grown || waits) return;
    [grown, filled] = [store.grown, performance.now()];
    const names = ["update", ...store.page.curves.map(({ label }) => label)];
    head.replaceChildren(...names.map((name) => make("th", { scope: "col" }, name)));
    lines = pickedSteps(store.page.frames).map((step) => curvesLine(store, step));
    body.replaceChildren(...lines.map(({ line }) => line));
  }

  return {
    element: folded("curves", "Curves", table),
    draw() {
      fill();
      const here = lines.reduce((best, one) => (one.step <= store.step ? one : best), lines[0]);
      for (const { line } of lines) {
        if (line === here.line) line.setAttribute("aria-current", "step");
        else line.removeAttribute("aria-current");
      }
    },
  };
}

function pickedSteps(frames: number[]): number[] {
  const rows = Math.min(STEPS, frames.length);
  const places = Array.from({ length: rows }, (_, i) => Math.round((i * (frames.length - 1)) / Math.max(1, rows - 1)));
  return [...new Set(places)].map((place) => frames[place]);
}

function curvesLine(store: Store, step: number): CurvesLine {
  const cells = store.page.curves.map(({ name }) => {
    const cell = make("td", { "data-name": name });
    const found = valueAt(store, name, step);
    if (found !== null) setValue(cell, found.value);
    return cell;
  });
  return { step, line: make("tr", {}, make("th", { scope: "row" }, count(step)), ...cells) };
}

function parametersTable(store: Store): Table {
  const { page } = store;
  const some = parametersOf(page, PARAMETERS);
  const all = parameterCount(page);
  const words = some.length < all ? `The first ${some.length} of ${count(all)} parameters` : counted(all, "parameter");
  const { table, body } = headed(words, ["parameter", "start", "now"]);
  const cells = some.map((parameter) => {
    const start = make("td");
    setValue(start, store.theta(0)[parameter.at], 5);
    const now = make("td", { "data-name": `theta ${parameter.at}` });
    body.append(make("tr", {}, headOf(parameter), start, now));
    return { now, at: parameter.at };
  });
  return {
    element: folded("parameters", "Parameters", table),
    draw() {
      const theta = store.theta();
      for (const { now, at } of cells) setValue(now, theta[at], 5);
    },
  };
}

function headOf({ name }: Parameter): HTMLElement {
  return make("th", { scope: "row" }, short(name, 48));
}

/** Some rows, what is true of them, and what is predicted now. */
function predictionsTable(store: Store, look: Look): Table {
  const { page } = store;
  const labels = hasLabels(page);
  const features = page.features.slice(0, FEATURES);
  const rows = Math.min(ROWS, look.rows.count);
  const { k, d } = look.maths.net;
  const width = page.blocks.y.shape[1] ?? 1;
  const { table, body } = headed(
    `${counted(rows, "row")} of those shown, and what is predicted for them now`,
    ["row", ...features.map(({ name }) => short(name, 20)), ...heads(store, k, width)],
  );
  const cells: ((found: ReturnType<Look["found"]>) => void)[] = [];
  for (let i = 0; i < rows; i++) {
    const part = look.part[i] === 1 ? " (validation)" : "";
    const line = make("tr", {}, make("th", { scope: "row" }, `${i}${part}`));
    features.forEach((_, j) => {
      const value = ownUnit(page, j, look.rows.X[i * d + j]);
      line.append(make("td", {}, figure(value, 4)));
    });
    if (labels) cells.push(...labelCells(store, look, i, line));
    else cells.push(...numberCells(store, look, i, line, width));
    body.append(line);
  }
  return {
    element: folded("predictions", "Predictions", table),
    draw() {
      const found = look.found();
      for (const draw of cells) draw(found);
    },
  };
}

/** What stands above the targets and the predictions: `k` scores, `width` targets. */
function heads(store: Store, k: number, width: number): string[] {
  const numbered = (word: string, many: number): string[] =>
    Array.from({ length: many }, (_, j) => (many > 1 ? `${word} ${j + 1}` : word));
  if (!hasLabels(store.page)) return [...numbered("true", width), ...numbered("predicted", k)];
  const probability = k === 1 && store.page.loss.proper;
  return ["true", "predicted", ...(probability ? [`probability of ${className(store, 1)}`] : [])];
}

type Drawn = ((found: ReturnType<Look["found"]>) => void)[];

function labelCells(store: Store, look: Look, i: number, line: HTMLElement): Drawn {
  const { k } = look.maths.net;
  const said = make("td", { "data-name": `said ${i}` });
  line.append(make("td", {}, short(className(store, look.rows.y[i]))), said);
  const drawn: Drawn = [
    ({ scores }) => {
      const code = saidBy(scores, i * k, k);
      setText(said, short(className(store, code)));
      said.dataset.value = String(code);
    },
  ];
  if (k === 1 && store.page.loss.proper) {
    const cell = make("td", { "data-name": `predicted ${i}` });
    line.append(cell);
    drawn.push(({ predicted }) => setValue(cell, predicted[i], 4));
  }
  return drawn;
}

function numberCells(store: Store, look: Look, i: number, line: HTMLElement, width: number): Drawn {
  const { k } = look.maths.net;
  for (let j = 0; j < width; j++) {
    line.append(make("td", {}, figure(targetUnit(store.page, look.rows.y[i * width + j]), 4)));
  }
  return Array.from({ length: k }, (_, j) => {
    const cell = make("td", { "data-name": k > 1 ? `predicted ${i} ${j}` : `predicted ${i}` });
    line.append(cell);
    return ({ predicted }: ReturnType<Look["found"]>) =>
      setValue(cell, targetUnit(store.page, predicted[i * k + j]), 4);
  });
}
