"""By hand: a learner's trail noted in a run, descent from its end, and the best possible.

What the hand does needs no answer from here; the page computes it. A trail is a list of thetas,
one after each move, the start first; it is kept in the run as an event of the kind `hand`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError
from descend.lab.branch import Origin
from descend.models import forward

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from descend.lab.leading import Leader
    from descend.optimum import Optimum
    from descend.run import Run

# Losses that fall for ever where the labels can be separated.
_ENDLESS = ("logistic", "softmax")


def hand(leader: Leader, message: Mapping[str, Any]) -> None:
    """Note a trail in the run; with `go`, begin a branch where it ends, and let it descend."""
    trail = checked_trail(message["trail"], leader.branch.live.theta.size)
    assists = message.get("assists", 0)
    if not message.get("go", False):
        leader.branch.live.note("hand", trail=trail, assists=assists)
        return
    branch = leader.branch
    settings, _ = branch.settings.with_changes({"start": trail[-1]}, leader.opened)
    begun = leader.begin(settings, origin=Origin(branch.number, 0))
    begun.live.note("hand", trail=trail, assists=assists)
    leader.show()
    leader.act({"kind": "play", "on": True})


def checked_trail(trail: Sequence[Any], size: int) -> list[list[float]]:
    """Return a trail as lists of as many numbers as the model has parameters.

    >>> checked_trail([[1, 2.5]], 2)
    [[1.0, 2.5]]

    Raises
    ------
    InputError
        If it is empty, or one of its thetas is none of this model.
    """
    if not trail:
        msg = "A trail by hand needs at least its start; found none. Move something first."
        raise InputError(msg)
    for move, theta in enumerate(trail):
        if not isinstance(theta, list) or len(theta) != size or not all(map(_finite, theta)):
            msg = (
                f"A trail by hand has {size} finite numbers at each move, as many as the model has "
                f"parameters; found {theta!r:.60} at move {move}. Begin by hand again."
            )
            raise InputError(msg)
    return [[float(value) for value in theta] for theta in trail]


def _finite(value: Any) -> bool:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and math.isfinite(value)


def floor(leader: Leader, _: Mapping[str, Any]) -> None:
    """Have the best possible found, and told: its loss and theta, or why there is none."""
    number, run = leader.branch.number, leader.branch.run()

    def tell() -> None:
        leader.say({"kind": "floor", "branch": number, **floor_of(run)})

    leader.think("floor", tell)


def floor_of(run: Run) -> dict[str, Any]:
    """Return the least objective over the training rows as the page is told it.

    Where there is none to find, `loss` and `theta` are None; `sentence` says how it stands.
    """
    sentence = _none_to_find(run)
    if sentence:
        return {"loss": None, "theta": None, "sentence": sentence}
    found = run.optimum()
    if _separated(run, found):
        sentence = (
            "There is no lowest loss here: a line separates the labels, so the loss falls towards "
            "0 for ever as the weights grow. Add an l2 penalty, and there is one."
        )
        return {"loss": None, "theta": None, "sentence": sentence}
    sentence = "No other parameters do better" + (
        "." if found.reached else ", as far as the search went: the loss still fell slowly."
    )
    return {"loss": found.loss, "theta": found.theta.tolist(), "sentence": sentence}


def _none_to_find(run: Run) -> str:
    """Say why the least is not known for this task, or return ""."""
    task = run.task
    if not task.model.linear:
        return (
            "Nobody knows the lowest loss here: a model with hidden layers may "
            "have many minima. Take a linear model to know it."
        )
    if not task.loss.convex:
        return f"Nobody knows the lowest loss here: {task.loss.name} may have several minima."
    if not task.loss.smooth or (task.penalty is not None and task.penalty.l1 > 0):
        kinked = task.loss.name if not task.loss.smooth else str(task.penalty)
        return (
            f"The lowest loss is not computed for {kinked}, which has a kink; "
            "let descent show how low it comes."
        )
    return ""


def _separated(run: Run, found: Optimum) -> bool:
    """Tell whether the loss could fall for ever: no penalty, and every label on its side."""
    if run.task.loss.name not in _ENDLESS or run.task.penalty is not None:
        return False
    problem = run.problem
    scores, _ = forward(run.task.model, found.theta, problem.layout, problem.X)
    if scores.shape[1] > 1:
        return bool(np.all(scores.argmax(axis=1) == problem.y))
    return bool(np.all((scores[:, 0] > 0) == (np.asarray(problem.y).reshape(-1) > 0)))
