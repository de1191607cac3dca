"""The scalar namespace: exp, log1p, tanh … of one number, written so that loops over them are fast.

The formulas of losses, activations and rules take their functions from an array namespace; inside
a kernel that namespace is this one. The compiler turns a loop over plain arithmetic into vector
instructions, and a loop over calls into a library not: so the exponential and its relatives are
polynomials here. Each is within 2 units in the last place (`tests/test_scalars.py`), and NaN and
infinities come out as NumPy has them.

The method is the classical one. exp: x = n ln 2 + r with |r| <= ln 2 / 2, and e^x = 2^n e^r, with
the Taylor series of e^r. log: the argument is 2^n m with m near 1, and log m = 2 artanh(f) with
f = (m - 1)/(m + 1), by its series.

References: W. Cody and W. Waite, "Software manual for the elementary functions" (1980), chapters 5
to 7; N. Higham, "Accuracy and stability of numerical algorithms" (2002), problem 1.5 for log1p.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

# Exactly what is written, but for products joined with sums: no reordering here, because the
# range reductions live on the order of their operations.
STRICT: dict[str, Any] = {
    "error_model": "numpy",
    "fastmath": {"contract"},
    "nogil": True,
    "forceinline": True,  # a call left standing would keep its loop from becoming vectors
}
# Sums of kernels may be taken in another order; NaN and infinity stay what they are.
REORDERED: dict[str, Any] = {
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz"},
    "nogil": True,
}

_LOG2_E = 1.4426950408889634
# ln 2 in two parts, the first with 21 zero bits at its end: n times it is exact.
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to a whole number, kept in the low bits
_OVERFLOW, _UNDERFLOW = 709.782712893384, -745.2
_FAR = 1000  # powers of two beyond which a factor is split
_SMALLEST = 2.2250738585072014e-308  # of numbers with all their digits
_ONE_FROM = 20.0  # tanh is 1 to the last digit from here on
_SQRT_HALF = math.sqrt(0.5)


@intrinsic
def bits_of(typing_context: Any, number: Any) -> Any:
    """Return the bits of a float64 as an int64."""
    del typing_context

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), code


@intrinsic
def float_of(typing_context: Any, bits: Any) -> Any:
    """Return the float64 whose bits an int64 holds."""
    del typing_context

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), code


@intrinsic
def where(typing_context: Any, condition: Any, a: Any, b: Any) -> Any:
    """Return `a` if the condition holds, else `b`: one instruction, no branch."""
    wide = typing_context.unify_types(*(types.unliteral(kind) for kind in (a, b)))

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        test, *values = arguments
        flag = context.cast(builder, test, signature.args[0], types.boolean)
        kinds = signature.args[1:]
        chosen = [context.cast(builder, v, k, wide) for v, k in zip(values, kinds, strict=True)]
        return builder.select(flag, *chosen)

    return wide(condition, a, b), code


@intrinsic
def wide(typing_context: Any) -> Any:
    """Ask for vectors of 512 bits in the function that calls this, where the processor has them.

    The compiler holds back on some processors, for fear of a lower clock; loops of plain arithmetic
    are faster all the same.
    """
    del typing_context

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature, arguments
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), code


@njit(**STRICT)
def _reduced(x):
    """Return n + _ROUND and r with x = n ln 2 + r."""
    shifted = x * _LOG2_E + _ROUND
    n = shifted - _ROUND
    return shifted, (x - n * _LN2_HIGH) - n * _LN2_LOW


@njit(**STRICT)
def _held(x):
    """Return x within the range where nothing overflows; NaN stays NaN."""
    held = where(x > _OVERFLOW, _OVERFLOW, x)
    return where(held < _UNDERFLOW, _UNDERFLOW, held)


@njit(**STRICT)
def _grown(r):
    """Return e^r - 1 for |r| <= ln 2 / 2, by its series to the power 13.

    Terms are added in pairs, and pairs in pairs, so that few wait for each other.
    """
    q = r * r
    a = (0.5 + r * (1 / 6.0)) + q * (1 / 24.0 + r * (1 / 120.0))
    b = (1 / 720.0 + r * (1 / 5040.0)) + q * (1 / 40320.0 + r * (1 / 362880.0))
    c = (1 / 3628800.0 + r * (1 / 39916800.0)) + q * (1 / 479001600.0 + r * (1 / 6227020800.0))
    return r + q * (a + q * q * (b + q * q * c))


@njit(**STRICT)
def _power_of_two(n):
    """Return 2^n for -1022 <= n <= 1023, n in the low bits of an int64."""
    return float_of((n + 1023) << 52)


@njit(**STRICT)
def exp(x):
    """Return e^x."""
    x = float(x)
    shifted, r = _reduced(_held(x))
    n = bits_of(shifted) - bits_of(_ROUND)
    half = n >> 1  # in two factors, so that neither the largest nor the smallest numbers are lost
    found = (1.0 + _grown(r)) * _power_of_two(half) * _power_of_two(n - half)
    found = where(x > _OVERFLOW, math.inf, found)
    return where(x < _UNDERFLOW, 0.0, found)


@njit(**STRICT)
def expm1(x):
    """Return e^x - 1, exact to the last digits near 0 too."""
    x = float(x)
    shifted, r = _reduced(_held(x))
    n = bits_of(shifted) - bits_of(_ROUND)
    half, p = n >> 1, _grown(r)
    scale = _power_of_two(half) * _power_of_two(n - half)
    near = scale * p + (scale - 1.0)
    far = (1.0 + p) * _power_of_two(half) * _power_of_two(n - half)  # where scale overflows
    found = where(n > _FAR, far, near)
    return where(x > _OVERFLOW, math.inf, found)


@njit(**STRICT)
def log1p(x):
    """Return log(1 + x) for x > -1: what rounding took from 1 + x is given back."""
    x = float(x)
    u = 1.0 + x
    lost = where(u < math.inf, (x - (u - 1.0)) / u, 0.0)
    edge = where(x == -1.0, -math.inf, math.nan)
    return where(x > -1.0, where(x < math.inf, log(u) + lost, x), edge)


@njit(**STRICT)
def log(x):
    """Return the natural logarithm."""
    x = float(x)
    small = x < _SMALLEST
    scaled = where(small, x * 18014398509481984.0, x)  # 2^54 lifts subnormal numbers
    bits = bits_of(scaled)
    n = (bits >> 52) - 1022  # the mantissa lies within [1/2, 1) …
    m = float_of((bits & 0xFFFFFFFFFFFFF) | 0x3FE0000000000000)
    low = m < _SQRT_HALF  # … and is moved to [sqrt(1/2), sqrt(2))
    m = where(low, m + m, m)
    n = where(low, n - 1, n) - where(small, 54, 0)
    f = (m - 1.0) / (m + 1.0)
    q = f * f
    p = 1 / 23.0
    p = p * q + 1 / 21.0
    p = p * q + 1 / 19.0
    p = p * q + 1 / 17.0
    p = p * q + 1 / 15.0
    p = p * q + 1 / 13.0
    p = p * q + 1 / 11.0
    p = p * q + 1 / 9.0
    p = p * q + 1 / 7.0
    p = p * q + 1 / 5.0
    p = p * q + 1 / 3.0
    whole = float(n)
    # log m = 2 f + 2 f³ (1/3 + f²/5 + …); with g = m - 1, 2 f = g - f g.
    g = m - 1.0
    found = whole * _LN2_HIGH + (g - (f * (g - 2.0 * q * p) - whole * _LN2_LOW))
    found = where(x < math.inf, found, x)
    return where(x > 0.0, found, where(x == 0.0, -math.inf, math.nan))


@njit(**STRICT)
def tanh(x):
    """Return tanh x = t / (t + 2) with t = e^(2|x|) - 1, with the sign of x.

    Between 0 and 40 the exponential needs no care at its ends, so it is written out.
    """
    x = float(x)
    shifted, r = _reduced(2.0 * where(abs(x) > _ONE_FROM, _ONE_FROM, abs(x)))
    scale = _power_of_two(bits_of(shifted) - bits_of(_ROUND))
    t = scale * _grown(r) + (scale - 1.0)
    return math.copysign(t / (t + 2.0), x)


@njit(**STRICT)
def sign(x):
    """Return -1, 0 or 1; NaN for NaN."""
    return where(x > 0, 1.0, where(x < 0, -1.0, x * 0.0))


class _Namespace(SimpleNamespace):
    """A namespace that can be a key: formulas are made once for each."""

    __hash__ = object.__hash__  # type: ignore[assignment]


SCALARS = _Namespace(
    exp=exp,
    expm1=expm1,
    log=log,
    log1p=log1p,
    tanh=tanh,
    sign=sign,
    where=where,
    cos=math.cos,
    sin=math.sin,
    sqrt=math.sqrt,
    helper=njit(**STRICT),
)
