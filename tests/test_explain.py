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
        exec(e.code(), names)  # noqa: S102 - the printed code must run
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
    if optimizer.name in RULE_LINES and step < run.state.step:
        for name, slot in zip(optimizer.rule.slots, run.at(step + 1).slots, strict=True):
            pairs[f"the code's {name}"] = (np.broadcast_to(code[name], slot.shape), slot)
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


def test_the_largest_square_so_far_is_kept():
    run = trained(optimizer=ds.amsgrad(0.1, beta2=0.5), epochs=30)
    e = checked(run, step=25)
    assert (e.arrays["largest_mean_square_after"] > e.arrays["mean_square_after"]).any()


def test_every_part_has_its_lines():
    assert set(LOSS_LINES) | set(ROWWISE_LOSSES) == set(LOSSES)
    assert set(ACTIVATION_LINES) | set(ROWWISE_ACTIVATIONS) == set(ACTIVATIONS)
    assert set(RULE_LINES) == set(ELEMENTWISE)


# ---------------------------------------------------------------- what tasks ask for


SETTINGS = {
    "a sum, weights, l2 on biases too": {
        "loss": "logistic",
        "reduction": "sum",
        "penalty": ds.l2(0.3, biases=True),
        "sample_weight": np.arange(N) % 4.0,
    },
    "a batch of weight 0": {"batch_size": 4, "sample_weight": np.repeat([0.0, 1, 2], 4)},
    "elastic net, velocity": {"optimizer": "momentum", "penalty": ds.elastic_net(0.2)},
    "lasso, looking ahead": {"optimizer": "nesterov", "penalty": ds.l1(0.2)},
    "lasso, plain": {"penalty": ds.l1(0.2), "loss": "huber"},
    "clipped twice": {"optimizer": ds.adam(0.1, clip_value=0.2, clip_norm=0.25)},
    "a schedule": {"optimizer": ds.momentum(0.1, schedule=ds.schedules.cosine(9))},
    "several outputs": {"k": 5, "model": ds.MLP((6,)), "loss": "log_cosh"},
    "several labels at once": {"k": 2, "loss": "brier", "batch_size": 7},
    "no bias, in order": {"model": ds.Linear(bias=False), "batch_size": 5, "shuffle": False},
    "no bias in a net": {"model": ds.MLP((3,), bias=False)},
    "standardised": {"standardize": True, "optimizer": "adamw"},
    "one row": {"batch_size": 1},
    "held out": {"validation": 0.25},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_what_a_task_asks_for(name):
    run = trained(**SETTINGS[name])
    checked(run, step=1)
    checked(run, step=run.state.step)
    checked(run, digits=None, rows=50)


@pytest.mark.parametrize("bias", [True, False])
def test_sparse_rows_standardised(bias):
    from scipy.sparse import csr_array

    X = np.array([[0.0, 9.0, 1.0], [1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [2.0, 6.0, 1.0]])
    task = ds.Task(ds.Linear(bias=bias), "squared_error", ds.gradient_descent(0.1))
    asked = {"epochs": 5, "standardize": True, "engine": "numpy"}
    run = ds.train(task, csr_array(X), [1.0, 2.0, 0.0, 3.0], **asked)
    e = checked(run, tolerance=1e-11)
    assert "The rows are sparse: 8 entries are stored" in str(e)
    assert e.arrays["gradient"][2] == 0
    json.dumps(e.as_dict()["arrays"]["X"]["shape"])


@pytest.mark.parametrize("optimizer", ["gradient_descent", "adam"])
def test_single_precision(optimizer):
    run = trained("logistic", model=ds.MLP((4,)), optimizer=optimizer, dtype="float32")
    e = checked(run, tolerance=1e-5)
    assert e.arrays["gradient"].dtype == np.float32


def test_a_lowered_rate():
    plateau = ds.schedules.reduce_on_plateau(gamma=0.5, patience=1, tolerance=0.9)
    run = trained(optimizer=ds.gradient_descent(1e-6, schedule=plateau), epochs=8)
    e = checked(run, step=6, tolerance=1e-12)
    assert e.figures["learning_rate"] == run.history["learning_rate"][6] < 1e-6
    assert "(lowered on plateaus)" in str(e)


def test_a_step_that_is_made_of_rounding():
    X = np.linspace(-1, 1.3, 9)[:, None]
    model = ds.Linear(init={"weight": [0.3], "bias": [0.1]})
    task = ds.Task(model, "squared_error", ds.rmsprop(0.01, epsilon=1e-30))
    run = ds.train(task, X, 0.3 * X[:, 0] + 0.1, epochs=2)
    e = checked(run, step=0)
    assert abs(e.arrays["gradient"]).max() < 1e-15
    assert abs(e.arrays["theta_after"] - e.arrays["theta"]).max() > 0.03
    assert "made of rounding" in flat(e)


def test_a_loss_and_a_model_of_ones_own():
    def cubic(s, y):
        return (abs(s - y) ** 3).mean(axis=1)

    def slope(s, y):
        return 3 * (s - y) * abs(s - y)

    run = trained(ds.custom_loss(cubic, gradient=slope), optimizer=ds.gradient_descent(0.01))
    assert "'cubic' is your own" in flat(checked(run))

    def init(rng):
        return {"a": rng.normal(size=1), "b": [0.0]}

    def apply(params, X):
        return params["a"] * X[:, :1] + params["b"]

    def back(params, X, dscores):
        return {"a": [(dscores * X[:, :1]).sum()], "b": [dscores.sum()]}

    run = trained(model=ds.custom_model(init, apply, gradient=back))
    assert "'apply' is your own" in flat(checked(run))


def test_a_net_that_a_library_differentiates():
    import torch

    torch_net = torch.nn.Sequential(torch.nn.Linear(D, 4), torch.nn.Dropout(0.5))
    net = torch.nn.Sequential(torch_net, torch.nn.Linear(4, 1))
    run = trained(model=net, engine="auto", optimizer="adam")
    e = run.explain(2)
    assert untrue(run, e, 1e-12) in ([], ["objective", "the code's objective"])
    assert "found by torch" in flat(e)
    assert "In training it scores these rows otherwise" in flat(e)


def flat(e):
    return " ".join(str(e).split())


# ---------------------------------------------------------------- the classic


def test_the_classic_reads_as_its_document():
    e = line_by_hand().runs["line"].explain(0, digits=None)
    text = str(e)
    for printed in ("-3.044811379650508", "-1.8337537171510832", "2.7421577700550976"):
        assert printed in text
    short = str(line_by_hand().runs["line"].explain(0, digits=8))
    for printed in ("0.49671415", "-0.1382643", "0.80119529", "0.04511107"):
        assert printed in short
    assert "This update sees all 80 training rows" in text
    assert "3 of 80 rows are shown" in text


# ---------------------------------------------------------------- words


def named(columns, **asked):
    import pandas as pd

    X, y = rows_for(LOSSES.make("squared_error"))
    table = pd.DataFrame(X[:, : len(columns)], columns=columns)
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(0.1))
    return ds.train(task, table, y, epochs=2, engine="numpy", **asked)


def test_names_are_escaped():
    run = named(["50%_of $a & b|c", "{x}\\#^~", "数é"])
    e = run.explain(0)
    tex, markdown = e.latex(), e.markdown()
    assert r"50\%\_of \$a \& b$|$c" in tex
    assert "[U+6570]é" in tex
    assert r"b\|c" in markdown
    assert braces(tex) == 0
    assert strange(tex) == []
    for line in markdown.splitlines():
        if line.startswith("|"):
            cells = re.sub(r"\\.", "", line).count("|")
            assert cells == table_width(markdown, line)


def table_width(markdown, line):
    lines = markdown.splitlines()
    i = lines.index(line)
    while not lines[i].startswith("| ---") and lines[i + 1].startswith("|"):
        i += 1 if not lines[i].startswith("| ---") and lines[i + 1].startswith("| ---") else -1
    return lines[i].count("|")


def test_what_is_wide_is_said_to_be():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 40))
    task = ds.Task(ds.MLP((9,)), "softmax", ds.adam(0.01))
    run = ds.train(task, X, np.arange(30) % 6, epochs=2, engine="numpy")
    text = flat(checked(run, step=1))
    for said in (
        "3 of 30 rows are shown",
        "3 of 40 columns are shown",
        "4 of 9 units are shown",
        "4 of 6 outputs are shown",
        "4 of 429 parameters are shown",
    ):
        assert said in text


def test_only_the_voices_asked_for():
    run = trained()
    assert "  numbers " not in str(run.explain(0, show="symbols,code"))
    assert "  code " in str(run.explain(0, show="symbols,code"))
    with pytest.raises(ParameterError, match=r"must name some of symbols, numbers, code.*'codes'"):
        run.explain(0, show="codes")


def test_the_dictionary_is_whole():
    run = trained("softmax", optimizer="adam", batch_size=5)
    e = run.explain(3)
    found = e.as_dict()
    assert found["gradient"]["weight"].shape == (D, 3)
    np.testing.assert_array_equal(found["after"]["bias"], run.at(4).params["bias"])
    np.testing.assert_array_equal(found["arrays"]["mean"], run.at(3).slots[0])
    np.testing.assert_array_equal(found["arrays"]["mean_after"], run.at(4).slots[0])
    assert [move["title"] for move in found["moves"]] == [m.title for m in e.moves]
    assert found["learning_rate"] == run.history["learning_rate"][3]
    data, rows = run.problem, found["arrays"]["rows"]
    np.testing.assert_array_equal(found["arrays"]["X"], data.X[rows])


def test_the_update_after_the_last():
    run = trained(epochs=3)
    e = run.explain(3)
    assert "This update was not done" in str(e)
    longer = trained(epochs=4)
    np.testing.assert_array_equal(e.arrays["theta_after"], longer.at(4).theta)


def test_what_cannot_be_explained(tmp_path):
    run = trained(epochs=3)
    with pytest.raises(InputError, match=r"ask for a step from 0 to 3, not 4"):
        run.explain(4)
    with pytest.raises(ParameterError, match=r"'digits' parameter of explain"):
        run.explain(0, digits=0)
    run.save(tmp_path / "a.run")
    with pytest.raises(InputError, match=r"holds no rows"):
        ds.load(tmp_path / "a.run").explain(0)
    wild = trained(optimizer=ds.gradient_descent(1e200), on_divergence="continue", epochs=9)
    with pytest.raises(InputError, match=r"no update to explain after step 9"):
        wild.explain(9)
    assert "diverged" in flat(wild.explain(8))


# ---------------------------------------------------------------- the helpers


def test_a_wrong_answer_is_seen():
    run = trained()
    e = run.explain(1)
    e.arrays["gradient"] = e.arrays["gradient"] + 1e-9
    assert untrue(run, e, 1e-12) == ["gradient"]
    e = run.explain(1)
    e.arrays["y"] = e.arrays["y"] + 1e-9
    assert len(untrue(run, e, 1e-12)) == 3
    good = Table("", ("row", "a"), (("1", 1.0), ("2 others", 2.0), ("sum of 3", 3.0)), 1)
    move = e.moves[0]._replace(numbers=(good,))
    assert false_sums(swapped(e, move)) == []
    bad = good._replace(rows=(*good.rows[:2], ("sum of 3", 3.1)))
    assert false_sums(swapped(e, move._replace(numbers=(bad,)))) == ["Rows: a"]
    assert braces("{a") == 1
    assert strange("θ") == ["θ"]
    assert wide_lines("x" * 93) == ["x" * 93]
    assert not close_to(np.array([1.0]), np.array([1.0 + 1e-9]), "float64")
    assert close_to(np.array([np.inf]), np.array([np.inf]), "float64")


def swapped(e, move):
    from dataclasses import replace

    return replace(e, moves=(move,))


def test_formulas_keep_their_parentheses():
    formula = "-(a - (b - c)) / (a * -b)"
    names = {"a": 2.0, "b": -3.0, "c": 5.0}
    assert value(formula, names) == eval(formula, {}, names)  # noqa: S307 - ours
    assert symbols(formula, {}) == "-(a - (b - c)) / (a (-b))"
    assert symbols("a**2 - b", {"a": "-1", "b": "-2"}) == "(-1)² - (-2)"


def test_escapes():
    assert as_latex.escaped('a_b"') == r"a\_b''"
    assert as_markdown.escaped("a|b") == r"a\|b"


# ---------------------------------------------------------------- the command line


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain")
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    rows = "\n".join(
        f"{a},{2 * a + 1 + 0.1 * b}" for a, b in zip(x, rng.normal(size=60), strict=False)
    )
    (folder / "line.csv").write_text(f"size|m_2,price\n{rows}\n")
    done = ds.fit(str(folder / "line.csv"), target="price", epochs=5, engine="numpy")
    done.run.save(folder / "fit.run")
    return folder


def test_the_command(descend, fitted, tmp_path):
    status, out, err = descend("explain", fitted, "--step", 0)
    assert (status, err) == (0, "")
    assert "5  Update" in out
    status, out, _ = descend("explain", fitted, "--step", 1, "--json")
    assert json.loads(out)["step"] == 1
    status, out, _ = descend("explain", fitted, "--step", 1, "--out", tmp_path / "a.tex")
    assert (status, (tmp_path / "a.tex").read_text("utf-8")[:14]) == (0, "\\documentclass")
    status, _, err = descend("explain", fitted, "--step", 1, "--out", tmp_path / "a.tex")
    assert status == 2
    assert "exists already" in err
    status, _, err = descend("explain", fitted, "--step", 99)
    assert status == 2
    assert "ask for a step from 0 to 2, not 99" in err
    status, _, err = descend("explain", fitted, "--step", 1, "--as", "html")
    assert status == 2
    assert "'text', 'markdown', 'latex', 'json'" in err
    status, out, _ = descend("explain", fitted, "--step", 1, "--as", "markdown", "--digits", "all")
    assert r"size\|m\_2" in out
