// Every word of the lab's own that a person reads, in one place, ready to be translated.
import { count, counted, figure, percent } from "../charts/figures";
import type { Curvature } from "./curvature";

/** A name of Python's as it is read: squared_error is "squared error". */
const spaced = (name: string): string => name.replaceAll("_", " ");

const PARTS: Record<string, string> = {
  "": "none",
  auto: "usual for the activation",
  adagrad: "AdaGrad",
  adam: "Adam",
  adamw: "AdamW",
  amsgrad: "AMSGrad",
  brier: "Brier score",
  cos: "cosine",
  elu: "ELU",
  gelu: "GELU",
  glorot: "Glorot",
  he: "He",
  huber: "Huber",
  identity: "identity (none)",
  inverse_time: "inverse time",
  l1: "L1, absolute values",
  l2: "L2, squares",
  elastic_net: "elastic net, both",
  lbfgs: "L-BFGS",
  leaky_relu: "leaky ReLU",
  lecun: "LeCun",
  log_cosh: "log-cosh",
  logistic: "logistic (log loss)",
  nadam: "NAdam",
  nesterov: "Nesterov's momentum",
  newton: "Newton's method",
  poisson: "Poisson",
  relu: "ReLU",
  rmsprop: "RMSProp",
  silu: "SiLU",
  softmax: "softmax (cross-entropy)",
};

const DATASETS: Record<string, string> = {
  "breast-cancer": "tumours",
  checkerboard: "checker\u00ADboard",
  line_by_hand: "line by hand",
  run: "the run’s rows",
  table: "your table",
};

const ABOUT: Record<string, string> = {
  squared_error: "The error squared: twice as far off counts four times.",
  half_squared_error: "Half the error squared, so that its slope is the error itself.",
  absolute_error: "The size of the error: far ones count no more than their share.",
  huber: "Squared for errors up to delta, straight beyond: outliers pull less.",
  quantile: "Too low and too high cost differently; what is learned is the quantile q.",
  log_cosh: "Nearly squared when small, nearly the size when large; smooth throughout.",
  poisson: "For counts: how unlikely they are where the model says how many to expect.",
  logistic: "Minus the log of the probability given to the right label.",
  softmax: "Minus the log of the probability given to the right one of several labels.",
  brier: "The squared distance of the probability from 0 or 1; it hardly pulls where the model is sure.",
  hinge: "Nothing once a row is right by a margin; before that, straight.",
  squared_hinge: "Nothing once a row is right by a margin; before that, squared.",
  gradient_descent: "Learning rate times the gradient, downhill.",
  momentum: "Gradients add up to a velocity, of which beta is kept at each update.",
  nesterov: "Momentum that looks ahead to where the velocity leads.",
  adagrad: "Each parameter's step shrinks with all the gradients it has had.",
  rmsprop: "Each parameter's step is measured by the size of its recent gradients.",
  adam: "Momentum, and each step measured by the size of recent gradients.",
  adamw: "Adam that also shrinks the weights a little at each update.",
  nadam: "Adam that looks ahead, as Nesterov's momentum does.",
  amsgrad: "Adam whose measure of the gradients never shrinks.",
  lbfgs: "Learns the bend of the loss from its last steps, and searches along the line.",
  newton: "Takes the bend of the loss from its Hessian: one step on a bowl.",
  l2: "Pulls every weight toward zero, large ones more.",
  l1: "Pulls every weight toward zero alike; some become exactly zero.",
  elastic_net: "Both at once, mixed by the l1 ratio.",
  identity: "Layers without a bend between them: together still a straight line.",
  sigmoid: "A smooth stair from 0 to 1.",
  tanh: "A smooth stair from −1 to 1.",
  relu: "Zero below zero, the number itself above.",
  leaky_relu: "As ReLU, with a small slope below zero.",
  elu: "As ReLU, bent smoothly toward −alpha below zero.",
  gelu: "As ReLU, smooth about zero.",
  silu: "The number times its sigmoid: smooth, dips below zero.",
  softplus: "ReLU with its corner rounded.",
  cos: "A wave.",
};

const NUMBERS: Record<string, string> = {
  beta: "Momentum (beta)",
  beta1: "Momentum (beta 1)",
  beta2: "Squares (beta 2)",
  biases: "Biases too",
  decay: "Decay",
  delta: "Delta",
  every: "Updates to a stair",
  final: "Final share of the rate",
  l1_ratio: "Share of L1",
  memory: "Steps remembered",
  q: "Quantile (q)",
  rise: "Share that rises",
  start: "First share of the rate",
  steps: "Updates until its end",
  strength: "Strength",
};

/** "2 inputs, then 4 and 4 units, then 1 output". */
const netWords = (inputs: number, hidden: number[], outputs: number): string => {
  const ends = [counted(inputs, "input"), counted(outputs, "output")];
  if (hidden.length === 0) return ends.join(", then ");
  const units = hidden.map(count).join(", ").replace(/, ([^,]*)$/, " and $1");
  return `${ends[0]}, then ${units} ${hidden.length === 1 && hidden[0] === 1 ? "unit" : "units"}, then ${ends[1]}`;
};

const controls = {
  name: "Settings",
  groups: { steering: "While it trains", data: "Data", model: "Model", loss: "Loss", optimizer: "Optimizer" },
  continues: {
    short: "continues",
    sentence: "Changing these continues the training, with a mark on the timeline.",
  },
  branches: {
    short: "new branch",
    sentence: "Changing these begins a new branch at update 0; this one stays.",
  },
  also: "Changed along with it.",
  none: "none",
  off: "off",
  allRows: "all",
  rows: (rows: number) => counted(Math.round(rows), "row"),
  noSchedule: "none",
  noPenalty: "none",
  newData: "New data",
  newDataSentence: "Draws other rows of the same kind.",
  /** Locks are a few names that the share panel offers too, or settings. */
  lockedBy: (lock: readonly string[]): string =>
    `Locked by your teacher: ${lock.map((name) => (name === "edit" ? "setting weights by hand" : (SETTINGS[name] ?? spaced(name)))).join(", ")}.`,
  forgetStart: "Draw the start again",
  startByHand: "The start was set by hand.",
  unfitOption: (name: string) => `${name} (does not fit)`,
  part: (name: string) => PARTS[name] ?? spaced(name),
  number: (name: string) => NUMBERS[name] ?? spaced(name).replace(/^./, (letter) => letter.toUpperCase()),
  reduction: (name: string) => (name === "mean" ? "mean of the rows" : name === "sum" ? "sum of the rows" : name),
  dataset: (name: string) => DATASETS[name] ?? spaced(name),
  about: ABOUT,
  aboutData: (words: string) => words.replace(/^./, (letter) => letter.toUpperCase()).replace(/([^.?!])$/, "$1."),
  aboutStandardize: "Each feature to mean 0 and standard deviation 1, by the training rows.",
  aboutSeed: "Of the start and of the order of the rows.",
  settings: {
    data: "Dataset",
    target: "Target",
    n: "Rows",
    noise: "Noise",
    classes: "Labels",
    validation: "Held out",
    data_seed: "Seed of the data",
    standardize: "Standardise features",
    activation: "Activation",
    init: "Initialisation",
    bias: "Biases",
    loss: "Loss",
    reduction: "Taken as",
    penalty: "Penalty",
    optimizer: "Optimizer",
    batch_size: "Batch size",
    schedule: "Schedule",
    clip_norm: "Clip by norm",
    clip_value: "Clip by value",
    seed: "Seed",
  } as Record<string, string>,
  why: {
    rows: (data: string, rows: number) => `There are ${counted(rows, "row")} of ${data}.`,
    noise: (data: string) => `The rows of ${data} are as they were measured.`,
    linear: "A linear model has no hidden layer to bend.",
    start: "The start was set by hand.",
    searches: (name: string) => `${name} sees all rows and finds its own steps.`,
  },
  rate: {
    name: "Learning rate",
    short: (rate: number) => `rate ${figure(rate)}`,
    auto: "auto",
    autoSentence: "Measured at the start; begins a new branch once the model has trained.",
    searches: (name: string) => `${name} finds its own steps.`,
    /** "limit 0.8 (exact), best 0.4", "beyond the limit 0.8 (bound)". */
    told: ({ limit, best, claim }: { limit: number | null; best: number | null; claim: string | null }, rate: number) => {
      const said = [];
      const sure = claim === null ? "" : ` (${claim})`;
      if (limit !== null) said.push(`${rate > limit ? "beyond the limit" : "limit"} ${figure(limit)}${sure}`);
      if (best !== null) said.push(`best ${figure(best)}`);
      return said.join(", ");
    },
  },
  layers: {
    name: "Layers",
    inputs: "in",
    outputs: "out",
    add: "Add layer",
    remove: "Remove layer",
    layer: (number: number) => `Hidden layer ${number}`,
    units: (number: number) => `Units in hidden layer ${number}`,
    more: (number: number) => `One unit more in hidden layer ${number}`,
    fewer: (number: number) => `One unit fewer in hidden layer ${number}`,
    drawn: (inputs: number, hidden: number[], outputs: number) => `The model: ${netWords(inputs, hidden, outputs)}.`,
    sentence: (inputs: number, hidden: number[], outputs: number) =>
      hidden.length === 0
        ? `No hidden layer: a linear model of ${counted(inputs, "feature")}.`
        : `${netWords(inputs, hidden, outputs)}.`,
  },
  features: {
    name: "Features",
    search: "Find a column",
    feature: (name: string) => name.replace("^2", "²").replace("*", " · "),
    count: (on: number, all: number) => `${count(on)} of ${count(all)} chosen.`,
    refused: (name: string, reason: string) => `${name}: ${reason}`,
  },
};

/** "adam", "beta1 0.8", "0.5", "4, 4", "all rows": a setting's value in a few words. */
const valueWords = (name: string, value: unknown): string => {
  if (value === null || value === undefined) return name === "batch_size" ? "all rows" : "none";
  if (typeof value === "number") return figure(value, 4);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) {
    if (name === "start") return "by hand";
    if (value.length === 0) return name === "hidden" ? "none" : "all";
    return value.map((one) => (typeof one === "number" ? count(one) : String(one))).join(", ");
  }
  if (typeof value === "object") return controls.part((value as { name: string }).name);
  return name === "data" ? controls.dataset(String(value)) : spaced(String(value));
};

const SETTINGS: Record<string, string> = {
  n: "rows",
  data_seed: "seed of the data",
  validation: "share held out",
  hidden: "hidden units",
  init: "initialisation",
  batch_size: "rows to an update",
  seed: "seed",
};

/** "learning rate 0.1 → 0.5"; of parts with one name, the numbers that differ. */
const differenceWords = ([name, before, after]: [string, unknown, unknown]): string => {
  const named = SETTINGS[name] ?? spaced(name);
  const [old, now] = [before, after] as [Record<string, unknown> | null, Record<string, unknown> | null];
  if (old !== null && now !== null && typeof old === "object" && typeof now === "object" && old.name === now.name && "name" in now) {
    const numbers = Object.keys(now).filter((key) => key !== "name" && now[key] !== old[key]);
    return numbers
      .map((key) => `${controls.part(String(now.name))} ${spaced(key)} ${valueWords(key, old[key])} → ${valueWords(key, now[key])}`)
      .join(", ");
  }
  return `${named} ${valueWords(name, before)} → ${valueWords(name, after)}`;
};

const branches = {
  name: "Branches",
  title: (number: number) => (number === 1 ? "1 branch" : `${number} branches`),
  shown: "shown",
  branch: (number: number, name = "") => (name === "" ? `Branch ${number}` : name),
  show: (called: string) => `Show ${called}`,
  choose: (called: string) => `Choose ${called} to compare or race`,
  remove: (called: string) => `Remove ${called}`,
  rename: (called: string) => `Rename ${called}`,
  newName: (called: string) => `Name of ${called}`,
  restore: (number: number) => `Bring back branch ${number}`,
  from: "Branch from here",
  fromStep: (step: number) => `Branch from here (update ${count(step)})`,
  compare: "Compare",
  race: "Race",
  rulesButton: "Race the optimizers",
  rules: "Optimizers to race",
  rulesSentence: "A branch for each, from the same start, with the settings shown; 2 to 8 of them.",
  raceRules: (chosen: number) => `Race ${counted(chosen, "optimizer")}`,
  close: "Close",
  chosen: (number: number) => number === 0 ? "Choose two or more to compare or race." : `${number === 1 ? "1 branch" : `${number} branches`} chosen.`,
  first: "the first one",
  otherTable: (target: string) => `another table: ${target} is predicted`,
  again: "the same settings again",
  unchanged: "nothing changed yet",
  edited: (times: number) => (times === 1 ? "a parameter set by hand" : `parameters set by hand ${count(times)} times`),
  /** "from branch 1 at update 37: learning rate 0.1 → 0.5" */
  origin: (
    origin: { branch: number; step: number } | null,
    differs: [string, unknown, unknown][],
    edits: number,
    rate: number,
    first = "",
  ): string => {
    const measured = (value: unknown): unknown => (value === "auto" ? `auto (${figure(rate)})` : value);
    const changes = differs
      .map(([name, before, after]) => differenceWords([name, before, name === "learning_rate" ? measured(after) : after])).filter((words) => words !== "");
    if (edits > 0) changes.push(branches.edited(edits));
    if (origin === null) return changes.length === 0 ? first || branches.first : changes.join("; ");
    const from = `from branch ${origin.branch}${origin.step === 0 ? "" : ` at update ${count(origin.step)}`}`;
    const none = origin.step === 0 ? branches.again : branches.unchanged;
    return `${from}: ${changes.length === 0 ? none : changes.join("; ")}`;
  },
  updates: (updates: number) => counted(updates, "update"),
  loss: (loss: number | null) => `loss ${loss === null ? "–" : figure(loss)}`,
  validation: (loss: number | null) => `validation ${loss === null ? "–" : figure(loss)}`,
  comparison: {
    title: "Branches compared",
    again: "Compare again",
    waiting: "Comparing.",
    chart: "Losses of the branches compared, along the updates",
    across: "updates",
    up: "loss",
    solid: "solid: training loss",
    dashed: "dashed: validation loss",
    linear: "Some losses are not above 0, so the axis is not logarithmic.",
    incomparable: "Their objectives differ: heights of these losses say nothing about which is better.",
    asked: "What was asked, where it differs",
    alike: "Nothing that was asked of them differs.",
    outcomes: "What came of it",
    what: "",
    none: "–",
    outcome: (name: string, label?: string, part?: string) =>
      label === undefined ? ({ updates: "Updates", loss: "Training loss" }[name] ?? spaced(name)) : `${label}, ${part ?? ""} rows`,
  },
  racing: {
    title: "The race",
    waiting: "Preparing the race: the surface is being computed.",
    controls: "Race controls",
    play: "Play the race",
    pause: "Pause the race",
    update: "One update of the race",
    back: "One update back in the race",
    first: "To the start of the race",
    newest: "To the newest update of the race",
    step: "Update of the race looked at",
    speed: "Speed of the race",
    over: "End the race",
    fit: "Fit the surface to the paths",
    gone: "The race is over.",
    options: "What is drawn",
    paths: "paths",
    gradient: "down the gradient",
    update_arrow: "last update",
    velocity: "velocity (memory of gradients)",
    arrows: "Arrows of one kind share one scale; each points where it pulls.",
    table: "Racers, lowest loss first",
    racer: "Racer",
    show: (label: string) => `Draw ${label}`,
    columns: { updates: "Updates", loss: "Loss", gap: "Above the lowest", gradient: "Gradient norm", rate: "Rate" },
    searches: "searches",
    label: (label: string) => controls.part(label),
    canvas: (sentence: string) =>
      `${sentence} Arrow keys move the start, Enter lets everybody start there; pressing the surface does the same.`,
    hint: "Press the surface to start everybody there.",
    hintSlice: (parameters: number) =>
      `Press the surface to start everybody there: at that point of this slice through ${count(parameters)} dimensions.`,
    start: (u: number, v: number) => `Start at ${figure(u)}, ${figure(v)}.`,
    noSurface: "There is no surface to draw: nothing moves, or there is one parameter.",
    share: (share: number) => `This plane holds ${percent(share)} of the squared distance moved so far.`,
    outside: (labels: string[]) => `Outside this picture: ${labels.join(", ")}.`,
    ended: (label: string, sentence: string) => `${label}: ${sentence}`,
    /** "At update 40 Adam is lowest: loss 0.031; gradient descent 0.082." */
    order: (step: number, racers: { label: string; loss: number }[]): string => {
      const [first, ...others] = racers;
      if (first === undefined) return "";
      const at = `At update ${count(step)}`;
      if (!Number.isFinite(first.loss)) return `${at} nobody has a finite loss.`;
      if (racers.every(({ loss }) => loss === first.loss)) return `${at} all are at loss ${figure(first.loss)}.`;
      const rest = others.map(({ label, loss }) => `${label} ${Number.isFinite(loss) ? figure(loss) : "not finite"}`);
      return `${at} ${first.label} is lowest: loss ${figure(first.loss)}; ${rest.join(", ")}.`;
    },
    spoken: (step: number, clock: number) => `update ${count(step)} of ${count(clock)}`,
    times: (factor: number) => `${factor}x`,
    flatOut: "as fast as it can",
  },
};

export const text = {
  title: "descend lab",
  close: "Close",
  lost: "The connection was lost; trying again.",
  gone: {
    ended: "The lab has ended, or cannot be reached; this page goes on once it answers. The address above holds the run.",
    restarted:
      "The lab was started again and no longer knows this page: open the address that it printed. Put what stands after the ? of the address above behind it, and the run is made again.",
  },
  opening: {
    open: "Open a table…",
    file: "A table to open",
    drop: "Drop the table here: CSV, Parquet or JSON lines.",
    one: "One table at a time: drop a single file.",
    locked: "The data of this exercise are given: another table cannot be opened here.",
    reading: (name: string) => `Reading ${name}…`,
    large: (name: string, mb: number) =>
      `${name} is ${Math.ceil(mb)} MB large, and the page takes 64 MB; open it from the terminal: descend lab FILE --target COLUMN.`,
  },
  waiting: "Waiting for the first state of the model.",
  inside: {
    title: (name: string, step: number) => `The ${name}, at update ${count(step)}`,
    weight: (from: string, to: string) => `weight from ${from} to ${to}`,
    bias: (to: string) => `bias of ${to}`,
    unit: (unit: number, layer: number) => `unit ${unit} of layer ${layer}`,
    score: "the score",
    scoreOf: (name: string) => `the score of ${name}`,
    which: "parameter",
    forward: "Forward, in the row chosen: input · weight",
    ofSum: ", of the sum ",
    rowGradient: "Gradient of the row",
    ofRow: (row: number) => `Gradient of row ${count(row)}: input · slope of its loss by that sum`,
    gradient: "Gradient",
    asOf: (step: number) => `, at update ${count(step)}`,
    gradientOfAll: (rows: number) => `Gradient over all ${counted(rows, "training row")}`,
    gradientOfBatch: (rows: number) => `Gradient over the next batch of ${counted(rows, "row")}`,
    penalised: ", penalty included",
    update: "Update",
    updateBy: (optimizer: string) => `The next update, by ${optimizer.replaceAll("_", " ")}`,
    memory: "; in its memory ",
    waiting: "…",
    set: "Set it to",
    keys: "Enter sets it, Escape leaves it as it is.",
    locked: "Setting parameters by hand is locked here.",
    notANumber: "A finite number is needed.",
    continues: "Set here, training goes on from it, with a mark on the timeline.",
    branches: (step: number) => `This is an earlier state: set here, a branch begins at update ${count(step)}, and this one stays.`,
    wires: (name: string, value: string) => `${name}: ${value}. Arrow keys go to others, Enter opens it.`,
    maps: "maps in the units",
    mapOf: (name: string, x: string, y: string) => `What ${name} passes on, over ${x} and ${y}`,
    tryIt: "Try it",
  },
  goal: {
    name: "Goal",
    open: "not reached yet",
    reached: (step: number, value: number) => `reached after ${counted(step, "update")}, with ${figure(value)}`,
    missed: "its updates are over, and it was not reached; go back, or begin again",
  },
  share: {
    open: "Share",
    title: "Share this run",
    close: "Close",
    copy: "Copy",
    copyOf: (name: string) => `Copy the ${name[0].toLowerCase()}${name.slice(1)}`,
    copied: "Copied.",
    cannotCopy: "Marked: copy it with Ctrl+C.",
    address: {
      title: "Its address",
      about: "It carries data, settings, seeds, changes and the update, so whoever opens it has the same run.",
      link: "Link into this lab, on this computer",
      none: "This run was changed more often than an address can hold: save the run instead.",
      command: "Command for another machine",
    },
    files: {
      title: "Take it with you",
      name: "Your name, if it is for a teacher",
      run: "Save run",
      report: "Save report",
      script: "As a script that repeats it:",
      made: { numpy: "NumPy", jax: "JAX", torch: "PyTorch", sklearn: "scikit-learn" } as Record<string, string>,
      making: (what: string) => `Being made: ${what}.`,
      saved: (name: string) => `Saved as ${name}.`,
      sklearn: "scikit-learn's estimators have no such training: that file predicts what this model predicts.",
    },
    class: {
      title: "For a class",
      about: "Learners who open the exercise cannot change what is locked; when the goal is reached it is noted in the run they save.",
      locks: "Locked",
      locked: {
        data: "data",
        features: "features",
        model: "model",
        loss: "loss",
        penalty: "penalty",
        optimizer: "optimizer",
        learning_rate: "learning rate",
        batch_size: "batch size",
        seeds: "seeds",
        edit: "setting weights by hand",
      } as Record<string, string>,
      goal: "Goal",
      metric: "What is to be reached",
      none: "no goal",
      side: "Side",
      below: "below",
      above: "above",
      value: "Value",
      within: "within",
      updates: "Updates at most",
      any: "any number",
      after: "updates",
      command: "Command for everybody",
      link: "Link that works on this computer only",
      whyLoss: (locked: boolean) =>
        locked
          ? "The loss is locked with this goal: another loss has another size, and could meet it without better training."
          : "The loss is not locked: another loss has another size, and could meet this goal without better training. Lock it.",
      metrics: (name: string) => name.replaceAll("_", " "),
      grade: "Check of what they return",
      whyLink: "Keep this one: without --link, the check believes the goal and the locks that each file names.",
    },
  },
  playbar: {
    name: "Training",
    play: "Play",
    pause: "Pause",
    update: "One update",
    epoch: "One epoch",
    back: "One update back",
    first: "To the start",
    newest: "To the newest state",
    step: "Update looked at",
    at: "update",
    of: (updates: number) => `of ${count(updates)}`,
    goTo: (updates: number) => `Go to update, of ${count(updates)}`,
    speed: "Speed",
    flatOut: "as fast as it can",
    times: (factor: number) => `${factor}x`,
    reset: "Reset to the same start",
    restart: "New start",
    lockedStart: "The seed is locked here, so there is no new start: reset to the same one.",
    branch: "Branch from here",
    branchFrom: (step: number) => `Begins another branch that is the same up to update ${count(step)}.`,
    changed: (step: number, sentence: string) => `Update ${count(step)}: ${sentence}`,
    found: (step: number, code: string) => `Update ${count(step)}: the doctor found ${code}`,
    spoken: (step: number, updates: number, loss: number | null) =>
      `update ${count(step)} of ${count(updates)}${loss === null ? "" : `, loss ${figure(loss)}`}`,
    atTheStart: "At the start: press Play, or do one update at a time.",
    training: (updates: number) => `Training: ${counted(updates, "update")} done.`,
    paused: (updates: number) => `Paused after ${counted(updates, "update")}.`,
    replaying: (step: number, updates: number) =>
      `Replaying update ${count(step)} of ${count(updates)}; then training goes on.`,
    lookingBack: (step: number, updates: number) =>
      `Looking back at update ${count(step)} of ${count(updates)}.`,
    fetching: (wanted: number, step: number) =>
      `Update ${count(wanted)} is on its way; update ${count(step)} is shown.`,
    ended: (sentence: string) =>
      `${sentence} Go back to an earlier update and branch from there, or lower the learning rate.`,
  },
  curvature: {
    curvature: "largest curvature",
    edge: "what the step can bear",
    updates: "updates",
    none: "Curvature against 2/learning rate",
    title: ({ sharpness, edge, bears }: Curvature) => {
      if (sharpness <= 0) return `Largest curvature ${figure(sharpness)}: no direction bends upwards here`;
      const above = sharpness > edge;
      const then = above ? "the loss need not fall" : "the step can bear it";
      return `Largest curvature ${figure(sharpness)} is ${above ? "above" : "below"} ${figure(bears)}/learning rate = ${figure(edge)}: ${then}`;
    },
    readout: ({ step, rate, limit, best, claim, formula }: Curvature) => {
      const parts = [`The step can bear ${formula}. Update ${count(step)}: learning rate ${figure(rate)}`];
      parts.push(limit === null ? "no limit is known" : `limit ${figure(limit)} (${claim})`);
      if (best !== null) parts.push(`best ${figure(best)}`);
      return `${parts.join(", ")}.`;
    },
  },
  metrics: {
    name: "Metrics",
    none: "How good the model is",
    right: (share: string, part: string) => `${share} of the ${part} rows are right`,
    explained: (r2: number, part: string) => `R² ${figure(r2)} on the ${part} rows`,
    measured: (step: number, rows: string[]) => `Measured at update ${count(step)}, on ${rows.join(" and ")}.`,
    confusion: (part: string) => `Confusion matrix, ${part} rows`,
    is: (label: string) => `is ${label}`,
    says: (label: string) => `said ${label}`,
    tooMany: (classes: number) => `A confusion matrix of ${count(classes)} labels does not fit here.`,
    figures: {
      accuracy: "accuracy",
      log_loss: "log loss",
      auc: "area under the ROC curve",
      precision: "precision",
      recall: "recall",
      f1: "F1",
      r2: "R²",
      mse: "mean squared error",
      rmse: "root mean squared error",
      mae: "mean absolute error",
    } as Record<string, string>,
  },
  findings: {
    tryIt: "Try it",
  },
  controls,
  branches,
  hand: {
    name: "By hand",
    modes: { name: "Who finds the parameters", hand: "By hand", machine: "By machine" },
    problem: "Problem",
    choose: "choose one",
    locked: "Other problems are locked by your teacher: this one is for the machine.",
    present: (numbers: number) => `the lab's present data (${count(numbers)} ${numbers === 1 ? "number" : "numbers"})`,
    rungs: {
      slope: "1 number: a slope",
      line: "2 numbers: the line of the sliders",
      noisy: "2 numbers: a line through noise",
      byHand: "2 numbers: a line by hand, 80 rows",
      sigmoid: "2 numbers: two labels along one feature",
      boundary: "3 numbers: two labels over two features",
      houses: "4 numbers: three houses",
      diabetes: "11 numbers: diabetes, 309 patients",
    },
    offer: {
      "hidden layers": (task: string) =>
        `The present model, ${task}, has hidden layers: its numbers cannot be told apart by hand. Take a linear model of the same data, or begin with a line.`,
      "no rows": () => "The rows of this run are not at hand, so there is nothing to fit by hand. Begin with a line.",
      own: () => "The present model or loss is one's own, and the page cannot compute it. Begin with a line.",
      "too many": () =>
        "The present model has more numbers than anybody would set by hand (64 at most here). Choose fewer features, or begin with a line.",
      linear: "A linear model of these data",
      line: "Begin with the line of the sliders",
    },
    mse: "MSE",
    sse: "sum of squared errors",
    objective: "loss with penalty",
    loss: (name: string, reduction: string) => `${reduction === "mean" ? "mean" : "sum of the"} ${name} loss`,
    title: (name: string, loss: string, place: string) => `${name} ${loss} at ${place}`,
    numbers: (n: number) => `these ${count(n)} numbers`,
    squares: "Squares of the errors",
    squaresSay: (mean: string, shown: number, all: number) =>
      `The mean area of ${shown === all ? `all ${count(all)}` : `the ${count(shown)} of ${count(all)}`} squares is ${mean}${shown === all ? ": that is the MSE." : "."} The square in the corner has that area.`,
    sampled: (shown: number, all: number) => `Losses here are of the ${count(shown)} of ${count(all)} training rows that the page has.`,
    drag: {
      line: "Drag the line: its ends turn it, its middle moves it.",
      through: "Drag the line: it turns about the origin of the features.",
      sigmoid: "Drag the curve: its middle moves it, its other handle makes it steeper.",
      boundary: "Drag the boundary: its ends turn it, its middle moves it, the handle beside it makes it steeper.",
      none: "There is no line to drag in so many dimensions: here the sliders are all there is.",
      keys: "With the keyboard: Tab to a handle or slider, then the arrow keys; Shift for larger steps.",
    },
    handles: {
      left: "left end of the line",
      right: "right end of the line",
      middle: "middle of the line",
      center: "middle of the curve",
      steep: "steepness of the curve",
      one: "one end of the boundary",
      other: "other end of the boundary",
      across: "middle of the boundary",
      margin: "steepness across the boundary",
      at: (x: string, y: string, place: string) => `at ${x}, ${y}; ${place}`,
    },
    away: "No boundary is in this picture; the sliders bring one.",
    probability: (label: string) => `probability of ${label}`,
    scores: "score",
    sliders: "The numbers",
    exact: (name: string) => `${name}, as a number`,
    score: { name: "How it stands", now: "now", best: "best so far", floor: "best possible", moves: "moves", assists: "assists", unknown: "not shown yet", none: "none known" },
    spoken: (name: string, loss: string, place: string, best: string, gap: string) =>
      `${name} ${loss} at ${place}; best so far ${best}${gap === "" ? "" : `, ${gap}`}.`,
    gap: (gap: number, share: number | null) =>
      `${figure(gap)} above the best possible${share === null ? "" : `, ${percent(Math.max(0, share))} of the way down from the start`}`,
    which: "Which way is down?",
    more: (name: string) => `more ${name}`,
    less: (name: string) => `less ${name}`,
    stay: (name: string) => `${name} as it is`,
    flat: "Nowhere: it is flat here, the gradient is 0.",
    down: (parts: string, others: number, size: string) =>
      `Down is: ${parts}${others > 0 ? `; the other ${count(others)}, less steep, are marked beside their sliders` : ""}. The slope that way is ${size}.`,
    predict: "Predict, then check: how low can it go?",
    guess: "Your guess of the lowest possible",
    show: "Show the best possible",
    floorSay: (floor: string, said: string) => `The best possible is ${floor}. ${said}`,
    guessed: (guess: string, high: boolean, near: boolean) =>
      near ? `You said ${guess}: that is it. ` : `You said ${guess}: too ${high ? "high" : "low"}. `,
    back: "Back to my best",
    again: "From the start again",
    go: "Let descent continue from here",
    race: "Let descent begin where I began",
    map: {
      title: (x: string, y: string) => `The loss over ${x} and ${y}, and your trail`,
      slice: (x: string, y: string) => `A slice of the loss: ${x} and ${y}, your trail`,
      curve: (x: string) => `The loss over ${x}, and your trail`,
      exact: "Computed from every training row the page has; the picture keeps its ends.",
      sliced: (others: number) =>
        `A slice: the other ${count(others)} ${others === 1 ? "number is" : "numbers are"} held where you left ${others === 1 ? "it" : "them"}. It is another picture after each move of theirs, and no picture shows the whole.`,
      across: "across",
      up: "up",
      you: "your trail",
      best: "your best",
      machine: "the machine's path",
      floor: "best possible",
      out: "You are outside this picture.",
      said: (place: string, moves: number) => `You are at ${place}, after ${count(moves)} ${moves === 1 ? "move" : "moves"}.`,
    },
    chart: {
      title: "Your moves and the machine's updates",
      x: "moves by hand, updates by machine",
      power: (name: string) => `${name}, as a power of ten`,
      log: "logarithmic",
      you: "by hand",
      machine: "by machine",
      empty: "Nothing has moved yet.",
      said: (moves: number, best: string) => `By hand: ${count(moves)} ${moves === 1 ? "move" : "moves"}, best ${best}.`,
      machineSaid: (updates: number, loss: string) => ` By machine: ${count(updates)} ${updates === 1 ? "update" : "updates"}, loss ${loss}.`,
      below: (updates: number) => ` It was below your best after ${count(updates)} ${updates === 1 ? "update" : "updates"}.`,
      above: " It is not below your best yet.",
      first: (updates: number) => ` Drawn: its first ${count(updates)} updates.`,
    },
    machineLine: "where the machine is",
  },
};
