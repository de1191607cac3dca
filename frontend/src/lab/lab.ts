// The lab in the anywidget contract: hosts call `render` with a model that carries messages both ways.
import { make } from "../charts/elements";
import { board, type Entry, VIEWS } from "../shell";
import { adoptStyle } from "../style";
import type { Finding } from "../contract";
import { findings, findingsWith } from "../views/findings";
import { summary } from "../views/summary";
import { adoptLabStyle } from "./style";
import type { Lab, Part } from "./context";
import type { Told } from "./contract";
import { curvatureView } from "./curvature";
import { type LabModel, type Link, makeLink } from "./link";
import { branchesPanel } from "./branches/panel";
import { controls } from "./controls/panel";
import { handRoom } from "./hand/hand";
import { handSwitch } from "./hand/mode";
import { insideViews } from "./inside/inside";
import { type LiveStore, makeLiveStore } from "./live";
import { metricsView } from "./metrics";
import { makeNotice } from "./notice";
import { opening } from "./opening";
import { playbar } from "./playbar";
import { goal } from "./share/goal";
import { share } from "./share/share";
import { text } from "./text";

export interface Host {
  model: LabModel & { get(name: string): unknown };
  el: HTMLElement;
  signal?: AbortSignal;
}

/** Parts that stay while branches come and go, and where each has its place. */
const PARTS: { part: Part; place: "head" | "top" | "side" | "above" | "below" }[] = [
  { part: handSwitch, place: "head" },
  { part: opening, place: "head" },
  { part: share, place: "head" },
  { part: goal, place: "top" },
  { part: playbar, place: "top" },
  { part: branchesPanel, place: "above" },
  { part: controls, place: "side" },
  { part: handRoom, place: "below" },
];

/** The report's views, and the lab's own among them. */
function boardOf(link: Link): Entry[] {
  const remedy = { words: text.findings.tryIt, act: ({ code }: Finding) => link.say({ kind: "try", code }) };
  const own = [
    { make: curvatureView(link), wide: false },
    { make: metricsView(link), wide: false },
  ];
  const shared = VIEWS.map((entry) => (entry.make === findings ? { ...entry, make: findingsWith(remedy) } : entry));
  const at = shared.findIndex(({ wide }) => wide);
  return [...shared.slice(0, at), ...own, ...shared.slice(at)];
}

function render({ model, el, signal }: Host): () => void {
  adoptStyle(el);
  adoptLabStyle(el);
  const over = new AbortController();
  const link = makeLink(model);
  const places = {
    head: make("div", { class: "headrow" }),
    top: make("div", { class: "top" }),
    side: make("div", { class: "side" }),
    above: make("div", { class: "above" }), // the views; what grows here pushes no control away
    below: make("div", { class: "below" }),
  };
  const notice = makeNotice();
  const main = make("div", { class: "board" });
  const root = make(
    "div",
    { class: "descend lab", role: "region", "aria-label": text.title },
    places.head,
    places.top,
    notice.element,
    make("div", { class: "columns" }, places.side, make("div", { class: "main" }, places.above, main, places.below)),
  );
  el.append(root);
  const stores = new Set<(store: LiveStore) => void>();
  const states = new Set<(state: Told["state"]) => void>();
  let store: LiveStore | null = null;
  let clear: () => void = () => undefined;

  const lab: Lab = {
    link,
    root,
    get store() {
      return store;
    },
    get state() {
      return link.last("state");
    },
    onStore: (listener) => listening(stores, listener),
    onState: (listener) => listening(states, listener),
    tell: (sentence, severity = "note") => notice.tell(sentence, severity),
  };

  const views = insideViews(lab, boardOf(link));
  for (const { part, place } of PARTS) {
    const host = make("div", { class: "part" });
    places[place].append(host);
    part(lab, host, over.signal);
  }

  const heights = new ResizeObserver(() => barHeight(root, places.top));
  for (const part of places.top.children) heights.observe(part);

  link.on("page", (told, [data]) => {
    hold(main);
    clear();
    main.replaceChildren();
    store?.destroy();
    const before = store?.chosen;
    store = makeLiveStore(told.page, data, {
      train,
      look: (step) => link.say({ kind: "look", step, branch: told.branch }),
    });
    if (before !== undefined) store.choose({ log: before.log, numbers: before.numbers });
    root.dataset.branch = String(told.branch);
    for (const listener of [...stores]) listener(store);
    clear = board(store, root, main, [summary], views);
    root.dataset.ready = "yes";
  });
  link.on("frames", (told, [thetas]) => {
    if (store === null || told.branch !== Number(root.dataset.branch)) return;
    store.setUpdates(told.updates);
    for (const [name, [step, value]] of Object.entries(told.figures)) {
      store.measure(name, step, value ?? Number.NaN);
    }
    framesOf(told.steps, thetas).forEach((theta, i) => store?.add(told.steps[i], theta));
    root.dataset.frames = String(Number(root.dataset.frames ?? 0) + 1);
  });
  let begun = false;
  link.on("state", (state) => {
    if (!begun && isFresh(state)) link.say({ kind: "play", on: true });
    begun = true;
    store?.setUpdates(state.updates);
    store?.setParts({ ...state.parts, marks: state.marks });
    store?.setPace(state.speed);
    store?.setTraining(state.playing);
    root.dataset.playing = state.playing ? "yes" : "no";
    root.dataset.updates = String(state.updates);
    root.dataset.answered = String(state.number ?? "");
    for (const listener of [...states]) listener(state);
  });
  link.on("curves", (told, [data]) => mine(told) && store?.setCurves(told.curves, told.blocks, data));
  link.on("surface", ({ surface, step, ...told }, [data]) => {
    if (mine(told)) store?.setSurface(surface && { ...surface, step }, told.blocks, data);
  });
  link.on("findings", (told) => mine(told) && store?.setFindings(told.findings));
  link.on("curvature", () => store?.told()); // these views read what was told themselves
  link.on("metrics", () => store?.told());
  link.on("said", ({ sentence, severity }) => lab.tell(sentence, severity));
  link.on("connection", ({ open, why }) => {
    lab.tell(open ? "" : why === undefined ? text.lost : text.gone[why], open ? "note" : "error");
    if (!open) store?.setTraining(false);
    if (open) link.say({ kind: "hello" });
  });
  link.say({ kind: "hello" });

  /** Of the branch that is shown, and known. */
  function mine({ branch, unknown }: { branch: number; unknown?: string }): boolean {
    return branch === Number(root.dataset.branch) && unknown === undefined;
  }

  /** What has ended is replayed, and does not go on: the playbar says why. */
  function train(on: boolean): void {
    if (on && lab.state?.ended != null) store?.setTraining(false);
    else link.say({ kind: "play", on });
  }

  function stop(): void {
    if (over.signal.aborted) return;
    over.abort();
    heights.disconnect();
    notice.stop();
    link.close();
    clear();
    store?.destroy();
    root.remove();
  }
  signal?.addEventListener("abort", stop, { once: true });
  return stop;
}

/** A lab that nobody has touched, and that asks for nothing special, is alive from the start. */
function isFresh({ updates, branches, goal, lock, settings }: Told["state"]): boolean {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const asked = new URLSearchParams(location.search).has("step") || goal !== null || lock.length > 0;
  const untouched = updates === 0 && branches.length === 1 && settings.start === null;
  return untouched && !asked && !calm && settings.data !== "run";
}

function listening<T>(all: Set<T>, listener: T): () => void {
  all.add(listener);
  return () => all.delete(listener);
}

/** Keeps an element as tall as it is until it has been filled again, so that nobody is scrolled away. */
function hold(element: HTMLElement): void {
  element.style.setProperty("min-height", `${element.offsetHeight}px`);
  requestAnimationFrame(() => requestAnimationFrame(() => element.style.removeProperty("min-height")));
}

/** How much of the screen the playbar takes that stays at its top: what stays below it must know. */
function barHeight(root: HTMLElement, top: HTMLElement): void {
  const bar = top.querySelector(".part:has(> .timeline)");
  root.style.setProperty("--bar", `${bar?.clientHeight ?? 0}px`);
}

/** States one after another, as they came. */
function framesOf(steps: number[], thetas: DataView): Float64Array[] {
  const each = thetas.byteLength / 8 / Math.max(1, steps.length);
  return steps.map((_, i) => {
    const theta = new Float64Array(each);
    for (let j = 0; j < each; j++) theta[j] = thetas.getFloat64(8 * (i * each + j), true);
    return theta;
  });
}

// The store hangs here for the tests.
export default { render, live: makeLiveStore };
