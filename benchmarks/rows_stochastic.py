"""Row at a time: one epoch of plain stochastic gradient descent over shuffled rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import descend as ds
from benchmarks import data
from benchmarks.registry import Contestant, Race, library, peers, row


class Shape(NamedTuple):
    """Rows, columns, a name, and a rate at which one epoch arrives with little noise left."""

    n: int
    d: int
    name: str
    rate: float
    tolerance: float


SHAPES = (
    Shape(1_000_000, 3, "1M x 3", 1e-3, 0.02),
    Shape(1_000_000, 20, "1M x 20", 1e-3, 0.02),
    Shape(200_000, 200, "200k x 200", 1e-4, 0.02),
)
NOTE = (
    "Each shuffles in its own order, so final losses over all rows are compared to 2 %; beside "
    "that, the same two without shuffling must agree to 1e-6. alpha=0, constant rate, no averaging."
)


def register(shape: Shape, kind: str, peer: str) -> None:
    """Enter the row of one shape and loss."""
    name = f"rows-{shape.name.replace(' ', '')}-{kind}"

    @row(name, f"row at a time, {shape.name}, shuffled, one epoch, {kind} loss", {peer: 3}, NOTE)
    def make(*, smoke: bool) -> Race:
        # Few rows at a large rate end in noise, and only the proof without shuffling says much.
        tiny = Shape(shape.n // 200, shape.d, shape.name, 20 * shape.rate, 0.3)
        return race(tiny if smoke else shape, kind, peer)


def race(shape: Shape, kind: str, peer: str) -> Race:
    """Prepare the row of one shape and loss."""
    n, d, _, rate, tolerance = shape
    X, y = data.numbers(n, d) if kind == "squared" else data.labels(n, d)
    loss = ds.half_squared_error() if kind == "squared" else ds.logistic()
    task = ds.Task(ds.Linear(), loss, ds.gradient_descent(rate))
    formula = data.squared if kind == "squared" else data.logistic

    def ours(*, shuffle: bool = True) -> Any:
        run = ds.train(task, X, y, epochs=1, batch_size=1, shuffle=shuffle)
        return run.theta[:-1], run.theta[-1]

    def judge(answer: Any) -> float:
        return formula(X, y, *answer)

    def proof() -> tuple[float, float]:
        theirs = with_sklearn(peer, X, y, rate, shuffle=False)
        return judge(ours(shuffle=False)), judge(theirs())

    return Race(
        ours,
        peers({peer: lambda: with_sklearn(peer, X, y, rate, shuffle=True)}),
        judge,
        tolerance,
        proofs={peer: proof},
    )


def with_sklearn(peer: str, X: Any, y: Any, rate: float, *, shuffle: bool) -> Contestant:
    """Return scikit-learn's estimator of that name, at the same work."""
    family = getattr(library("sklearn.linear_model"), peer)
    loss = "squared_error" if peer == "SGDRegressor" else "log_loss"

    def fit() -> Any:
        model = family(
            loss=loss,
            penalty=None,
            alpha=0.0,
            learning_rate="constant",
            eta0=rate,
            max_iter=1,
            tol=None,
            shuffle=shuffle,
            average=False,
            random_state=0,
        ).fit(X, y)
        return model.coef_.ravel(), model.intercept_[0]

    return fit


for _shape in SHAPES:
    register(_shape, kind="squared", peer="SGDRegressor")
    register(_shape, kind="logistic", peer="SGDClassifier")
