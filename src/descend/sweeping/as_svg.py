"""The map as an SVG: a coloured cell for each run, a mark for its verdict, the boundary over all.

The four colours stand far apart in lightness, so that they are told apart in grey and by readers
who see fewer colours; the marks say it once more.  The axis of learning rates is logarithmic: a
cell's middle is its rate, and the boundary lies where its own rate would.
"""

from __future__ import annotations

import itertools
import math
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from descend.sweeping.as_text import (
    TITLES,
    boundary_words,
    rate_label,
    row_labels,
    task_words,
)
from descend.sweeping.verdicts import VERDICTS

if TYPE_CHECKING:
    from descend.sweeping.result import Cell, Sweep
    from descend.sweeping.theory import Limit
    from descend.sweeping.verdicts import Verdict

_WIDE, _HIGH, _APART = 66.0, 46.0, 2.0
_LEFT, _TOP, _RIGHT = 104.0, 104.0, 34.0
_LEAST_WIDTH = 620.0
_MARGIN = 24.0

_STYLE = """
.dm{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}
.dm text{fill:#1f2328}.dm .back{fill:#fff}.dm .muted{fill:#5c6670}.dm .head{font-weight:600;
font-size:15px}.dm .axis{font-weight:600}.dm .middle{text-anchor:middle}.dm .end{text-anchor:end}
.dm .converged{fill:#2f9e8f}.dm .slow{fill:#d5e5f1}.dm .oscillating{fill:#f3b944}
.dm .diverged{fill:#74201f}.dm .missing{fill:none;stroke:#a5a59c;stroke-dasharray:3 3}
.dm .mark{fill:none;stroke-width:2.4;stroke-linecap:round;stroke-linejoin:round}
.dm .on-converged{stroke:#fff}.dm .on-slow{stroke:#3d5a73}.dm .on-oscillating{stroke:#4d3600}
.dm .on-diverged{stroke:#f6d9d5}.dm text.count{font-size:10.5px;fill:#fff;text-anchor:middle}
.dm .halo{fill:none;stroke:#fff;stroke-width:7;stroke-linejoin:round;stroke-linecap:round}
.dm .limit{fill:none;stroke:#111;stroke-width:2.6;stroke-linejoin:round}
.dm .dashed{stroke-dasharray:7 6}.dm .key{fill:none;stroke:#1f2328;stroke-width:2.6}
.dm .leader{fill:none;stroke:#1f2328;stroke-width:1.4}.dm .tick{stroke:#88929c}
@media (prefers-color-scheme:dark){
.dm text{fill:#e6e8eb}.dm .back{fill:#15181c}.dm .muted{fill:#9aa4ae}
.dm .key,.dm .leader{stroke:#e6e8eb}
.dm text.count{fill:#fff}.dm .tick{stroke:#66707a}}
"""

# Within 20 by 20 around the middle of a cell.
_MARKS: dict[Verdict, str] = {
    "converged": "M-7 0.5L-2 5.5L7 -5",
    "slow": "M-7 0H6M2 -4L6 0L2 4",
    "oscillating": "M-9 0C-6 -9 -3 -9 0 0S6 9 9 0",
    "diverged": "M-6 -6L6 6M6 -6L-6 6",
}


class _Frame(NamedTuple):
    """Where the cells lie, and how wide and high all is."""

    left: float
    top: float
    columns: int
    rows: int

    @property
    def right(self) -> float:
        return self.left + self.columns * _WIDE

    @property
    def bottom(self) -> float:
        return self.top + self.rows * _HIGH

    @property
    def width(self) -> float:
        return max(self.right + _RIGHT, _LEAST_WIDTH)

    def height(self, lines: int) -> float:
        """Return how high all is, with a legend of some lines."""
        return self.bottom + 134.0 + 26.0 * lines

    def corner(self, i: int, j: int) -> tuple[float, float]:
        """Return the upper left corner of a cell; row 0 is the lowest."""
        return self.left + j * _WIDE, self.bottom - (i + 1) * _HIGH


def svg_of(sweep: Sweep) -> str:
    """Return the SVG."""
    left = _LEFT + 7.0 * max(len(label) - 4 for label in ["all ", *row_labels(sweep)])
    frame = _Frame(left, _TOP, len(sweep.learning_rates), len(sweep.values))
    cells = [
        _cell(frame, i, j, cell) for i, row in enumerate(sweep.cells) for j, cell in enumerate(row)
    ]
    width, height = frame.width, frame.height(len(boundary_words(sweep)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="dm" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">\n'
        f"<title>{escape(_title(sweep))}</title>\n<desc>{escape(_described(sweep))}</desc>\n"
        f"<style>{_STYLE}</style>\n"
        f'<rect class="back" width="100%" height="100%"/>\n'
        + "\n".join(
            [
                _heading(sweep),
                *cells,
                _axes(sweep, frame),
                _boundary(sweep, frame),
                _legend(sweep, frame),
            ]
        )
        + "\n</svg>\n"
    )


# ---------------------------------------------------------------- words


def _title(sweep: Sweep) -> str:
    return f"Learning rate × {TITLES[sweep.across]}"


def _heading(sweep: Sweep) -> str:
    batch = (
        ""
        if sweep.batch_size is None or sweep.across == "batch_size"
        else (f", batches of {sweep.batch_size}")
    )
    what = f"{task_words(sweep)}; {sweep.rows} rows, {sweep.epochs} epochs{batch}"
    best = _shortened(what, int((_Frame(_LEFT, 0, len(sweep.learning_rates), 0).width) / 6.6))
    return (
        f'<text class="head" x="{_MARGIN}" y="30">{_title(sweep)}</text>\n'
        f'<text class="muted" x="{_MARGIN}" y="50">{escape(best)}</text>'
    )


def _shortened(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


def _described(sweep: Sweep) -> str:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sweep.counts().items())
    return f"{sum(sweep.counts().values())} runs: {counts}. {'; '.join(boundary_words(sweep))}."


def _sentence(cell: Cell, label: str) -> str:
    if cell.verdict is None:
        return f"{label}: not trained"
    end = f"objective {cell.last:.4g} after {cell.updates} updates"
    came = "" if cell.arrival is None else f", within 1 % after {cell.arrival}"
    return f"{label}: {cell.verdict}; {end}{came}"


# ---------------------------------------------------------------- cells


def _cell(frame: _Frame, i: int, j: int, cell: Cell) -> str:
    x, y = frame.corner(i, j)
    label = f"learning rate {cell.learning_rate:.4g}, {cell.value:g}"
    place = (
        f'x="{x + _APART / 2:.1f}" y="{y + _APART / 2:.1f}" width="{_WIDE - _APART:.1f}" '
        f'height="{_HIGH - _APART:.1f}" rx="3"'
    )
    drawn = (
        f"<g><title>{escape(_sentence(cell, label))}</title>"
        f'<rect class="{cell.verdict or "missing"}" {place}/>'
    )
    if cell.verdict is not None:
        counted = cell.verdict == "converged" and cell.arrival is not None
        lift = 7.0 if counted else 0.0
        drawn += _mark(cell.verdict, x + _WIDE / 2, y + _HIGH / 2 - lift)
        if counted:
            drawn += (
                f'<text class="count" x="{x + _WIDE / 2:.1f}" y="{y + _HIGH - 9:.1f}">'
                f"{_count(cell.arrival or 0)}</text>"
            )
    return f"{drawn}</g>"


def _count(updates: int) -> str:
    """Return a number of updates in few characters.

    >>> _count(312), _count(45120)
    ('312', '45k')
    """
    return f"{updates}" if updates < 10_000 else f"{updates / 1000:.0f}k"  # noqa: PLR2004


def _mark(verdict: Verdict, x: float, y: float) -> str:
    return (
        f'<path class="mark on-{verdict}" transform="translate({x:.1f} {y:.1f})" '
        f'd="{_MARKS[verdict]}"/>'
    )


# ---------------------------------------------------------------- axes


def _axes(sweep: Sweep, frame: _Frame) -> str:
    parts = []
    for i, label in enumerate(row_labels(sweep)):
        y = frame.corner(i, 0)[1] + _HIGH / 2
        parts.append(
            f'<text class="end" x="{frame.left - 10:.1f}" y="{y + 4.5:.1f}">{label}</text>'
        )
    for j, rate in enumerate(sweep.learning_rates):
        x = frame.corner(0, j)[0] + _WIDE / 2
        parts.append(
            f'<path class="tick" d="M{x:.1f} {frame.bottom + 1:.1f}v5"/>'
            f'<text class="middle" x="{x:.1f}" y="{frame.bottom + 21:.1f}">'
            f"{rate_label(rate)}</text>"
        )
    across, up = (frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2
    parts.append(
        f'<text class="axis middle" x="{across:.1f}" y="{frame.bottom + 42:.1f}">'
        "learning rate (log scale)</text>"
    )
    name = {"momentum": "momentum β"}.get(sweep.across, TITLES[sweep.across])
    parts.append(
        f'<text class="axis middle" transform="translate({_MARGIN + 10:.1f} {up:.1f}) '
        f'rotate(-90)">{name}</text>'
    )
    return "\n".join(parts)


def _across(frame: _Frame, rates: tuple[float, ...], rate: float) -> float | None:
    """Return where a rate lies: cells' middles are theirs, and in between it is logarithmic."""
    middles = [frame.left + (j + 0.5) * _WIDE for j in range(len(rates))]
    if len(rates) == 1:
        return middles[0] + math.copysign(_WIDE / 2, rate - rates[0])
    pairs = list(zip(itertools.pairwise(rates), itertools.pairwise(middles), strict=True))
    inside = [pair for pair in pairs if rate <= pair[0][1]]
    (low, high), (start, end) = inside[0] if inside else pairs[-1]
    x = start + (end - start) * math.log(rate / low) / math.log(high / low)
    return x if frame.left - _WIDE / 4 <= x <= frame.right + _WIDE / 4 else None


def _boundary(sweep: Sweep, frame: _Frame) -> str:
    """Return the boundary: upright through each row, level from one row to the next."""
    pieces: list[tuple[str, str]] = []
    before: tuple[float, float] | None = None
    for i, limit in enumerate(sweep.limits):
        x = _across(frame, sweep.learning_rates, limit.step) if math.isfinite(limit.step) else None
        if x is None:
            before = None
            continue
        top = frame.corner(i, 0)[1]
        start = f"M{before[0]:.1f} {before[1]:.1f}H{x:.1f}" if before else f"M{x:.1f} {top + _HIGH}"
        pieces.append((f"{start}V{top:.1f}", _dash(limit)))
        before = (x, top)
    if before is None:
        return ""
    whole = "".join(path for path, _ in pieces)
    lines = "".join(f'<path class="limit{dash}" d="{path}"/>' for path, dash in pieces)
    at = min(max(before[0], _MARGIN + 70), frame.width - _MARGIN - 70)
    leader = f"M{before[0]:.1f} {frame.top - 18:.1f}V{before[1] - 5:.1f}"
    return (
        f'<path class="halo" d="{whole}"/>{lines}\n<path class="leader" d="{leader}"/>'
        f'<text class="axis middle" x="{at:.1f}" y="{frame.top - 25:.1f}">'
        "largest stable step</text>"
    )


def _dash(limit: Limit) -> str:
    return " dashed" if limit.basis == "indicator" else ""


# ---------------------------------------------------------------- the legend


def _legend(sweep: Sweep, frame: _Frame) -> str:
    y, x, parts = frame.bottom + 78.0, _MARGIN, list[str]()
    counts = sweep.counts()
    for verdict in VERDICTS:
        words = f"{verdict} ({counts[verdict]})"
        parts.append(
            f'<rect class="{verdict}" x="{x:.1f}" y="{y - 15:.1f}" width="30" height="22" rx="3"/>'
            f'<g transform="translate({x + 15:.1f} {y - 4:.1f}) scale(.72)">'
            f'<path class="mark on-{verdict}" d="{_MARKS[verdict]}"/></g>'
            f'<text x="{x + 38:.1f}" y="{y:.1f}">{words}</text>'
        )
        x += 56 + 7.2 * len(words)
    y += 6.0
    near = "the optimum" if sweep.known else "the lowest end on this map"
    note = f"Converged: within 1 % of {near}, for good after that number of updates."
    for words in boundary_words(sweep):
        y += 26.0
        dash = " dashed" if "indicator" in words else ""
        line = f'<path class="key{dash}" d="M{_MARGIN:.1f} {y - 4.5:.1f}h30"/>'
        parts.append(
            f'{line}<text x="{_MARGIN + 38:.1f}" y="{y:.1f}">'
            f"largest stable step {escape(words)}</text>"
        )
    parts.append(f'<text class="muted" x="{_MARGIN}" y="{y + 28:.1f}">{note}</text>')
    return "\n".join(parts)
