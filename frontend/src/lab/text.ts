// Every word of the lab's own that a person reads, in one place, ready to be translated.
import { count, figure } from "../charts/figures";

export const text = {
  title: "descend lab",
  lost: "The connection was lost; trying again. What was trained is kept.",
  waiting: "Waiting for the first state of the model.",
  playbar: {
    name: "Training",
    play: "Play",
    pause: "Pause",
    update: "One update",
    epoch: "One epoch",
    back: "One state back",
    first: "To the start",
    newest: "To the newest state",
    step: "Update looked at",
    speed: "Speed",
    flatOut: "as fast as it can",
    times: (factor: number) => `${factor}x`,
    reset: "Reset to the same start",
    restart: "New start",
    spoken: (step: number, updates: number, loss: number | null) =>
      `update ${count(step)} of ${count(updates)}${loss === null ? "" : `, loss ${figure(loss)}`}`,
  },
};
