"""Notebooks: a run at the end of a cell shows itself, in Jupyter and in marimo; and the lab.

With the extra ``notebook`` (anywidget) it is the page of the report, alive; without it a picture of
the loss.  Jupyter asks for `mimebundle`, marimo for `display`; both go through the run's own
methods, and `repr` and `print` stay what they are.

    from descend.notebook import Lab
    lab = Lab("houses.csv", target="price")
    lab            # the lab, alive
    lab.run        # what it trained, as it stands
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any, final

from descend.errors import InputError, UnavailableError
from descend.page import module, pack

if TYPE_CHECKING:
    from collections.abc import Collection

    from descend.run import Run

Bundle = tuple[dict[str, Any], dict[str, Any]]


@final
class Lab:
    """The lab in a notebook: it trains in threads of its own, and the kernel stays free.

    Parameters
    ----------
    data
        The name of toy data or of a shipped table, a path, a table of pandas, polars or Arrow, a
        run, or rows (n, d) with `y` beside them; default two moons.
    y
        (n,) numbers or labels, where `data` is an array.
    target
        The column to predict, where `data` is a table.
    settings
        What to begin with, as the lab's addresses have it: ``hidden=[8, 8]``, ``noise=0.2`` …

    Attributes
    ----------
    widget
        What is shown, a widget of anywidget.

    Raises
    ------
    InputError
        If there are no such data or settings.
    UnavailableError
        If anywidget, the extra ``notebook``, is not installed.
    """

    def __init__(
        self, data: Any = None, y: Any = None, *, target: str | None = None, **settings: Any
    ) -> None:
        from descend.lab.comm import Comm  # noqa: PLC0415 - a run that is shown needs no lab
        from descend.lab.given import given  # noqa: PLC0415
        from descend.lab.session import Session  # noqa: PLC0415

        self.widget = _lab_class()()
        opened, address = given(data, y, target, **settings)
        self._session = Session(opened=opened, address=address)
        self._comm = Comm(self._session, self.widget)

    @property
    def run(self) -> Run:
        """The run of the branch that is shown, as it stands."""
        return self._session.run()

    def close(self) -> None:
        """Stop training and take the lab from the page."""
        self._comm.close()

    def _repr_mimebundle_(self, **how: Any) -> Any:
        return self.widget._repr_mimebundle_(**how)

    def _display_(self) -> Any:
        return self.widget


def mimebundle(
    run: Run, include: Collection[str] | None = None, exclude: Collection[str] | None = None
) -> Bundle:
    """Return a run in the types a notebook can show, and what is to be known of them.

    Parameters
    ----------
    run
        With or without rows.
    include, exclude
        The types that are wanted, and those that are not; default all.

    Returns
    -------
    dict, dict
        Always ``text/plain``; a widget where anywidget is installed, else a PNG of the loss.
    """
    found, known = ({}, {}) if _in_terminal() else _shown(run)
    found["text/plain"] = str(run)
    wanted = found if include is None else {k: v for k, v in found.items() if k in include}
    return {k: v for k, v in wanted.items() if k not in (exclude or ())}, known


def display(run: Run) -> Any:
    """Return what marimo shows for a run: a widget, a figure of matplotlib, or text."""
    if find_spec("anywidget") is not None:
        return widget(run)
    figure = _figure(run)
    return str(run) if figure is None else figure


def widget(run: Run, **how: Any) -> Any:
    """Return a run as a widget of anywidget, for hosts that take those.

    Parameters
    ----------
    run
        With its rows attached more can be shown.
    how
        As for `descend.page.pack`.
    """
    payload = pack(run, **how)
    return _widget_class()(page=payload.page, data=payload.data)


@cache
def _widget_class() -> Any:
    import anywidget  # noqa: PLC0415 - an extra
    import traitlets  # noqa: PLC0415 - comes with it

    class RunWidget(anywidget.AnyWidget):
        """A run's page: the module and the two things its model holds."""

        _esm = traitlets.Unicode(module()).tag(sync=True)
        page = traitlets.Dict().tag(sync=True)
        data = traitlets.Bytes().tag(sync=True)

    return RunWidget


@cache
def _lab_class() -> Any:
    from descend.lab.scripts import for_widget  # noqa: PLC0415

    try:
        import anywidget  # noqa: PLC0415 - an extra
        import traitlets  # noqa: PLC0415 - comes with it
    except ImportError as error:
        msg = "The lab in a notebook needs anywidget: pip install 'descend[notebook]'."
        raise UnavailableError(msg) from error

    class LabWidget(anywidget.AnyWidget):
        """The lab's module; what it says and is told are messages."""

        _esm = traitlets.Unicode(for_widget()).tag(sync=True)

    return LabWidget


def _in_terminal() -> bool:
    """Tell whether it is IPython in a terminal that asks: it can show text alone."""
    running = sys.modules.get("IPython")
    shell = None if running is None else running.get_ipython()
    return shell is not None and not hasattr(shell, "kernel")


def _shown(run: Run) -> Bundle:
    if find_spec("anywidget") is not None:
        found, known = widget(run)._repr_mimebundle_()
        return dict(found), known
    figure = _figure(run)
    return ({} if figure is None else {"image/png": _png(figure)}), {}


def _figure(run: Run) -> Any:
    """Return the loss drawn, or None where nothing was recorded."""
    try:
        return run.plot.loss()
    except InputError:
        return None


def _png(figure: Any) -> bytes:
    stream = BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()
