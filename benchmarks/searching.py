"""L-BFGS beside SciPy's L-BFGS-B, and Newton: updates and evaluations to a small gradient.

python benchmarks/searching.py [--json]
"""

import argparse
import json
from typing import Any

import numpy as np
from scipy.optimize import minimize

import descend as ds
from descend.engines import ByHand, engine_for

TOLERANCE = 1e-6  # of the gradient's first length


def problems() -> dict[str, tuple[Any, Any, Any, Any, Any]]:
    """Return name -> (model, loss, penalty, X, y)."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 20))
    scaled = X * np.logspace(-1, 1, 20)
    score = X @ rng.normal(size=20)
    labels = score + rng.logistic(size=2000) > 0
    classes = np.digitize(score + rng.normal(size=2000), [-3, 0, 3])
    moons = ds.datasets.moons()
    line = ds.Linear()
    return {
        "logistic": (line, "logistic", None, X, labels),
        "logistic, scales 0.1 to 10": (line, "logistic", None, scaled, labels),
        "softmax, 4 labels, l2": (line, "softmax", ds.l2(0.001), X, classes),
        "poisson": (line, "poisson", None, X, rng.poisson(np.exp(score / 5))),
        "huber": (line, "huber", None, X, score + rng.standard_t(2, size=2000)),
        "net of 8 on two moons": (ds.MLP((8,)), "logistic", ds.l2(0.001), *moons),
    }


class Counting:
    """A program that counts how often it is evaluated."""

    def __init__(self, program: Any) -> None:
        self.program, self.count = program, 0

    def value_and_gradient(self, theta: Any, update: int | None = None) -> tuple[float, Any]:
        """Evaluate and count."""
        self.count += 1
        found: tuple[float, Any] = self.program.value_and_gradient(theta, update)
        return found


def ours(rule: Any, case: tuple[Any, ...]) -> list[int] | None:
    """Return updates and evaluations until the gradient is small."""
    model, loss, penalty, X, y = case
    if rule.name == "newton" and model.hidden:
        return None
    task = ds.Task(model, loss, rule, penalty)
    run = ds.train(task, X, y, epochs=1, engine="numpy")
    searching: Any = engine_for("numpy", run.problem)[1]
    searching.program = counting = Counting(searching.program)
    state, first, before = run.problem.start(), None, 0
    for updates in range(10_000):
        state, trace, _ = searching.advance(state, 1)
        first = trace.gradient_norm[0] if first is None else first
        if trace.gradient_norm[0] <= TOLERANCE * first or trace.learning_rate[0] == 0:
            # The last update only looked whether the gradient was small.
            return [updates, before]
        before = counting.count
    return None


def theirs(case: tuple[Any, ...]) -> list[int]:
    """Return SciPy's iterations and evaluations until the gradient is small."""
    model, loss, penalty, X, y = case
    task = ds.Task(model, loss, ds.gradient_descent(), penalty)
    run = ds.train(task, X, y, epochs=1, engine="numpy")
    counting = Counting(ByHand(run.problem))
    start = run.problem.start().theta
    goal = TOLERANCE * np.linalg.norm(counting.program.value_and_gradient(start)[1])
    reached: list[int] = []

    def look(intermediate_result: Any) -> None:
        gradient = counting.program.value_and_gradient(intermediate_result.x)[1]
        reached.append(counting.count)
        if np.linalg.norm(gradient) <= goal:
            raise StopIteration

    asked = {"maxiter": 10_000, "maxfun": 10**6, "ftol": 0, "gtol": 0}
    minimize(
        counting.value_and_gradient, start, jac=True, method="L-BFGS-B", callback=look,
        options=asked,
    )  # fmt: skip
    return [len(reached), reached[-1]]


def main() -> None:
    """Run all of them and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = {
        name: {
            "lbfgs": ours(ds.lbfgs(), case),
            "SciPy L-BFGS-B": theirs(case),
            "newton": ours(ds.newton(), case),
        }
        for name, case in problems().items()
    }
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'updates / evaluations to a gradient of 1e-6':46}lbfgs   SciPy L-BFGS-B   newton")
    for name, row in found.items():
        cells = ["-" if pair is None else f"{pair[0]} / {pair[1]}" for pair in row.values()]
        print(f"{name:40}{cells[0]:>11}{cells[1]:>17}{cells[2]:>9}")


if __name__ == "__main__":
    main()
