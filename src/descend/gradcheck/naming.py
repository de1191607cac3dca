"""What is said of each mistake: the evidence in numbers, and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from descend.gradcheck.result import Discrepancy

if TYPE_CHECKING:
    from descend.gradcheck.searching import Cause

# Code: what was seen ({number}, {choice} and {layer} are filled in), and what to change.
SAID: dict[str, tuple[str, str]] = {
    "factor": (
        "What was given is {number} times the true gradient, with any number of rows",
        "multiply by {inverse}; look for a 2 from a square that was kept or lost.",
    ),
    "zero-factor": (
        "What was given is 0 everywhere",
        "return the gradient that was computed; nothing is learned from zeros.",
    ),
    "n-minus-one": (
        "What was given is n/(n - 1) times the true gradient: it divides by n - 1",
        "divide by n; n - 1 belongs to a sample variance.",
    ),
    "sum-for-mean": (
        "What was given is {number} times too large, {mass}",
        "divide by the number of rows (with sample weights, by their sum): the loss is a mean.",
    ),
    "mean-for-sum": (
        "What was given is {number} times too small, {mass}",
        "do not divide by the number of rows: {reduction}.",
    ),
    "mean-over-outputs": (
        "What was given is {number} times the true gradient, and there are {k} outputs",
        "{outputs}.",
    ),
    "sign": (
        "What was given points the other way",
        "turn the sign round: d/ds (s - y)² is 2 (s - y), and updates go against the gradient.",
    ),
    "transposed": (
        "What was given is the transpose of the true gradient, read row by row",
        "return the gradient in the weight's own shape: inputs by units, Xᵀ times the errors.",
    ),
    "wrong-order": (
        "The right numbers came in another order",
        "{order}.",
    ),
    "missing-bias": (
        "The bias's gradient is 0 or was left out",
        "add it: the sum of the errors over the rows, for a bias's input is always 1.",
    ),
    "missing-weight": (
        "The gradient is 0 here",
        "return what was computed for these parameters.",
    ),
    "missing-activation-derivative": (
        "What was given is the gradient of a network whose activation has slope 1{layer}",
        "going backward, multiply by the activation's derivative after each product with Wᵀ.",
    ),
    "activation-derivative-at-output": (
        "The activation's derivative was taken at its output a instead of its input z{layer}",
        "take it at z, or write it by a: for tanh 1 - a², not 1 - tanh(a)².",
    ),
    "extra-link-derivative": (
        "The errors were multiplied by the derivative of the link once too often",
        "leave it out: with this loss it cancels, and the error is p - y.",
    ),
    "missing-link-derivative": (
        "The errors lack the derivative of the link, for a sigmoid p (1 - p)",
        "multiply by it: the loss is of the probability, the parameters make the score.",
    ),
    "wrong-loss": (
        "What was given is exactly the gradient of {choice}",
        "use the slope of the loss that f has, or change the loss.",
    ),
    "broadcast": (
        "Every score was compared with every target, as (n, 1) - (n,) does by making (n, n)",
        "give both the same shape first: y[:, None], or scores.ravel().",
    ),
    "last-row-only": (
        "Only the {choice} row was counted",
        "add the rows up: `+=` within the loop, and divide after it.",
    ),
    "stale-parameters": (
        "What was given is the gradient at {choice}, not at the theta passed in",
        "compute everything from the theta that is passed in; keep nothing between calls.",
    ),
    "accumulated": (
        "Each call returns the sum of the gradients of all calls so far",
        "begin every call from zeros (in PyTorch: zero_grad).",
    ),
    "weights-ignored": (
        "What was given is the gradient without the sample weights",
        "multiply each row's error by its weight, and divide by the sum of the weights.",
    ),
    "swapped-layers": (
        "What was given here is another slice's gradient, one of the same shape",
        "put each layer's gradient into its own place.",
    ),
    "missing-input": (
        "The weight's gradient is the summed error repeated, without the layer's input",
        "multiply each error by its input: inputsᵀ times errors.",
    ),
    "penalty-on-bias": (
        "The bias's gradient has the penalty's pull in it, {number} times the bias{relative}",
        "leave the penalty off the biases: it is of the weights.",
    ),
    "penalty-off-bias": (
        "The bias's gradient lacks the penalty's pull, and biases are penalised here",
        "add the strength times the bias, or set biases=False.",
    ),
    "penalty-missing": (
        "What was given lacks the penalty's gradient, {strength} times the weights",
        "add {strength} times the weights: the derivative of a/2 |w|² is a w.",
    ),
    "penalty-extra": (
        "What was given has {number} times the weights in it, and f has no such penalty",
        "leave it out, or give f the penalty.",
    ),
    "penalty-sign": (
        "The penalty's gradient was subtracted, {strength} times the weights, not added",
        "add it: the penalty pulls weights up the objective, like the loss.",
    ),
    "penalty-factor": (
        "The penalty's gradient is {number} times what it should be",
        "use {strength} times the weights: the derivative of a/2 |w|² is a w.",
    ),
    "constant": (
        "Every entry has {number} added to it",
        "take the constant away; the derivative of a constant is 0.",
    ),
    "ignores-parameters": (
        "What was given is the same whatever theta is",
        "compute it from the theta that is passed in, at every call.",
    ),
    "clipped": (
        "{choice} is held at {number} where the true gradient is larger",
        "return the gradient itself; clipping belongs to the optimizer.",
    ),
    "one-layer": (
        "The other slices are right; here {amount}",
        "look at this layer's lines alone: its input, the error that reaches it, its place.",
    ),
    "unknown": (
        "What was given is not the true gradient, and none of the known mistakes explains it",
        "compare the entry named here by hand, with one row and the smallest model.",
    ),
    "unrepeatable": (
        "Two calls with the same theta and rows gave different answers",
        "compute the gradient from its arguments alone, without random draws.",
    ),
    "non-finite": (
        "NaN or infinity was given, where the true gradient is finite",
        "look for a division by 0, the log of 0, or the exponential of a large number.",
    ),
}


class Facts(NamedTuple):
    """What sentences need to know: the rows, the outputs, the penalty, and the loss's own words."""

    n: int
    k: int
    strength: float
    reduction: str
    labels: bool


def discrepancy(cause: Cause, facts: Facts, where: tuple[str, ...], example: str) -> Discrepancy:
    """Return a cause in words; `example` is the entry that shows it best."""
    number, code = cause.number, cause.code
    seen, fix = SAID["zero-factor" if code == "factor" and number == 0 else code]
    words = _words(cause, facts)
    evidence = seen.format(**words) + (f": {example}." if example else ".")
    ratio = None
    if code in {"factor", "mean-over-outputs"} or (code == "one-layer" and number == number):  # noqa: PLR0124 - NaN
        ratio = number
    elif code in {"sum-for-mean", "mean-for-sum"}:
        ratio = number if code == "sum-for-mean" else 1.0 / number
    elif code in {"sign", "penalty-factor"}:
        ratio = -1.0 if code == "sign" else number
    return Discrepancy(
        code, where, evidence, fix.format(**words), None if ratio is None else float(ratio)
    )


def _words(cause: Cause, facts: Facts) -> dict[str, Any]:
    number = cause.number
    chosen = {
        "previous": "the theta of the call before",
        "first": "the theta of the first call" if cause.code == "stale-parameters" else "first",
        "updated": "parameters that an update had already moved",
    }
    relative = number / facts.strength if facts.strength else 0.0
    return {
        "number": f"{number:.6g}",
        "inverse": f"{1 / number:.6g}" if number else "",
        "n": facts.n,
        "k": facts.k,
        "strength": f"{facts.strength:.6g}",
        "mass": "as many times as there are rows"
        if number == facts.n
        else "the sum of the sample weights",
        "relative": f", {relative:.4g} times the penalty's strength" if relative else "",
        "choice": chosen.get(cause.choice, cause.choice),
        "layer": f" in hidden layer {cause.choice}" if cause.choice.isdigit() else "",
        "reduction": "the loss is a sum over the rows"
        if facts.reduction == "sum"
        else "the mean divides by it once, and here it was done twice",
        "outputs": "a row's loss is one number for all classes; do not average over them"
        if facts.labels
        else f"average over the {facts.k} outputs: divide by {facts.k}",
        "order": cause.choice or "read the matrix row by row, in the shape the slice has",
        "amount": "what was given is 0"
        if number == 0
        else f"what was given is {number:.6g} times the true gradient"
        if number == number  # noqa: PLR0124 - NaN
        else "what was given differs",
    }
