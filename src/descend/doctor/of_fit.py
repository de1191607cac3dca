"""What was learnt: too much, or too little."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend import losses, optimum, penalties
from descend.doctor.course import at_rest, diverged
from descend.doctor.findings import Finding, Fix
from descend.doctor.measures import as_targets, left, nearest, spread, standard

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Array, Floats
    from descend.doctor.chart import Chart, Rows

# ---------------------------------------------------------------- too much

# How many standard errors validation must have risen, row by row, ...
SIGMAS = 3.0
# ... and by which share of its least: less is not worth a change.
RISE = 0.1
# The same where the training rows are known by heart, which is evidence of its own: a training
# loss below this share of the least that validation ever was.
BY_HEART, HINT = 0.2, 0.8
ENOUGH = 15


def overfit(chart: Chart) -> Finding | None:
    """Find a run whose validation loss rose while its training loss went on falling.

    The rise is judged row by row, between the recorded state nearest to the best epoch and the
    returned parameters: mean difference over its standard error, at least 3, so that a tiny
    validation set or one unlucky row says nothing.  It must be at least 10 % of the loss, and the
    last quarter of the curve must lie above the least by more than epochs differ among
    themselves, so that noise of batches is not taken for a trend.  Where the training loss is
    below a fifth of the least that validation ever was, the run certainly fits what cannot be
    known beforehand, and a rise of 20 % needs no more than to be beyond its own error.  A run that never rose but
    knows its training rows by heart is found by comparison: it does worse than the best constant
    on validation rows, or than a ridge regression, on rows it has not seen.
    """
    run = chart.run
    if run is None or chart.validation is None or diverged(chart):
        return None
    if run.outcome.best_step is not None or len(chart.validation.X) < ENOUGH:
        return None
    rise = _risen(chart)
    return rise if rise is not None else _by_heart(chart)


def _risen(chart: Chart) -> Finding | None:
    curve, run = chart.of("validation_loss"), chart.run
    if curve is None or run is None or len(curve) < 8 or not np.isfinite(curve).all():  # noqa: PLR2004
        return None
    quarter = max(len(curve) // 4, 2)
    best = int(curve.argmin())
    least, end = float(curve[best]), float(np.median(curve[-quarter:]))
    jitter = 1.4826 * float(np.median(np.abs(np.diff(curve)))) if len(curve) > 2 else 0.0  # noqa: PLR2004
    rise = min(end, float(curve[-1])) - least
    if rise <= max(RISE * abs(least), 2 * jitter):
        return None
    epochs = run.setup.epochs / max(len(curve), 1)
    step = int((best + 1) * epochs * run.setup.batches_per_epoch)
    then = _state_near(chart, min(step, run.state.step))
    rows = chart.validation
    if then is None or rows is None:
        return None
    now_losses, then_losses = _losses(chart, chart.end, rows), _losses(chart, then, rows)
    if now_losses is None or then_losses is None:
        return None
    certain = _sigmas(now_losses - then_losses)
    before, after = chart.objective(then), chart.end_loss
    if before is None or after is None or not after < before:
        return None
    memory = _known_by_heart(chart, least) and rise > BY_HEART * abs(least)
    if certain < (HINT if memory else SIGMAS):
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


def _known_by_heart(chart: Chart, least: float) -> bool:
    """Tell whether the training rows are fitted far beyond what rows not seen ever were."""
    rows, held = chart.rows, chart.validation
    if rows is None or held is None:
        return False
    mine, own = _losses(chart, chart.end, rows), _losses(chart, chart.end, held)
    if mine is None or own is None:
        return False
    error = float((own.var() / len(own) + mine.var() / len(mine)) ** 0.5)
    gap = float(own.mean() - mine.mean())
    return float(mine.mean()) < BY_HEART * abs(least) and gap > 2 * error


def _state_near(chart: Chart, step: int) -> Floats | None:
    run = chart.run
    if run is None or run.keyframes is None or len(run.keyframes) < 3:  # noqa: PLR2004
        return None
    found: Floats = run.keyframes.before(step).theta.astype(np.float64)
    return found


def _losses(chart: Chart, theta: Floats | None, rows: Rows) -> Floats | None:
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
    own, mine = _losses(chart, end, held), _losses(chart, end, rows)
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


# ---------------------------------------------------------------- too little

# Which share of what is left must be there to be explained.
STRUCTURE = 0.5
# And which share of the target's variance that must be: less is a polish, not a cure.
WORTH = 0.1
MOST_ROWS = 4096
# Columns up to which nearest neighbours are near, and squares and products few.
NEAR, PRODUCTS = 8, 30


class Structure(NamedTuple):
    """What is left of a target, and could be explained.

    Attributes
    ----------
    share
        Of the variance of what is left.
    how
        In words.
    """

    share: float
    how: str


def underfit(chart: Chart) -> Finding | None:
    """Find structure in what a finished run has left unexplained.

    Noise is what neighbours do not share: half the mean squared difference of a residual and its
    nearest neighbour's estimates the variance of the noise alone (the delta test), so 1 less its
    share of the whole is structure.  In more columns, squares and products of columns are fitted
    to the residuals (Ramsey's test), corrected for how many there are.  Ill where at least half
    of what is left is structure, and a tenth of the target's variance, for every table has a
    little; and for linear models, where a
    penalty keeps at least half from being explained.  A run that has not come to rest is none
    of this rule's business, and one that is at rest at its noise has no structure left.
    """
    run, rows = chart.run, chart.rows
    if run is None or rows is None or chart.custom or not at_rest(chart):
        return None
    rest = _residuals(chart)
    if rest is None or len(rest) < 50:  # noqa: PLR2004 - too few to tell
        return None
    held_down = _held_down(chart)
    if held_down is not None:
        return held_down
    found = _structure(rows.X, rest)
    if found is None or found.share * _left_over(chart, rest) < WORTH:
        return None
    return _too_weak(chart, found)


def _left_over(chart: Chart, rest: Floats) -> float:
    """Return which share of the target's variance the run leaves."""
    if chart.rows is None:
        return 0.0
    target = as_targets(chart.rows.y, rest.shape[1])
    return float(rest.var(axis=0).sum() / max(float(target.var(axis=0).sum()), 1e-300))


def _residuals(chart: Chart) -> Floats | None:
    """Return target less prediction; of labels, indicator less probability."""
    scores, rows, task = chart.end_scores, chart.rows, chart.task
    if scores is None or rows is None or task is None or not np.isfinite(scores).all():
        return None
    if chart.labels:
        if not task.loss.proper:
            return None
        return as_targets(rows.y, scores.shape[1]) - losses.predicted(task.loss, scores)
    if task.loss.name == "quantile":  # its errors are meant to lie to one side
        return None
    return rows.y.astype(np.float64) - losses.predicted(task.loss, scores)


def _structure(X: Floats, rest: Floats) -> Structure | None:
    whole = rest - rest.mean(axis=0)
    variance = float((whole**2).sum(axis=1).mean())
    if not variance > 0:
        return None
    constant = np.ptp(X, axis=0) > 0
    X = X[:, constant]
    d = X.shape[1]
    if 0 < d <= NEAR:
        near = nearest(X, 2)
        if near is not None:
            mine = whole[near.rows]
            first = mine[near.neighbours[:, 0]]
            noise = 0.5 * float(((mine - first) ** 2).sum(axis=1).mean())
            here = float((mine**2).sum(axis=1).mean())
            share = 1 - noise / max(here, 1e-300)
            if share >= STRUCTURE and _certain(mine, first):
                return Structure(share, "neighbouring rows miss alike")
    return _products(X, whole)


def _certain(mine: Floats, theirs: Floats) -> bool:
    """Tell whether neighbours' residuals agree beyond chance: a correlation over its error."""
    together = (mine * theirs).sum(axis=1)
    error = float(together.std()) / max(len(together) - 1, 1) ** 0.5
    return float(together.mean()) > 5 * error


def _products(X: Floats, rest: Floats) -> Structure | None:
    rows = spread(len(X), MOST_ROWS)
    Z = np.clip(standard(X), -5, 5)[rows]
    n, d = Z.shape
    squares = [Z * Z]
    if d <= PRODUCTS:
        squares += [Z[:, [i]] * Z[:, i + 1 :] for i in range(d - 1)]
    more = np.column_stack([Z, *squares])
    if n < 4 * more.shape[1] + 20:
        return None
    share = 1 - float(
        (left(more, rest[rows]) * rest[rows].var(axis=0)).sum() / rest[rows].var(axis=0).sum()
    )
    if share < STRUCTURE:
        return None
    return Structure(share, "squares and products of the columns explain what is left")


def _too_weak(chart: Chart, found: Structure) -> Finding:
    net = chart.net
    width = 16 if net is None else 4 * max(net.hidden)
    hidden: tuple[int, ...] = (min(max(width, 16), 64),)
    changes: dict[str, Any] = {"hidden": hidden, "activation": "tanh"}
    task = chart.task
    if net is not None and task is not None and task.penalty is not None:
        changes = {"penalty": None}
    else:
        changes |= {"optimizer": "adam", "learning_rate": 0.01, "standardize": True, "init": "auto"}
        if task is not None and task.penalty is not None and task.penalty.l1 > 0:
            changes["penalty"] = None
    said = (
        "without its penalty" if changes == {"penalty": None} else f"with {hidden[0]} hidden units"
    )
    return Finding(
        "underfit",
        "illness",
        f"The run has come to rest, but {100 * found.share:.3g} % of what it leaves unexplained is "
        f"no noise: {found.how}, so the model is too simple for these rows.",
        {"share_of_what_is_left": found.share, "by": found.how},
        Fix(f"take a net {said}", changes),
    )


def _held_down(chart: Chart) -> Finding | None:
    """Compare with the optimum without the penalty, for linear models of many rows."""
    task, sample, run = chart.task, chart.sample, chart.run
    if task is None or sample is None or run is None or task.penalty is None or not chart.linear:
        return None
    parameters = run.layout.size
    if sample.n < 5 * parameters:
        return None
    free = replace(sample, task=replace(task, penalty=None))
    best = optimum.least_of(replace(run, task=free.task), free)
    rows = chart.rows
    mine = None if rows is None else _losses(chart, chart.end, rows)
    if best is None or mine is None:
        return None
    own = losses.reduce(mine, rows.weights if rows is not None else None, task.reduction)
    knows_nothing = chart.constant_loss
    if knows_nothing is None:
        return None
    could = knows_nothing - best[0]
    # At least a twentieth of the whole could be explained at all, and half of that was not.
    if could <= 0.05 * abs(knows_nothing) or own - best[0] <= STRUCTURE * could:  # noqa: PLR2004
        return None
    return Finding(
        "underfit",
        "illness",
        f"The penalty {task.penalty.name} holds the weights down so far that the loss stays at "
        f"{own:.4g}, where {best[0]:.4g} could be reached and knowing nothing gives "
        f"{knows_nothing:.4g}.",
        {"loss": own, "loss_without_penalty": best[0], "loss_of_a_constant": knows_nothing},
        Fix("leave the penalty out, or make it far smaller", {"penalty": None}),
    )


RULES: tuple[Callable[[Chart], Finding | None], ...] = (overfit, underfit)
