// The room of one problem: picture, sliders, map, chart and standing; drawn at each move.
import { make, setText } from "../../charts/elements";
import { onScheme } from "../../charts/theme";
import type { Store } from "../../store";
import { text } from "../text";
import { chartCard, mapCard } from "./cards";
import type { Game } from "./game";
import { type Asks, makePanel } from "./panel";
import { pictureCard } from "./picture";
import type { Problem } from "./problem";
import { stateWords } from "./words";

const words = text.hand;
const MANY = 4; // sliders, beyond which the other cards stand beside them

export interface Room {
  element: HTMLElement;
  /** The store whose training is drawn beside the hand's way; the same problem. */
  follow(store: Store): void;
  destroy(): void;
}

export function makeRoom(problem: Problem, game: Game, asks: Asks): Room {
  let store: Store = problem.store;
  // What was trained before the hand began would give it away.
  const before = store.page.updates;
  const machine = (): Store | null => (store.page.updates > (store === problem.store ? before : 0) ? store : null);
  const panel = makePanel(game, asks);
  const picture = pictureCard(problem, game, machine);
  const map = mapCard(problem, game, machine);
  const chart = chartCard(problem, game, machine);
  const cards = [picture, map, chart];
  const spoken = make("p", { class: "unseen", role: "status", "aria-live": "polite" });
  const side = make("section", { class: "card", "aria-label": words.score.name, "data-view": "standing" }, panel.element);
  const grid = make("div", { class: "views" }, picture.element, map.element, side, chart.element);
  const element = make("div", { class: problem.names.length > MANY ? "room tall" : "room" }, grid, spoken);
  const root = make("div");
  let due = 0;
  let said = -1;

  function draw(): void {
    due = 0;
    if (element.clientWidth === 0) return; // it is drawn once it is seen again
    for (const card of cards) card.draw();
    panel.draw();
    if (said !== game.moves) setText(spoken, said < 0 ? "" : stateWords(problem, game));
    said = game.moves;
    element.dataset.drawn = String(Number(element.dataset.drawn ?? 0) + 1);
  }

  function changed(): void {
    if (due === 0) due = requestAnimationFrame(draw);
  }

  function again(): void {
    for (const card of cards) card.again();
    changed();
  }

  let width = 0;
  const sizes = new ResizeObserver(() => {
    if (grid.clientWidth !== width) again(); // higher or lower is no matter: pictures go by their width
    width = grid.clientWidth;
  });
  sizes.observe(grid);
  let unfollow = store.on(changed);
  const ends = [game.on(changed), () => sizes.disconnect(), () => unfollow(), () => cancelAnimationFrame(due)];
  const attached = new ResizeObserver(() => {
    if (!element.isConnected) return;
    attached.disconnect();
    ends.push(onScheme(element.closest<HTMLElement>(".descend") ?? root, again));
  });
  attached.observe(element);
  ends.push(() => attached.disconnect());
  changed();
  return {
    element,
    follow(next) {
      unfollow();
      store = next;
      unfollow = store.on(changed);
      again();
    },
    destroy() {
      for (const end of ends) end();
      element.remove();
    },
  };
}
