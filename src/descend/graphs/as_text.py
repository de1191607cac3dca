"""The graph drawn with characters: the way from X to the objective is one line down the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from descend.graphs.drawn import Graph, Node


def text_of(graph: Graph) -> str:
    """Return the drawing; what feeds a node from the side stands indented above it."""
    rows: list[tuple[str, Node | None]] = []
    waiting: list[Node] = []
    for node in graph.nodes:
        if node.side:
            waiting.append(node)
            continue
        rows += [(f"│  {side.title}", side) for side in waiting]
        if waiting:
            rows.append(("├──┘", None))
        if rows:
            rows.append(("▼", None))
        rows.append((node.title, node))
        waiting = []
    return "\n".join([graph.title, "", *_aligned(rows)])


def _aligned(rows: list[tuple[str, Node | None]]) -> list[str]:
    cells = [
        [drawn, *((n.dimensions, n.shown_value, n.shown_gradient) if n else ("", "", ""))]
        for drawn, n in rows
    ]
    widths = [max(len(row[column]) for row in cells) + 2 for column in range(3)]
    return [
        "".join(
            [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]
        ).rstrip()
        for row in cells
    ]
