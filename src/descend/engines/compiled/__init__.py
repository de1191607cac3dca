"""The compiled engine: the hand-derived gradients of the reference, fused into kernels."""

from descend.engines.compiled.program import Compiled as Compiled
from descend.engines.compiled.program import ways_for as ways_for
