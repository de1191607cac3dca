// A store whose theta is the hand's: views that read a store show what the hand does.
import type { Chosen, Store } from "../../store";
import type { Game } from "./game";
import type { Problem } from "./problem";

export function handStore(problem: Problem, game: Game): Store {
  const { store } = problem;
  let chosen: Chosen = { ...store.chosen, row: -1 };
  let [seen, stamp] = [game.theta, 0];
  const own: Partial<Store> = {
    get stamp() {
      if (seen !== game.theta) [seen, stamp] = [game.theta, stamp + 1];
      return stamp;
    },
    get step() {
      return game.moves;
    },
    get chosen() {
      return chosen;
    },
    get playing() {
      return false;
    },
    theta: () => game.theta as Float64Array<ArrayBuffer>,
    choose(change) {
      chosen = { ...chosen, ...change };
      game.changed();
    },
  };
  return Object.create(store, Object.getOwnPropertyDescriptors(own)) as Store;
}
