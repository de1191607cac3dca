"""An update explained: every number is the run's, every line of code gives it, nothing is cut."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import descend as ds
from descend.activations import ACTIVATIONS
from descend.classics.line_by_hand import run as line_by_hand
from descend.errors import InputError, ParameterError
from descend.explaining import as_latex, as_markdown
from descend.explaining.as_text import width
from descend.explaining.expressions import symbols, value
from descend.explaining.facts import close_to
from descend.explaining.formulas import (
    ACTIVATION_LINES,
    LOSS_LINES,
    ROWWISE_ACTIVATIONS,
    ROWWISE_LOSSES,
    RULE_LINES,
)
from descend.explaining.pieces import Table
from descend.losses import LOSSES
from descend.optimizers import ELEMENTWISE, RULES

N, D = 12, 3


def rows_for(loss, k=1, seed=0):
    """Return rows and targets that a loss takes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, D)) * [1.0, 2.0, 0.5] + [0.0, 1.0, -0.5]
    if loss.targets == "labels":
        return X, np.array(["ant", "bee", "cow"])[np.arange(N) % 3]
    if loss.targets == "two labels":
        y = np.arange(N * k).reshape(N, k) % 2
        return X, y if k > 1 else y[:, 0]
    if loss.targets == "counts":
        return X, rng.poisson(2.0, size=(N, k)).astype(float)
    return X, rng.normal(size=(N, k)) + 0.5


def trained(loss="squared_error", *, model=None, optimizer="gradient_descent", k=1, **asked):
    """Return a short run by the NumPy engine."""
    of_task = {name: asked.pop(name) for name in ("penalty", "reduction") if name in asked}
    loss = LOSSES.make(loss) if isinstance(loss, str) else loss
    X, y = rows_for(loss, k)
    model = ds.Linear(init="normal") if model is None else model
    optimizer = RULES.make(optimizer) if isinstance(optimizer, str) else optimizer
    task = ds.Task(model, loss, optimizer, **of_task)
    return ds.train(task, X, y, **{"engine": "numpy", "epochs": 4, **asked})


def executed(e):
    """Return what the printed code computes."""
    names = {"e": e}
    with np.errstate(all="ignore"):
        exec(e.code(), names)
    return names


def untrue(run, e, tolerance):
    """Return which figures of an explanation, or of its code, are not the run's."""
    step, theta = e.step, run.at(e.step).theta
    loss, gradient = run.program.value_and_gradient(theta, step)
    after = run.at(step + 1).theta if step < run.state.step else e.arrays["theta_after"]
    code = executed(e)
    pairs = {
        "theta": (e.arrays["theta"], theta),
        "objective": (e.figures["objective"], loss),
        "gradient": (e.arrays["gradient"], gradient),
        "after": (e.arrays["theta_after"], after),
        "the code's objective": (code["objective"], loss),
        "the code's gradient": (code["gradient"], None),
        "the code's theta": (code["theta"], after),
    }
    optimizer = run.task.optimizer
    clips = optimizer.clip_norm is not None or optimizer.clip_value is not None
    pairs["the code's gradient"] = (code["gradient"], code["gradient"] if clips else gradient)
    return [name for name, (a, b) in pairs.items() if not near(a, b, tolerance)]


def near(a, b, tolerance):
    a, b = np.asarray(a, float), np.asarray(b, float)
    assert a.shape == b.shape
    return bool((np.abs(a - b) <= tolerance * max(1.0, np.abs(b).max(initial=0))).all())


def false_sums(e):
    """Return the tables whose shown terms do not sum to the totals that they show."""
    faults = []
    for move in e.moves:
        for table in (piece for piece in move.numbers if isinstance(piece, Table)):
            for column in range(1, len(table.head)):
                parts, total = parts_and_total(table, column)
                if total is not None and not near(sum(parts), total, 1e-5):
                    faults.append(f"{move.title}: {table.head[column]}")
    return faults


def parts_and_total(table, column):
    """Return a column's terms and the sum below them, if it has one."""
    named = {str(row[0]): row[column] for row in table.rows if len(row) > column}
    label = next((n for n in named if n.startswith("sum of") or n == "gradient"), None)
    if label is None or not isinstance(named[label], float | np.floating):
        return [], None
    above = list(named.values())[: list(named).index(label)]
    numbers = [float(v) for v in above if isinstance(v, float | np.floating)]
    return numbers, (float(named[label]) if len(numbers) == len(above) else None)


def checked(run, step=2, tolerance=1e-12, **asked):
    e = run.explain(step, **asked)
    assert untrue(run, e, tolerance) == []
    assert false_sums(e) == []
    assert wide_lines(str(e)) == []
    assert braces(e.latex()) == 0
    assert strange(e.latex()) == []
    return e


def wide_lines(text):
    return [line for line in text.splitlines() if width(line) > 92]


def braces(tex):
    """Return how many braces are left open; those with a backslash are characters."""
    plain = re.sub(r"\\begin\{verbatim\}.*?\\end\{verbatim\}", "", tex, flags=re.DOTALL)
    plain = re.sub(r"\\.", "", plain)
    depth = 0
    for character in plain:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    return depth


def strange(tex):
    """Return the characters that LaTeX's usual fonts do not have."""
    return sorted({c for c in tex if not c.isascii() and not "À" <= c <= "ÿ"})


# ---------------------------------------------------------------- every part


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
def test_every_loss_with_every_activation(loss, activation):
    model = ds.Linear(init="normal") if activation is None else ds.MLP((4, 5), activation)
    checked(trained(loss, model=model, batch_size=5), step=4)


@pytest.mark.parametrize("optimizer", list(RULES))
def test_every_optimizer(optimizer):
    loss = "half_squared_error"
    model = ds.Linear() if optimizer == "newton" else ds.MLP((3,))
    e = checked(trained(loss, model=model, optimizer=optimizer), tolerance=1e-9)
    if optimizer in ELEMENTWISE:
        assert optimizer in RULE_LINES
        checked(trained(loss, model=model, optimizer=optimizer))
    assert e.moves[4].title == "Update"


def test_every_part_has_its_lines():
    assert set(LOSS_LINES) | set(ROWWISE_LOSSES) == set(LOSSES)
    assert set(ACTIVATION_LINES) | set(ROWWISE_ACTIVATIONS) == set(ACTIVATIONS)
    assert set(RULE_LINES) == set(ELEMENTWISE)
