// The module in the anywidget contract: hosts call `render` with a model that holds `page` and
// `data`.  Nothing is fetched, and nothing is written outside `el`.
import type { Page } from "./contract";
import { type Bytes, decode } from "./decode";
import { makeStore } from "./make";
import { makeMaths } from "./maths";
import { shell } from "./shell";

/** What we need of the host's model; a report's is three lines long. */
export interface HostModel {
  get(name: "page"): Page | undefined;
  get(name: "data"): Bytes | undefined;
  on?(event: string, listener: () => void): void;
  off?(event: string, listener: () => void): void;
}

export interface Host {
  model: HostModel;
  el: HTMLElement;
  signal?: AbortSignal; // newer hosts; older ones call what `render` returns
}

const EVENTS = ["change:page", "change:data"];

function render({ model, el, signal }: Host): () => void {
  let clear = shown(model, el);
  let waiting = false;
  let over = false;

  function again(): void {
    waiting = false;
    if (over) return;
    clear();
    clear = shown(model, el);
  }

  // A host may change page and data one after the other; they only fit together.
  function changed(): void {
    if (!waiting) queueMicrotask(again);
    waiting = true;
  }

  function stop(): void {
    if (over) return;
    over = true;
    for (const event of EVENTS) model.off?.(event, changed);
    clear();
  }

  for (const event of EVENTS) model.on?.(event, changed);
  signal?.addEventListener("abort", stop, { once: true });
  return stop;
}

/** Shows what the model holds, if it holds everything; returns the way to take it away. */
function shown(model: HostModel, el: HTMLElement): () => void {
  const page = model.get("page");
  const data = model.get("data");
  if (!page?.blocks?.theta || !data) return () => undefined;
  const store = makeStore(page, data);
  const clear = shell(store, el);
  return () => {
    clear();
    store.destroy();
  };
}

// The others hang here for the tests, since the report rewrites the module's one export.
export default { render, decode, store: makeStore, maths: makeMaths };
