// The way through the plane of a surface: u and v of every frame.
import type { Surface } from "../contract";
import type { Store, Theta } from "../store";

export type Path = (index: number) => readonly [u: number, v: number];

/** As Python told it; of a run that goes on, every frame is projected as it is first asked for. */
export function pathOf(store: Store, surface: Surface): Path {
  if (store.grown > 0) return projected(store, surface);
  const path = store.block(surface.path);
  return (index) => [path[2 * index], path[2 * index + 1]];
}

function projected(store: Store, surface: Surface): Path {
  const origin = store.block(surface.origin);
  const directions = store.block(surface.directions);
  const known = new WeakMap<Theta, readonly [number, number]>();
  return (index) => {
    const theta = store.theta(index);
    const found = known.get(theta) ?? project(theta, origin, directions);
    known.set(theta, found);
    return found;
  };
}

function project(theta: Theta, origin: ArrayLike<number>, directions: ArrayLike<number>): readonly [number, number] {
  const size = origin.length;
  let [u, v] = [0, 0];
  for (let j = 0; j < size; j++) {
    const moved = theta[j] - origin[j];
    u += moved * directions[j];
    v += moved * directions[size + j];
  }
  return [u, v];
}
