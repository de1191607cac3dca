"""Watching: scikit-learn's callbacks, called as descend's training goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from descend.training import Callback

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.estimators.base import Rows
    from descend.run import Run
    from descend.training import Now


@final
class Bridge:
    """Tells an estimator's callbacks of the fit and of each epoch, a task within it.

    Parameters
    ----------
    estimator
        Whose callbacks they are.
    rows
        What it is fitted to, in the units and weights that were given.
    epochs
        How many there may be.
    fitted
        Makes the attributes of a fitted estimator from a run.
    """

    def __init__(
        self, estimator: Any, rows: Rows, epochs: int, fitted: Callable[[Run], dict[str, Any]]
    ) -> None:
        self._estimator, self._fitted = estimator, fitted
        self._told = {
            "estimator": estimator,
            "X": rows.X,
            "y": rows.y,
            "metadata": None if rows.weights is None else {"sample_weight": rows.weights},
        }
        self._whole = estimator._init_callback_context(max_subtasks=epochs)
        self._whole.call_on_fit_task_begin(**self._told)
        self._epoch: Any = None

    def callbacks(self) -> tuple[Callback, ...]:
        """Return what `train` is to call; nothing where nobody listens."""
        if not getattr(self._estimator, "_skl_callbacks", None):
            return ()
        return (Callback(start=self._begin, epoch=self._ended),)

    def end(self, run: Run) -> None:
        """Tell of the end of the fit; an epoch that was begun and never ran ends without a word."""
        if self._epoch is not None:
            self._epoch.call_on_fit_task_end(estimator=self._estimator)
        self._whole.call_on_fit_task_end(
            **self._told, reconstruction_attributes=lambda: self._fitted(run)
        )

    def _begin(self, now: Now) -> None:
        del now
        self._epoch = self._whole.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._told)

    def _ended(self, now: Now) -> bool:
        so_far: Any = now.so_far
        stop = self._epoch.call_on_fit_task_end(
            **self._told, reconstruction_attributes=lambda: self._fitted(so_far())
        )
        self._epoch = None
        if not stop and now.step < now.updates:
            self._begin(now)
        return bool(stop)
