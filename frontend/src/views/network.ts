// The net: weights as lines, units with what the row chosen makes of them, and the mean over rows.
import type { Page } from "../contract";
import { rowChooser } from "../choosing";
import { make, setAttribute, setText } from "../charts/elements";
import { figure, percent } from "../charts/figures";
import { type Look, lookOf, mathsOf } from "../looking";
import type { Found } from "../maths";
import type { Net } from "../net";
import { type Drawing, drawn, type Said, type Unit } from "../network/drawing";
import { meansOf, scalesOf, widened } from "../network/levels";
import { type Plan, type PlanLook, planOf } from "../network/plan";
import { roving } from "../network/roving";
import { type Known, nameOf, outputName, wordsOf } from "../network/words";
import type { MakeView, Store, View } from "../store";
import { adoptWorkedStyle } from "../worked_style";

const ROWS = 600; // while playing, means over more rows than this are left out
const HINT = "Point at a unit, or go to it with Tab and the arrow keys, to see its numbers; press it to keep them.";

/** What a host may add to the net. */
export interface Added {
  /** Called after every drawing of the weights. */
  draw(): void;
  /** Called when another unit is pointed at, focused or kept; null for none. */
  point?(unit: Unit | null): void;
}

export interface Adding {
  look?: PlanLook; // of the units
  controls?: (store: Store) => HTMLElement[];
  /** Called whenever the net has been laid out anew, within `stage`. */
  add(store: Store, stage: HTMLElement, drawing: Drawing, plan: Plan): Added;
}

export const network: MakeView = networkWith(null);

export function networkWith(adding: Adding | null): MakeView {
  return (store, host) => viewOf(store, host, adding);
}

function viewOf(store: Store, host: HTMLElement, adding: Adding | null): View | null {
  const maths = mathsOf(store);
  if (maths === null) return null;
  const { net } = maths;
  const { page } = store;
  adoptWorkedStyle(host);
  const look = lookOf(store);
  let scales = scalesOf(net, store.theta(page.returned));
  const chooser = look === null ? null : rowChooser(store, look.rows.count - 1);
  const stage = make("div", { class: "scroll" });
  const details = make("p", { class: "readout unit-words" }, HINT);
  const choices = make("div", { class: "choices" }, chooser?.element ?? null, ...(adding?.controls?.(store) ?? []));
  host.append(choices, stage, key(net, look !== null), details);

  let drawing: Drawing;
  let spoken: Unit | null = null;
  let known: Known = { one: null, x: null, means: null, rows: 0 };
  let title = "The weights";
  let added: Added | null = null;

  function show(unit: Unit | null): void {
    if (spoken !== unit) added?.point?.(unit);
    spoken = unit;
    tell();
  }

  function tell(): void {
    setText(details, spoken === null ? HINT : wordsOf(page, net, store.theta(), spoken.spot, known));
  }

  function build(): void {
    const width = Math.max(280, host.clientWidth || 600);
    const plan = planOf(net, width, adding?.look);
    drawing = drawn(plan, net, page);
    setAttribute(drawing.root, "role", "group");
    setAttribute(drawing.root, "aria-label", `Units of the net ${page.model.sizes.join("–")}`);
    stage.replaceChildren(drawing.root);
    roving(drawing, show);
    spoken = null;
    added = adding?.add(store, stage, drawing, plan) ?? null;
  }

  build();
  return {
    name: "network",
    pace: 66,
    get title() {
      return title;
    },
    draw() {
      chooser?.draw();
      known = knownOf(store, look);
      if (store.grown > 0) scales = widened(scales, scalesOf(net, store.theta()));
      drawing.weigh(store.theta(), scales);
      if (known.one !== null) shade(drawing, net, known, page.model.activation.name);
      drawing.say(beside(store, net, known.one));
      added?.draw();
      if (!store.playing) label(drawing, store, net, known);
      title = `The ${net.layers.length === 1 ? "weights" : "net"} at update ${store.step}${known.one === null ? "" : `, as row ${store.chosen.row} meets it`}`;
      tell();
    },
    resize: build,
  };
}

function knownOf(store: Store, look: Look | null): Known {
  if (look === null) return { one: null, x: null, means: null, rows: 0 };
  const { rows } = look;
  const d = look.maths.net.d;
  const { row } = store.chosen;
  const waits = store.playing && rows.count > ROWS;
  return {
    one: look.one(),
    x: rows.X.subarray(row * d, (row + 1) * d),
    means: waits ? null : meansOf(look),
    rows: rows.count,
  };
}

const BOUNDED = ["sigmoid", "tanh", "softmax", "cos"];

function shade({ units }: Drawing, net: Net, { one, x, means }: Known, activation: string): void {
  const values = [x!, ...one!.tape.passed];
  const largest = values.map((layer, i) =>
    i > 0 && i < net.layers.length && BOUNDED.includes(activation) ? 1 : largestOf(layer),
  );
  for (const { spot, shade: draw } of units) {
    const { layer, unit } = spot;
    draw({
      value: values[layer][unit],
      mean: means === null ? Number.NaN : means[layer][unit],
      largest: largest[layer],
    });
  }
}

function largestOf(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    if (Math.abs(values[i]) > largest) largest = Math.abs(values[i]);
  }
  return largest;
}

/** Beside each output: its label or number, and what is predicted. */
function beside({ page }: Store, net: Net, one: Found | null): Said[] {
  return Array.from({ length: net.k }, (_, j) => {
    const labels = page.loss.targets === "labels";
    const name = labels || net.k > 1 ? outputName(page, j) : "";
    return { name, value: one === null || one.losses === null ? "" : said(page, one.predicted[j], labels) };
  });
}

function said(page: Page, predicted: number, labels: boolean): string {
  if (page.loss.proper) {
    const share = percent(predicted).replace("under", "<"); // there is little room
    return labels ? share : `p ${share.startsWith("<") ? "" : "= "}${share}`;
  }
  if (page.loss.targets === "two labels") return "";
  return figure(page.target.mean + page.target.scale * predicted);
}

function label({ units }: Drawing, { page, theta }: Store, net: Net, known: Known): void {
  for (const { element, spot } of units) {
    const words = known.one === null ? nameOf(page, net, spot) : wordsOf(page, net, theta(), spot, known);
    setAttribute(element, "aria-label", words);
  }
}

function key(net: Net, rows: boolean): HTMLElement {
  const entry = (mark: string, words: string): HTMLElement =>
    make("li", {}, make("span", { class: `swatch ${mark}`, "aria-hidden": "true" }), words);
  const entries = [
    entry("plus-wire", "weight above 0"),
    entry("dashed minus-wire", "below 0"),
  ];
  const words = ["width: size, within its layer"];
  if (net.layers[0].bias >= 0) words.push("short lines: biases");
  if (rows) words.push("number and shade: the row chosen", "tick: mean over the rows shown");
  return make("ul", { class: "key" }, ...entries, ...words.map((text) => make("li", {}, text)));
}
