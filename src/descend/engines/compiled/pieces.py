"""Pieces: kernels compiled apart and joined by address.

A training joins a loss, an activation and a rule. A kernel written for the three together would
have to be compiled again for every combination, for seconds each time. So what depends on a part
is a *piece*: a plain function compiled for one part alone, that works on a block of rows or on all
parameters at once, and that other kernels call through its address. Ten losses and ten rules then
are twenty pieces and not a hundred kernels, and a call costs some nanoseconds to a block.

    address_for(piece, examples …)  compiles a piece for arguments like these, or finds it on disk
    call(address, arguments)        calls it, from within a kernel; it returns a float

A piece meets its part as a `PartType`: the address of its hyperparameters, the class known when it
is compiled; `part_of` makes the part of it again, and `marked` tells of marks such as "penalized".
"""

from __future__ import annotations

from functools import cache
from typing import Any, final

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import (
    NativeValue,
    intrinsic,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.numpy_support import from_dtype

_WORD = ir.IntType(64)


class PartType(types.Type):  # type: ignore[misc]
    """The type of a part within pieces: its class, and marks that pieces may ask about."""

    bitwidth = 64

    def __init__(self, cls: type[Any], marks: tuple[str, ...] = ()) -> None:
        self.cls, self.marks = cls, marks
        types.Type.__init__(self, name=f"Part({cls.__module__}.{cls.__qualname__}, {marks})")


# To pieces, every part is a whole number, an address: so all pieces of one form are called alike.
register_model(PartType)(models.IntegerModel)


@final
class Handle:
    """A part's hyperparameters in memory, at `address`; `kind` is its type.

    Whoever passes the address on must keep the handle.
    """

    def __init__(self, part: Any, marks: tuple[str, ...] = ()) -> None:
        self.numbers = np.array([float(number) for number in part], dtype=np.float64)
        self.address = self.numbers.ctypes.data
        self.kind = PartType(type(part), marks)


@typeof_impl.register(Handle)  # type: ignore[untyped-decorator]
def _type_of_handle(handle: Handle, _context: Any) -> PartType:
    return handle.kind


@unbox(PartType)  # type: ignore[untyped-decorator]
def _unbox_handle(_kind: Any, handle: Any, c: Any) -> NativeValue:
    address = c.pyapi.object_getattr_string(handle, "address")
    native = c.pyapi.long_as_longlong(address)
    c.pyapi.decref(address)
    return NativeValue(native)


@intrinsic  # type: ignore[untyped-decorator]
def part_of(typing_context: Any, kind: Any) -> Any:
    """Return the part: a named tuple of its hyperparameters."""
    del typing_context
    count = len(kind.cls._fields)
    part = types.BaseTuple.from_types([types.float64] * count, kind.cls)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature
        numbers = builder.inttoptr(arguments[0], ir.DoubleType().as_pointer())
        found = [builder.load(builder.gep(numbers, [_WORD(i)])) for i in range(count)]
        return context.make_tuple(builder, part, found)

    return part(kind), code


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def marked(typing_context: Any, kind: Any, mark: Any) -> Any:
    """Tell whether the part carries a mark: a constant to the compiler."""
    del typing_context
    found = mark.literal_value in kind.marks

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del builder, signature, arguments
        return context.get_constant(types.boolean, found)

    return types.boolean(kind, mark), code


# ---------------------------------------------------------------- joining


def _plain(kind: Any) -> Any:
    """Return how pieces are told of a type: contiguous arrays, whole numbers, doubles."""
    if isinstance(kind, types.Array):
        if kind.layout != "C":
            msg = f"pieces take contiguous arrays, not {kind}"
            raise TypingError(msg)
        return types.Array(kind.dtype, kind.ndim, "C")
    if isinstance(kind, types.NamedTuple | types.NamedUniTuple):
        return types.BaseTuple.from_types([_plain(k) for k in kind], kind.instance_class)
    if isinstance(kind, PartType):
        return types.intp
    return types.intp if isinstance(kind, types.Integer) else types.unliteral(kind)


def _flat(context: Any, builder: Any, kind: Any, found: Any) -> Any:
    """Return a value as `_plain` has its type; only whole numbers change."""
    if isinstance(kind, types.Integer):
        return context.cast(builder, found, kind, types.intp)
    return found


@intrinsic  # type: ignore[untyped-decorator]
def call(typing_context: Any, address: Any, arguments: Any) -> Any:
    """Call the piece at an address with a tuple of arguments; return its float."""
    del typing_context
    kinds = list(arguments)
    plain = [_plain(kind) for kind in kinds]

    def code(context: Any, builder: Any, signature: Any, found: Any) -> Any:
        del signature
        where, packed = found
        values = [builder.extract_value(packed, i) for i in range(len(kinds))]
        values = [_flat(context, builder, *pair) for pair in zip(kinds, values, strict=True)]
        form = context.call_conv.get_function_type(types.float64, plain)
        piece = builder.inttoptr(where, form.as_pointer())
        result = cgutils.alloca_once(builder, ir.DoubleType())
        error = cgutils.alloca_once_value(builder, ir.Constant(form.args[1].pointee, None))
        packer = context.call_conv._get_arg_packer(plain)  # noqa: SLF001 - there is no other
        builder.call(piece, [result, error, *packer.as_arguments(builder, values)])
        return builder.load(result)

    return types.float64(address, arguments), code


# ---------------------------------------------------------------- compiling


def address_for(piece: Any, *examples: Any) -> int:
    """Return the address of a piece for arguments like the examples."""
    return _address(piece, tuple(_form(value) for value in examples))


def _form(value: Any) -> Any:
    """Return what the compiler's type of a value depends on: quick to make and to compare."""
    if isinstance(value, np.ndarray):
        return value.dtype, value.ndim
    if isinstance(value, Handle):
        return value.kind
    if isinstance(value, tuple):
        return type(value), tuple(_form(each) for each in value)
    return type(value)


def _kind(form: Any) -> Any:
    """Return the compiler's type of what has a form."""
    if isinstance(form, PartType):
        return form
    if form in _NUMBERS:
        return _NUMBERS[form]
    first, rest = form
    if isinstance(first, np.dtype):
        return types.Array(from_dtype(first), rest, "C")
    return types.BaseTuple.from_types([_kind(each) for each in rest], first)


_NUMBERS = {bool: types.boolean, int: types.intp, float: types.float64}


@cache
def _address(piece: Any, form: tuple[Any, ...]) -> int:
    """Compile a piece, or find it on disk."""
    kinds = tuple(_kind(each) for each in form)
    piece.compile(kinds)
    compiled = piece.overloads[kinds]
    name = compiled.fndesc.llvm_func_name
    return int(compiled.library.get_pointer_to_function(name))
