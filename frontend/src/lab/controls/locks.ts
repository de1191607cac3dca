// What a teacher can lock: any setting by its name, or several at once by these.
// src/descend/lab/goals.py holds the same list; tests/test_lab_controls.py holds them together.

export const LOCKS: Record<string, readonly string[]> = {
  data: ["data", "table", "target", "n", "classes", "noise", "data_seed", "validation"],
  features: ["features", "standardize"],
  model: ["hidden", "activation", "init", "bias"],
  loss: ["loss", "reduction"],
  optimizer: ["optimizer", "schedule", "clip_value", "clip_norm"],
  seeds: ["seed", "data_seed"],
};

/** The settings that are kept as they are. */
export function lockedSettings(lock: readonly string[]): ReadonlySet<string> {
  return new Set(lock.flatMap((name) => LOCKS[name] ?? [name]));
}
