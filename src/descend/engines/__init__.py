"""Engines: how gradients are obtained and how updates are run.

One signature, several engines: `Program` (in `problem`) says what each must do; `by_hand` is the
reference, in NumPy, with every derivative written out; `check` judges the others by differences;
`searching` runs the optimizers that search, on top of any of them.
"""

from descend.engines.by_hand import ByHand as ByHand
from descend.engines.choosing import ENGINES as ENGINES
from descend.engines.choosing import engine_for as engine_for
from descend.engines.choosing import is_known as is_known
from descend.engines.problem import Advance as Advance
from descend.engines.problem import Problem as Problem
from descend.engines.problem import Program as Program
from descend.engines.problem import Trace as Trace
from descend.engines.problem import scores_of as scores_of
