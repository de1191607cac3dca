// A stand-in until the shell is written.
import type { Store } from "./store";

/** Builds the page inside `el`; returns the way to take it away. */
export function shell(store: Store, el: HTMLElement): () => void {
  const line = document.createElement("p");
  el.append(line);
  const draw = (): void => {
    line.textContent = `${store.page.title}: update ${store.step}`;
  };
  draw();
  const off = store.on(draw);
  return () => {
    off();
    line.remove();
  };
}
