"""Surfaces: the objective over a plane of parameters, with the path that training took on it.

With two parameters the plane is everything there is.  With more it is the plane through the
returned parameters in which the recorded path moves most: its two main directions, by the singular
values of the frames minus the returned one.  How much of the path's squared
motion lies in that plane is said, for it is never the whole.

Of a run that diverged only the beginning is looked at: what follows would flatten everything else.
A direction's sign is the one that lets the path come from the left, and from above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from descend.arrays import Array, Floats
from descend.custom import CustomLoss, CustomModel
from descend.showing.frames import Frames, frames_of
from descend.showing.planes import Objective, Plane
from descend.showing.samples import spaced

if TYPE_CHECKING:
    from descend.run import Run

# With two parameters, an optimum within so many extents of the path is shown with it.
_NEAR = 1.0
# Around what is shown, on each side, as a share of its extent.
_MARGIN = 0.15
# In a plane of many parameters v is drawn at least this much of u: both have one unit.
_FLATTEST = 0.25
# Frames of a diverged run are told while they cost at most so many times what the start does.
_TOLD = 100.0
# A direction with this share of the squared motion, or less, is rounding.
_ROUNDING = 1e-13


class Surface(NamedTuple):
    """The objective over ``origin + u directions[0] + v directions[1]``.

    Attributes
    ----------
    exact
        Whether the plane is everything: two parameters.
    share
        Of the path's squared motion that lies in the plane, 0 to 1.
    sentence
        What is shown.
    axes
        The names of u and v.
    origin, directions
        (P,) and (2, P), orthonormal.
    path
        (F, 2): u and v of every frame; NaN where a frame is not finite.
    u, v
        The range shown, lowest and highest.
    values
        (nv, nu), row 0 at the lowest v; NaN where the objective is not finite.
    """

    exact: bool
    share: float
    sentence: str
    axes: tuple[str, str]
    origin: Floats
    directions: Floats
    path: Floats
    u: tuple[float, float]
    v: tuple[float, float]
    values: Floats


def surface_of(
    run: Run, shape: tuple[int, int] = (41, 61), frames: Frames | None = None
) -> Surface | None:
    """Return the objective over the plane of a run's path, over its training rows.

    Parameters
    ----------
    run
        With its rows attached.
    shape
        Values along v and along u.
    frames
        The path; default `frames_of` the run.

    Returns
    -------
    Surface | None
        None where there is no plane: without rows, with fewer than two parameters, where nothing
        moved, or without the code of one's own model or loss.
    """
    frames = frames_of(run) if frames is None else frames
    if run.data is None or len(run.theta) < 2 or _without_code(run):  # noqa: PLR2004 - a plane
        return None
    with np.errstate(all="ignore"):  # ill runs overflow as they are looked at
        return _seen(run, Objective(run, shape[0] * shape[1]), frames, shape)


def _seen(run: Run, objective: Objective, frames: Frames, shape: tuple[int, int]) -> Surface | None:
    told = _told(run, objective, frames)
    if not told.any():
        return None
    exact = len(run.theta) == 2  # noqa: PLR2004 - a plane
    found = _everything() if exact else _main_plane(run, frames, told)
    if found is None:
        return None
    plane, shares = found
    path = (frames.theta - plane.origin) @ plane.directions.T
    path[~np.isfinite(path).all(axis=1)] = np.nan
    u, v = _ranges(objective, plane, path[told], exact=exact)
    return Surface(
        exact,
        min(sum(shares), 1.0),
        _sentence(run, objective, shares, exact=exact) + _left_out(frames, told),
        _parameters(run) if exact else _directions(shares),
        plane.origin,
        plane.directions,
        path,
        u,
        v,
        _values(objective, plane, np.linspace(*u, shape[1]), np.linspace(*v, shape[0])),
    )


def _without_code(run: Run) -> bool:
    """Tell whether a part is the author's own, and was loaded from a file that holds no code."""
    model, loss = run.task.model, run.task.loss
    lost = isinstance(model, CustomModel) and model.adapter is None
    return lost or (isinstance(loss, CustomLoss) and loss.function is None)


def _values(objective: Objective, plane: Plane, u: Floats, v: Floats) -> Floats:
    where = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    values = objective.over(plane, where).reshape(len(v), len(u))
    values[~np.isfinite(values)] = np.nan
    return values


# ---------------------------------------------------------------- the path and its plane


def _told(run: Run, objective: Objective, frames: Frames) -> Array:
    """Return which frames decide what is shown: the finite ones, of a diverged run the first."""
    finite = np.asarray(np.isfinite(frames.theta).all(axis=1))
    if not run.outcome.diverged or not finite.any():
        return finite
    costs = np.array([objective.at(theta) for theta in frames.theta])
    most = costs[0] + _TOLD * abs(costs[0])
    beyond = np.flatnonzero(~(costs <= most))
    end = beyond[0] if beyond.size else len(costs)
    told: Array = finite & (np.arange(len(costs)) < max(end, 2))
    return told


def _everything() -> tuple[Plane, tuple[float, float]]:
    """Return the plane of both parameters."""
    return Plane(np.zeros(2), np.eye(2)), (1.0, 0.0)


def _main_plane(run: Run, frames: Frames, told: Array) -> tuple[Plane, tuple[float, float]] | None:
    """Return the plane of most motion, and the share of each direction; None without motion."""
    places = np.flatnonzero(told)
    origin = frames.theta[frames.returned if told[frames.returned] else places[-1]]
    moved = frames.theta[places] - origin
    largest = float(np.abs(moved).max())
    if not 0 < largest < np.inf:
        return None
    squares, directions = _two_main(moved / largest)
    if squares[1] <= _ROUNDING:
        directions[1] = _across(run, directions[0])
    return Plane(origin, _turned(directions, moved[0])), (float(squares[0]), float(squares[1]))


def _two_main(moved: Floats) -> tuple[Floats, Floats]:
    """Return the shares (2,) and directions (2, P) of the two largest singular values of (F, P).

    By the eigenvectors of the smaller of M Mᵀ and MᵀM, which is quick: what a picture needs of
    the second direction is far above the rounding of squares.
    """
    wide = len(moved) < moved.shape[1]
    squares, vectors = np.linalg.eigh(moved @ moved.T if wide else moved.T @ moved)
    first, second = (moved.T @ vectors[:, -2:] if wide else vectors[:, -2:]).T[::-1]
    first = first / np.linalg.norm(first)
    second = second - (first @ second) * first
    second = second / (np.linalg.norm(second) or 1.0)
    return squares[:-3:-1].clip(0.0) / squares.sum(), np.stack([first, second])


def _across(run: Run, direction: Floats) -> Floats:
    """Return a unit vector at right angles to the direction of a straight path.

    It is that of the weight or bias the path moved least, made perpendicular.
    """
    trained = run.layout.trained() > 0
    least = int(np.argmin(np.where(trained, np.abs(direction), np.inf)))
    other = -direction[least] * direction
    other[least] += 1.0
    found: Floats = other / np.linalg.norm(other)
    return found


def _turned(directions: Floats, start: Floats) -> Floats:
    """Return the directions with the signs that put the start to the left, and above."""
    u, v = directions @ start
    signs = np.array([1.0 if u <= 0 else -1.0, 1.0 if v >= 0 else -1.0])
    turned: Floats = directions * signs[:, None]
    return turned


# ---------------------------------------------------------------- the range shown


def _ranges(
    objective: Objective, plane: Plane, path: Floats, *, exact: bool
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ranges of u and v that hold the path, with room around it."""
    low, high = _with_extent(path.min(axis=0), path.max(axis=0), exact=exact)
    bottom = _bottom(objective, plane, low, high) if exact else None
    if (
        bottom is not None
        and (np.abs(bottom - (low + high) / 2) <= (0.5 + _NEAR) * (high - low)).all()
    ):
        low, high = np.minimum(low, bottom), np.maximum(high, bottom)
    room = _MARGIN * (high - low)
    (u0, v0), (u1, v1) = (low - room).tolist(), (high + room).tolist()
    return (u0, u1), (v0, v1)


def _with_extent(low: Floats, high: Floats, *, exact: bool) -> tuple[Floats, Floats]:
    """Return the corners of the path's box, widened where it is flat."""
    middle, extent = (low + high) / 2, high - low
    least = _FLATTEST * extent.max() if not exact else _ROUNDING * np.abs(middle)
    flat = extent <= least
    extent[flat] = least if not exact else (extent.max() or 1.0)
    return middle - extent / 2, middle + extent / 2


def _bottom(objective: Objective, plane: Plane, low: Floats, high: Floats) -> Floats | None:
    """Return the lowest point of the quadratic through six values in a box, if it has one.

    For squared errors that is the optimum; for others it only decides what else to show.
    """
    middle, half = (low + high) / 2, (high - low) / 2
    corners = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1], [1, 1]])
    f0, fr, fl, fu, fd, fru = objective.over(plane, middle + corners * half)
    slope = np.array([fr - fl, fu - fd]) / 2
    bend = np.array([[fr + fl - 2 * f0, 0.0], [0.0, fu + fd - 2 * f0]])
    bend[0, 1] = bend[1, 0] = fru - f0 - slope.sum() - bend.trace() / 2
    if not np.isfinite(bend).all() or not (bend[0, 0] > 0 and np.linalg.det(bend) > 0):
        return None
    found: Floats = middle - half * np.linalg.solve(bend, slope)
    return found


# ---------------------------------------------------------------- words


def _parameters(run: Run) -> tuple[str, str]:
    """Return the names of the two parameters there are."""
    first, second = (
        name if np.prod(shape) == 1 else f"{name} {_which(run, name, shape, i)}"
        for name, shape in run.layout.entries
        for i in range(int(np.prod(shape)))
    )
    return first, second


def _which(run: Run, name: str, shape: tuple[int, ...], i: int) -> str:
    if name == "weight" and shape == (run.setup.d, 1):
        return f"of {run.names[i]}"
    return f"of output {i + 1}" if name in {"weight", "bias"} else f"[{i}]"


def _directions(shares: tuple[float, float]) -> tuple[str, str]:
    first, second = (
        f"direction {i}, {_percent(share)} of the squared motion"
        for i, share in enumerate(shares, 1)
    )
    return first, second


def _percent(share: float) -> str:
    """Return a share in words that never round up to all of it.

    >>> _percent(0.9999), _percent(1.0), _percent(0.5)
    ('99.9 %', '100 %', '50.0 %')
    """
    if share >= 1 - _ROUNDING:
        return "100 %"
    return f"{min(share, 0.999):.1%}".replace("%", " %")


def _sentence(run: Run, objective: Objective, shares: tuple[float, float], *, exact: bool) -> str:
    said = "The objective over both parameters: this is the whole surface"
    if not exact:
        said = (
            "The objective over a plane through the returned parameters, in the two main "
            f"directions of the recorded path: it holds {_percent(sum(shares))} of the path's "
            f"squared motion, and is one plane in {len(run.theta)} dimensions"
        )
    if objective.rows < objective.of:
        said += (
            f"; over {spaced(objective.rows)} of {spaced(objective.of)} training rows, drawn by "
            "the keyed permutation"
        )
    return said + ("; the columns are standardised." if run.scaling is not None else ".")


def _left_out(frames: Frames, told: Array) -> str:
    if told.all():
        return ""
    after = int(frames.steps[np.flatnonzero(told)[-1]])
    return f" The run diverged, and what came after update {spaced(after)} is left out."
