// The rows, and what the model at this frame makes of them.
import { boundaryPicture } from "../charts/boundary";
import { makeStage } from "../charts/canvas";
import { make, setText } from "../charts/elements";
import { fitPicture } from "../charts/fit";
import type { Picture } from "../charts/picture";
import { predictedPicture } from "../charts/predicted";
import { isWhole } from "../charts/plane";
import { hasLabels, type Shown, shownRows } from "../charts/rows";
import { seldom } from "../charts/seldom";
import { themeOf } from "../charts/theme";
import { mathsOf } from "../looking";
import type { MakeView, Store, View } from "../store";

export const data: MakeView = (store, host) => {
  const shown = shownRows(store);
  if (shown === null) return without(store, host);
  const picture = pictureOf(store, shown);
  const stage = makeStage(host, (width) => Math.round(Math.max(220, Math.min(340, 0.62 * width))));
  const key = make("ul", { class: "key" });
  const readout = make("p", { class: "readout", "aria-hidden": "true" });
  host.append(key, readout);
  if (picture.controls.length > 0) host.append(make("div", { class: "choices" }, ...picture.controls));
  host.append(make("p", { class: "quiet" }, sentence(store, shown)));
  let drawn: string | null = null;
  const due = seldom(store);

  stage.canvas.addEventListener("click", (event) => {
    const box = stage.canvas.getBoundingClientRect();
    const row = picture.rowAt(event.clientX - box.left, event.clientY - box.top);
    if (row !== null) store.choose({ row });
  });

  return {
    name: "data",
    get title() {
      return picture.title;
    },
    draw() {
      const theme = themeOf(host);
      if (drawn !== picture.choices()) {
        if (!stage.fit()) return;
        picture.prepare(stage, theme);
        key.replaceChildren(...picture.key(theme));
        drawn = picture.choices();
      }
      const words = picture.draw(stage, theme);
      if (!due()) return;
      setText(readout, words);
      readout.hidden = words === "";
      stage.canvas.setAttribute("aria-label", `${picture.title}, at update ${store.step}. ${words}`);
    },
    resize() {
      drawn = null;
    },
  };
};

function pictureOf(store: Store, shown: Shown): Picture {
  if (shown.d === 1) return fitPicture(store, shown);
  return hasLabels(store.page) ? boundaryPicture(store, shown) : predictedPicture(store, shown);
}

function sentence(store: Store, shown: Shown): string {
  const { page } = store;
  const labels = shown.d > 2 && hasLabels(page);
  const { x, y } = store.chosen;
  const held = labels && !isWhole(page, shown, x, y) ? " Features not on the axes are held at their mean, or averaged over rows." : "";
  const own = mathsOf(store) === null ? " The model is one's own: the page shows its rows, and cannot predict." : "";
  const words = page.rows.sentence;
  return `Shown: ${words}${words.endsWith(".") ? "" : "."}${held}${own}`;
}

/** A run whose rows are not at hand still says so. */
function without(store: Store, host: HTMLElement): View {
  host.append(make("p", {}, `There is nothing to draw here: ${store.page.rows.sentence}.`));
  return { name: "data", title: "The rows are not at hand", draw: () => undefined };
}
