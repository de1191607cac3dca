"""Evidence of columns and rows: sizes, constants, columns that tell others, rows far out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from descend.plots.evidence_descent import curve
from descend.plots.evidence_fit import misses
from descend.plots.evidence_shapes import MOST, Limit, histograms, lollipops, points
from descend.plots.words import percent, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from descend.arrays import Floats
    from descend.plots.evidence_case import Case, Panel

# Labels are moved sideways by up to this, so that points do not hide one another.
_JITTER = 0.18


def uneven(case: Case) -> list[Panel]:
    """How large each column is: its root mean square, from the widest to the narrowest."""
    sizes = _sizes(case)
    if not sizes:
        sizes = {**case.seen.get("columns", {}), **case.seen.get("against", {})}
        if not all(isinstance(size, int | float) for size in sizes.values()) or not sizes:
            return []
    named = [*case.seen.get("columns", ())]
    return [
        *curve(case),
        lambda ax: lollipops(
            ax, case.theme, _ends(sizes), marked=named, label="root mean square of the column"
        ),
    ]


def _sizes(case: Case) -> dict[str, float]:
    if case.rows is None:
        return {}
    X = case.rows.X[case.rows.part == 0]
    with np.errstate(all="ignore"):
        sizes = np.sqrt(np.mean(X**2, axis=0))
    order = np.argsort(-sizes, kind="stable")
    return {case.run.names[i]: float(sizes[i]) for i in order}


def _ends(values: dict[str, float]) -> dict[str, float]:
    """Return the first and the last of many."""
    names = list(values)
    kept = names if len(names) <= MOST else [*names[: MOST // 2], *names[-MOST // 2 :]]
    return {name: values[name] for name in kept}


def constant(case: Case) -> list[Panel]:
    """How much each column varies: those that never do, first."""
    if case.rows is None:
        return []
    spread = case.rows.X[case.rows.part == 0].std(axis=0)
    order = np.argsort(spread, kind="stable")
    named = list(case.seen.get("columns", ()))
    values = {case.run.names[i]: float(spread[i]) for i in order}
    kept = {name: values[name] for name in [*named, *values] if name in values}
    shown = dict(list(kept.items())[:MOST])
    return [
        lambda ax: lollipops(
            ax, case.theme, shown, marked=named, log=False, label="standard deviation of the column"
        )
    ]


def collinear(case: Case) -> list[Panel]:
    """Set a column against what the others tell of it."""
    places = [case.place(name) for name in case.seen.get("columns", ())]
    if case.rows is None or len(places) < 2 or min(places) < 0:  # noqa: PLR2004 - it takes two
        values = case.numbers("rows", "parameters")
        return [lambda ax: lollipops(ax, case.theme, values, log=False)] if values else []
    X = case.rows.X
    others = np.column_stack([X[:, places[1:]], np.ones(len(X))])
    told = others @ np.linalg.lstsq(others, X[:, places[0]], rcond=None)[0]
    name = short(case.run.names[places[0]])
    by = ", ".join(short(case.run.names[i], 16) for i in places[1:4])
    more = " …" if len(places) > 4 else ""  # noqa: PLR2004 - the first three are named
    labels = (f"{name} as told by {by}{more}", name)
    none = np.zeros(len(X), dtype=bool)
    return [lambda ax: points(ax, case.theme, told, X[:, places[0]], marked=none, labels=labels)]


def leak(case: Case) -> list[Panel]:
    """Set a column against the target it tells, and say how much of the target it leaves."""
    place = case.place(case.seen.get("column"))
    shares = case.numbers("share_left_by_it", "share_left_by_all_others")
    beside: list[Panel] = [lambda ax: _left(ax, case, shares)] if shares else []
    if case.rows is None or place < 0:
        return beside
    x, y = case.rows.X[:, place], case.rows.y[:, 0]
    if case.labelled:
        y = y + _JITTER * np.sin(np.arange(len(y)) * 2.399963)  # spread evenly, and always alike
    none = np.zeros(len(x), dtype=bool)
    labels = (short(case.seen["column"]), "target" if not case.labelled else "label")

    def panel(ax: Axes) -> None:
        points(ax, case.theme, x, y, marked=none, labels=labels)
        if case.labelled and case.run.classes is not None and len(case.run.classes) < MOST:
            ax.set_yticks(range(len(case.run.classes)), [short(c, 16) for c in case.run.classes])

    return [panel, *beside]


def _left(ax: Axes, case: Case, shares: dict[str, float]) -> None:
    named = {name.replace("share left by ", "by "): 100 * share for name, share in shares.items()}
    marked = ["by it"]
    lollipops(ax, case.theme, named, marked=marked, log=False, label="% of the target left untold")


def shift(case: Case) -> list[Panel]:
    """Show the most distant column in both parts, and the distances of all that are far apart."""
    distances = dict(case.seen.get("distances", {}))
    if not distances:
        return []
    beside: Panel = lambda ax: lollipops(  # noqa: E731 - a panel like the others
        ax, case.theme, dict(list(distances.items())[:MOST]), limit=Limit(1.0, "no overlap"),
        log=False, label="distance of the distributions",
    )  # fmt: skip
    name = max(distances, key=lambda key: distances[key])
    place = case.place(name)
    rows = case.rows
    if rows is None or (place < 0 and name != "the target"):
        return [beside]
    values = rows.X[:, place] if place >= 0 else rows.y[:, 0]
    parts = {"training": values[rows.part == 0], "validation": values[rows.part == 1]}
    return [lambda ax: histograms(ax, case.theme, parts, short(name)), beside]


def outliers(case: Case) -> list[Panel]:
    """Rows far out: in a column, or in what the model misses."""
    places = [case.place(name) for name in case.seen.get("columns", ())]
    rows = case.rows
    if rows is None:
        return []
    if not places or min(places) < 0:
        return misses(case)
    values = rows.X[:, places[0]]
    name = short(case.run.names[places[0]])

    def panel(ax: Axes) -> None:
        points(ax, case.theme, rows.index.astype(float), values, marked=case.marked(rows),
               labels=("place of the row", name))  # fmt: skip

    return [panel]


def shared(case: Case) -> list[Panel]:
    """How many validation rows are training rows too."""
    count, m = case.seen.get("shared"), case.seen.get("of")
    if count is None or m is None:
        return []
    values = {"validation rows": float(m), "of them training rows too": float(count)}
    said = percent(float(count) / max(float(m), 1.0))
    return [
        lambda ax: lollipops(
            ax, case.theme, values, marked=["of them training rows too"], log=False,
            label=f"rows ({said} are memory)",
        )
    ]  # fmt: skip


def too_large(case: Case) -> list[Panel]:
    """How large the numbers of each column are, against what can be squared."""
    rows = case.rows
    if rows is None or case.run.data is None:
        return []
    X: Floats = np.abs(rows.X)
    most = X.max(axis=0) if len(X) else np.zeros(X.shape[1])
    named = [str(name) for name in case.seen.get("columns", ())]
    held = case.seen.get("largest", [])
    found = {case.run.names[i]: float(most[i]) for i in np.argsort(-most, kind="stable")}
    found.update(dict(zip(named, map(float, held), strict=False)))
    limit = float(np.sqrt(np.finfo(case.run.theta.dtype).max))
    return [lambda ax: _magnitudes(ax, case, _ends(found), named, limit)]


def _magnitudes(
    ax: Axes, case: Case, values: dict[str, float], named: list[str], limit: float
) -> None:
    """Draw how many digits numbers have before their point: they may be beyond what axes bear."""
    digits = {name: float(np.log10(max(value, 1e-9))) for name, value in values.items()}
    held = Limit(float(np.log10(limit)), "its square is beyond all numbers")
    lollipops(
        ax, case.theme, digits, marked=named, limit=held, log=False,
        label="largest number of the column, as a power of ten",
    )  # fmt: skip


DRAWS = {
    "features-unscaled": uneven,
    "constant-column": constant,
    "collinear-columns": collinear,
    "target-leak": leak,
    "split-shift": shift,
    "outliers-dominate": outliers,
    "rows-shared-across-split": shared,
    "non-finite-data": too_large,
}
