// Which weight is looked at: chosen in the net or in the panel, by its place in theta.

export interface Selected {
  readonly at: number;
  choose(at: number): void;
  on(listener: () => void): () => void;
}

export function makeSelected(): Selected {
  const listeners = new Set<() => void>();
  let at = 0;
  return {
    get at() {
      return at;
    },
    choose(to) {
      at = to;
      for (const listener of [...listeners]) listener();
    },
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
