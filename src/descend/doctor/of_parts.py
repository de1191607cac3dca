"""Losses and gradients that are not what they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.doctor.chart import Chart
    from descend.doctor.findings import Finding

RULES: tuple[Callable[[Chart], Finding | None], ...] = ()
