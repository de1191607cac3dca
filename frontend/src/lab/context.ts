// What every part of the lab's screen is handed: the link, the store of the branch shown, the state.
import type { Told } from "./contract";
import type { Link } from "./link";
import type { LiveStore } from "./live";

export interface Lab {
  readonly link: Link;
  readonly root: HTMLElement;
  readonly store: LiveStore | null; // of the branch that is shown; another one when it changes
  readonly state: Told["state"] | null; // as last told
  /** Called whenever another branch is shown, or the same one anew. */
  onStore(listener: (store: LiveStore) => void): () => void;
  /** Called whenever the state is told. */
  onState(listener: (state: Told["state"]) => void): () => void;
  /** Shows a sentence to everybody, and says it to screen readers. */
  tell(sentence: string, severity?: "note" | "error"): void;
}

/** A part of the screen around the views; it may listen for as long as `signal` is not aborted. */
export type Part = (lab: Lab, host: HTMLElement, signal: AbortSignal) => void;
