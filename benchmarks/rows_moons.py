"""Two moons and a small net: many full-batch steps of a few hundred parameters."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

import descend as ds
from benchmarks import data
from benchmarks.registry import Contestant, Race, UnfairError, library, peers, row

if TYPE_CHECKING:
    from collections.abc import Callable

# At a rate of 0.5 the path is chaotic: rounding alone ends two engines at different losses.
HIDDEN, RATE = (4, 10, 4), 0.2
SIZES = (2, *HIDDEN, 1)


def moons() -> tuple[Any, Any, Any]:
    """Return the rows, the labels and the start that all contestants share."""
    X, y = ds.datasets.moons()
    return X, y, data.glorot(SIZES)


def train_ours(X: Any, y: Any, start: Any, steps: int, engine: str = "auto") -> Any:
    """Return our (theta, losses)."""
    task = ds.Task(ds.MLP(HIDDEN, init=start), ds.logistic(), ds.gradient_descent(RATE))
    run = ds.train(task, X, y, epochs=steps, engine=engine)
    return run.theta, run.history["loss"]


def judge_of(X: Any, y: Any, steps: int) -> Callable[[Any], float]:
    """Return what turns (theta, losses) into the loss at theta, and counts the losses."""

    def judge(answer: Any) -> float:
        theta, losses = answer
        if len(losses) != steps:
            msg = f"recorded {len(losses)} losses of {steps}"
            raise UnfairError(msg)
        z = data.scores(theta, SIZES, X, np.tanh)[:, 0]
        return float(np.mean(np.logaddexp(0.0, z) - y * z))

    return judge


@row(
    "moons",
    "two moons, net (4, 10, 4), 1000 full-batch steps",
    {"un-jitted JAX": 400, "PyTorch eager": 25, "JAX jit+scan": 2, "MLPClassifier": 20},
    "Double precision, tanh, the same start for all (scikit-learn's through warm_start).",
)
def two_moons(*, smoke: bool) -> Race:
    """Prepare it."""
    X, y, start = moons()
    steps = 20 if smoke else 1000
    makers = {
        "un-jitted JAX": lambda: with_jax(X, y, start, steps, jit=False),
        "PyTorch eager": lambda: with_torch(X, y, start, steps),
        "JAX jit+scan": lambda: with_jax(X, y, start, steps, jit=True),
        "MLPClassifier": lambda: with_sklearn(X, y, start, steps),
    }
    return Race(lambda: train_ours(X, y, start, steps), peers(makers), judge_of(X, y, steps))


def with_jax(X: Any, y: Any, start: Any, steps: int, *, jit: bool) -> Contestant:
    """Return JAX's training: one scan, compiled as a whole; or operation by operation."""
    jax = library("jax")
    jnp = jax.numpy
    X, y = jnp.asarray(X, jnp.float64), jnp.asarray(y, jnp.float64)
    parameters = [(jnp.asarray(W), jnp.asarray(b)) for W, b in data.layers(start, SIZES)]

    def loss_of(parameters: Any, X: Any, y: Any) -> Any:
        passed = X
        for W, b in parameters[:-1]:
            passed = jnp.tanh(passed @ W + b)
        z = (passed @ parameters[-1][0] + parameters[-1][1])[:, 0]
        return jnp.mean(jnp.logaddexp(0.0, z) - y * z)

    def step(parameters: Any, X: Any, y: Any) -> Any:
        loss, gradient = jax.value_and_grad(loss_of)(parameters, X, y)
        return jax.tree.map(lambda p, g: p - RATE * g, parameters, gradient), loss

    def scanned(parameters: Any, X: Any, y: Any) -> Any:
        return jax.lax.scan(lambda p, _: step(p, X, y), parameters, None, length=steps)

    compiled = jax.jit(scanned)

    def looped(parameters: Any, X: Any, y: Any) -> Any:
        losses = []
        for _ in range(steps):
            parameters, loss = step(parameters, X, y)
            losses.append(loss)
        return parameters, jnp.stack(losses)

    def train() -> Any:
        found, losses = jax.block_until_ready((compiled if jit else looped)(parameters, X, y))
        return flat(found), np.asarray(losses)

    return train


def flat(parameters: Any) -> Any:
    """Return (W, b) pairs as one vector."""
    return np.concatenate([np.asarray(part).ravel() for pair in parameters for part in pair])


def with_torch(X: Any, y: Any, start: Any, steps: int) -> Contestant:
    """Return PyTorch's training: a Sequential, its own loss, torch.optim."""
    torch = library("torch")
    X = torch.from_numpy(X)
    y = torch.from_numpy(y.astype(np.float64))
    loss_of = torch.nn.BCEWithLogitsLoss()

    def train() -> Any:
        net = torch_net(start, SIZES, torch.nn.Tanh, torch.float64)
        optimizer = torch.optim.SGD(net.parameters(), lr=RATE)
        losses = np.empty(steps)
        for step in range(steps):
            optimizer.zero_grad()
            loss = loss_of(net(X)[:, 0], y)
            loss.backward()
            optimizer.step()
            losses[step] = loss.item()
        return torch_theta(net), losses

    return train


def torch_net(start: Any, sizes: tuple[int, ...], activation: Any, dtype: Any) -> Any:
    """Return a Sequential with the given start."""
    torch = library("torch")
    parts: list[Any] = []
    for W, b in data.layers(start, sizes):
        linear = torch.nn.Linear(*W.shape, dtype=dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            linear.bias.copy_(torch.from_numpy(b.copy()))
        parts += [linear, activation()]
    return torch.nn.Sequential(*parts[:-1])


def torch_theta(net: Any) -> Any:
    """Return a Sequential's parameters as one vector in our order."""
    linears = [part for part in net if hasattr(part, "weight")]
    return flat([(p.weight.detach().numpy().T, p.bias.detach().numpy()) for p in linears])


def with_sklearn(X: Any, y: Any, start: Any, steps: int) -> Contestant:
    """Return scikit-learn's training, from the given start by way of warm_start."""
    model = library("sklearn.neural_network").MLPClassifier(
        HIDDEN,
        activation="tanh",
        solver="sgd",
        alpha=0.0,
        batch_size=len(X),
        learning_rate="constant",
        learning_rate_init=RATE,
        momentum=0.0,
        nesterovs_momentum=False,
        shuffle=False,
        tol=0.0,
        n_iter_no_change=steps + 1,
        random_state=0,
    )
    return sklearn_epochs(model, X, y, data.layers(start, SIZES), steps)


def sklearn_epochs(
    model: Any, X: Any, y: Any, start: list[tuple[Any, Any]], epochs: int
) -> Contestant:
    """Return so many epochs of a model from `start`; what makes its arrays is not timed."""
    stack = [(W.astype(X.dtype), b.astype(X.dtype)) for W, b in start]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged is what was asked for
        model.set_params(max_iter=1, warm_start=True).fit(X, y)

    def train() -> Any:
        begun = copy.deepcopy(model)
        begun.coefs_ = [W.copy() for W, _ in stack]
        begun.intercepts_ = [b.copy() for _, b in stack]
        begun.loss_curve_, begun.t_ = [], 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as above
            begun.set_params(max_iter=epochs).fit(X, y)
        pairs = zip(begun.coefs_, begun.intercepts_, strict=True)
        return flat(list(pairs)), begun.loss_curve_

    return train
