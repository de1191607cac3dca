"""The payload: a run as one JSON object and one block of bytes, for the page.

`frontend/src/contract.ts` says what is in them.  What is written stays small: recorded frames in
single precision (in double, where they are few), at most 5000 rows, a few thousand points to a
curve.

    theta           300 frames of 500 parameters      600 kB, about 420 when compressed
    X               5000 rows of 30 features          600 kB, about 350
    all the rest                                      about 60
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from descend.page import parts, words
from descend.page.blocks import Blocks, rounded
from descend.run.telling import told
from descend.showing.curves import Curve, curves_of
from descend.showing.frames import FEWEST, Frames, frames_of
from descend.showing.samples import Rows, rows_of, units_of
from descend.showing.surfaces import Surface, surface_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from descend.run import Run

SCHEMA = 1
# Bytes of theta: 300 frames of 2000 parameters, fewer of more; where not even 12 fit, none.
THETA_BYTES, FEWEST_FRAMES = 2_400_000, 12
# Entries of X: 5000 rows of 30 features, fewer of wider ones; up to four times that for 50 rows.
X_ENTRIES, FEWEST_ROWS = 150_000, 50
# With more entries than this, X keeps 16 significant bits: 5 digits, and a third fewer bytes.
EXACT_ENTRIES, BITS = 50_000, 16
# With no more entries than this in theta and in X together, both keep all their bits.
WHOLE_ENTRIES = 40_000
# Points to a curve: every update up to here, else half as many blocks, which have three numbers.
POINTS = 4000


class Payload(NamedTuple):
    """What the page is handed.

    Attributes
    ----------
    page
        The JSON object: every number in it is finite.
    data
        The bytes that ``page["blocks"]`` describes.
    """

    page: dict[str, Any]
    data: bytes


def pack(  # noqa: PLR0913 - what may be known already, or is not wanted
    run: Run,
    *,
    title: str | None = None,
    rows: int = 5000,
    frames: int = 300,
    findings: Iterable[words.Finding] | None = None,
    surface: Surface | Literal["auto", "none"] = "auto",
    replayed: bool = True,
) -> Payload:
    """Return a run packed for the page.

    Parameters
    ----------
    run
        With its rows attached more can be shown.
    title
        Of the page; default the target and its table, or the task.
    rows, frames
        At most so many are shown; fewer where there are many columns or parameters.
    findings
        A `Diagnosis`, or findings; default: the doctor is asked.  An empty tuple is none.
    surface
        The objective over a plane; default ``"auto"``: computed where there are rows.
    replayed
        Whether states between keyframes are replayed; default yes.
    """
    if findings is None:
        findings = run.diagnose()
    shown = _shown(run, rows, frames, surface, replayed=replayed)
    unseen = tuple(getattr(findings, "not_looked_at", ()))
    units, blocks = units_of(run), Blocks()
    page: dict[str, Any] = {
        "schema": SCHEMA,
        "title": words.title_of(run) if title is None else title,
        "task": str(run.task),
        "summary": words.summary_of(run, shown.rows, shown.frames, unseen),
        "outcome": parts.outcome_of(run),
        "model": parts.model_of(run, own=shown.too_large),
        "loss": parts.loss_of(run),
        "reduction": run.task.reduction,
        "penalty": None if run.task.penalty is None else parts.part_of(run.task.penalty),
        "optimizer": parts.optimizer_of(run),
        "layout": [] if shown.too_large else parts.layout_of(run),
        "features": [] if shown.too_large else parts.features_of(units),
        "target": parts.target_of(units),
        "axes": [] if shown.too_large else parts.axes_of(run, shown.rows),
        "updates": run.state.step,
        "frames": shown.frames.steps,
        "returned": shown.frames.returned,
        "rows": _rows(run, shown, blocks),
        "curves": curves_in(run, blocks),
        "marks": [change._asdict() for change in told(run)],
        "findings": [words.finding_of(run, finding) for finding in findings],
        "surface": surface_in(shown.surface, shown.frames, blocks),
    }
    theta = shown.frames.theta[:, :0] if shown.too_large else shown.frames.theta
    blocks.add("theta", theta, shown.dtype, "xor-shuffle")
    if shown.too_large:
        page["summary"].append(
            f"A page cannot hold {len(run.theta)} parameters: it shows the curves and the findings."
        )
    page["blocks"] = blocks.described
    return Payload(parts.finite(page), blocks.data())


class _Shown(NamedTuple):
    frames: Frames
    rows: Rows | None
    surface: Surface | None
    too_large: bool  # for a page to hold its parameters

    @property
    def dtype(self) -> Literal["float32", "float64"]:
        """In which theta and the rows are handed over."""
        entries = self.frames.theta.size + (0 if self.rows is None else self.rows.X.size)
        return "float64" if entries <= WHOLE_ENTRIES else "float32"


def _shown(run: Run, rows: int, frames: int, surface: Any, *, replayed: bool) -> _Shown:
    fitting = THETA_BYTES // (4 * max(len(run.theta), 1))
    too_large = fitting < FEWEST_FRAMES
    kept = frames_of(run, FEWEST if too_large else min(frames, fitting), replayed=replayed)
    d = max(run.setup.d, 1)
    most = max(X_ENTRIES // d, min(FEWEST_ROWS, 4 * X_ENTRIES // d), 2)
    found = None if too_large else rows_of(run, min(rows, most))
    if surface == "auto":
        surface = None if too_large else surface_of(run, frames=kept)
    return _Shown(kept, found, None if surface == "none" else surface, too_large)


# ---------------------------------------------------------------- rows


def _rows(run: Run, shown: _Shown, blocks: Blocks) -> dict[str, Any]:
    rows = shown.rows
    if rows is None:
        none = {"train": 0, "validation": 0}
        everything = {**none, "train": run.setup.n}
        return {"shown": none, "all": everything, "sentence": "the rows are not at hand"}
    sentence, X = rows.sentence, rows.X
    if X.size > EXACT_ENTRIES:
        X = rounded(X, BITS)
        sentence += f"; features to {BITS} significant bits"
    blocks.add("X", X, shown.dtype, "shuffle")
    blocks.add("y", rows.y, shown.dtype, "shuffle")
    blocks.add("part", rows.part, "uint8", "none")
    if rows.weight is not None:
        blocks.add("weight", rows.weight, "float32", "shuffle")
    return {"shown": rows.count, "all": rows.of, "sentence": sentence}


# ---------------------------------------------------------------- curves


def curves_in(run: Run, blocks: Blocks, points: int = POINTS) -> list[dict[str, Any]]:
    """Return the curves of a run, their numbers put among the blocks."""
    return [{**_curve(curve, blocks), "ends": _ends(run, curve)} for curve in _curves(run, points)]


def _curves(run: Run, points: int) -> list[Curve]:
    found = curves_of(run, points)
    joined = any(curve.low is not None for curve in found)
    found = curves_of(run, points // 2) if joined else found
    return [_to_the_end(run, curve) if curve.name == "loss" else curve for curve in found]


def _to_the_end(run: Run, curve: Curve) -> Curve:
    """Return the losses before each update with the one after the last, where it is known."""
    last, loss = run.state.step, run.outcome.loss
    kept_last = run.outcome.best_step in {None, last}
    if curve.low is not None or not (run.setup.full_batch and kept_last and math.isfinite(loss)):
        return curve
    return curve._replace(x=np.append(curve.x, last), y=np.append(curve.y, loss))


def _ends(run: Run, curve: Curve) -> list[float | None] | None:
    """Return the first and the last value of a joined curve, where they are still known."""
    series = run.history.updates if curve.per == "update" else run.history.epochs
    if curve.low is None or series.block > 1:
        return None
    values = series.column(curve.name)
    ends = (float(values[0]), float(values[-1]))
    return [value if math.isfinite(value) else None for value in ends]


def _curve(curve: Curve, blocks: Blocks) -> dict[str, Any]:
    """Return a curve; those measured together share their places."""
    places = f"{curve.per}.x{len(curve.x)}"
    if places not in blocks.described:
        blocks.add(places, curve.x, "int32", "xor-shuffle")
    found: dict[str, Any] = {
        "name": curve.name,
        "label": curve.label,
        "per": curve.per,
        "x": places,
        "low": None,
        "high": None,
    }
    for part in ("y", "low", "high"):
        values = getattr(curve, part)
        if values is not None:
            found[part] = f"{curve.name}.{part}"
            blocks.add(found[part], values, "float32", "shuffle")
    return found


# ---------------------------------------------------------------- the surface


def surface_in(surface: Surface | None, frames: Frames, blocks: Blocks) -> dict[str, Any] | None:
    """Return the surface with the path of the frames, its numbers put among the blocks."""
    if surface is None:
        return None
    with np.errstate(all="ignore"):
        path = (frames.theta - surface.origin) @ surface.directions.T
    blocks.add("surface.origin", surface.origin, "float64", "shuffle")
    blocks.add("surface.directions", surface.directions, "float64", "shuffle")
    blocks.add("surface.path", path, "float32", "shuffle")
    blocks.add("surface.values", surface.values, "float32", "shuffle")
    return {
        "exact": surface.exact,
        "share": surface.share,
        "sentence": surface.sentence,
        "axes": list(surface.axes),
        "origin": "surface.origin",
        "directions": "surface.directions",
        "path": "surface.path",
        "u": list(surface.u),
        "v": list(surface.v),
        "values": "surface.values",
        "shape": list(surface.values.shape),
    }
