// What a person can do along the updates, by button or by key.
import type { Lab } from "./context";

export interface Moves {
  play(): void;
  to(step: number): void; // exactly
  by(updates: number): void;
  newest(): void;
  /** One on: at the newest state it trains, at an earlier one it looks further. */
  update(): void;
  epoch(): void;
}

export function movesOf(lab: Lab): Moves {
  /** Whoever looks elsewhere, pauses. */
  function to(step: number): void {
    lab.store?.play(false);
    lab.store?.goToStep(step);
  }

  function by(updates: number): void {
    if (lab.store !== null) to(lab.store.wanted + updates);
  }

  function train(said: { updates: number } | { epochs: number }): void {
    if (lab.state?.ended != null) return;
    lab.store?.follow();
    lab.link.say({ kind: "advance", ...said });
  }

  return {
    play() {
      if (lab.store === null) lab.link.say({ kind: "play", on: true }); // pressed before the page is there
      else lab.store.play(!lab.store.playing);
    },
    to,
    by,
    newest() {
      lab.store?.play(false);
      lab.store?.follow();
    },
    update() {
      if (lab.store?.following === false) by(1);
      else train({ updates: 1 });
    },
    epoch() {
      if (lab.store?.following === false) by(lab.state?.updates_per_epoch ?? 1);
      else train({ epochs: 1 });
    },
  };
}
