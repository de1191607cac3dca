"""PyTorch: the run as an ``nn.Sequential``, and its ``state_dict`` without pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import UnavailableError
from descend.export.portable import block, portable, raw_stack

if TYPE_CHECKING:
    from descend.arrays import Array, Floats
    from descend.run import Run


def sequential(run: Run) -> Any:
    """Return an ``nn.Sequential`` in double, filled with a run's numbers.

    It takes rows as they were given to `train` (runs on tables: encoded rows,
    ``Encoder.from_json(run.encoder).transform(table).X``) and returns raw scores (n, k): the link
    (sigmoid, softmax, exp) belongs to the loss and is not applied.

    Parameters
    ----------
    run
        Of any of this library's models.

    Returns
    -------
    torch.nn.Sequential
        In evaluation mode; its parameters can be trained on.

    Raises
    ------
    UnavailableError
        If PyTorch is not installed.

    Examples
    --------
    >>> import descend as ds, torch
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.5))
    >>> run = ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=200)
    >>> net = sequential(run)
    >>> round(net(torch.tensor([[2.0]], dtype=torch.float64)).item(), 6)
    5.0
    """
    model = portable(run)
    try:
        import torch  # noqa: PLC0415 - optional

        from descend.export.torch_model import network  # noqa: PLC0415
    except ImportError as error:
        msg = "PyTorch is not here; pip install 'descend[torch]'."
        raise UnavailableError(msg) from error
    state = {name: torch.from_numpy(array) for name, array in state_of(raw_stack(model)).items()}
    return network(block(model), state)


def state_of(stack: list[tuple[Floats, Floats]]) -> dict[str, Array]:
    """Return the ``state_dict``: every second module is a layer, its weight (units, inputs)."""
    found = {}
    for depth, (weight, bias) in enumerate(stack):
        found[f"{2 * depth}.weight"] = np.ascontiguousarray(weight.T)
        found[f"{2 * depth}.bias"] = np.array(bias)
    return found
