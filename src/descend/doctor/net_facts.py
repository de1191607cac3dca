"""What can be measured of a net at some theta, beside its losses: signals, slopes, what is left."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from descend import losses, models
from descend.activations import backward as backward_through
from descend.activations import value as activate
from descend.custom import CustomLoss
from descend.doctor.findings import Fix

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.doctor.chart import Chart, Layer

# Activations by what can happen to their units.
RECTIFIERS = ("relu", "gelu", "silu", "softplus")
BOUNDED = ("sigmoid", "tanh", "elu", "softmax")
UNBOUNDED = ("identity", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus")
# A slope below this share of the activation's steepest lets next to nothing through.
FLAT = 0.01
# Weights of an ordinary start keep the size of what comes in, give or take a factor of 2.
ORDINARY = 3.0
# Random units and how strongly they are held back, when it is asked what is left to be learnt.
UNITS, RIDGE, CAP = 96, 1e-2, 1024
# A run that has learnt leaves noise, of which unseen rows tell nothing; see `left_to_learn`.
LEFT = 0.2
# Losses relative to the best constant's: worse than it, and hardly better.
WORSE, HARDLY = 1.1, 0.8
# The gradient's signal at the first layer, as a share of the last one's.
LOST = 1e-3
# The same of a net that never left the best constant, where every layer passes on less than this.
LITTLE, EACH, CONSTANT = 1e-2, 0.5, 0.95
# A smooth rectifier is shut where its slope, as a share of the steepest, and its output are below.
CLOSED = 1e-4


def rms(values: Any) -> float:
    """Return the root mean square."""
    found = np.asarray(values, dtype=np.float64)
    return float(np.sqrt(np.mean(found * found))) if found.size else 0.0


def slopes(chart: Chart, layer: Layer) -> Floats:
    """Return the slope of each row's units (m, units), as a share of the activation's steepest."""
    net = chart.net
    if net is None:
        raise AssertionError
    if net.activation.rowwise:
        p = layer.outputs
        return np.asarray(4 * p * (1 - p))  # its own part of the softmax's derivative
    ones = np.ones_like(layer.sums)
    found = backward_through(net.activation, layer.sums, layer.outputs, ones)
    span = np.linspace(-8.0, 8.0, 257)
    steepest = backward_through(net.activation, span, activate(net.activation, span), span * 0 + 1)
    return np.asarray(np.minimum(np.abs(found) / np.abs(steepest).max(), 1.0))


def flat_share(chart: Chart, layer: Layer) -> float:
    """Return the share of rows times units that stand where the activation is flat."""
    return float((slopes(chart, layer) < FLAT).mean())


def score_slopes(chart: Chart, scores: Floats) -> Floats:
    """Return the derivative of each row's loss by its scores (m, k)."""
    few, task = chart.few, chart.task
    if few is None or task is None:
        raise AssertionError
    loss, y = task.loss, few.y
    if not isinstance(loss, CustomLoss) or loss.gradient is not None:
        return np.asarray(losses.slopes(loss, scores, y, few.weights, 1.0))
    found = np.empty_like(scores)
    for j in range(scores.shape[1]):
        step = np.zeros(scores.shape[1])
        step[j] = 1e-5 * (1.0 + rms(scores[:, j]))
        found[:, j] = (loss.rows(scores + step, y) - loss.rows(scores - step, y)) / (2 * step[j])
    return found


class Signals(NamedTuple):
    """Going back through a net: how large the gradient by each layer's sums is, first to last."""

    backward: tuple[float, ...]


def signals(chart: Chart, theta: Floats | None) -> Signals | None:
    """Return the gradient's size at each layer's sums, per row; None where it cannot be had."""
    net, stack = chart.net, chart.layers(theta)
    if net is None or len(stack) < 2:  # noqa: PLR2004 - a hidden layer and the last
        return None
    g = score_slopes(chart, stack[-1].outputs)
    sizes = [rms(np.linalg.norm(g, axis=1))]
    for layer, below in zip(stack[:0:-1], stack[-2::-1], strict=True):
        g = backward_through(net.activation, below.sums, below.outputs, g @ layer.weight.T)
        sizes.append(rms(np.linalg.norm(g, axis=1)))
    return Signals(tuple(sizes[::-1]))


def unscaled_inputs(chart: Chart) -> float | None:
    """Return how much too large the inputs are for the first layer, or None where they are not.

    Inputs of size 1 through weights of an ordinary start (size 1/sqrt(inputs), give or take
    `ORDINARY`) make sums of size 1.  Where the weights are ordinary and the sums are more than ten
    times what such inputs would make, it is the inputs that are large.
    """
    stack = chart.layers(chart.start)
    if not stack:
        return None
    first = stack[0]
    gain = rms(first.weight) * np.sqrt(first.weight.shape[0])
    # One column that is far larger than the others is enough.
    size = max(rms(first.inputs), float(np.sqrt(np.mean(first.inputs**2, axis=0)).max()))
    ordinary = 0 < gain <= ORDINARY * np.sqrt(2.0)
    return size if ordinary and size >= 10.0 else None  # noqa: PLR2004


def left_to_learn(chart: Chart, theta: Floats | None) -> float:
    """Return the share of the remaining slopes that simple features would tell of unseen rows.

    What a net still has to learn stands in the slopes of the loss by its scores (for squared
    error the residuals, for labels y - p): where it has learnt what there is, they are noise.
    Ridge regressions on the columns, and on the columns and some random units, are fitted to half
    the rows and judged on the other half, both ways; the better counts, and 0 or less means that
    nothing is left that they could tell.
    """
    few = chart.few
    scores = chart.scores(theta, few)
    if few is None or scores is None or len(few.X) < 16 or not np.isfinite(scores).all():  # noqa: PLR2004
        return 0.0
    with np.errstate(all="ignore"):
        slope = score_slopes(chart, scores)
    if not np.isfinite(slope).all() or not slope.std() > 0:
        return 0.0
    order = np.random.default_rng(0).permutation(len(few.X))[:CAP]
    Z, units = _features(few.X[order])
    return max(_told(Z, slope[order]), _told(np.column_stack([Z, units]), slope[order]))


def _told(features: Floats, wanted: Floats) -> float:
    """Return the share of the variance of `wanted` that a ridge regression tells, crosswise."""
    half = len(wanted) // 2
    parts = [(slice(0, half), slice(half, None)), (slice(half, None), slice(0, half))]
    missed = whole = 0.0
    for fit, judge in parts:
        centre = wanted[fit].mean(axis=0)
        w = _ridge(features[fit], wanted[fit] - centre)
        missed += float(np.sum((wanted[judge] - centre - features[judge] @ w) ** 2))
        whole += float(np.sum((wanted[judge] - wanted.mean(axis=0)) ** 2))
    return 1.0 - missed / whole if whole > 0 else 0.0


def _features(X: Floats) -> tuple[Floats, Floats]:
    """Return standardised columns, and random units of them."""
    spread = X.std(axis=0)
    Z = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    rng = np.random.default_rng(1)
    weight = rng.standard_normal((Z.shape[1], UNITS)) / np.sqrt(Z.shape[1])
    units = np.tanh(1.5 * Z @ weight + rng.uniform(-1.5, 1.5, UNITS))
    return Z, units - units.mean(axis=0)


def _ridge(F: Floats, wanted: Floats) -> Floats:
    gram = F.T @ F
    gram[np.diag_indices_from(gram)] += RIDGE * len(F)
    found: Floats = np.linalg.solve(gram, F.T @ wanted)
    return found


def as_good_as_constant(chart: Chart) -> float | None:
    """Return the loss at the end, without the penalty, over that of the best constant."""
    task, rows, scores = chart.task, chart.rows, chart.end_scores
    constant = chart.constant_loss
    if task is None or rows is None or scores is None or constant is None or not constant > 0:
        return None
    per_row = losses.rows(task.loss, scores, rows.y)
    return losses.reduce(per_row, rows.weights, task.reduction) / constant


def poor(chart: Chart) -> bool:
    """Tell whether a net has not learnt what there is.

    It blew up; or is worse than the best constant; or hardly better, or simply much is left, that
    simple features would tell of rows they have not seen.
    """
    if chart.run is None:
        return False
    end = chart.end_loss
    if end is None or not np.isfinite(end) or chart.run.outcome.reason == "diverged":
        return True
    ratio = as_good_as_constant(chart)
    if ratio is not None and not ratio <= WORSE:
        return True
    left = left_to_learn(chart, chart.end)
    return left > LEFT or (left > LEFT / 2 and ratio is not None and ratio > HARDLY)


def layer_names(layers: list[int]) -> str:
    """Return hidden layers in words."""
    words = ", ".join(str(i) for i in layers)
    return f"hidden layer {words}" if len(layers) == 1 else f"hidden layers {words}"


def drawn_afresh() -> Fix:
    """Return the fix of a start that was given, or drawn too large or too small."""
    return Fix(
        "draw the first weights at random, in the size that suits the activation (init='auto')",
        {"init": "auto"},
    )


def ordinary_start(chart: Chart) -> bool:
    """Tell whether the weights were drawn as suits the activation."""
    net = chart.net
    if net is None or not isinstance(net.init, str):
        return False
    return net.init in {"auto", "glorot", "he", "lecun", models.automatic_init(net)}


def last_finite(chart: Chart) -> Floats | None:
    """Return the returned theta, or the last one kept that is finite."""
    end = chart.end
    if end is not None and np.isfinite(end).all():
        return end
    kept = [s.theta.astype(np.float64) for s in chart.states]
    finite = [theta for theta in kept if np.isfinite(theta).all()]
    return finite[-1] if finite else None


def lost(sizes: tuple[float, ...]) -> bool:
    """Tell whether next to nothing of the gradient arrives at the first layer."""
    return sizes[-1] > 0 and sizes[0] < LOST * sizes[-1]


def dwindles(sizes: tuple[float, ...]) -> bool:
    """Tell whether every layer passes on less than half, and hardly any arrives at the first."""
    falls = all(a < EACH * b for a, b in pairwise(sizes))
    return falls and sizes[-1] > 0 and sizes[0] < LITTLE * sizes[-1]


def still_constant(chart: Chart) -> bool:
    """Tell whether the net never left the best constant, though simple features tell much."""
    ratio = as_good_as_constant(chart)
    at_rest = ratio is not None and CONSTANT < ratio <= WORSE
    return at_rest and left_to_learn(chart, chart.end) > LEFT


def starved(chart: Chart) -> bool:
    """Tell whether the gradient was lost at the start already: then deaths are its effect."""
    first = signals(chart, chart.start)
    return first is not None and lost(first.backward) and first.backward[0] > 0


def flat_shares(chart: Chart, theta: Floats) -> list[float]:
    """Return the flat share of each hidden layer."""
    return [flat_share(chart, layer) for layer in chart.layers(theta)[:-1]]


def dead_in(chart: Chart, layer: Layer) -> Any:
    """Tell which units (units,) of a layer of rectifiers are 0 for every row."""
    closed = 0.0 if chart.net is not None and chart.net.activation.name == "relu" else CLOSED
    found = slopes(chart, layer)
    return (found <= closed).all(axis=0) & (layer.outputs.max(axis=0) <= CLOSED + closed)
