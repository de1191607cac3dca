"""The record of a training: what was asked, what happened at every update, how it ended.

`Run` is what `train` returns and what everything else reads; `history` keeps a figure per update,
`keyframes` the whole state at some of them, `setup` what was asked, `data` the rows, and `files`
the one file that holds a run.
"""

from descend.run.data import Data as Data
from descend.run.data import make_data as make_data
from descend.run.files import load as load
from descend.run.history import History as History
from descend.run.history import Series as Series
from descend.run.keyframes import Keyframes as Keyframes
from descend.run.record import Moment as Moment
from descend.run.record import Run as Run
from descend.run.setup import Controller as Controller
from descend.run.setup import Setup as Setup
