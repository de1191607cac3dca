"""What was changed along the way, in words.

>>> import descend as ds
>>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.momentum(0.1))
>>> live = ds.begin(task, [[0.0], [1.0]], [1.0, 3.0])
>>> live.advance(5)
>>> live.change(learning_rate=0.01, penalty=ds.l2(0.5))
>>> live.edit(0, 0.25)
>>> for step, sentence in told(live.run()):
...     print(step, sentence)
5 learning rate 0.1 → 0.01, penalty none → l2(0.5)
5 weight[0, 0] set to 0.25 by hand
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from descend.arrays import Layout
    from descend.run.events import Event
    from descend.run.record import Run


class Told(NamedTuple):
    """What was changed after some number of updates, in words."""

    step: int
    sentence: str


def told(run: Run, kinds: Sequence[str] = ("scale", "change", "edit", "engine")) -> list[Told]:
    """Return what was changed, in order; notes of the lab are not told."""
    chosen = (event for event in run.events if event["kind"] in kinds)
    return [Told(event["step"], sentence_of(event, run.layout)) for event in chosen]


def sentence_of(event: Event, layout: Layout) -> str:
    """Return what an event changed, in words."""
    kind = event["kind"]
    if kind == "scale":
        return f"learning rate × {event['value']:g} after a plateau"
    if kind == "engine":
        return f"engine {event['was']} → {event['engine']}"
    if kind == "edit":
        return _edit(event, layout)
    return _change(event)


def _edit(event: Event, layout: Layout) -> str:
    if len(event["at"]) > 1:
        return f"{len(event['at'])} parameters set by hand"
    return f"{entry_name(layout, event['at'][0])} set to {event['to'][0]:g} by hand"


def _change(event: Event) -> str:
    was, told_of = event["was"], []
    if "learning_rate" in event:
        told_of.append(f"learning rate {was['learning_rate']:g} → {event['learning_rate']:g}")
    for name, new in event.get("optimizer", {}).items():
        old = was["optimizer"][name]
        if new != old:
            told_of.append(f"{name.replace('_', ' ')} {old:g} → {new:g}")
    if "penalty" in event:
        told_of.append(f"penalty {_penalty(was['penalty'])} → {_penalty(event['penalty'])}")
    return ", ".join(told_of)


def _penalty(record: Mapping[str, Any] | None) -> str:
    if record is None:
        return "none"
    numbers = [f"{v:g}" for v in record.values() if isinstance(v, float)]
    biases = ", biases too" if record["biases"] else ""
    return f"{record['name']}({', '.join(numbers)}{biases})"


def entry_name(layout: Layout, index: int) -> str:
    """Return what a parameter is called: its array's name, and its place there."""
    for (name, shape), part in zip(layout.entries, layout.slices().values(), strict=True):
        if part.start <= index < part.stop:
            place = np.unravel_index(index - part.start, shape)
            return f"{name}[{', '.join(str(int(i)) for i in place)}]" if shape else name
    raise AssertionError(index)
