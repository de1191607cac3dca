"""Notebooks: a run at the end of a cell shows itself, in Jupyter and in marimo.

With the extra ``notebook`` (anywidget) it is the page of the report, alive; without it a picture of
the loss.  Jupyter asks for `mimebundle`, marimo for `display`; both go through the run's own
methods, and `repr` and `print` stay what they are.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any

from descend.errors import InputError
from descend.page import module, pack

if TYPE_CHECKING:
    from collections.abc import Collection

    from descend.run import Run

Bundle = tuple[dict[str, Any], dict[str, Any]]


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
