"""A model that is a `torch.nn.Module`.

The module is copied, and the copies' own parameters are never written: what is scored with is cut
out of theta.  Parameters that share their storage (tied weights) are one slice; parameters with
``requires_grad=False`` are frozen slices; buffers are slices that the module writes as it trains,
but for those that are not finite (masks of -inf): they are constants, and stay in the module.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.arrays import BUFFER, FROZEN, Array, Floats, Layout
from descend.custom.libraries import imported
from descend.custom.model import Scored
from descend.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


# A call puts theta into the module and draws from the process's generator: both are shared.
_ONE_AT_A_TIME = RLock()


@final
@dataclass(frozen=True, eq=False)
class TorchModule:
    """A module of PyTorch as a model; see `descend.custom.model.Adapter`.

    Attributes
    ----------
    label
        Its class's name.
    training, evaluating
        Two copies of it, in its two modes.
    entries
        Of the layout.
    dtypes
        Of the buffers, by their names in the layout.
    """

    label: str
    training: Any
    evaluating: Any
    entries: tuple[tuple[str, tuple[int, ...]], ...]
    dtypes: dict[str, Any]
    library: str = "torch"

    @classmethod
    def of(cls, module: Any) -> TorchModule:
        """Return a module as a model, or say why it cannot be one."""
        torch, label = imported("torch"), type(module).__name__
        _check(module, label)
        entries, dtypes = [], {}
        for name, parameter in module.named_parameters():
            prefix = "" if parameter.requires_grad else FROZEN
            entries.append((f"{prefix}{name}", tuple(parameter.shape)))
        if not any(not name.startswith(FROZEN) for name, _ in entries):
            what = "all its parameters are frozen" if entries else "it has no parameters"
            msg = f"The module {label} has nothing to train: {what}."
            raise InputError(msg)
        for name, buffer in module.named_buffers():
            if not bool(torch.isfinite(buffer).all()):
                continue
            entries.append((f"{BUFFER}{name}", tuple(buffer.shape)))
            dtypes[f"{BUFFER}{name}"] = buffer.dtype
        training, evaluating = _copied(module, label).train(), _copied(module, label).eval()
        with torch.no_grad():
            for parameter in training.parameters():
                parameter.fill_(float("nan"))  # never used: whoever does shall notice
        return cls(label, training, evaluating, tuple(entries), dtypes)

    def layout(self, d: int) -> Layout:
        """Return the slices of theta: parameters in the module's order, then buffers."""
        del d
        return Layout(self.entries)

    def start(self, d: int, seed: int) -> Floats:
        """Return the module's own numbers: it was drawn when it was made."""
        del d, seed
        with _ONE_AT_A_TIME:
            own = dict(self.evaluating.named_parameters()) | dict(self.evaluating.named_buffers())
            pieces = [own[_bare(name)].detach().cpu().double().numpy() for name, _ in self.entries]
        return np.concatenate([piece.ravel() for piece in pieces])

    def scored(self, theta: Any, X: Any, draw: Any = None) -> Scored:
        """Return the scores of rows; with a key, as it trains, and the buffers it leaves."""
        torch, parts = imported("torch"), Layout(self.entries).split(theta)
        named, buffers = self._constants(theta), {}
        for name, part in parts.items():
            if name in self.dtypes:
                kind = self.dtypes[name]
                kind = theta.dtype if kind.is_floating_point else kind
                # The module writes into its buffers: never into theta.
                buffers[name] = named[_bare(name)] = part.detach().to(kind, copy=True)
            else:
                named[_bare(name)] = part.detach() if name.startswith(FROZEN) else part
        if draw is None:
            with _ONE_AT_A_TIME:
                return Scored(torch.func.functional_call(self.evaluating, named, (X,)))
        with _ONE_AT_A_TIME, drawing(draw, X.device):
            scores = torch.func.functional_call(self.training, named, (X,))
        if not buffers:
            return Scored(scores)
        pieces = [buffers.get(name, part).detach().reshape(-1) for name, part in parts.items()]
        return Scored(scores, torch.cat([piece.to(theta.dtype) for piece in pieces]))

    def evaluated(self, theta: Array, X: Array) -> Any:
        """Return the scores of NumPy's rows, as NumPy's array."""
        torch = imported("torch")
        with torch.no_grad():
            return self.scored(torch.tensor(theta), torch.tensor(X)).scores.numpy()

    def _constants(self, theta: Any) -> dict[str, Any]:
        """Return the buffers that are not in theta: masks of -inf, which no arithmetic may meet."""
        with _ONE_AT_A_TIME:
            return {
                name: buffer.to(theta.device, theta.dtype)
                for name, buffer in self.training.named_buffers()
                if f"{BUFFER}{name}" not in self.dtypes
            }

    def remembers(self) -> dict[str, Any]:
        """Return the numbers and tensors that are attributes, no parameters and no buffers."""
        torch, found = imported("torch"), {}
        for place, part in self.training.named_modules():
            for name, value in vars(part).items():
                if torch.is_tensor(value):
                    found[f"{place}.{name}"] = value.detach().cpu().numpy().copy()
                elif isinstance(value, int | float | str):
                    found[f"{place}.{name}"] = np.asarray(value)
        return {name.removeprefix("."): value for name, value in found.items()}

    def filled(self, theta: Array) -> Any:
        """Return a copy of the module that holds theta's numbers."""
        torch = imported("torch")
        with _ONE_AT_A_TIME:
            module = copy.deepcopy(self.evaluating)
        own = dict(module.named_parameters()) | dict(module.named_buffers())
        with torch.no_grad():
            for name, part in Layout(self.entries).split(theta).items():
                own[_bare(name)].copy_(torch.tensor(part))
        return module


def _check(module: Any, label: str) -> None:
    """Refuse tensors that cannot be slices of theta."""
    torch = imported("torch")
    for name, parameter in [*module.named_parameters(), *module.named_buffers()]:
        if torch.nn.parameter.is_lazy(parameter):
            msg = (
                f"The module {label} does not know its shapes yet ({name} is lazy); run it on "
                "a few rows before it is trained."
            )
            raise InputError(msg)
        if torch.is_complex(parameter):
            msg = f"The module {label} has complex numbers in {name}; theta is real."
            raise InputError(msg)
        if getattr(parameter, "_backward_hooks", None):
            msg = (
                f"The module {label} has a hook on the gradient of {name}, which is not called "
                "here: gradients are taken by theta; put what it does into the loss, the "
                "model or the optimizer (clip_norm, clip_value)."
            )
            raise InputError(msg)


def _copied(module: Any, label: str) -> Any:
    try:
        return copy.deepcopy(module)
    except Exception as error:
        msg = (
            f"The module {label} cannot be copied, and what trains is a copy "
            f"({type(error).__name__}: {str(error).splitlines()[0][:120].rstrip('.')}): pass it "
            "before it has been run, or keep no result of a pass in it."
        )
        raise InputError(msg) from error


def _bare(name: str) -> str:
    return name.removeprefix(FROZEN).removeprefix(BUFFER)


@contextmanager
def drawing(key: int, device: Any) -> Iterator[None]:
    """Let the module draw by a key; the process's own generators are as they were afterwards."""
    torch = imported("torch")
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(key)
        if devices:
            torch.cuda.manual_seed(key)
        yield
