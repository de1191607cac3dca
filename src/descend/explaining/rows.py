"""The first move: which rows the update sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.arrays import is_sparse
from descend.explaining.pieces import Move, Symbol, Table, counted, share_shown
from descend.scaling import standardize_of

if TYPE_CHECKING:
    from descend.explaining.page import Page
    from descend.explaining.pieces import Cell

_FEW_OUTPUTS = 3


def rows_move(page: Page) -> Move:
    """Return the first move: which rows the update sees."""
    code = ["given = e.arrays", 'X, y = given["X"], given["y"]']
    if page.facts.weights is not None:
        code.append('sample_weight = given["sample_weight"]')
    symbols = (Symbol("X (n, d), y (n, k)", r"X : n \times d, \quad y : n"),)
    if page.facts.y.ndim == 1:
        symbols = (Symbol("X (n, d), y (n,)", symbols[0].tex),)
    n, d = page.facts.n, page.facts.problem.X.shape[1]
    sized = Symbol(f"n = {n}, d = {d}", f"n = {n}, \\quad d = {d}")
    return Move("Rows", _of_rows(page), (*symbols, sized), (_row_table(page),), tuple(code))


def _of_rows(page: Page) -> tuple[str, ...]:
    f, p = page.facts, page.facts.problem
    if p.full_batch:
        said = [f"This update sees all {counted(f.n, 'training row')}, in their own order."]
        if f.n == 1:
            said = ["This update sees the one training row there is."]
    else:
        epoch, place = divmod(f.step, p.batches_per_epoch)
        order = f"an order drawn from seed {p.seed} and the epoch" if p.shuffle else "their order"
        said = [
            (
                f"This update sees {f.n} of the {p.n} training rows: batch {place + 1} of "
                f"{p.batches_per_epoch} in epoch {epoch + 1}, in {order}."
            )
        ]
    said += share_shown(f.shown, f.n, "row", "; the others are in the sums")
    said += share_shown(
        len(page.columns),
        p.X.shape[1],
        "column",
        "" if page.custom else ": those with the largest terms",
    )
    if f.run.scaling is not None:
        said.append(
            "Columns are scaled: the model meets x / (root mean square), and so does this page."
            if standardize_of(f.run.scaling) == "scale"
            else "Columns are standardised: the model meets (x - mean) / deviation, and so does "
            "this page."
        )
    if is_sparse(p.X):
        sparse: Any = p.X
        stored = int(sparse.indptr[-1])
        said.append(f"The rows are sparse: {stored} entries are stored, all others are 0.")
    said += _of_targets(page)
    return tuple(said)


def _of_targets(page: Page) -> list[str]:
    f, said = page.facts, []
    if f.problem.task.loss.targets == "two labels" and f.run.classes:
        zero, one = f.run.classes[:2]
        if (str(zero), str(one)) != ("0", "1"):
            said.append(f"The target is 1 for {one!r} and 0 for {zero!r}.")
    target = (f.run.encoder or {}).get("target", {})
    if target.get("scale") not in (None, 1):
        said.append("The target is standardised too.")
    if f.weights is not None:
        total = page.number(f.weights.sum(dtype=np.float64))
        said.append(f"The rows have weights, which sum to {total}.")
    return said


def _row_table(page: Page) -> Table:
    f, columns = page.facts, page.columns
    met = page.met(columns)
    outputs = [0] if f.y.ndim == 1 else list(range(min(f.y.shape[1], _FEW_OUTPUTS)))
    targets = [page.targets(j) for j in outputs]
    several = f.y.ndim > 1 and f.y.shape[1] > 1
    head = ["training row", *(page.column(c) for c in columns)]
    head += [f"y {j + 1}" if several else "y" for j in outputs]
    weighted = f.weights is not None
    rows: list[list[Cell]] = [
        [name, *met[i], *(t[i] for t in targets), *([f.weights[i]] if weighted else [])]  # type: ignore[index]
        for i, name in enumerate(page.rows)
    ]
    sums: list[Cell] = [*_column_sums(page)]
    sums += [None] if f.y.ndim == 1 else [float(f.y[:, j].sum(dtype=np.float64)) for j in outputs]
    shown: list[Cell] = [*met.sum(axis=0, dtype=np.float64)]
    shown += [
        None if f.y.ndim == 1 else float(f.y[: f.shown, j].sum(dtype=np.float64)) for j in outputs
    ]
    if f.weights is not None:
        head.append("weight")
        sums.append(float(f.weights.sum(dtype=np.float64)))
        shown.append(float(f.weights[: f.shown].sum(dtype=np.float64)))
    totals = [[f"sum of {f.n}", *sums]]
    if page.hidden:
        rest = [None if a is None else _less(a, b) for a, b in zip(sums, shown, strict=True)]
        rows.append([f"{counted(page.hidden, 'other')}", *rest])
    if several and f.y.shape[1] > len(outputs):
        head = [f"{h} of {f.y.shape[1]}" if h.startswith("y ") else h for h in head]
    return Table("", tuple(head), tuple(map(tuple, [*rows, *totals])), 1)


def _less(a: Any, b: Any) -> float:
    return float(a) - float(b)


def _column_sums(page: Page) -> list[float]:
    """Return the sum over the batch of each column shown, as the model meets it."""
    f, scaling = page.facts, page.facts.problem.scaling
    chosen: Any = f.X[:, page.columns]
    sums = np.asarray(chosen.sum(axis=0), dtype=np.float64).ravel()
    if scaling is not None:
        sums = (sums - f.n * scaling.mean[page.columns]) / scaling.deviation[page.columns]
    return [float(s) for s in sums]
