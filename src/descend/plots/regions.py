"""Where a model says what: its answers over the plane of two columns, the others held.

Two labels are a shade with the line where both are alike; more are hatched regions; numbers are a
shade with contours.  `Answered` holds the numbers, so that films draw the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, to_rgb

from descend.arrays import Floats
from descend.errors import InputError
from descend.plots import captions, points, slices
from descend.plots.axes import dim_grid, drawable, plain_axis
from descend.plots.words import short, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from descend.plots.slices import Look
    from descend.plots.style import Sheet, Theme
    from descend.run import Run

HATCHES = ("", "///", "...", "\\\\\\", "xxx", "---")
_TINT = 0.42  # how much of a label's colour is in its region, where the model is sure


class Answered(NamedTuple):
    """What a model answers over a plane.

    Attributes
    ----------
    x, y
        (nu,), (nv,): the two columns' entries in their own units.
    answer
        (nv, nu): a number; the probability (or score) of the second of two labels; or the place
        of the likeliest of several.
    sure
        (nv, nu): from 0 to 1, how far the likeliest of several labels is from a tie of all; 1 for
        all else.
    """

    x: Floats
    y: Floats
    answer: Floats
    sure: Floats
    ahead: Floats


def regions(  # noqa: PLR0913 - what may be asked of a plane
    run: Run,
    sheet: Sheet,
    *,
    x: str | int | None = None,
    y: str | int | None = None,
    output: int = 0,
    step: int | None = None,
) -> Figure:
    """Draw what the model answers over two columns, the others held, and the rows upon it.

    Parameters
    ----------
    run, sheet
        Whose, and on what.
    x, y
        The columns, by name or place; default the two the model relies on most.
    output
        Of several outputs, which; counted from 0.
    step
        After how many updates; default the returned parameters.  Recorded states are drawn: the
        last at or before the step.
    """
    seen, i, j = plane_of(run, x, y)
    place_of_output(seen, output)
    theta, when = captions.at_step(run, step)
    found = answered(seen, i, j, theta, output)
    figure = sheet.figure()
    ax = figure.subplots()
    image = shaded(ax, sheet.theme, seen, found)
    _lines(ax, sheet.theme, seen, found)
    drawn_rows(ax, sheet.theme, seen, i, j, output, image)
    framed(ax, sheet.theme, seen, (i, j), found)
    if not several(seen):
        bar = figure.colorbar(image, ax=ax, shrink=0.9, pad=0.015)
        bar.set_label(captions.answer_name(seen, output))
        bar.outline.set_visible(False)
    legend(ax, sheet, seen)
    held = captions.others(seen, i, j)
    columns = " and ".join(captions.column_name(seen, c) for c in (i, j))
    title = f"{_subject(seen, output)} over {columns}{held}, {when}{_told(seen, theta, held)}"
    shade = "" if seen.labels else "Each row has the shade of its own number."
    gone = "" if np.isfinite(found.answer).any() else "What is predicted is no number."
    titled(figure, sheet, captions.begun(title), f"Shown: {seen.rows.sentence}.", shade, gone)
    return figure


FIGURES = {"regions": regions}


# ---------------------------------------------------------------- the plane


def plane_of(run: Run, x: str | int | None, y: str | int | None) -> tuple[Look, int, int]:
    """Return the run to look at, and the places of two of its columns.

    Raises
    ------
    InputError
        If there is but one column, or the same is asked for twice.
    """
    seen = slices.look(run, points.ON_A_PLANE)
    i, j = slices.chosen(seen, x, y)
    if j is None:
        msg = (
            f"A plane needs two columns, and there is one, {seen.names[0]!r}; draw the fit instead."
        )
        raise InputError(msg)
    if i == j:
        msg = f"A plane needs two different columns; {seen.names[i]!r} was asked for twice."
        raise InputError(msg)
    return seen, i, j


def place_of_output(seen: Look, output: int) -> None:
    """Check that there is such an output.

    Raises
    ------
    InputError
        If there is not.
    """
    if output not in range(seen.k) or isinstance(output, bool):
        msg = f"This model has {seen.k} outputs: ask for output 0 to {seen.k - 1}; got {output!r}."
        raise InputError(msg)


def several(seen: Look) -> bool:
    """Tell whether the model chooses one of several labels."""
    return seen.run.task.loss.targets == "labels"


def answered(  # noqa: PLR0913, PLR0917 - a plane, and what is looked at over it
    seen: Look, i: int, j: int, theta: Floats, output: int = 0, shape: tuple[int, int] = (120, 160)
) -> Answered:
    """Return what is answered over the plane of columns i (across) and j (up)."""
    X = slices.plane(seen, i, j, shape)
    answers = slices.answers(seen, theta, X)
    across = slices.own(seen, i, X[: shape[1], i])
    up = slices.own(seen, j, X[:: shape[1], j])
    if not several(seen):
        answer = answers[:, output].reshape(shape)
        return Answered(across, up, answer, np.ones(shape), np.zeros((0, *shape)))
    k = answers.shape[1]
    top = answers.max(axis=1) if seen.run.task.loss.proper else np.ones(len(X))
    sure = np.nan_to_num((top - 1 / k) / (1 - 1 / k)).clip(0, 1).reshape(shape)
    code = answers.argmax(axis=1).astype(np.float64).reshape(shape)
    return Answered(across, up, code, sure, _ahead(answers).T.reshape(k, *shape))


def _ahead(answers: Floats) -> Floats:
    """Return by how much each column is ahead of the largest other one."""
    ordered = np.sort(answers, axis=1)
    first, second = ordered[:, -1:], ordered[:, -2:-1]
    found: Floats = answers - np.where(answers == first, second, first)
    return found


# ---------------------------------------------------------------- drawing


def shaded(ax: Axes, theme: Theme, seen: Look, found: Answered) -> AxesImage:
    """Draw the answers as an image."""
    half_x, half_y = (float(v[-1] - v[0]) / (len(v) - 1) / 2 for v in (found.x, found.y))
    edges = (found.x[0] - half_x, found.x[-1] + half_x, found.y[0] - half_y, found.y[-1] + half_y)
    image = ax.imshow(
        np.zeros((*found.answer.shape, 4)) if several(seen) else drawable(found.answer),
        extent=edges,
        origin="lower",
        aspect="auto",
        interpolation="nearest" if several(seen) else "bilinear",
        cmap=mixed(theme) if seen.labels else lower(theme),
        zorder=0,
    )
    if several(seen):
        image.set_data(tinted(theme, found))
    elif seen.labels:
        image.set_clim(*_between(seen, found))
    return image


def _between(seen: Look, found: Answered) -> tuple[float, float]:
    """Return the limits of the shade of two labels: probabilities, or scores as far as they go."""
    if seen.run.task.loss.proper:
        return 0.0, 1.0
    finite = np.abs(found.answer[np.isfinite(found.answer)])
    reach = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    return -reach, reach


def mixed(theme: Theme) -> Any:
    """Return the shade from the first label's tint over the paper to the second's."""
    first, second = (_tint(theme, place, 1.0) for place in range(2))
    return LinearSegmentedColormap.from_list("descend-labels", [first, to_rgb(theme.paper), second])


def lower(theme: Theme) -> Any:
    """Return the part of the ramp on which lines and texts in ink are read."""
    return ListedColormap(theme.ramp(np.linspace(0.0, 0.6 if theme.name == "light" else 0.5, 256)))


def tinted(theme: Theme, found: Answered) -> Floats:
    """Return the colours (nv, nu, 3) of regions: the surer, the further from the paper's."""
    colours = np.array([to_rgb(c) for c in theme.series])
    place = np.minimum(found.answer.astype(int), points.MOST_LABELS - 1)
    share = _TINT * (0.25 + 0.75 * found.sure)[..., None]
    mixture: Floats = share * colours[place] + (1 - share) * np.array(to_rgb(theme.paper))
    return mixture


def _tint(theme: Theme, place: int, sure: float) -> tuple[float, ...]:
    colour, paper = np.array(to_rgb(theme.series[place])), np.array(to_rgb(theme.paper))
    return tuple(_TINT * 1.35 * sure * colour + (1 - _TINT * 1.35 * sure) * paper)


def _lines(ax: Axes, theme: Theme, seen: Look, found: Answered) -> None:
    """Draw where labels meet, or where numbers are alike."""
    values = drawable(found.answer)
    if several(seen):
        _meeting(ax, theme, seen, found)
    elif seen.labels and seen.run.task.loss.proper:
        _contour(ax, found, values, [0.1, 0.9], theme.muted, 0.9, "--")
        _contour(ax, found, values, [0.5], theme.ink, 2.0, "-")
    elif seen.labels:
        _contour(ax, found, values, [0.0], theme.ink, 2.0, "-")
    else:
        _contour(ax, found, values, None, theme.ink, 0.9, "-")


def _contour(  # noqa: PLR0913, PLR0917 - what a line looks like
    ax: Axes, found: Answered, values: Floats, levels: Any, color: str, width: float, style: str
) -> None:
    """Draw and label contours where there are any."""
    low, high = np.nanmin(values, initial=np.inf), np.nanmax(values, initial=-np.inf)
    if not low < high or (levels is not None and not any(low < level < high for level in levels)):
        return
    lines = ax.contour(
        found.x, found.y, values, levels=levels, colors=color, linewidths=width, linestyles=style
    )
    ax.clabel(lines, fmt="%g", fontsize=8, colors=color)


def _meeting(ax: Axes, theme: Theme, seen: Look, found: Answered) -> None:
    """Hatch each label's region, and draw its rim."""
    for place in range(min(seen.k, points.MOST_LABELS)):
        ahead = found.ahead[place]
        if (
            place == points.MOST_LABELS - 1
        ):  # the last style stands for all the labels that are left
            ahead = found.ahead[place:].max(axis=0)
        ahead = drawable(ahead)
        if not np.nanmin(ahead, initial=np.inf) < 0 < np.nanmax(ahead, initial=-np.inf):
            continue
        ax.contour(found.x, found.y, ahead, levels=[0.0], colors=theme.ink, linewidths=1.2)
        if HATCHES[place]:
            levels, hatches = [0.0, float(np.nanmax(ahead)) * 2], [HATCHES[place]]
            area = ax.contourf(found.x, found.y, ahead, levels, colors="none", hatches=hatches)
            area.set_edgecolor((*to_rgb(theme.series[place]), 0.35))
            area.set_linewidth(0)


def drawn_rows(  # noqa: PLR0913, PLR0917 - where, what, and over what
    ax: Axes, theme: Theme, seen: Look, i: int, j: int, output: int, image: AxesImage
) -> None:
    """Draw the rows over the plane: by label, or in the shade of their own number."""
    norm: Any = image.norm
    across, up = (slices.own(seen, c, seen.rows.X[:, c]) for c in (i, j))
    if seen.labels:
        code = seen.rows.y[:, min(output, seen.rows.y.shape[1] - 1)]
        points.by_label(ax, theme, seen, (across, up), code)
        return
    for part, marker in enumerate(points.MARKERS_OF_PARTS):
        rows = np.flatnonzero(seen.rows.part == part)
        ax.scatter(
            across[rows],
            up[rows],
            c=seen.targets[rows, output],
            s=points.areas(seen, rows) * 1.2,
            cmap=image.cmap,
            norm=norm,
            marker=marker,
            edgecolor=theme.ink,
            linewidth=0.7,
            zorder=3,
        )


def framed(ax: Axes, theme: Theme, seen: Look, columns: tuple[int, int], found: Answered) -> None:
    """Set limits and names of the axes."""
    i, j = columns
    ax.set_xlim(found.x[0], found.x[-1])
    ax.set_ylim(found.y[0], found.y[-1])
    ax.set_xlabel(captions.column_name(seen, i))
    ax.set_ylabel(captions.column_name(seen, j))
    plain_axis(ax, "x")
    plain_axis(ax, "y")
    dim_grid(ax, theme, "none")


def legend(ax: Axes, sheet: Sheet, seen: Look) -> None:
    """Name labels and parts, above the plane so that nothing is hidden."""
    theme = sheet.theme
    if seen.labels:
        keys: list[Any] = list(points.label_keys(theme, seen))
    else:
        kinds = zip([f"{part} row" for part in points.PARTS], points.MARKERS_OF_PARTS, strict=True)
        styles = [({"color": theme.ink, "marker": marker}, name) for name, marker in kinds]
        count = 2 if seen.rows.part.any() else 1
        keys = [points.key(style, name, hollow=True) for style, name in styles[:count]]
    points.keys_above(ax, sheet, keys)


# ---------------------------------------------------------------- words


def _subject(seen: Look, output: int) -> str:
    if several(seen):
        return f"Predicted {short(seen.units.target)}"
    return (
        captions.answer_name(seen, output)
        if seen.labels
        else f"Predicted {captions.target_name(seen, output)}"
    )


def _told(seen: Look, theta: Floats, held: str) -> str:
    """Return how many rows lie on their own side, where the plane is everything there is."""
    if held or not seen.labels or seen.rows.y.shape[1] > 1:
        return ""
    rights = slices.codes(seen, theta, seen.rows.X) == seen.rows.y[:, 0]
    share = f"{100 * rights.mean():.1f}".removesuffix(".0")
    return f": {share} % of the rows shown lie on their own side"
