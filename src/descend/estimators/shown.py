"""What is shown of a run: its parameters in the columns' and the targets' own units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from descend.models import layered, layers

if TYPE_CHECKING:
    from descend.run import Run


def parameters(run: Run, *, several: bool, units: tuple[Any, Any] | None) -> dict[str, Any]:
    """Return ``coef_`` and ``intercept_``, or of a net ``coefs_`` and ``intercepts_``.

    Parameters
    ----------
    run
        Of a linear model or a net.
    several
        Whether there is a row of coefficients for each output, even if there is one output.
    units
        The mean and deviation of the targets that the model was not told of, or None.
    """
    *below, (weight, bias) = [
        (weight, weight[0] * 0.0 if bias is None else bias)
        for weight, bias in layers(layered(run.task.model), run.raw_params)
    ]
    bias = bias - shift(run)
    if units is not None:
        weight, bias = weight * units[1], bias * units[1] + units[0]
    if below:
        pairs = [*below, (weight, bias)]
        return {
            "coefs_": [weight for weight, _ in pairs],
            "intercepts_": [bias for _, bias in pairs],
        }
    if several:
        return {"coef_": weight.T.copy(), "intercept_": bias}
    return {"coef_": weight[:, 0].copy(), "intercept_": bias[0]}


def shift(run: Run) -> Any:
    """Return by how much all scores are moved to show them: softmax knows them up to a constant.

    As in scikit-learn, the intercepts that are shown have the mean 0.  Nothing else fixes it, and
    Newton's method may end anywhere along it.
    """
    _, bias = layers(layered(run.task.model), run.raw_params)[-1]
    return 0.0 if bias is None or run.task.loss.targets != "labels" else bias.mean()
