// The goal that a link has set: what is to be reached, and whether it is; in words, sign and colour.
import { icon, make, setAttribute, setText } from "../../charts/elements";
import type { GoalTold } from "../contract";
import type { Part } from "../context";
import { text } from "../text";

const words = text.goal;
const SIGNS = {
  open: "M8 2.500a5.500 5.500 0 1 0 0 11a5.500 5.500 0 0 0 0-11z",
  reached: "M2.500 8.500l3.500 3.500 7.500-8",
  missed: "M3.500 3.500l9 9M12.500 3.500l-9 9",
};

export const goal: Part = (lab, host, signal) => {
  const sentence = make("strong");
  const standing = make("span", { role: "status" });
  const sign = make("span", { class: "sign-of-goal" });
  const banner = make(
    "div",
    { class: "goal", role: "group", "aria-label": words.name },
    sign,
    make("span", {}, `${words.name}: `, sentence),
    standing,
  );
  let shown = "";
  host.append(banner);
  banner.hidden = true;
  const stop = lab.onState(({ goal: told }) => {
    banner.hidden = told === null;
    if (told === null) return;
    const how = standingOf(told);
    setText(sentence, told.sentence);
    setText(standing, how === "reached" ? words.reached(told.reached!.step, told.reached!.value) : words[how]);
    setAttribute(banner, "data-goal", how);
    if (shown !== how) sign.replaceChildren(icon(SIGNS[how], "line"));
    shown = how;
  });
  signal.addEventListener("abort", stop);
};

function standingOf({ reached, missed }: GoalTold): "open" | "reached" | "missed" {
  return reached !== null ? "reached" : missed ? "missed" : "open";
}
