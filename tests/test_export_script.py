"""Scripts: each is executed, and the losses it prints are those of the run it repeats."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import io
import itertools
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_array

import descend as ds
from descend import randomness
from descend.activations import ACTIVATIONS
from descend.errors import InputError, ParameterError
from descend.export import script_formulas, script_rules
from descend.export.script import LIBRARIES, write_script
from descend.export.script_rules import order_text
from descend.losses import LOSSES
from descend.optimizers import ELEMENTWISE, RULES
from descend.penalties import elastic_net, l1, l2
from descend.schedules import SCHEDULES

N, D = 24, 3
# A rate at which every loss and rule below stays calm, so that no rounding is blown up.
RATE = 0.02
PROXIMAL = [rule.name for rule in RULES.classes() if rule.proximal]
MADE = {"huber": {"delta": 0.7}, "quantile": {"q": 0.3}}
SCHEDULED = {
    "constant": {},
    "step": {"every": 3, "gamma": 0.5},
    "exponential": {"gamma": 0.9},
    "inverse_time": {"decay": 0.1},
    "cosine": {"steps": 6},
    "warm_up": {"steps": 4},
    "one_cycle": {"steps": 9, "start": 0.0},
    "reduce_on_plateau": {"gamma": 0.5, "patience": 1, "tolerance": 0.5},
}


@pytest.fixture(autouse=True)
def _jax_as_it_was():
    """Scripts for JAX switch double precision on; the tests after this one must not notice.

    Its compiler takes half the time without its optimisations.
    """
    import jax

    settings = "jax_enable_x64", "jax_disable_most_optimizations"
    before = {name: jax.config.values[name] for name in settings}
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def rows_for(loss, outputs=1):
    """Return rows with exact zeros, so that kinks are met: s = y and z = 0 at a start of zeros."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(N, D)).round(1)
    X[:2] = 0.0
    targets = LOSSES.make(loss, **MADE.get(loss, {})).targets
    if targets == "labels":
        return X, rng.integers(0, 3, size=N)
    if targets == "two labels":
        y = rng.integers(0, 2, size=(N, outputs))
    elif targets == "counts":
        y = rng.integers(0, 4, size=(N, outputs))
    else:
        y = rng.normal(size=(N, outputs)).round(1)
        y[:3] = 0.0
    return X, y[:, 0] if outputs == 1 else y


def loss_of(name):
    return LOSSES.make(name, **MADE.get(name, {}))


def trained(model=None, loss="squared_error", rule="gradient_descent", outputs=1, **asked):
    """Return a run of the reference engine on the rows for a loss."""
    task = {name: asked.pop(name) for name in ("penalty", "reduction") if name in asked}
    how = {n: asked.pop(n) for n in ("schedule", "clip_value", "clip_norm") if n in asked}
    optimizer = RULES.make(rule, learning_rate=asked.pop("rate", RATE), **how)
    part = loss_of(loss) if isinstance(loss, str) else loss
    X, y = rows_for(part.name, outputs)
    asked = {"epochs": 4, "engine": "numpy", **asked}
    return ds.train(ds.Task(model or ds.Linear(), part, optimizer, **task), X, y, **asked)


LINE = re.compile(r"(?:update|after) (?:update )?(\d+)(?: updates)?: loss (\S+)")


def assert_repeats(run, printed, names, tolerance=1e-10):
    """Raise unless a script's losses, printed and kept, are those that the run recorded."""
    recorded = run.history["loss"]
    losses = np.asarray(names["losses"], dtype=float)
    assert losses.shape == recorded.shape
    np.testing.assert_allclose(losses, recorded, rtol=tolerance, atol=0)
    np.testing.assert_allclose(names["at_the_end"], run.outcome.loss, rtol=tolerance, atol=0)
    lines = [LINE.fullmatch(line) for line in printed.splitlines()]
    assert all(lines), printed
    found = [(int(line[1]), float(line[2])) for line in lines]
    assert found[0][0] == 0
    assert found[-2][0] == len(recorded) - 1
    assert len(found) <= 25
    for update, loss in found[:-1]:
        np.testing.assert_allclose(loss, recorded[update], rtol=max(tolerance, 1e-11), atol=0)
    np.testing.assert_allclose(found[-1][1], run.outcome.loss, rtol=max(tolerance, 1e-11), atol=0)


def executed(script):
    """Return what a script prints and the names it leaves."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        names = runpy.run_path(str(script))
    return printed.getvalue(), names


def repeated(run, library, folder, tolerance=1e-10):
    """Write a run's script, execute it, compare, and return its text."""
    script, rows = write_script(run, library, folder)
    assert rows.exists()
    text = script.read_text("utf-8")
    assert_tidy(text)
    assert_repeats(run, *executed(script), tolerance)
    return text


def assert_tidy(text):
    """Raise unless a script is short, needs only its library, and lays out its lines well."""
    tree = ast.parse(text)
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module]
        )
    }
    assert names <= {"math", "pathlib", "numpy", "jax", "torch"}
    assert len(names & {"jax", "torch"}) <= 1
    lines = text.splitlines()
    assert len(lines) < 150
    assert max(map(len, lines)) <= 100
    assert text.endswith("\n")
    assert not any(line != line.rstrip() for line in lines)
    assert "\n\n\n\n" not in text
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            assert node.name in used, f"{node.name} is never called"
        if isinstance(node, ast.Import):
            assert (node.names[0].asname or node.names[0].name) in used


# What the judges themselves are worth ------------------------------------------------------------


def test_wrong_losses_are_seen():
    run = trained(epochs=3)
    losses = run.history["loss"]
    lines = [f"update {i}: loss {loss:.12g}" for i, loss in enumerate(losses)]
    good = "\n".join([*lines, f"after 3 updates: loss {run.outcome.loss:.12g}"])
    names = {"losses": losses, "at_the_end": run.outcome.loss}
    assert_repeats(run, good, names)
    shown = f"{losses[1]:.12g}"
    wrong = {
        "a loss that differs": (good, {**names, "losses": losses * (1 + 1e-9)}),
        "one loss missing": (good, {**names, "losses": losses[:-1]}),
        "another end": (good, {**names, "at_the_end": losses[0]}),
        "a printed one that differs": (good.replace(shown, f"{losses[1] + 1e-6:.12g}"), names),
        "the last not printed": (good.replace(lines[2] + "\n", ""), names),
        "something else printed": (good + "\nhello", names),
    }
    for printed, left in wrong.values():
        with pytest.raises(AssertionError):
            assert_repeats(run, printed, left)


@pytest.mark.parametrize(
    "text",
    [
        "import descend\n",
        "import numpy as np\n",
        "def unused(z):\n    return z\n",
        "x = 1 \n",
        f"x = '{'x' * 100}'\n",
        "x = 1\n" * 150,
    ],
)
def test_untidy_text_is_seen(text):
    with pytest.raises(AssertionError):
        assert_tidy(text)


# Formulas ----------------------------------------------------------------------------------------


def test_every_part_has_its_lines():
    for library in LIBRARIES:
        assert set(script_formulas.LOSS_LINES[library]) == set(LOSSES)
        assert set(script_formulas.ACTIVATION_LINES[library]) == set(ACTIVATIONS)
    assert set(script_rules.RULE_LINES) == set(ELEMENTWISE)
    assert set(script_rules.PROXIMAL_LINES) == set(PROXIMAL)
    assert set(SCHEDULED) == set(SCHEDULES)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("loss", list(LOSSES))
def test_every_loss_with_every_activation_in_numpy(loss, activation, tmp_path):
    run = trained(ds.MLP((3,), activation), loss)
    repeated(run, "numpy", tmp_path)


# Every loss, and beside it an activation, a rule, a schedule: each is met, in each library.
BESIDE = [
    (loss, activation, rule, schedule)
    for loss, activation, rule, schedule in zip(
        LOSSES,
        itertools.cycle(ACTIVATIONS),
        itertools.cycle(ELEMENTWISE),
        itertools.cycle(SCHEDULES),
    )
]


def test_all_are_met():
    for part, family in enumerate((LOSSES, ACTIVATIONS, ELEMENTWISE, SCHEDULES)):
        assert {case[part] for case in BESIDE} == set(family)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("loss", "activation", "rule", "schedule"), BESIDE)
def test_every_part_in_every_library(library, loss, activation, rule, schedule, tmp_path):
    made = SCHEDULES.make(schedule, **SCHEDULED[schedule])
    run = trained(
        ds.MLP((4, 3), activation), loss, rule, epochs=5, batch_size=8, schedule=made, rate=0.01
    )
    repeated(run, library, tmp_path)


# At a start of zeros every score is 0 and some are their targets; JAX's own abs, for one, has the
# slope 1 there.
KINKED = [*(cls.name for cls in LOSSES.classes() if not cls.smooth), "logistic"]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("loss", KINKED)
def test_kinks_have_the_same_slope_where_scores_begin_at_zero(library, loss, tmp_path):
    repeated(trained(loss=loss, epochs=2), library, tmp_path)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu"])
def test_kinks_have_the_same_slope_where_sums_are_zero(library, activation, tmp_path):
    part = ACTIVATIONS.make(activation, **({} if activation == "relu" else {"alpha": 0.3}))
    model = ds.MLP((2,), part, init=np.array([0.0] * 6 + [0.0, 0.5, 1.0, -2.0, 0.3]))
    run = trained(model, epochs=2)
    assert run.history["loss"][0] != run.history["loss"][1]
    repeated(run, library, tmp_path)


# Objective ---------------------------------------------------------------------------------------

WEIGHTS = np.random.default_rng(1).uniform(0.5, 2.0, N)
SPARSE_WEIGHTS = np.where(np.arange(N) % 4 == 0, WEIGHTS, 0.0)
OBJECTIVES = {
    "the sum of several outputs, l2 of several layers": {
        "model": ds.MLP((2,)),
        "outputs": 2,
        "reduction": "sum",
        "penalty": l2(0.3),
        "rate": 0.001,
    },
    "labels in batches of weight 0": {
        "sample_weight": SPARSE_WEIGHTS,
        "loss": "softmax",
        "batch_size": 2,
    },
    "elastic net of biases too": {"penalty": elastic_net(0.1, biases=True), "rule": "nesterov"},
}
# JAX takes a second to compile each; these differ from the others in lines it shares with PyTorch.
MORE_OBJECTIVES = {
    "sum": {"reduction": "sum", "rate": 0.001},
    "l2 of several layers": {"penalty": l2(0.3), "model": ds.MLP((2,))},
    "weighted labels": {"sample_weight": WEIGHTS, "loss": "softmax"},
    "batches of weight 0": {"sample_weight": SPARSE_WEIGHTS, "batch_size": 2},
    "several outputs": {"outputs": 2},
    "labels, summed": {"loss": "softmax", "reduction": "sum", "rate": 0.001},
    "weights": {"sample_weight": WEIGHTS, "outputs": 2},
    "weighted sum": {"sample_weight": WEIGHTS, "reduction": "sum", "rate": 0.001},
    "l2 of biases too": {"penalty": l2(0.3, biases=True), "loss": "logistic"},
    "without biases": {"model": ds.MLP((2,), bias=False), "penalty": l2(0.1)},
    "no bias, l1": {"model": ds.Linear(bias=False), "penalty": l1(0.05)},
    "standardised": {"standardize": True},
    "adamw without biases": {"rule": "adamw", "model": ds.Linear(bias=False)},
    "a given start": {"model": ds.Linear(init=[0.25, -0.5, 1.0, 2.0])},
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("case", list(OBJECTIVES))
def test_objectives(library, case, tmp_path):
    repeated(trained(**OBJECTIVES[case]), library, tmp_path)


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("case", list(MORE_OBJECTIVES))
def test_more_objectives(library, case, tmp_path):
    repeated(trained(**MORE_OBJECTIVES[case]), library, tmp_path)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("rule", PROXIMAL)
def test_the_threshold_makes_the_same_zeros(library, rule, tmp_path):
    schedule = SCHEDULES.make("one_cycle", **SCHEDULED["one_cycle"])
    run = trained(rule=rule, penalty=elastic_net(0.4, 0.9), epochs=40, rate=0.05, schedule=schedule)
    assert (run.theta == 0).any()
    repeated(run, library, tmp_path)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("clip", [{"clip_value": 0.1}, {"clip_norm": 0.2}])
def test_clipping(library, clip, tmp_path):
    clipped, free = trained(**clip, batch_size=10), trained(batch_size=10)
    assert (clipped.theta != free.theta).any()
    repeated(clipped, library, tmp_path)


@pytest.mark.parametrize("library", LIBRARIES)
def test_single_precision_to_single_precision(library, tmp_path):
    run = trained(ds.MLP((3,), "leaky_relu"), "quantile", "adam", batch_size=8, dtype="float32")
    text = repeated(run, library, tmp_path, tolerance=3e-5)
    assert "float64" not in text
    assert "x64" not in text
    assert text.count("float32") == (0 if library == "jax" else 2)


# Batches and ends --------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 5, 24, 1000, 1024, 1025, 3000])
@pytest.mark.parametrize("seed", [0, 7, 2**40 + 3])
def test_the_order_written_out_is_the_library_s(n, seed):
    rounds = randomness.ROUNDS_SMALL if n <= randomness.SMALL else randomness.ROUNDS_LARGE
    names = {"np": np}
    exec(order_text(n, seed, randomness.PURPOSES["batches"], rounds), names)  # noqa: S102 - our own text
    for epoch in (0, 1, 5):
        wanted = randomness.permutation(n, seed, "batches", epoch)
        np.testing.assert_array_equal(names["order"](epoch), wanted)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("batch_size", "shuffle"), [(7, False), (7, True), (8, False)])
def test_batches_even_and_uneven(library, batch_size, shuffle, tmp_path):
    run = trained(batch_size=batch_size, shuffle=shuffle, rule="momentum", seed=2**33 + 1, epochs=3)
    text = repeated(run, library, tmp_path)
    assert ("def order" in text) == shuffle
    if library == "jax":
        assert ("scan" in text) == (batch_size == 8)


def test_many_rows_take_the_shorter_network(tmp_path):
    X = np.random.default_rng(0).normal(size=(1500, 1))
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(0.1))
    run = ds.train(task, X, X[:, 0], epochs=2, batch_size=200, engine="numpy")
    assert "range(0, 8, 2)" in repeated(run, "numpy", tmp_path)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("batch_size", [None, 4])
def test_the_best_in_validation_is_returned_again(library, batch_size, tmp_path):
    run = trained(
        ds.MLP((6,)), rate=0.3, epochs=60, validation=0.33, patience=3, batch_size=batch_size
    )
    assert run.outcome.best_step is not None
    assert 0 < run.outcome.best_step < run.state.step
    repeated(run, library, tmp_path)


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_plateaus_are_taken_from_the_record(library, tmp_path):
    schedule = ds.schedules.reduce_on_plateau(gamma=0.3, patience=2, tolerance=0.05)
    run = trained(schedule=schedule, epochs=30, rate=0.2)
    assert len(run.events) > 1
    assert "plateau" in repeated(run, library, tmp_path)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_run_stopped_within_an_epoch_stops_there(library, tmp_path):
    def stop(now):
        return now.step == 4

    X, y = rows_for("squared_error")
    task = ds.Task(ds.Linear(), "squared_error", ds.adam(0.01))
    run = ds.train(
        task, X, y, batch_size=8, epochs=9, engine="numpy", callbacks=[ds.Callback(step=stop)]
    )
    assert run.state.step == 4
    repeated(run, library, tmp_path)


def test_the_default_engine_s_runs_too(tmp_path):
    repeated(trained(rate="auto", engine="auto", epochs=200), "numpy", tmp_path)


def test_a_run_on_a_table(tmp_path):
    done = ds.fit(
        ds.datasets.shipped_table("diabetes"), "progression", hidden=(3,), epochs=3, engine="numpy"
    )
    text = repeated(done.run, "numpy", tmp_path / "made" / "here")
    assert "def loss_and_gradient" in text


# Only the library itself -------------------------------------------------------------------------


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_fresh_process_without_descend(library, tmp_path):
    run = trained(ds.MLP((2,)), "logistic", "adam", batch_size=8, epochs=2)
    script, _ = write_script(run, library, tmp_path)
    without = (
        "import sys, runpy; sys.modules['descend'] = None; "
        "runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", without, str(script)],
        capture_output=True,
        check=False,
        encoding="utf-8",
        cwd=tmp_path.parent,
    )
    assert done.returncode == 0, done.stderr
    found = [LINE.fullmatch(line).groups() for line in done.stdout.splitlines()]
    recorded = [*run.history["loss"], run.outcome.loss]
    assert {int(at) for at, _ in found} >= {0, run.state.step - 1, run.state.step}
    for at, loss in found:
        np.testing.assert_allclose(float(loss), recorded[int(at)], rtol=1e-10)


def test_rows_are_plain_arrays(tmp_path):
    run = trained(ds.MLP((9,)), sample_weight=WEIGHTS, standardize=True)
    _, rows = write_script(run, "numpy", tmp_path)
    with np.load(rows, allow_pickle=False) as kept:
        assert set(kept) == {"X", "y", "weights", "W1", "W2"}
        np.testing.assert_array_equal(kept["X"], run.data.seen[0])
        np.testing.assert_allclose(kept["X"].mean(axis=0), np.average(kept["X"], axis=0))


def test_only_what_the_run_used_is_written(tmp_path):
    text = repeated(trained(), "numpy", tmp_path)
    for word in ("order", "memory", "L1", "L2", "weights", "rate_of", "clip", " t =", "relu"):
        assert word not in text.replace("before that update", "")
    assert len(text.splitlines()) < 60


# Refusals ----------------------------------------------------------------------------------------


def test_what_a_script_cannot_repeat_is_said(tmp_path):
    X, y = rows_for("squared_error")
    line = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(0.01))
    searching = ds.train(ds.Task(ds.Linear(), "squared_error", "lbfgs"), X, y, epochs=2)
    sparse = ds.train(line, csr_array(X), y, epochs=2)
    run = ds.train(line, X, y, epochs=2)
    none = ds.train(line, X, y, epochs=2, callbacks=[ds.Callback(start=lambda now: True)])
    with pytest.raises(InputError, match="cannot repeat lbfgs .* searches"):
        write_script(searching, "numpy", tmp_path)
    with pytest.raises(InputError, match="dense rows"):
        write_script(sparse, "numpy", tmp_path)
    with pytest.raises(InputError, match="attach"):
        write_script(dataclasses.replace(run, data=None), "numpy", tmp_path)
    with pytest.raises(InputError, match="did no update"):
        write_script(none, "numpy", tmp_path)
    with pytest.raises(ParameterError, match="must be one of 'numpy', 'jax', 'torch'"):
        write_script(run, "fortran", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        write_script(run, "numpy", tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    write_script(run, "numpy", tmp_path)
    with pytest.raises(InputError, match="exists already"):
        write_script(run, "numpy", tmp_path, overwrite=False)
