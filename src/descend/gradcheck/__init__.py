"""Gradients written by hand, judged: right, or wrong in which way."""

from descend.gradcheck.checking import check_gradient as check_gradient
from descend.gradcheck.result import Discrepancy as Discrepancy
from descend.gradcheck.result import GradientCheck as GradientCheck
