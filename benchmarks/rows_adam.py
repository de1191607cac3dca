"""A net of wide layers on mini-batches with Adam: how close it comes to matrix products alone."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import descend as ds
from benchmarks import data
from benchmarks.registry import Contestant, Race, Share, library, peers, row
from benchmarks.rows_moons import flat, sklearn_epochs, torch_net, torch_theta
from descend.randomness import permutation

SIZES = (784, 128, 64, 10)
BATCH, RATE, SEED = 128, 1e-3, 0
TOLERANCE = 1e-3


class Work(NamedTuple):
    """What all contestants are given; `epsilon` guards Adam's division."""

    X: Any
    y: Any
    start: Any
    order: Any
    epsilon: float

    @property
    def batches(self) -> int:
        """Whole batches."""
        return len(self.X) // BATCH


@row(
    "adam",
    "net 784-128-64-10, batches of 128, Adam, 20 000 rows, one epoch, float32",
    {"PyTorch eager": 2, "MLPClassifier": 1.8, "JAX jit+scan": 1.1},
    "The same start for all. PyTorch and JAX are given our order of rows for nothing; "
    "scikit-learn's is its own, and it puts Adam's epsilon elsewhere. Rounding in float32 grows "
    "over the updates, so losses over all rows are compared to 0.1 % (scikit-learn: 5 %, see "
    "README); each must agree to 1e-6 in double precision, in one order, with epsilon 1e-30.",
)
def adam(*, smoke: bool) -> Race:
    """Prepare it."""
    n = 1_100 if smoke else 20_000
    X, y = data.labels(n, SIZES[0], SIZES[-1], dtype=np.float32)
    start = data.glorot(SIZES)
    order = permutation(n, SEED, "batches", 0)
    timed = Work(X, y, start, order, 1e-8)
    exact = Work(X.astype(np.float64), y, start, np.arange(n), 1e-30)

    def judge(answer: Any) -> float:
        scores = data.scores(answer, SIZES, X, lambda z: np.maximum(z, 0.0))
        return data.softmax(scores, y)

    makers = {
        "PyTorch eager": with_torch,
        "MLPClassifier": with_sklearn,
        "JAX jit+scan": with_jax,
    }

    def proof(name: str) -> Any:
        return lambda: (judge(with_descend(exact)()), judge(makers[name](exact)()))

    found = peers({name: partial(make, timed) for name, make in makers.items()})
    return Race(
        with_descend(timed),
        found,
        judge,
        TOLERANCE,
        tolerances={"MLPClassifier": 0.05},
        proofs={name: proof(name) for name in makers},
        share=Share(products(n), "product_float32", 0.6),
    )


def products(n: int) -> float:
    """Return the operations in the matrix products: forward, by the weights, by the inputs."""
    each = [2.0 * n * a * b for a, b in itertools.pairwise(SIZES)]
    return 3 * sum(each) - each[0]


def with_descend(work: Work) -> Contestant:
    """Return ours."""
    model = ds.MLP(SIZES[1:-1], "relu", init=work.start)
    task = ds.Task(model, ds.softmax(), ds.adam(RATE, epsilon=work.epsilon))
    shuffle = not np.array_equal(work.order, np.arange(len(work.X)))

    def train() -> Any:
        return ds.train(
            task, work.X, work.y, epochs=1, batch_size=BATCH, shuffle=shuffle, seed=SEED
        ).theta

    return train


def with_torch(work: Work) -> Contestant:
    """Return PyTorch's eager loop over batches taken by index."""
    torch = library("torch")
    X, y, order = (torch.from_numpy(part) for part in (work.X, work.y, work.order))
    loss_of = torch.nn.CrossEntropyLoss()

    def train() -> Any:
        net = torch_net(work.start, SIZES, torch.nn.ReLU, X.dtype)
        optimizer = torch.optim.Adam(net.parameters(), lr=RATE, eps=work.epsilon)
        losses = []
        for rows in order.split(BATCH):
            optimizer.zero_grad()
            loss = loss_of(net(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return torch_theta(net)

    return train


def with_sklearn(work: Work) -> Contestant:
    """Return scikit-learn's training, from the given start by way of warm_start."""
    model = library("sklearn.neural_network").MLPClassifier(
        SIZES[1:-1],
        activation="relu",
        solver="adam",
        alpha=0.0,
        batch_size=BATCH,
        learning_rate_init=RATE,
        epsilon=work.epsilon,
        shuffle=not np.array_equal(work.order, np.arange(len(work.X))),
        random_state=SEED,
    )
    train = sklearn_epochs(model, work.X, work.y, data.layers(work.start, SIZES), 1)
    return lambda: train()[0]


def with_jax(work: Work) -> Contestant:
    """Return JAX's training: one compiled scan over the whole batches, then the short one."""
    jax = library("jax")
    jnp = jax.numpy
    X, y = jnp.asarray(work.X), jnp.asarray(work.y)
    dtype = X.dtype
    start = [
        (jnp.asarray(W, dtype), jnp.asarray(b, dtype)) for W, b in data.layers(work.start, SIZES)
    ]
    whole = work.batches * BATCH
    parts = jnp.asarray(work.order[:whole].reshape(-1, BATCH)), jnp.asarray(work.order[whole:])

    def loss_of(parameters: Any, X: Any, y: Any) -> Any:
        passed = X
        for W, b in parameters[:-1]:
            passed = jax.nn.relu(passed @ W + b)
        Z = passed @ parameters[-1][0] + parameters[-1][1]
        chosen = jnp.take_along_axis(Z, y[:, None], axis=1)[:, 0]
        return jnp.mean(jax.nn.logsumexp(Z, axis=1) - chosen)

    def step(state: Any, X: Any, y: Any) -> Any:
        parameters, m, v, t = state
        loss, g = jax.value_and_grad(loss_of)(parameters, X, y)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + (1 - 0.999) * g * g, v, g)
        a, b = 1 / (1 - 0.9**t), 1 / (1 - 0.999**t)
        move = lambda p, m, v: p - RATE * a * m / (jnp.sqrt(v * b) + work.epsilon)  # noqa: E731
        return (jax.tree.map(move, parameters, m, v), m, v, t), loss

    def train_all(parameters: Any, X: Any, y: Any, batches: Any, last: Any) -> Any:
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        state = (parameters, zeros, zeros, jnp.zeros((), dtype))
        state, losses = jax.lax.scan(lambda s, rows: step(s, X[rows], y[rows]), state, batches)
        if len(last):
            state, loss = step(state, X[last], y[last])
            losses = jnp.append(losses, loss)
        return state[0], losses

    compiled = jax.jit(train_all)

    def train() -> Any:
        found, _ = jax.block_until_ready(compiled(start, X, y, *parts))
        return flat(found)

    return train
