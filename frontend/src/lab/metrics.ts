// How good the model is, in the figures people know, on training and on validation rows.
import { make, setText } from "../charts/elements";
import { count, percent, setValue } from "../charts/figures";
import type { MakeView } from "../store";
import type { Told } from "./contract";
import type { Link } from "./link";
import { text } from "./text";

const words = text.metrics;

interface PartTold {
  figures: Record<string, number | null>;
  confusion: number[][] | null;
  sentence: string;
}

/** What Python tells (src/descend/lab/quality.py). */
interface Metrics {
  at: number;
  classes: string[] | null;
  parts: Record<string, PartTold>;
}

export function metricsView(link: Link): MakeView {
  return (_, host) => {
    const branch = link.last("page")?.branch;
    const figures = make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": words.name });
    const tables = make("div", { class: "confusions" });
    const note = make("p", { class: "quiet" });
    host.append(figures, tables, note);
    let drawn: Told["metrics"] | null = null;

    function told(): Told["metrics"] | null {
      const last = link.last("metrics");
      return last?.branch === branch ? last : null;
    }

    function take(now: Told["metrics"]): void {
      drawn = now;
      if (now.unknown !== undefined) {
        figures.replaceChildren();
        tables.replaceChildren();
        setText(note, now.unknown);
        return;
      }
      const found = now as unknown as Metrics;
      figures.replaceChildren(figuresTable(found));
      const parts = Object.entries(found.parts).filter(([, part]) => part.confusion !== null);
      tables.replaceChildren(...parts.map(([name, part]) => confusionTable(name, part, found.classes ?? [])));
      setText(note, words.measured(found.at, Object.values(found.parts).map(({ sentence }) => sentence)));
    }

    return {
      name: "metrics",
      get title() {
        const now = told();
        return now === null || now.unknown !== undefined ? words.none : titled(now as unknown as Metrics);
      },
      draw() {
        const now = told();
        if (now !== null && now !== drawn) take(now);
      },
    };
  };
}

function titled({ parts }: Metrics): string {
  const [name, part] = Object.entries(parts).at(-1) ?? ["", null];
  const { accuracy, r2 } = part?.figures ?? {};
  if (typeof accuracy === "number") return words.right(percent(accuracy), name);
  return typeof r2 === "number" ? words.explained(r2, name) : words.none;
}

function figuresTable({ parts }: Metrics): HTMLTableElement {
  const names = Object.keys(parts);
  const known = [...new Set(Object.values(parts).flatMap((part) => Object.keys(part.figures)))];
  const head = make("tr", {}, make("td"), ...names.map((name) => make("th", { scope: "col" }, name)));
  const rows = known.map((figure) => {
    const cells = names.map((name) => {
      const cell = make("td", { "data-name": `${name} ${figure}` });
      setValue(cell, parts[name].figures[figure] ?? Number.NaN);
      return cell;
    });
    return make("tr", {}, make("th", { scope: "row" }, words.figures[figure] ?? figure), ...cells);
  });
  const caption = make("caption", { class: "unseen" }, words.name);
  return make("table", { class: "metrics" }, caption, make("thead", {}, head), make("tbody", {}, ...rows));
}

const MOST = 12; // classes of a table that can still be read

/** Rows are the truth, columns what the model says; the shade is the share of its row. */
function confusionTable(name: string, { confusion }: PartTold, classes: string[]): HTMLElement {
  const counts = confusion ?? [];
  if (classes.length > MOST) return make("p", { class: "quiet" }, words.tooMany(classes.length));
  const says = classes.map((label) => make("th", { scope: "col" }, words.says(label)));
  const rows = counts.map((row, i) => {
    const total = row.reduce((sum, value) => sum + value, 0) || 1;
    const cells = row.map((value, j) => cellOf(`${name} ${i} ${j}`, value, value / total, i === j));
    return make("tr", {}, make("th", { scope: "row" }, words.is(classes[i])), ...cells);
  });
  const table = make(
    "table",
    { class: "confusion" },
    make("caption", {}, words.confusion(name)),
    make("thead", {}, make("tr", {}, make("td"), ...says)),
    make("tbody", {}, ...rows),
  );
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": words.confusion(name) }, table);
}

function cellOf(name: string, value: number, share: number, right: boolean): HTMLElement {
  const cell = make("td", { "data-name": name, "data-value": String(value), class: right ? "right" : "wrong" }, count(value));
  cell.style.setProperty("--share", `${Math.round(100 * share)}%`);
  return cell;
}
