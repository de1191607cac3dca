// The page: its head, the timeline, the state in words, and a section for every view.
//
// Views in sight are drawn at each change, and while frames follow one another as many as fit; the
// others in turn, each about once a second, and once nothing has changed for a moment, so that whoever reads them without looking, prints
// them or jumps to them finds them true.
import { make, freshId, setText } from "./charts/elements";
import { seldom } from "./charts/seldom";
import { onScheme } from "./charts/theme";
import type { MakeView, Store, View } from "./store";
import { adoptStyle } from "./style";
import { data } from "./views/data";
import { findings } from "./views/findings";
import { formulas } from "./views/formulas";
import { loss } from "./views/loss";
import { network } from "./views/network";
import { summary } from "./views/summary";
import { surface } from "./views/surface";
import { tables } from "./views/tables";
import { keys, timeline } from "./views/timeline";

/** A view and its place: `wide` ones have a row of their own. */
export interface Entry {
  make: MakeView;
  wide: boolean;
}

/** In the order in which they are read. */
export const VIEWS: Entry[] = [
  { make: loss, wide: false },
  { make: data, wide: false },
  { make: surface, wide: false },
  { make: network, wide: false },
  { make: formulas, wide: true },
  { make: findings, wide: true },
  { make: tables, wide: true },
];

const BUDGET = 7; // milliseconds of an animation frame that views may take while frames follow one another
const UNSEEN = 1000; // milliseconds from one drawing of what is out of sight to the next, meanwhile
const QUIET = 160; // milliseconds without a change, after which what is out of sight is drawn

interface Shown {
  view: View;
  heading: Element;
  section: Element;
  inSight: boolean;
  stale: boolean;
  drawn: number; // when
  titled: () => boolean; // whether it is time for its title
}

/** Builds the page inside `el`; returns the way to take it away. */
export function shell(store: Store, el: HTMLElement): () => void {
  let end: () => void = () => undefined;
  const stopWaiting = onceConnected(el, () => {
    end = build(store, el);
  });
  return () => {
    stopWaiting();
    end();
  };
}

/** Hosts may render before they attach: style and size are only known afterwards. */
function onceConnected(el: HTMLElement, then: () => void): () => void {
  if (el.isConnected) {
    then();
    return () => undefined;
  }
  const watch = new ResizeObserver(() => {
    if (!el.isConnected) return;
    watch.disconnect();
    then();
  });
  watch.observe(el);
  return () => watch.disconnect();
}

function build(store: Store, el: HTMLElement): () => void {
  adoptStyle(el);
  const root = make("div", { class: "descend", role: "region", "aria-label": `Run: ${store.page.title}` });
  el.append(root);
  root.append(head(store));
  const ends = [board(store, root, root, [timeline, summary], VIEWS), keys(store, root)];
  root.dataset.ready = "yes";
  return () => {
    for (const end of ends) end();
    root.remove();
  };
}

/**
 * Puts views into `host`: fixed ones as they are, the others each in a section of a grid, drawn as
 * the store changes; `root` is told the frame that is drawn.  Returns the way to take them away.
 */
export function board(
  store: Store,
  root: HTMLElement,
  host: HTMLElement,
  above: MakeView[],
  entries: Entry[],
): () => void {
  const fixed = above.map((makeView) => makeView(store, plain(host))).filter((view) => view !== null);
  const grid = make("div", { class: "views" });
  host.append(grid);
  const shown = entries.flatMap(({ make: makeView, wide }) => section(store, grid, makeView, wide));
  pairUp(shown);
  const painter = makePainter(store, root, grid, shown, fixed);
  const ends = [store.on(painter.changed), onScheme(root, painter.recoloured), painter.watch()];
  painter.changed();
  return () => {
    for (const end of ends) end();
    for (const view of [...fixed, ...shown.map((one) => one.view)]) view.destroy?.();
  };
}

function head({ page }: Store): HTMLElement {
  return make(
    "header",
    { class: "head" },
    make("h2", {}, page.title),
    make("p", { class: "task" }, page.summary.join(" ")),
  );
}

function plain(root: HTMLElement): HTMLElement {
  const host = make("div");
  host.style.setProperty("display", "contents");
  root.append(host);
  return host;
}

function section(store: Store, grid: HTMLElement, makeView: MakeView, wide: boolean): Shown[] {
  const id = freshId("heading");
  const heading = make("h3", { id });
  const host = make("div", { class: "host" });
  const card = make("section", { class: wide ? "card wide" : "card", "aria-labelledby": id }, heading, host);
  grid.append(card);
  const view = attempt(() => makeView(store, host));
  if (view === null) {
    card.remove();
    return [];
  }
  card.dataset.view = view.name;
  return [{ view, heading, section: card, inSight: false, stale: true, drawn: 0, titled: seldom(store) }];
}

/** No hole beside the last of an odd number of narrow sections: the findings go there. */
function pairUp(shown: Shown[]): void {
  const narrow = shown.filter(({ section: card }) => !card.classList.contains("wide"));
  const found = shown.find(({ view }) => view.name === "findings");
  if (narrow.length % 2 === 0 || found === undefined) return;
  narrow[narrow.length - 1].section.after(found.section);
  found.section.classList.remove("wide");
}

/** A view that fails is told to the console, and keeps no other from being seen. */
function attempt<T>(act: () => T): T | null {
  try {
    return act();
  } catch (error) {
    reportError(error);
    return null;
  }
}

interface Painter {
  changed(): void;
  recoloured(): void;
  watch(): () => void;
}

function makePainter(store: Store, root: HTMLElement, grid: HTMLElement, shown: Shown[], fixed: View[]): Painter {
  let later = 0;
  let more = 0; // the handle of the frame that draws on
  let width = 0;

  function draw(one: Shown): void {
    one.stale = false;
    one.drawn = performance.now();
    attempt(() => one.view.draw());
    if (one.titled()) setText(one.heading, one.view.title);
  }

  /** What is in sight; while playing as much as fits, whoever waited longest first. */
  function seenDrawn(): void {
    cancelAnimationFrame(more);
    const begun = performance.now();
    const due = shown.filter((one) => one.inSight && one.stale);
    if (!store.playing) return due.forEach(draw);
    const ready = due.filter(({ view, drawn }) => begun - drawn >= (view.pace ?? 0));
    ready.sort((one, other) => one.drawn - other.drawn);
    for (const one of ready) {
      draw(one);
      if (performance.now() - begun > BUDGET) break;
    }
    if (performance.now() - begun <= BUDGET) unseenDrawn();
    if (due.some((one) => one.stale)) more = requestAnimationFrame(seenDrawn);
  }

  /** One of those out of sight, if it has waited long: who reads the page without looking reads them too. */
  function unseenDrawn(): void {
    const now = performance.now();
    const due = shown.filter((one) => !one.inSight && one.stale && now - one.drawn >= Math.max(UNSEEN, one.view.pace ?? 0));
    due.sort((one, other) => one.drawn - other.drawn);
    if (due.length > 0) draw(due[0]);
  }

  function rest(): void {
    for (const one of shown) if (one.stale) draw(one);
    root.dataset.settled = String(store.index);
  }

  function changed(): void {
    for (const view of fixed) attempt(() => view.draw());
    for (const one of shown) one.stale = true;
    seenDrawn();
    root.dataset.frame = String(store.index);
    delete root.dataset.settled;
    clearTimeout(later);
    if (!store.playing) later = window.setTimeout(rest, QUIET);
  }

  /** After a change of size or colours: everything, from scratch. */
  function redrawn(): void {
    for (const { view } of shown) attempt(() => view.resize?.());
    changed();
  }

  /** What is out of sight too, and at once: it may be on its way to paper. */
  function recoloured(): void {
    redrawn();
    rest();
  }

  function sized(): void {
    if (grid.clientWidth === width) return;
    width = grid.clientWidth;
    redrawn();
  }

  function seen(entries: IntersectionObserverEntry[]): void {
    for (const entry of entries) {
      const one = shown.find((each) => each.section === entry.target);
      if (one === undefined) continue;
      one.inSight = entry.isIntersecting;
      if (one.inSight && one.stale) draw(one);
    }
  }

  function watch(): () => void {
    const sight = new IntersectionObserver(seen, { rootMargin: "80px" });
    for (const one of shown) sight.observe(one.section);
    const sizes = new ResizeObserver(sized);
    sizes.observe(grid);
    width = grid.clientWidth;
    return () => {
      sight.disconnect();
      sizes.disconnect();
      clearTimeout(later);
      cancelAnimationFrame(more);
    };
  }

  return { changed, recoloured, watch };
}
