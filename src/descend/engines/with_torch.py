"""The PyTorch engine: the formulas of every engine, differentiated by PyTorch.

An update is one function of (theta, slots, rows, rate, number).  Where no part is one's own it is
recorded once as a graph of primitive operations, its way back included, and then run without
Python, autograd or an optimizer's bookkeeping between them: decision 13 has the figures, and why
`torch.compile`, whose code is faster still and takes half a minute to make, is not used.  Parts of
one's own run as they are, by autograd, for they may decide by their numbers.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend import randomness
from descend.arrays import Array, Floats, State
from descend.custom.libraries import imported
from descend.engines import autodiff
from descend.engines.autodiff import Library, Penalised, Sentence, kind_of
from descend.engines.checking import ONCE, changed_rows, check_custom, dense, is_custom, spoken
from descend.engines.problem import Advance, Problem, Trace
from descend.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Devices without double precision: there, what is taken in double elsewhere is in single.
SINGLE = frozenset({"mps"})
# Figures are fetched from the device this many updates at a time.
_FETCHED = 4096
# How many kinds of updates are kept recorded in a process.
_KINDS = 64


def device_called(asked: str, dtype: Any) -> str:
    """Return the name of the device asked for; the processor, unless one was."""
    torch = imported("torch")
    name = asked or "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        there = ["cpu", *(kind for kind in ("cuda", "mps", "xpu") if _has(torch, kind))]
        msg = (
            f"The device {name!r} is not there for the engine torch; there are {', '.join(there)}."
        )
        raise ParameterError(msg) from error
    if _kind_of(name) in SINGLE and dtype == np.float64:
        msg = (
            f"The device {name!r} has no double precision, and the rows are in it; train with "
            'dtype="float32", or device="cpu".'
        )
        raise ParameterError(msg)
    return name


def _kind_of(device: str) -> str:
    return device.partition(":")[0]


def _has(torch: Any, kind: str) -> bool:
    found = getattr(torch, kind, None) or getattr(torch.backends, kind, None)
    return found is not None and bool(found.is_available())


@contextmanager
def apart(device: str) -> Iterator[None]:
    """Keep away modes of the process that would change numbers: inference and autocast."""
    torch = imported("torch")
    kind = device.partition(":")[0]
    with torch.inference_mode(False), torch.autocast(kind, enabled=False):  # noqa: FBT003
        yield


@final
class WithTorch:
    """PyTorch at work on one problem; see `descend.engines.problem.Program`."""

    def __init__(self, problem: Problem, device: str) -> None:
        dense(problem, "torch")
        with apart(device):
            self._make(problem, device)

    def _make(self, problem: Problem, device: str) -> None:
        self.problem, self._device = problem, device
        self._torch = imported("torch")
        self._library = _library(_kind_of(device) in SINGLE, isinstance(problem.l1, float))
        self._rows = tuple(self._put(part) for part in (problem.X, problem.y, problem.weights))
        self._sentence = Sentence.of(problem)
        self._penalised = Penalised.of(problem, self._put)
        self._order: tuple[int, Any] = (-1, None)
        self._runs: dict[int, Callable[..., Any]] = {}  # by the rows of a batch
        check_custom(self)

    # ------------------------------------------------------------ the protocol

    def advance(self, state: State, updates: int, scale: float = 1.0, every: int = 0) -> Advance:
        """Return where `updates` more updates lead, and what they did."""
        torch, problem = self._torch, self.problem
        trace, kept, figures = Trace(np.empty((updates, 4))), [], []
        rates = problem.rates(state.step, updates, scale)
        trace.figures[:, 3] = rates
        numbers = np.arange(state.step + 1.0, state.step + updates + 1.0)
        pairs = self._put(np.stack([rates, numbers], axis=1)).unbind()
        with apart(self._device), torch.no_grad(), spoken(problem, "torch"):
            theta, slots = self._put(state.theta), self._put(state.slots)
            for i in range(updates):
                update = state.step + i
                rows = self._batch(update)
                theta, slots, found = self._step(rows, (theta, slots), pairs[i], update)
                figures.append(found)
                if every and (update + 1) % every == 0:
                    kept.append(State(_taken(theta), _taken(slots), update + 1))
                if len(figures) == _FETCHED or i + 1 == updates:
                    place = slice(i + 1 - len(figures), i + 1)
                    trace.figures[place, :3] = _taken(torch.stack(figures))
                    figures.clear()
            state = State(_taken(theta), _taken(slots), state.step + updates)
        return Advance(state, trace, kept)

    def value_and_gradient(self, theta: Floats, update: int | None = None) -> tuple[float, Floats]:
        """Return the objective and its gradient at theta over a batch, or over all rows."""
        draw = None if update is None else self._draw(update)
        with apart(self._device), spoken(self.problem, "torch"):
            rows = self._rows if update is None else self._batch(update)
            value, gradient, _ = differentiated(
                self._sentence, self._library, self._penalised, self._put(theta), rows, draw
            )
            return float(value), _taken(gradient)

    def value(self, theta: Floats) -> float:
        """Return the objective at theta over all training rows."""
        with apart(self._device), self._torch.no_grad(), spoken(self.problem, "torch"):
            _, whole, _ = autodiff.objective(
                self._sentence, self._library, self._penalised, self._put(theta), self._rows, None
            )
            return float(whole)

    def once(self, theta: Floats) -> tuple[Array, ...]:
        """Return what one pass in training makes of the first rows."""
        torch = self._torch
        with apart(self._device), torch.no_grad(), spoken(self.problem, "torch"):
            rows = tuple(None if part is None else part[:ONCE].clone() for part in self._rows)
            found = autodiff.passed(
                self._sentence, self._library, self._put(theta), rows, self._draw(0)
            )
            if not torch.equal(rows[0], self._rows[0][:ONCE]):
                changed_rows(self.problem)
            return tuple(_taken(part) for part in found if part is not None)

    # ------------------------------------------------------------ one update

    def _step(self, rows: Any, state: tuple[Any, Any], pair: Any, update: int) -> Any:
        """Return theta, slots and three figures after an update on some rows."""
        arguments = (*state, *rows, *self._penalised, pair)
        if is_custom(self.problem.task):
            return updated(self._sentence, self._library, arguments, self._draw(update))
        size = len(rows[0])
        if size not in self._runs:
            kind = self._sentence._replace(task=kind_of(self.problem.task))
            self._runs[size] = _recorded(kind, tuple(_form(a) for a in arguments))
        return self._runs[size](*(argument for argument in arguments if argument is not None))

    # ------------------------------------------------------------ rows and draws

    def _batch(self, update: int) -> Any:
        """Return the rows of an update's batch."""
        problem = self.problem
        if problem.full_batch:
            return self._rows
        epoch = update // problem.batches_per_epoch
        if self._order[0] != epoch:
            order = problem.order(epoch)
            self._order = (epoch, None if order is None else self._put(order))
        rows = problem.batch(update, self._order[1])
        return tuple(None if part is None else part[rows] for part in self._rows)

    def _draw(self, update: int) -> Any:
        """Return the key of an update's randomness; only one's own models have any."""
        if not is_custom(self.problem.task):
            return None
        keys = randomness.round_keys(self.problem.seed, "model", update)
        return int(keys[0]) << 32 | int(keys[1])

    def _put(self, part: Any) -> Any:
        if part is None:
            return None
        part = np.ascontiguousarray(part)
        if part.dtype == np.float64 and _kind_of(self._device) in SINGLE:
            part = part.astype(np.float32)
        return self._torch.tensor(part, device=self._device)


# ---------------------------------------------------------------- one update


def differentiated(  # noqa: PLR0913, PLR0917 - the arguments of an objective
    sentence: Sentence, library: Library, penalised: Penalised, theta: Any, rows: Any, draw: Any
) -> tuple[Any, Any, Any]:
    """Return the objective, its gradient without |w|, and what the buffers are now."""
    torch = imported("torch")
    with torch.enable_grad():
        point = theta.detach().requires_grad_()
        value, whole, buffers = autodiff.objective(sentence, library, penalised, point, rows, draw)
        if value.requires_grad:
            (gradient,) = torch.autograd.grad(value, point)
        else:  # no parameter is used, or the graph is cut: `checking` says so
            gradient = torch.zeros_like(theta)
    trained = penalised.trained
    return whole.detach(), gradient if trained is None else gradient * trained, buffers


def updated(sentence: Sentence, library: Library, arguments: Any, draw: Any = None) -> Any:
    """Return theta, slots and three figures after one update on some rows.

    The arguments are flat, for a graph: theta, slots, the rows' three, the penalties' four, and the
    pair of the rate and the update's number.
    """
    torch = imported("torch")
    theta, slots, *rest, pair = arguments
    rows, penalised = tuple(rest[:3]), Penalised(*rest[3:])
    rate, number = pair.unbind()
    value, gradient, buffers = differentiated(sentence, library, penalised, theta, rows, draw)
    theta, slots, steep, far = autodiff.moved(
        sentence.task.optimizer, library, penalised, theta, slots, gradient, rate, number
    )
    if buffers is not None:
        theta = torch.where(penalised.trained > 0, theta, buffers)
    return theta, slots, torch.stack([value, steep, far])


def _form(tensor: Any) -> Any:
    return None if tensor is None else (tuple(tensor.shape), tensor.dtype, str(tensor.device))


@lru_cache(_KINDS)
def _recorded(sentence: Sentence, forms: tuple[Any, ...]) -> Callable[..., Any]:
    """Return the update as a graph of primitive operations, run without Python.

    It is kept for every training like it: what differs between them is an argument.
    """
    torch = imported("torch")
    library = _library(forms[-1][1] == torch.float32, forms[5] is None)
    given = [
        torch.zeros(shape, dtype=dtype, device=device)
        for shape, dtype, device in (form for form in forms if form is not None)
    ]

    def flat(*tensors: Any) -> Any:
        left = iter(tensors)
        return updated(sentence, library, [form and next(left) for form in forms])

    from torch.fx.experimental.proxy_tensor import make_fx  # noqa: PLC0415 - loads PyTorch

    graph = make_fx(flat)(*given)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its age; there is no other way without Python
            run: Callable[..., Any] = torch.jit.trace(graph, tuple(given), check_trace=False)
    except (RuntimeError, NotImplementedError):  # gone from this PyTorch
        return graph
    return run


# ---------------------------------------------------------------- the library


@cache
def _library(single: bool, plain: bool) -> Library:  # noqa: FBT001 - a device is, or is not
    """Return PyTorch, for a device without double precision and for a task without |w|."""
    torch = imported("torch")
    wide = torch.float32 if single else torch.float64

    def cast(array: Any, other: Any) -> Any:
        return array.to(wide if other is None else other.dtype)

    return Library(_Namespace(torch, plain), cast, torch.linalg.vector_norm)


@final
class _Namespace:
    """PyTorch's functions under NumPy's names, as far as the formulas use them.

    Every operation costs microseconds here, so a threshold of 0 is left out where there is no
    absolute penalty.
    """

    def __init__(self, torch: Any, plain: bool) -> None:  # noqa: FBT001
        self._torch, self._plain = torch, plain

    def helper(self, function: Any) -> Any:
        """Return a helper of the formulas; there is one, the threshold."""
        return (lambda z, _: z) if self._plain else function

    def __getattr__(self, name: str) -> Any:
        """Return a function that has the same name."""
        return getattr(self._torch, name)

    def max(self, array: Any, axis: int | None = None, keepdims: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Return the largest entries."""
        return self._torch.amax(array, () if axis is None else axis, keepdims)

    def where(self, chosen: Any, yes: Any, no: Any) -> Any:
        """Return entries of one or the other; a plain bool chooses a whole."""
        if isinstance(chosen, bool):
            return yes if chosen else no
        return self._torch.where(chosen, yes, no)


def _taken(tensor: Any) -> Any:
    return tensor.detach().cpu().numpy().copy()
