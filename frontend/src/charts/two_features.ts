// Two features are chosen for the axes; of the others it is chosen whether they are held or averaged.
import type { Store } from "../store";
import { choice, make } from "./elements";
import { isWhole } from "./plane";
import { type Shown, thinned } from "./rows";

const SAMPLE = 30; // rows whose other features are averaged over

/** Some of the rows, evenly: each gives the features that are not on the axes. */
export function sampled(shown: Shown): Float64Array[] {
  const { places } = thinned(shown, SAMPLE);
  return places.map((i) => Float64Array.from(shown.X.subarray(i * shown.d, (i + 1) * shown.d)));
}

export function featureChoices(store: Store): { elements: HTMLElement[]; follow: () => void } {
  const options = store.page.features.map(({ name }, i) => ({ value: String(i), words: name }));
  const { x, y } = store.chosen;
  // Choosing what the other axis has makes them change places.
  const across = choice("across", options, String(x), (value) => {
    const to = Number(value);
    store.choose(to === store.chosen.y ? { x: to, y: store.chosen.x } : { x: to });
  });
  const up = choice("up", options, String(y), (value) => {
    const to = Number(value);
    store.choose(to === store.chosen.x ? { y: to, x: store.chosen.y } : { y: to });
  });
  const refused = store.page.features.flatMap(({ why }, i) => (why === undefined ? [] : [{ i, why }]));
  for (const { select } of [across, up]) for (const { i } of refused) select.options[i].disabled = true;
  const reasons = [...new Set(refused.map(({ why }) => why))];
  return {
    elements: [across.label, up.label, ...reasons.map((why) => make("p", { class: "quiet no-axis" }, why))],
    follow() {
      across.select.value = String(store.chosen.x);
      up.select.value = String(store.chosen.y);
    },
  };
}

/** What becomes of the features that are on no axis: held at their mean, or averaged over rows. */
export function otherFeatures(store: Store, shown: Shown): { elements: HTMLElement[]; averaged(): boolean; follow(): void } {
  const options = [
    { value: "mean", words: "held at their mean" },
    { value: "average", words: `averaged over ${Math.min(SAMPLE, shown.count)} rows` },
  ];
  const { label, select } = choice("other features", options, "mean", () => store.choose({}));
  const whole = (): boolean => isWhole(store.page, shown, store.chosen.x, store.chosen.y);
  label.hidden = whole();
  return {
    elements: shown.d > 2 ? [label] : [],
    averaged: () => select.value === "average" && !whole(),
    follow() {
      label.hidden = whole();
    },
  };
}

