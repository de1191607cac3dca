// Play, pause, one update, one epoch, back, to any step; how fast.
import { choice, icon, iconButton, make, setAttribute, wordButton } from "../charts/elements";
import { lossAt } from "../charts/moments";
import type { Lab, Part } from "./context";
import { text } from "./text";

const PLAY = "M4 2.2v11.6a.7.7 0 0 0 1.1.6l8.4-5.8a.7.7 0 0 0 0-1.2L5.1 1.600A.7.7 0 0 0 4 2.200z";
const PAUSE = "M3.5 2h3v12h-3zM9.5 2h3v12h-3z";
const BASE = 60; // updates a second at 1x
const TIMES = [0.1, 0.25, 0.5, 1, 2, 5, 10, 25, 100];
const words = text.playbar;

export const playbar: Part = (lab, host, signal) => {
  const { link } = lab;
  const play = iconButton(words.play, PLAY, () => link.say({ kind: "play", on: !lab.state?.playing }));
  play.classList.add("main");
  const update = wordButton(words.update, () => link.say({ kind: "advance", updates: 1 }));
  const epoch = wordButton(words.epoch, () => link.say({ kind: "advance", epochs: 1 }));
  const same = wordButton(words.reset, () => link.say({ kind: "reset", start: "same" }));
  const fresh = wordButton(words.restart, () => link.say({ kind: "reset", start: "new" }));
  const slider = make("input", { type: "range", min: "0", max: "0", "aria-label": words.step });
  slider.addEventListener("input", () => look(lab, Number(slider.value)));
  const speeds = [
    ...TIMES.map((times) => ({ value: String(times * BASE), words: words.times(times) })),
    { value: "", words: words.flatOut },
  ];
  const speed = choice(words.speed, speeds, String(BASE), (value) =>
    link.say({ kind: "speed", updates_per_second: value === "" ? null : Number(value) }),
  );
  host.append(
    make(
      "div",
      { class: "timeline", role: "group", "aria-label": words.name },
      make("div", { class: "buttons" }, play, update, epoch),
      make("div", { class: "track" }, slider),
      speed.label,
      make("div", { class: "starts" }, same, fresh),
    ),
  );

  function draw(): void {
    const { store, state } = lab;
    if (store === null) return;
    setAttribute(slider, "max", String(store.page.updates));
    if (slider.value !== String(store.step)) slider.value = String(store.step);
    const loss = lossAt(store, store.step)?.value ?? null;
    setAttribute(slider, "aria-valuetext", words.spoken(store.step, store.page.updates, loss));
    const playing = state?.playing ?? false;
    if (play.title === (playing ? words.pause : words.play)) return;
    play.replaceChildren(icon(playing ? PAUSE : PLAY));
    play.title = playing ? words.pause : words.play;
    play.setAttribute("aria-label", play.title);
  }

  lab.onStore((store) => store.on(draw));
  lab.onState((state) => {
    speed.select.value = state.speed === null ? "" : String(state.speed);
    draw();
  });
  signal.addEventListener("abort", () => host.replaceChildren());
};

/** Looks at a step, training paused; its state is asked for where the page does not have it. */
function look(lab: Lab, step: number): void {
  const { store, link, state } = lab;
  if (store === null) return;
  if (state?.playing) link.say({ kind: "play", on: false });
  store.goToStep(step);
  if (!store.has(step)) link.say({ kind: "look", step });
}
