// Addresses of a run, made of the query that Python tells.
import type { Lab } from "../context";

/** Whether this is the lab's own page, which has an address of its own; a notebook's is not ours. */
export function ownPage(root: HTMLElement): boolean {
  return location.pathname.startsWith("/s/") && root.closest("#lab") !== null;
}

export function linkOf(query: string): string {
  return `${location.origin}/?${query}`;
}

export function commandOf(query: string): string {
  return `descend lab --address "${quotable(query)}"`;
}

/** How what is returned is checked against the address that was given. */
export function gradeOf(query: string): string {
  return `descend grade FOLDER --link "${quotable(query)}"`;
}

function quotable(query: string): string {
  return query.replaceAll('"', "%22");
}

/** The address of the state that is looked at: an earlier one, while looking back. */
export function shownQuery({ state, store }: Lab): string {
  const query = state?.address ?? "";
  return store === null || store.following ? query : queryAt(query, store.step);
}

/** The same run up to a step: what was changed later is no part of it. */
function queryAt(query: string, step: number): string {
  const pairs = query.split("&").map((pair) => {
    if (pair.startsWith("step=")) return `step=${step}`;
    if (!pair.startsWith("changes=")) return pair;
    const made = pair.slice("changes=".length).split(";");
    const kept = made.filter((change) => Number.parseInt(change, 10) <= step);
    return kept.length > 0 ? `changes=${kept.join(";")}` : "";
  });
  return pairs.filter((pair) => pair !== "").join("&");
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
