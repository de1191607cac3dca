"""Results in words, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from descend.fitting import Fit
    from descend.run import Run

STRONGEST = 10
_LISTED = 12


def of_fit(fit: Fit, files: list[str]) -> list[str]:
    """Return what a fit should say."""
    rows, run = fit.rows, fit.run
    source = fit.prepared.source
    lines = [f"Read {rows['read']} rows, {source['columns']} columns from {source['named']}."]
    if rows["without_target"]:
        lines.append(f"{rows['without_target']} rows without a target were left out.")
    lines += ["", *of_columns(fit), *_notes(fit.prepared.notes)]
    lines += ["", f"Task      {run.task}"]
    lines.append(
        f"Training  {rows['train']} rows, seed {run.setup.seed}, {of_rate(run)}, "
        f"engine {run.engine_used}"
    )
    lines += [
        f"Outcome   {run.outcome.sentence}",
        *of_gap(run),
        *of_doctor(run, files),
        "",
        *of_metrics(fit),
    ]
    lines += ["", *of_coefficients(run)]
    return [*lines, "Written:", *(f"  {file}" for file in files)]


def of_rate(run: Run) -> str:
    """Return how long the steps were to be."""
    if run.task.optimizer.rule.searches:
        return "each step's length searched for"
    return f"learning rate {run.setup.learning_rate:.6g}"


def of_gap(run: Run) -> list[str]:
    """Return how far the run ended above the least loss, where that is cheap to find."""
    found = optimum(run)
    if found is None:
        return []
    return [f"Optimum   the gap to it is {found['gap']:.2g}: its loss is {found['loss']:.6g}"]


def of_changes(run: Run) -> list[str]:
    """Return what was changed along the way, and after which update."""
    from descend.run.telling import told

    changes = told(run)
    lines = [f"update {c.step}: {c.sentence}" for c in changes[:_LISTED]]
    if len(changes) > _LISTED:
        lines.append(f"… and {len(changes) - _LISTED} more")
    return [f"{'' if i else 'Changed':10}{line}" for i, line in enumerate(lines)]


def of_doctor(run: Run, files: list[str]) -> list[str]:
    """Return what the doctor finds ill, where looking is cheap."""
    from descend.optimum import CHEAP

    if run.data is None or run.setup.n * run.setup.d > CHEAP:
        return []
    ill = [finding for finding in run.diagnose() if finding.severity == "illness"]
    lines = [f"Doctor    {finding.code}: {finding.sentence}" for finding in ill]
    return [*lines, f"          Evidence and fixes: descend doctor {files[0]}"] if ill else []


def optimum(run: Run) -> dict[str, Any] | None:
    """Return the optimum as plain data, where it is cheap to find, else None."""
    from descend.optimum import at_hand

    found = at_hand(run)
    if found is None:
        return None
    return {"loss": found.loss, "gap": found.gap, "reached": found.reached}


def of_columns(fit: Fit) -> list[str]:
    """Return what was done to the columns: the usual ones briefly, the others each."""
    shown: list[str] = []
    numbers = [c for c in fit.prepared.columns if c.treatment == "number" and ";" not in c.sentence]
    plain = [c.name for c in numbers if "counter" not in c.sentence]
    if plain:
        names = ", ".join(plain[:_LISTED]) + (", …" if len(plain) > _LISTED else "")
        plural = "s" if len(plain) > 1 else ""
        shown.append(f"Standardised number{plural} ({len(plain)}): {names}")
    for column in fit.prepared.columns:
        if column.name not in plain and column.treatment != "target":
            shown.append(column.sentence)  # noqa: PERF401 - two kinds of lines
    return shown


def _notes(notes: list[str]) -> list[str]:
    return [f"Note: {note}" for note in notes]


def of_metrics(fit: Fit) -> list[str]:
    """Return the table of metrics, beside those of knowing nothing."""
    names = list(fit.metrics["test"])
    baseline = "the mean" if fit.run.classes is None else "shares of labels"
    lines = [f"{'':11}" + "".join(f"{p:>12}" for p in fit.metrics) + f"   on test: {baseline}"]
    for name in names:
        cells = "".join(f"{values[name]:12.4f}" for values in fit.metrics.values())
        lines.append(f"{name:11}{cells}{fit.baseline['test'][name]:12.4f}")
    return lines


def of_coefficients(run: Run) -> list[str]:
    """Return the strongest coefficients in original units, or nothing for nets."""
    from descend.fitting import coefficients

    listed = coefficients(run)
    if not listed:
        return []
    kind = "" if run.classes is None else f" of the score for {_positive(run)}"
    lines = [f"Strongest coefficients{kind}, in original units (per standard deviation):"]
    for name, standard, own in [*listed[:-1][:STRONGEST], listed[-1]]:
        cells = "  ".join(f"{v:.6g}" for v in own.ravel()[:6])
        scaled = "  ".join(f"{v:+.4f}" for v in standard.ravel()[:6])
        lines.append(f"  {name:32} {cells:>14}   ({scaled})")
    if len(listed) - 1 > STRONGEST:
        lines.append(f"  … and {len(listed) - 1 - STRONGEST} weaker ones")
    return [*lines, ""]


def _positive(run: Run) -> str:
    classes = run.classes or []
    return repr(classes[1]) if len(classes) == 2 else ", ".join(map(repr, classes[:6]))  # noqa: PLR2004


def of_run(run: Run, file: str) -> list[str]:
    """Return what ``show`` says of a run."""
    s = run.setup
    held = {"None": "none", "given": "rows of their own"}.get(str(s.validation), str(s.validation))
    lines = [
        f"Run       {file}",
        f"Task      {run.task}",
        f"Data      {s.n} training rows, {s.d} features, {s.k} outputs; validation: {held}",
        (
            f"Training  {run.state.step} of {s.updates} updates, batch "
            f"{'all rows' if s.full_batch else s.batch_size}, seed {s.seed}, {of_rate(run)}, "
            f"engine {run.engine_used}, {s.dtype}"
        ),
        f"Outcome   {run.outcome.sentence}",
        *of_changes(run),
        *of_gap(run),
    ]
    if run.source is not None:
        lines.append(f"Source    {run.source['named']}, target {run.source['target']!r}")
    if run.classes is not None:
        lines.append(f"Labels    {', '.join(map(str, run.classes[:20]))}")
    frames = "none (a model file)" if run.keyframes is None else str(len(run.keyframes))
    lines += [f"Record    {len(run.history.updates)} rows of history, {frames} keyframes", ""]
    lines += of_parameters(run)
    return [*lines, *of_coefficients(run)]


def of_parameters(run: Run) -> list[str]:
    """Return the parameters: their numbers where they are few, else what they span."""
    lines = [f"Parameters ({run.layout.size}):"]
    for name, part in run.params.items():
        few = part.size <= 6  # noqa: PLR2004 - more do not fit a line
        numbers = " ".join(f"{v:.6g}" for v in part.ravel())
        span = f"{part.min():.4g} … {part.max():.4g}" if part.size else ""
        lines.append(f"  {name:16} {part.shape!s:10} {numbers if few else span}")
    return [*lines, ""]


def summary(fit: Fit, files: list[str], options: dict[str, Any]) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    from descend.task import describe

    run = fit.run
    return {
        "task": {"sentence": str(run.task), **describe(run.task)},
        "outcome": outcome(run),
        "optimum": optimum(run),
        "rows": fit.rows,
        "columns": [
            {
                "name": c.name,
                "treatment": c.treatment,
                "sentence": c.sentence,
                "features": list(c.features),
            }
            for c in fit.prepared.columns
        ],
        "notes": fit.prepared.notes,
        "target": fit.prepared.encoder.target.describe(),
        "learning_rate": run.setup.learning_rate,
        "engine": run.engine_used,
        "metrics": fit.metrics,
        "baseline": fit.baseline,
        "coefficients": [
            {"feature": name, "standardised": s.ravel(), "original": o.ravel()}
            for name, s, o in fit.coefficients()
        ],
        "source": fit.prepared.source,
        "options": options,
        "files": files,
    }


def outcome(run: Run) -> dict[str, Any]:
    """Return an outcome as plain data."""
    found = run.outcome
    return {
        "reason": found.reason,
        "sentence": found.sentence,
        "step": found.step,
        "loss": found.loss,
        "best_step": found.best_step,
        "diverged_at": found.diverged_at,
        "converged": found.converged,
    }
