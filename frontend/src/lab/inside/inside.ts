// What the lab adds to the report's views, so that one can look inside: maps in the units, weights
// that can be chosen and set, remedies that can be tried.
import { checkbox } from "../../charts/elements";
import { mathsOf } from "../../looking";
import { type Entry, VIEWS } from "../../shell";
import { network, networkWith } from "../../views/network";
import type { Lab } from "../context";
import { text } from "../text";
import { makeMaps, type Maps, mapsFit } from "./maps";
import { weightPanel } from "./panel";
import { makeSelected } from "./selected";
import { wiresIn } from "./wires";

const LARGE = { pitch: 44, width: 38, height: 38 }; // units with room for a map

/** The report's views in their order, with the lab's own among them. */
export function insideViews(lab: Lab, views: Entry[] = VIEWS): Entry[] {
  const selected = makeSelected();
  const shown = { maps: true };
  const net = networkWith({
    look: LARGE,
    controls(store) {
      if (!mapsFit(store)) return [];
      return [
        checkbox(text.inside.maps, shown.maps, (on) => {
          shown.maps = on;
          lab.store?.told();
        }).label,
      ];
    },
    add(store, stage, drawing, plan) {
      const { net: layers } = mathsOf(store)!;
      const maps: Maps | null = makeMaps(store, stage, drawing, plan, () => shown.maps, () => lab.store?.told());
      const wires = wiresIn(store, layers, drawing, plan, selected, () => openPanel(lab));
      return {
        draw() {
          maps?.draw();
          wires.draw();
        },
        point: (unit) => maps?.point(unit),
      };
    },
  });
  return views.flatMap((entry) => {
    if (entry.make !== network) return [entry];
    return [{ ...entry, make: net }, { make: weightPanel(lab, selected), wide: false }];
  });
}

/** Shows the panel of the weight and takes the focus to its number. */
function openPanel(lab: Lab): void {
  const field = lab.root.querySelector<HTMLInputElement>('[data-view="weight"] .weight-value');
  field?.scrollIntoView({ block: "nearest" });
  field?.focus({ preventScroll: true });
}
