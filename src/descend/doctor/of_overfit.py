"""What was learnt too well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from descend import losses, penalties
from descend.doctor.course import diverged
from descend.doctor.findings import Finding, Fix
from descend.doctor.measures import spread, standard

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Floats
    from descend.doctor.chart import Chart, Rows

# How many standard errors validation must have risen, row by row, ...
SIGMAS = 3.0
# ... and by which share of its least: less is not worth a change.
RISE = 0.1
# The same where the training rows are known by heart, which is evidence of its own: a training
# loss below this share of the least that validation ever was.
BY_HEART, HINT = 0.2, 0.8
# And where validation has more than doubled, and training is below half of its least.
DOUBLED, BELOW = 2.0, 0.5
# By which share training must have fallen meanwhile: who learns by heart gains by it.
FALL = 0.2
ENOUGH = 15


def overfit(chart: Chart) -> Finding | None:
    """Find a run whose validation loss rose while its training loss went on falling.

    The rise is judged row by row, between the recorded state nearest to the best epoch and the
    returned parameters: mean difference over its standard error, at least 3, so that a tiny
    validation set or one unlucky row says nothing.  It must be at least 10 % of the loss, and the
    last quarter of the curve must lie above the least by more than epochs differ among
    themselves, so that noise of batches is not taken for a trend; training must have fallen by a
    fifth meanwhile, for else the two parts merely differ; and validation must be worse
    than training, for rows that are easier are not a memory of others.  Where the training loss is
    below a fifth of the least that validation ever was, the run certainly fits what cannot be
    known beforehand, and a rise of 20 % needs no more than a hint; where validation has more than
    doubled, two standard errors do.  A run that never rose but
    knows its training rows by heart is found by comparison: it does worse on validation rows than
    the best constant, or than a ridge regression.
    """
    run = chart.run
    if run is None or chart.validation is None or diverged(chart):
        return None
    if run.outcome.best_step is not None or len(chart.validation.X) < ENOUGH:
        return None
    return _risen(chart) or _by_heart(chart)


def _risen(chart: Chart) -> Finding | None:
    curve, run, rows = chart.of("validation_loss"), chart.run, chart.validation
    rise = 0.0 if curve is None else _rise(curve)
    if curve is None or run is None or rows is None or rise <= 0:
        return None
    best = int(curve.argmin())
    least = float(curve[best])
    done = run.state.step / run.setup.batches_per_epoch
    epochs = done / max(len(curve), 1)
    step = int((best + 1) * epochs * run.setup.batches_per_epoch)
    then = _state_near(chart, min(step, run.state.step))
    now_losses, then_losses = row_losses(chart, chart.end, rows), row_losses(chart, then, rows)
    before, after = chart.objective(then), chart.end_loss
    if now_losses is None or then_losses is None or before is None or after is None:
        return None
    certain = _sigmas(now_losses - then_losses)
    gap, error, mine = _gap(chart)
    memory = mine < BY_HEART * abs(least) and rise > BY_HEART * abs(least)
    if gap <= 2 * error:
        return None
    doubled = rise > abs(least) and mine < BELOW * abs(least)
    needed = HINT if memory else DOUBLED if doubled else SIGMAS
    if before - after < FALL * abs(before) or certain < needed:
        return None
    epoch = max(round((best + 1) * epochs), 1)
    patience = max(5, min(round(epoch / 2), run.setup.epochs // 4))
    return Finding(
        "overfit",
        "illness",
        f"Validation was best after epoch {epoch} (loss {least:.4g}) and has grown to "
        f"{curve[-1]:.4g} since, while the training loss went on falling to {after:.4g}: it has "
        "learnt its training rows by heart from there on.",
        {
            "best_epoch": epoch,
            "best_validation_loss": least,
            "last_validation_loss": float(curve[-1]),
            "training_loss_then": before,
            "training_loss_now": after,
            "standard_errors": certain,
        },
        _simpler(chart)
        if epoch <= 2  # noqa: PLR2004 - there was nothing worth keeping
        else Fix(
            f"stop after {patience} epochs without a better validation, and take the best",
            {"patience": patience},
        ),
    )


def _rise(curve: Floats) -> float:
    """Return by how much the end of a curve lies above its least, 0 if that may be jitter."""
    shortest = 8
    if len(curve) < shortest or not np.isfinite(curve).all():
        return 0.0
    quarter = max(len(curve) // 4, 2)
    least = float(curve.min())
    rise = min(float(np.median(curve[-quarter:])), float(curve[-1])) - least
    jitter = 1.4826 * float(np.median(np.abs(np.diff(curve))))
    return rise if rise > max(RISE * abs(least), 2 * jitter) else 0.0


def _gap(chart: Chart) -> tuple[float, float, float]:
    """Return how far validation lies above training, its standard error, and the training loss."""
    rows, held = chart.rows, chart.validation
    mine = None if rows is None else row_losses(chart, chart.end, rows)
    own = None if held is None else row_losses(chart, chart.end, held)
    if mine is None or own is None:
        return 0.0, np.inf, np.inf
    error = float((own.var() / len(own) + mine.var() / len(mine)) ** 0.5)
    return float(own.mean() - mine.mean()), error, float(mine.mean())


def _state_near(chart: Chart, step: int) -> Floats | None:
    """Return theta after some updates, by replay from the nearest keyframe."""
    run = chart.run
    if run is None or run.keyframes is None:
        return None
    found: Floats = run.at(step).theta.astype(np.float64)
    return found


def row_losses(chart: Chart, theta: Floats | None, rows: Rows) -> Floats | None:
    """Return the loss of each row, without a penalty."""
    scores = chart.scores(theta, rows)
    if scores is None or chart.task is None:
        return None
    y = rows.y if rows.y.dtype.kind == "i" else rows.y.astype(np.float64)
    found = np.asarray(losses.rows(chart.task.loss, scores, y), dtype=np.float64)
    return found if np.isfinite(found).all() else None


def _sigmas(differences: Floats) -> float:
    """Return the mean in standard errors."""
    error = float(differences.std()) / max(len(differences) - 1, 1) ** 0.5
    return float(differences.mean()) / error if error > 0 else 0.0


def _by_heart(chart: Chart) -> Finding | None:
    rows, held, end = chart.rows, chart.validation, chart.end
    if rows is None or held is None or end is None or chart.task is None:
        return None
    own, mine = row_losses(chart, end, held), row_losses(chart, end, rows)
    if own is None or mine is None or len(rows.X) < ENOUGH:
        return None
    # A model that does as well on both knows nothing by heart.
    apart = float(own.mean()) - float(mine.mean())
    error = (own.var() / len(own) + mine.var() / len(mine)) ** 0.5
    if apart <= SIGMAS * error or mine.mean() > BY_HEART * own.mean():
        return None
    plain = _plain(chart)
    if plain is None:
        return None
    theirs, name = plain
    certain = _sigmas(own - theirs)
    if certain < 2.5 or own.mean() < 1.2 * theirs.mean():  # noqa: PLR2004
        return None
    return Finding(
        "overfit",
        "illness",
        f"The training rows are known by heart (loss {mine.mean():.3g}) but the validation rows "
        f"are not (loss {own.mean():.3g}), where {name} has {theirs.mean():.3g}: what was learnt "
        "are the accidents of the training rows.",
        {
            "training_loss": float(mine.mean()),
            "validation_loss": float(own.mean()),
            "loss_of_a_plain_model": float(theirs.mean()),
            "standard_errors": certain,
        },
        _simpler(chart),
    )


def _simpler(chart: Chart) -> Fix:
    if chart.task is not None and chart.task.optimizer.rule.searches:
        return Fix("put a penalty on the weights, l2(0.1)", {"penalty": penalties.l2(0.1)})
    return Fix(
        "put a penalty on the weights, l2(0.1), and stop when validation no longer improves",
        {"penalty": penalties.l2(0.1), "patience": 20},
    )


def _plain(chart: Chart) -> tuple[Floats, str] | None:
    """Return the validation loss of each row under the better of two plain models, and its name."""
    task, rows, held = chart.task, chart.rows, chart.validation
    if task is None or rows is None or held is None or task.loss.name == "custom":
        return None
    k = 1 if rows.y.ndim == 1 else rows.y.shape[1]
    if rows.y.ndim == 1 and chart.end_scores is not None:
        k = chart.end_scores.shape[1]
    constant = losses.best_constant(task.loss, rows.y, rows.weights, k)
    y = held.y if held.y.dtype.kind == "i" else held.y.astype(np.float64)
    found = losses.rows(task.loss, np.broadcast_to(constant, (len(y), k)), y), "the best constant"
    if task.loss.name in {"squared_error", "half_squared_error"}:
        scores = _ridge(rows, held)
        if scores is not None:
            ridge = losses.rows(task.loss, scores, y)
            if ridge.mean() < found[0].mean():
                return ridge, "a ridge regression"
    return found


def _ridge(rows: Rows, held: Rows) -> Floats | None:
    """Return validation scores of a ridge regression, its strength by generalised crossing out."""
    part = spread(len(rows.X), 2048)
    X, Y = rows.X[part], rows.y[part].astype(np.float64)
    both = standard(np.concatenate([X, held.X]))
    Z, W = both[: len(X)], both[len(X) :]
    centre, middle = Z.mean(axis=0), Y.mean(axis=0)
    U, s, Vt = np.linalg.svd(Z - centre, full_matrices=False)
    n = len(Z)
    best: tuple[float, Floats] | None = None
    for strength in np.geomspace(1e-3, 1e3, 13) * n:
        shrunk = s**2 / (s**2 + strength)
        fitted = U @ (shrunk[:, None] * (U.T @ (Y - middle)))
        rest = ((Y - middle - fitted) ** 2).mean()
        score = float(rest / max(1 - (1 + shrunk.sum()) / n, 1e-3) ** 2)
        if best is None or score < best[0]:
            weights = Vt.T @ ((s / (s**2 + strength))[:, None] * (U.T @ (Y - middle)))
            best = (score, weights)
    if best is None:
        return None
    found: Floats = (W - centre) @ best[1] + middle
    return found


RULES: tuple[Callable[[Chart], Finding | None], ...] = (overfit,)
