// Addresses of a run, made of the query that Python tells.

/** Whether this is the lab's own page, which has an address of its own; a notebook's is not ours. */
export function ownPage(root: HTMLElement): boolean {
  return location.pathname.startsWith("/s/") && root.closest("#lab") !== null;
}

export function linkOf(query: string): string {
  return `${location.origin}/?${query}`;
}

export function commandOf(query: string): string {
  return `descend lab --address "${query.replaceAll('"', "%22")}"`;
}

const OF_THE_RUN = ["changes", "step"];
const OF_THE_CLASS = ["lock", "goal"];

/** The same settings from the start, with locks and a goal; "" for none. */
export function classQuery(query: string, locks: readonly string[], goal: string): string {
  const kept = query
    .split("&")
    .filter((pair) => ![...OF_THE_RUN, ...OF_THE_CLASS].includes(pair.split("=")[0]));
  if (locks.length > 0) kept.push(`lock=${locks.join(",")}`);
  if (goal !== "") kept.push(`goal=${encodeURIComponent(goal)}`);
  return kept.join("&");
}

const APART = 500; // browsers refuse an address that changes all the time

/** Keeps the page's own address up to date, so that a reload or a bookmark finds this run. */
export function makeKeeper(): (query: string) => void {
  let wanted = "";
  let timer = 0;
  let last = 0;

  function write(): void {
    timer = 0;
    last = performance.now();
    if (location.search !== `?${wanted}`) history.replaceState(null, "", `${location.pathname}?${wanted}`);
  }

  return (query) => {
    wanted = query;
    if (timer === 0) timer = window.setTimeout(write, Math.max(0, APART - (performance.now() - last)));
  };
}
