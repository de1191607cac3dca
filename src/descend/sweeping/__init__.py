"""Sweeping: many runs on a map, learning rate by batch size, momentum or size of the start.

`plan` says what each cell trains, `theory` where the boundary of stability lies, `course` and
`verdicts` how a run went, `running` trains what is missing, and `result` holds the map, which
`as_text` and `as_svg` draw and `folder` keeps.
"""

from descend.sweeping.result import Cell as Cell
from descend.sweeping.result import Sweep as Sweep
from descend.sweeping.running import sweep as sweep
from descend.sweeping.tabled import sweep_table as sweep_table
