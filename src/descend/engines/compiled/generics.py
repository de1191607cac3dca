"""Generic functions that kernels call: the formula is chosen by the type of the part.

A kernel is a plain function at the top of a module that says ``value(loss, s, y)``; when it is
compiled for a `Huber`, this module hands it Huber's one formula (`descend.losses`), taken with the
scalar namespace, and the compiler writes it into the loop. Kernels that closed over formulas
instead could not be kept on disk.
"""

from __future__ import annotations

from typing import Any

from numba.extending import overload

from descend.engines.compiled.scalars import SCALARS, STRICT
from descend.parts import formulas_of

_ONE, _TWO, _THREE = 1, 2, 3


def _formulas(part: Any) -> Any:
    return formulas_of(part.instance_class, SCALARS)


def value(loss: Any, s: Any, y: Any) -> Any:
    """Return the loss of one score."""
    raise NotImplementedError


@overload(value, jit_options=STRICT)
def _value(loss, s, y):
    return _formulas(loss).value


def slope(loss: Any, s: Any, y: Any) -> Any:
    """Return the loss's derivative by one score."""
    raise NotImplementedError


@overload(slope, jit_options=STRICT)
def _slope(loss, s, y):
    return _formulas(loss).slope


def curvature(loss: Any, s: Any, y: Any) -> Any:
    """Return the loss's second derivative by one score."""
    raise NotImplementedError


@overload(curvature, jit_options=STRICT)
def _curvature(loss, s, y):
    return _formulas(loss).curvature


def activate(activation: Any, z: Any) -> Any:
    """Return the activation of one sum."""
    raise NotImplementedError


@overload(activate, jit_options=STRICT)
def _activate(activation, z):
    return _formulas(activation).value


def activation_slope(activation: Any, z: Any, a: Any) -> Any:
    """Return the activation's derivative at one sum."""
    raise NotImplementedError


@overload(activation_slope, jit_options=STRICT)
def _activation_slope(activation, z, a):
    return _formulas(activation).slope


def update(
    rule: Any, theta: Any, gradient: Any, memory: Any, rate: Any, t: Any, l1: Any, weight: Any
) -> Any:
    """Return one parameter's next value and memory."""
    raise NotImplementedError


@overload(update, jit_options=STRICT)
def _update(rule, theta, gradient, memory, rate, t, l1, weight):
    return _formulas(rule)


def slots_of(rule: Any, state: Any) -> Any:
    """Return a rule's memory: a tuple of the state's rows below theta."""
    raise NotImplementedError


@overload(slots_of, jit_options=STRICT)
def _slots_of(rule, state):
    count = len(rule.instance_class.slots)
    if count == 0:
        return lambda rule, state: ()
    if count == _ONE:
        return lambda rule, state: (state[1],)
    if count == _TWO:
        return lambda rule, state: (state[1], state[2])
    return lambda rule, state: (state[1], state[2], state[3])


def recall(slots: Any, j: Any) -> Any:
    """Return the memory of parameter `j` as a tuple."""
    raise NotImplementedError


@overload(recall, jit_options=STRICT)
def _recall(slots, j):
    count = len(slots)
    if count == 0:
        return lambda slots, j: ()
    if count == _ONE:
        return lambda slots, j: (slots[0][j],)
    if count == _TWO:
        return lambda slots, j: (slots[0][j], slots[1][j])
    return lambda slots, j: (slots[0][j], slots[1][j], slots[2][j])


def remember(memory: Any, slots: Any, j: Any) -> None:
    """Write the memory of parameter `j` back."""
    raise NotImplementedError


@overload(remember, jit_options=STRICT)
def _remember(memory, slots, j):
    count = len(memory)
    if count == 0:
        return lambda memory, slots, j: None

    def one(memory, slots, j):
        slots[0][j] = memory[0]

    def two(memory, slots, j):
        slots[0][j], slots[1][j] = memory[0], memory[1]

    def three(memory, slots, j):
        slots[0][j], slots[1][j], slots[2][j] = memory[0], memory[1], memory[2]

    return {_ONE: one, _TWO: two, _THREE: three}[count]
