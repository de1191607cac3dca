"""The PyTorch engine: the formulas of every engine, differentiated by PyTorch.

An update is one function of (theta, slots, rows, rate, number).  Where no part is one's own it is
recorded once as a graph of primitive operations, its way back included, and then run without
Python, autograd or an optimizer's bookkeeping between them: decision 13 has the figures, and why
`torch.compile`, whose code is faster still and takes half a minute to make, is left to
accelerators.  Parts of one's own run as they are, by autograd, for they may decide by their numbers.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend import randomness
from descend.arrays import Array, Floats, State
from descend.custom.libraries import imported
from descend.engines import autodiff
from descend.engines.autodiff import Library, Penalised
from descend.engines.checking import ONCE, check_custom, dense, is_custom, spoken
from descend.engines.problem import Advance, Problem, Trace
from descend.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable

# Figures are fetched from the device this many updates at a time.
_FETCHED = 4096


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
    if name.startswith("mps"):
        msg = (
            "The device 'mps' has no double precision, in which losses are summed here; use "
            'device="cpu".'
        )
        if dtype == np.float64:
            msg = "The device 'mps' has no float64; use dtype=\"float32\" on another device, or cpu."
        raise ParameterError(msg)
    return name


def _has(torch: Any, kind: str) -> bool:
    found = getattr(torch, kind, None) or getattr(torch.backends, kind, None)
    return found is not None and bool(found.is_available())


@final
class WithTorch:
    """PyTorch at work on one problem; see `descend.engines.problem.Program`."""

    def __init__(self, problem: Problem, device: str) -> None:
        dense(problem, "torch")
        self.problem, self._device = problem, device
        self._torch = imported("torch")
        self._library = Library(_Namespace(self._torch), self._cast)
        self._rows = tuple(self._put(part) for part in (problem.X, problem.y, problem.weights))
        self._penalised = Penalised.of(problem, self._put)
        self._order: tuple[int, Any] = (-1, None)
        self._steps: dict[int, Callable[..., Any]] = {}
        check_custom(self)

    # ------------------------------------------------------------ the protocol

    def advance(self, state: State, updates: int, scale: float = 1.0, every: int = 0) -> Advance:
        """Return where `updates` more updates lead, and what they did."""
        torch, problem = self._torch, self.problem
        trace, kept, figures = Trace(np.empty((updates, 4))), [], []
        rates = problem.rates(state.step, updates, scale)
        trace.figures[:, 3] = rates
        numbers = torch.arange(state.step + 1, state.step + updates + 1, dtype=torch.float64)
        pairs = self._put(np.stack([rates, numbers.numpy()], axis=1)).unbind()
        with torch.no_grad(), spoken(problem, "torch"):
            theta, slots = self._put(state.theta), self._put(state.slots)
            for i in range(updates):
                update = state.step + i
                rows = self._batch(update)
                step = self._step(rows, theta, slots, pairs[i])
                theta, slots, found = step(theta, slots, *rows, pairs[i], self._draw(update))
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
        rows = self._rows if update is None else self._batch(update)
        draw = None if update is None else self._draw(update)
        with spoken(self.problem, "torch"):
            value, gradient, _ = self._differentiated(self._put(theta), rows, draw)
            return float(value), _taken(gradient)

    def value(self, theta: Floats) -> float:
        """Return the objective at theta over all training rows."""
        with self._torch.no_grad(), spoken(self.problem, "torch"):
            return float(self._objective(self._put(theta), self._rows, None)[1])

    def once(self, theta: Floats) -> tuple[Array, ...]:
        """Return what one pass in training makes of the first rows."""
        with self._torch.no_grad(), spoken(self.problem, "torch"):
            X = self._rows[0][:ONCE]
            found = autodiff.scored(
                self.problem, self._put(theta), X, self._draw(0), self._library.xp
            )
            return tuple(_taken(part) for part in found if part is not None)

    # ------------------------------------------------------------ one update

    def _objective(self, theta: Any, rows: Any, draw: Any) -> tuple[Any, Any, Any]:
        """Return the objective over some rows, without the absolute penalty and with it.

        And theta with a module's buffers as they are now, or None.
        """
        problem, (X, y, weights) = self.problem, rows
        found = autodiff.scored(problem, theta, X, draw, self._library.xp)
        divisor: Any = 1.0
        if problem.task.reduction == "mean":
            divisor = float(X.shape[0])
            if weights is not None:
                total = self._library.cast(weights, None).sum()
                divisor = self._torch.where(total == 0, total * 0 + 1, total)
        value = autodiff.reduced(problem, self._library, found.scores, y, weights, divisor)
        value = value + autodiff.squared(self._library, self._penalised, theta)
        whole = value + autodiff.absolute(self._library, self._penalised, theta)
        return value, whole, found.theta

    def _differentiated(self, theta: Any, rows: Any, draw: Any) -> tuple[Any, Any, Any]:
        """Return the objective, its gradient without |w|, and what the buffers are now."""
        torch, trained = self._torch, self._penalised.trained
        with torch.enable_grad():
            point = theta.detach().requires_grad_()
            value, whole, buffers = self._objective(point, rows, draw)
            if value.requires_grad:
                (gradient,) = torch.autograd.grad(value, point)
            else:  # no parameter is used, or the graph is cut: `checking` says so
                gradient = torch.zeros_like(theta)
        return whole.detach(), gradient if trained is None else gradient * trained, buffers

    def _updated(  # noqa: PLR0913, PLR0917 - an update's arguments, flat for a graph
        self, theta: Any, slots: Any, X: Any, y: Any, weights: Any, pair: Any, draw: Any
    ) -> Any:
        """Return theta, slots and three figures after one update on some rows."""
        rate, number = pair.unbind()
        value, gradient, buffers = self._differentiated(theta, (X, y, weights), draw)
        theta, slots, steep, far = autodiff.moved(
            self.problem.task.optimizer,
            self._library,
            self._penalised,
            theta,
            slots,
            gradient,
            rate,
            number,
        )
        if buffers is not None:
            theta = self._torch.where(self._penalised.trained > 0, theta, buffers)
        return theta, slots, self._torch.stack([value, steep, far])

    def _step(self, rows: Any, theta: Any, slots: Any, pair: Any) -> Callable[..., Any]:
        """Return the update for batches of this many rows, recorded where that can be done."""
        size = rows[0].shape[0]
        if size not in self._steps:
            own = is_custom(self.problem.task)
            self._steps[size] = (
                self._updated if own else self._recorded(theta, slots, *rows, pair)
            )
        return self._steps[size]

    def _recorded(self, *examples: Any) -> Callable[..., Any]:
        """Return the update as a graph of primitive operations, run without Python."""
        torch, has_weights = self._torch, examples[4] is not None
        given = tuple(e for e in examples if e is not None)

        def flat(*tensors: Any) -> Any:
            found = list(tensors)
            if not has_weights:
                found.insert(4, None)
            return self._updated(*found, None)

        from torch.fx.experimental.proxy_tensor import make_fx  # noqa: PLC0415 - loads PyTorch

        graph = make_fx(flat)(*given)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of its age; there is no other way without Python
                run: Any = torch.jit.trace(graph, given, check_trace=False)
        except (RuntimeError, NotImplementedError):  # gone from this PyTorch
            run = graph

        def step(*arguments: Any) -> Any:
            return run(*(a for a in arguments[:-1] if a is not None))

        return step

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
        return self._torch.tensor(np.ascontiguousarray(part), device=self._device)

    def _cast(self, array: Any, other: Any) -> Any:
        return array.to(self._torch.float64 if other is None else other.dtype)


@final
class _Namespace:
    """PyTorch's functions under NumPy's names, as far as the formulas use them."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch

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
