"""Inside: what the next update does to every parameter, as the panel of a weight shows it.

>>> import descend as ds
>>> task = ds.Task(ds.Linear(bias=False), ds.half_squared_error(), ds.gradient_descent(0.1))
>>> run = ds.train(task, [[1.0]], [2.0], epochs=3)
>>> found = update_of(run, 0)
>>> found.gradient, found.change
(array([-2.]), array([0.2]))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from descend.arrays import Floats

if TYPE_CHECKING:
    from descend.lab.leading import Leader
    from descend.run import Run

# Updates times rows times parameters that are a matter of a few milliseconds.
AT_ONCE = 2e6


@final
class Update(NamedTuple):
    """What an update does.

    Attributes
    ----------
    step, theta
        Updates done before it, and the parameters (P,) then.
    gradient
        (P,) of the objective over the update's batch.
    change
        (P,) what is added to the parameters: by this optimizer, at this learning rate.
    slots
        (S, P) the optimizer's memory before it.
    """

    step: int
    theta: Floats
    gradient: Floats
    change: Floats
    slots: Floats


def update_of(run: Run, step: int) -> Update:
    """Return what the update after `step` updates does, or would do."""
    moment = run.at(step)
    program, scale = moment.run.program, run.scale_at(step)[0]
    after = program.advance(moment.state, 1, scale).state.theta
    return Update(step, moment.theta, moment.gradient, after - moment.theta, moment.slots)


def answer(leader: Leader, step: int | None) -> None:
    """Tell the page the next update: at once where that is little work, else as a thought."""
    from descend.lab import thinking  # noqa: PLC0415 - reads the doctor

    branch = leader.branch
    run = branch.run()
    at = branch.step if step is None else min(step, branch.step)
    kept = run.keyframes
    replayed = at - kept.before(at).step if kept is not None and at < branch.step else 0
    rows = min(run.setup.batch_size or run.setup.n, run.setup.n)
    if (replayed + 2) * rows * run.layout.size > AT_ONCE:
        thinking.ask(leader, "update", step)
        return
    header, buffers = told(run, at)
    leader.say({"kind": "update", "branch": branch.number, **header}, buffers)


def told(run: Run, step: int | None) -> tuple[dict[str, Any], list[bytes]]:
    """Return the next update as the page takes it: theta, gradient, change, memory."""
    found = update_of(run, run.state.step if step is None else min(step, run.state.step))
    with np.errstate(all="ignore"):  # of runs that diverged
        arrays = (found.theta, found.gradient, found.change, found.slots)
    header = {
        "step": found.step,
        "slots": list(run.task.optimizer.rule.slots),
        "rows": min(run.setup.batch_size or run.setup.n, run.setup.n),
        "all_rows": run.setup.n,
    }
    return header, [np.ascontiguousarray(array, dtype="<f8").tobytes() for array in arrays]
