"""The panel: `run.plot`, on which each kind of figure is a method.

>>> import descend as ds
>>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
>>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], epochs=200)
>>> figure = run.plot.loss(theme="dark")
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from descend.errors import did_you_mean
from descend.plots.figures import FIGURES, describe, draw

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

    from descend.run import Run


@final
@dataclass(frozen=True, repr=False)
class Plots:
    """The figures of a run: one method for each kind in `descend.plots.FIGURES`.

    Each takes what its kind can be asked, and besides, as `descend.plots.draw` does, ``theme``,
    ``size`` and ``out``; and returns a figure of matplotlib.

    Attributes
    ----------
    run
        Whose.
    """

    run: Run

    def __getattr__(self, kind: str) -> Callable[..., Figure]:
        """Return the method that draws a kind of figure of this run."""
        if kind not in FIGURES:
            msg = f"There is no figure {kind!r}{did_you_mean(kind, FIGURES)}; {_KNOWN}."
            raise AttributeError(msg)
        return _method(kind, self.run)

    def __dir__(self) -> list[str]:
        """List the kinds, so that they complete."""
        return [*object.__dir__(self), *FIGURES]

    def __repr__(self) -> str:
        """Return the kinds, a line each."""
        return "\n".join(f"run.plot.{kind}(): {describe(kind)}" for kind in FIGURES)


def _method(kind: str, run: Run) -> Callable[..., Figure]:
    """Return a function that says itself what it can be asked."""

    def method(**options: Any) -> Figure:
        return draw(kind, run, **options)

    own = list(inspect.signature(FIGURES[kind]).parameters.values())[2:]
    shared = inspect.signature(draw).parameters
    also = [shared[name] for name in ("theme", "size", "out")]
    method.__name__, method.__doc__ = kind, FIGURES[kind].__doc__
    method.__signature__ = inspect.Signature([*own, *also])  # type: ignore[attr-defined]
    return method


_KNOWN = f"there are {', '.join(FIGURES)}"
