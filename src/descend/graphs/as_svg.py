"""The graph as an SVG: the way from X to the objective goes down, parameters come from the left.

Values flow along full lines, gradients back along dashed ones in another colour.  Widths are those
of a monospaced font, so that no text leaves its box; colours follow the reader's light or dark.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, NamedTuple, final

if TYPE_CHECKING:
    from descend.graphs.drawn import Graph, Node

_CHARACTER, _LINE, _PAD = 7.9, 18, 11
_GAP, _BETWEEN, _ACROSS, _MARGIN, _RAIL = 40, 12, 76, 24, 26
_HEAD, _FOOT = 62, 34

_STYLE = """
.dg{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.dg text{fill:#1f2328}.dg .back{fill:#fff}.dg .muted{fill:#5c6670}.dg .head{font-weight:600}
.dg .grad{fill:#a8430f}.dg rect{stroke-width:1.2}.dg path{fill:none}
.dg .data{fill:#f1f1ee;stroke:#a5a59c}.dg .parameter{fill:#e6f0fb;stroke:#4f86c0}
.dg .computed{fill:#fbfbfa;stroke:#88929c}.dg .objective{fill:#eaf5ea;stroke:#4a8f52}
.dg .there{stroke:#5c6670;stroke-width:1.4}
.dg .way-back{stroke:#c8581c;stroke-width:1.4;stroke-dasharray:5 3}
.dg .tip{fill:#5c6670}.dg .tip-back{fill:#c8581c}
@media (prefers-color-scheme:dark){
.dg text{fill:#e6e8eb}.dg .back{fill:#15181c}.dg .muted{fill:#9aa4ae}.dg .grad{fill:#f4a672}
.dg .data{fill:#22262b;stroke:#5f6770}.dg .parameter{fill:#16283b;stroke:#4f86c0}
.dg .computed{fill:#1b1f24;stroke:#66707a}.dg .objective{fill:#16291a;stroke:#4a8f52}
.dg .there{stroke:#9aa4ae}.dg .way-back{stroke:#f4a672}
.dg .tip{fill:#9aa4ae}.dg .tip-back{fill:#f4a672}}
"""


class _Text(NamedTuple):
    """A line in a box: its words, what stands at its right end, and its class."""

    words: str
    right: str
    look: str

    @property
    def width(self) -> float:
        """How wide the line is."""
        return _CHARACTER * (len(self.words) + (len(self.right) + 2 if self.right else 0))


@final
@dataclass
class _Box:
    """A node in its place."""

    node: Node
    lines: list[_Text]
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0

    @property
    def height(self) -> float:
        return _LINE * len(self.lines) + _PAD * 1.5

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def svg_of(graph: Graph) -> str:
    """Return the SVG."""
    boxes = {node.name: _Box(node, _lines(node)) for node in graph.nodes}
    width, height = _placed(graph, boxes)
    known = any(node.gradient is not None for node in graph.nodes)
    drawn = [_edge(boxes, *edge, known=known) for edge in _plain(graph)]
    drawn += _rail(graph, boxes, known=known)
    title, description = escape(graph.title), escape(_described(graph))
    foot = height - _FOOT / 2 + 2
    legend = _legend(foot) if known else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="dg" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">\n'
        f"<title>{title}</title>\n<desc>{description}</desc>\n<style>{_STYLE}</style>\n"
        f'<rect class="back" width="100%" height="100%"/>\n{_heading(graph)}\n'
        + "\n".join([*drawn, *(_drawn(box) for box in boxes.values())])
        + f"\n{legend}</svg>\n"
    )


# ---------------------------------------------------------------- places


def _lines(node: Node) -> list[_Text]:
    lines = [_Text(node.title, node.dimensions, "head")]
    if node.shown_value:
        lines.append(_Text(node.shown_value, "", "value"))
    if node.shown_gradient:
        lines.append(_Text(node.shown_gradient, "", "grad"))
    return lines


def _placed(graph: Graph, boxes: dict[str, _Box]) -> tuple[float, float]:
    """Give every box its place; return the width and height of the whole."""
    sides = [box for box in boxes.values() if box.node.side]
    spine = [box for box in boxes.values() if not box.node.side]
    left = _MARGIN + (_RAIL if "penalty" in boxes else 0)
    widths = [max(t.width for box in col for t in box.lines) + 2 * _PAD for col in (sides, spine)]
    y, waiting = float(_HEAD), []
    for box in boxes.values():
        if box.node.side:
            box.x, box.width = left, widths[0]
            waiting.append(box)
            continue
        stack = sum(side.height for side in waiting) + _BETWEEN * max(len(waiting) - 1, 0)
        row = max(stack, box.height)
        box.x, box.width = left + widths[0] + _ACROSS, widths[1]
        box.y = y + (row - box.height) / 2
        top = y + (row - stack) / 2
        for side in waiting:
            side.y, top = top, top + side.height + _BETWEEN
        y, waiting = y + row + _GAP, []
    right = left + sum(widths) + _ACROSS + _MARGIN
    heading = max(map(len, _title_lines(graph))) * _CHARACTER + 2 * _MARGIN
    known = any(node.gradient is not None for node in graph.nodes)
    return max(right, heading), y - _GAP + (_FOOT if known else 0) + _MARGIN


def _title_lines(graph: Graph) -> list[str]:
    task, _, when = graph.title.partition(", after ")
    return [task, f"after {when}" if when else "shapes"]


# ---------------------------------------------------------------- boxes


def _heading(graph: Graph) -> str:
    task, when = _title_lines(graph)
    return (
        f'<text class="head" x="{_MARGIN}" y="26">{escape(task)}</text>\n'
        f'<text class="muted" x="{_MARGIN}" y="44">{escape(when)}</text>'
    )


def _drawn(box: _Box) -> str:
    node = box.node
    look = "objective" if node.name == "objective" else node.kind
    corner, size = f'x="{box.x:.1f}" y="{box.y:.1f}"', (box.width, box.height)
    place = f'{corner} width="{size[0]:.1f}" height="{size[1]:.1f}"'
    parts = [
        f"<g><title>{escape(_sentence(node))}</title>",
        f'<rect class="{look}" {place} rx="6"/>',
    ]
    for i, line in enumerate(box.lines):
        y = box.y + _PAD * 0.75 + _LINE * (i + 0.74)
        parts.append(
            f'<text class="{line.look}" x="{box.x + _PAD:.1f}" y="{y:.1f}">'
            f"{escape(line.words)}</text>"
        )
        if line.right:
            parts.append(
                f'<text class="muted" text-anchor="end" x="{box.x + box.width - _PAD:.1f}" '
                f'y="{y:.1f}">{escape(line.right)}</text>'
            )
    return "".join([*parts, "</g>"])


def _sentence(node: Node) -> str:
    words = [f"{node.name}: {node.title} {node.dimensions}".rstrip()]
    words += [shown for shown in (node.shown_value, node.shown_gradient) if shown]
    return "; ".join(words)


def _described(graph: Graph) -> str:
    return ". ".join(_sentence(node) for node in graph.nodes) + "."


# ---------------------------------------------------------------- lines


def _plain(graph: Graph) -> list[tuple[str, str, bool]]:
    return [edge for edge in graph.edges if edge.target != "penalty"]  # they take the rail


def _edge(boxes: dict[str, _Box], source: str, target: str, back: bool, *, known: bool) -> str:  # noqa: FBT001
    """Return the line from a box to the one computed from it, and the one back beside it."""
    one, other = boxes[source], boxes[target]
    apart = 5.0 if known and back else 0.0
    if not one.node.side:
        x = other.x + min(one.width, other.width) / 2
        top, bottom = one.y + one.height, other.y
        return _line(f"M{x - apart:.1f} {top:.1f}V{bottom - 6:.1f}", x - apart, bottom, "down") + (
            _line(f"M{x + apart:.1f} {bottom:.1f}V{top + 6:.1f}", x + apart, top, "up", back=True)
            if apart
            else ""
        )
    mates = [b for b in boxes.values() if b.node.side and _feeds_with(boxes, b, other)]
    place = other.y + other.height * (mates.index(one) + 1) / (len(mates) + 1)
    start, end = one.x + one.width, other.x
    bend = (start + end) / 2
    there = _curve(start, one.middle - apart, bend, end - 6, place - apart)
    drawn = _line(there, end, place - apart, "right")
    if apart:
        again = _curve(end, place + apart, bend, start + 6, one.middle + apart)
        drawn += _line(again, start, one.middle + apart, "left", back=True)
    return drawn


def _feeds_with(boxes: dict[str, _Box], side: _Box, spine: _Box) -> bool:
    """Tell whether a box at the side stands beside this box of the spine."""
    order = list(boxes.values())
    following = next(b for b in order[order.index(side) :] if not b.node.side)
    return following is spine


def _curve(x: float, y: float, bend: float, end: float, to: float) -> str:
    return f"M{x:.1f} {y:.1f}C{bend:.1f} {y:.1f} {bend:.1f} {to:.1f} {end:.1f} {to:.1f}"


def _line(path: str, x: float, y: float, way: str, *, back: bool = False) -> str:
    look, tip = ("way-back", "tip-back") if back else ("there", "tip")
    return f'<path class="{look}" d="{path}"/>{_pointer(x, y, way, tip)}'


def _pointer(x: float, y: float, way: str, look: str) -> str:
    return f'<polygon class="{look}" points="{_tip(x, y, way)}"/>'


def _tip(x: float, y: float, way: str) -> str:
    wings = {
        "down": ((-4, -8), (4, -8)),
        "up": ((-4, 8), (4, 8)),
        "right": ((-8, -4), (-8, 4)),
        "left": ((8, -4), (8, 4)),
    }[way]
    points = [(0, 0), *wings]
    return " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in points)


def _rail(graph: Graph, boxes: dict[str, _Box], *, known: bool) -> list[str]:
    """Return the lines from parameters down the left margin to the penalty, and back."""
    edges = [edge for edge in graph.edges if edge.target == "penalty"]
    if not edges:
        return []
    penalty, reached = boxes["penalty"], [boxes[edge.source] for edge in edges]
    both = known and edges[0].back
    apart, rail = 5.0 if both else 0.0, float(_MARGIN - 4)
    end, inner = penalty.middle - apart, rail + 2 * apart
    first = reached[0].middle + apart
    spurs = "".join(f"M{box.x:.1f} {box.middle + apart:.1f}H{inner:.1f}" for box in reached)
    down = f"{spurs}M{inner:.1f} {first:.1f}V{end:.1f}H{penalty.x - 6:.1f}"
    drawn = [_line(down, penalty.x, end, "right")]
    if both:
        low, high = penalty.middle + apart, reached[0].middle - apart
        up = f"M{penalty.x:.1f} {low:.1f}H{rail:.1f}V{high:.1f}"
        spurs = "".join(f"M{rail:.1f} {b.middle - apart:.1f}H{b.x - 6:.1f}" for b in reached)
        tips = "".join(_pointer(box.x, box.middle - apart, "right", "tip-back") for box in reached)
        drawn.append(f'<path class="way-back" d="{up}{spurs}"/>{tips}')
    return drawn


def _legend(y: float) -> str:
    x = float(_MARGIN)
    mid = x + 34
    return (
        _line(f"M{x:.1f} {y - 4:.1f}H{mid - 6:.1f}", mid, y - 4, "right")
        + f'<text class="muted" x="{mid + 8:.1f}" y="{y:.1f}">values</text>'
        + _line(f"M{mid + 112:.1f} {y - 4:.1f}H{mid + 84:.1f}", mid + 78, y - 4, "left", back=True)
        + f'<text class="grad" x="{mid + 122:.1f}" y="{y:.1f}">'
        "gradients of the objective L, on their way back</text>\n"
    )
