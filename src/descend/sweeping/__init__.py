"""Sweeping: many runs on a map, learning rate by batch size, momentum or size of the start.

`plan` says what each cell trains, `theory` where the boundary of stability lies; `running` trains
what is missing, `course` reads its record, `verdicts` puts that into a word, and `judging` measures
all cells by one objective.  `result` holds the map, which `as_text` and `as_svg` draw and
`folder` keeps; `tabled` makes one of a table.
"""

from descend.sweeping.result import Cell as Cell
from descend.sweeping.result import Sweep as Sweep
from descend.sweeping.running import sweep as sweep
from descend.sweeping.tabled import sweep_table as sweep_table
