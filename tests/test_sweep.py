"""Maps of runs: verdicts, the boundary over them, cells that open, and folders that go on."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import descend as ds
from descend.curvature import largest
from descend.run import Series
from descend.sweeping import course as courses
from descend.sweeping import judging, running
from descend.sweeping.as_text import rate_label
from descend.sweeping.theory import limit_of
from descend.sweeping.verdicts import VERDICTS, Course, arrival, verdict
from descend.training.making import made_ready

FORMS = {
    "gradient_descent": ds.optimizers.gradient_descent,
    "momentum": ds.optimizers.momentum,
    "nesterov": ds.optimizers.nesterov,
}


def rows(seed, n=24, d=3):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * np.exp(rng.standard_normal(d))
    return X, X @ rng.standard_normal(d) + 0.1 * rng.standard_normal(n) + 1.0


def task(optimizer="gradient_descent", model=None, loss="squared_error"):
    return ds.Task(model or ds.Linear(), loss, optimizer)


def small(across="momentum", **more):
    X, y = rows(0)
    how = {"values": [0, 0.5], "learning_rates": [0.01, 0.1], "epochs": 12, "engine": "numpy"}
    return ds.sweep(task(), X, y, across=across, **{**how, **more})


# ---------------------------------------------------------------- verdicts


def course(losses, last=None, **more):
    losses = np.asarray(losses, dtype=float)
    end = losses[-1] if last is None else last
    return Course(np.arange(len(losses)), losses, losses[0], float(end), **more)


K = np.arange(60.0)
# Hand-made histories whose least objective is 0.
HISTORIES = {
    "falls to 1 %": ("converged", course(10 * 0.9**K)),
    "rings, and ends low": ("converged", course(np.r_[10, 0.01 + 0.009 * (-1) ** K], 0.02)),
    "begins at the optimum": ("converged", course(np.zeros(9))),
    "hardly moves": ("slow", course(10 - 0.01 * K)),
    "stands still": ("slow", course(np.full(60, 10.0))),
    "stands still but for rounding": ("slow", course(10 + 1e-15 * (-1) ** K)),
    "falls with a little noise": ("slow", course(10 - 0.1 * K + 0.02 * (-1) ** K)),
    "a single update": ("slow", course([10.0], 9.0)),
    "rose at first, then falls": ("slow", course(np.r_[10 + K[:20], 30 - 0.3 * K[:40]])),
    "up and down": ("oscillating", course(5 + 3 * (-1) ** K)),
    "a slow wave": ("oscillating", course(5 + 3 * np.cos(K / 3))),
    "rings and dies away slowly": ("oscillating", course(0.98**K * (5 + 4 * np.cos(K)) + 1)),
    "noise upon a floor above the start": ("oscillating", course([4.0, *(5 + (-1.0) ** K)])),
    "updates undo one another": ("oscillating", course(10 * 0.99**K, turning=-0.99)),
    "dips, then climbs": ("oscillating", course(np.r_[10 - K[:9], 2 + 0.1 * K[:20]])),
    "climbs above its start": ("diverged", course(10 * 1.02**K)),
    "dips, then climbs above its start": ("diverged", course(10 * (0.8**K + 0.2 * 1.1**K))),
    "said to have diverged": ("diverged", course(10 * 0.9**K, diverged=True)),
    "ends as no number": ("diverged", course(10 * 0.9**K, np.nan)),
    "infinite on the way": ("diverged", course([1.0, np.inf, 0.0])),
}


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e12])
def test_verdicts_of_hand_made_histories(name, scale):
    """Told in other units, or from another zero, the verdict is the same."""
    wanted, made = HISTORIES[name]
    made = made._replace(
        losses=made.losses * scale, first=made.first * scale, last=made.last * scale
    )
    assert verdict(made, 0.0, made.first) == wanted
    lifted = made._replace(
        losses=made.losses + scale, first=made.first + scale, last=made.last + scale
    )
    assert verdict(lifted, scale, made.first) == wanted


def test_every_verdict_is_seen_by_hand():
    assert {wanted for wanted, _ in HISTORIES.values()} == set(VERDICTS)


def test_one_percent_is_of_the_first_gap_and_above_the_least():
    made = course([10.0, 1.0, 0.5])
    assert verdict(made._replace(last=0.5999), 0.5, 10.0) == "converged"
    assert verdict(made._replace(last=0.6001), 0.5, 10.0) == "slow"
    assert verdict(made._replace(last=0.5999), 0.5, 5.0) == "slow"


def test_arrival_is_for_good():
    made = course([10.0, 0.05, 5.0, 0.09, 0.02, 0.01])
    assert arrival(made, 0.0, 10.0) == 3
    assert arrival(made._replace(last=1.0), 0.0, 10.0) is None
    assert arrival(course([0.0, 0.0]), 0.0, 0.0) == 0


@pytest.mark.parametrize(
    ("losses", "rises"),
    [(0.999**K, False), (1.01**K, True), (5 + (-1) ** K, True)],
    ids=["falling", "climbing", "ringing"],
)
def test_blocks_of_a_long_history_show_rises_where_there_are_some(losses, rises):
    """Joined rows keep a mean, in which a ringing loss would stand still."""
    series = Series(("loss",), 16)
    series.extend(losses[:, None])
    assert series.block > 1
    history = ds.History(series, Series((), 8))
    _, path = courses._unfolded(history, "loss", history.steps[:, 0], series.block)
    rising = np.diff(path)[np.diff(path) > 0].sum()
    assert (rising > 0) == rises
    assert path.max() == losses.max()


# ---------------------------------------------------------------- the boundary


@pytest.mark.parametrize("form", FORMS)
def test_least_squares_diverge_above_the_limit_and_nowhere_below(form):
    X, y = rows(len(form))
    made = FORMS[form]("auto")
    values = [0.0] if form == "gradient_descent" else [0.0, 0.5, 0.9]
    once = {"learning_rates": [0.1], "epochs": 1, "engine": "numpy"}
    limits = ds.sweep(task(made), X, y, across="momentum", values=values, **once).limits
    shares = np.array([0.1, 0.98, 1.02, 3.0])
    for value, limit in zip(values, limits, strict=True):
        assert limit.basis == "exact"
        found = ds.sweep(
            task(made),
            X,
            y,
            across="momentum",
            values=[value],
            learning_rates=shares * limit.step,
            epochs=500,
            engine="numpy",
        )
        assert [cell.below_limit for cell in found.cells[0]] == [s < 1 for s in shares]
        went = [cell.verdict == "diverged" for cell in found.cells[0]]
        assert went == [s > 1 for s in shares], (value, found.verdicts)


def test_the_limit_of_the_sliders():
    x = np.linspace(-5, 5, 100)
    how = {"learning_rates": [0.1], "epochs": 1, "engine": "numpy"}
    limits = ds.sweep(task(), x, x, across="momentum", values=[0, 0.9], **how).limits
    np.testing.assert_allclose(limits[0].step, 0.11762376237623767, rtol=1e-13)
    np.testing.assert_allclose(limits[1].step, 1.9 * 0.11762376237623767, rtol=1e-13)


def test_every_rule_says_whether_curvature_limits_it():
    X, y = rows(0)
    for name in ds.optimizers.ELEMENTWISE:
        made = made_ready(task(ds.optimizers.RULES.make(name, learning_rate=0.1)), X, y)[1]
        limited = not made.task.optimizer.rule.scaled
        assert (limit_of(made).basis == "exact") == limited
        if limited:
            beta = getattr(made.task.optimizer.rule, "beta", 0.0)
            widened = (1 + beta) / (1 + 2 * beta) if name == "nesterov" else 1 + beta
            np.testing.assert_allclose(limit_of(made).step * largest(made), 2 * widened)


@pytest.mark.parametrize(
    ("made", "how", "basis"),
    [
        (task(), {}, "exact"),
        (task(), {"batch_size": 4}, "indicator"),
        (task(), {"batch_size": 1}, "bound"),
        (task("momentum"), {"batch_size": 1}, "indicator"),
        (task(loss="huber"), {}, "bound"),
        (task("momentum", loss="huber"), {}, "indicator"),
        (task(loss="absolute_error"), {}, "none"),
        (replace(task(), penalty=ds.l1(0.1)), {}, "bound"),
        (replace(task("momentum"), penalty=ds.l1(0.1)), {}, "indicator"),
        (task(ds.gradient_descent(clip_norm=1.0)), {}, "indicator"),
        (task(model=ds.MLP((3,))), {}, "indicator"),
        (task("adam"), {}, "none"),
    ],
)
def test_what_the_limit_rests_on(made, how, basis):
    X, y = rows(0)
    assert limit_of(made_ready(made, X, y, **how)[1]).basis == basis


def test_batches_of_all_rows_have_the_limit_of_all_rows():
    X, y = rows(0)
    found = ds.sweep(task(), X, y, values=[1, 8, 24, 99], epochs=1, engine="numpy")
    assert found.values == (1, 8, 24)
    steps = [limit.step for limit in found.limits]
    assert steps == sorted(steps)
    assert [limit.basis for limit in found.limits] == ["bound", "indicator", "exact"]


# ---------------------------------------------------------------- cells are runs


def test_a_step_near_the_limit_oscillates_and_a_tiny_one_is_slow():
    X = np.diag([1.0, 1e-3])
    y = [1.0, 1.0]
    model = ds.Linear(bias=False, init=[2.0, 0.0])
    limit = 2.0
    found = ds.sweep(
        task(model=model),
        X,
        y,
        across="momentum",
        values=[0],
        learning_rates=[0.001 * limit, 0.995 * limit],
        epochs=50,
        engine="numpy",
    )
    assert found.verdicts.tolist() == [["slow", "oscillating"]]


@pytest.mark.parametrize(
    ("across", "values", "model"),
    [
        ("momentum", [0.0, 0.9], ds.Linear()),
        ("batch_size", [5, 24], ds.Linear()),
        ("init_scale", [0.0, 1.0, 2.5], ds.MLP((3,))),
    ],
)
@pytest.mark.parametrize("kept", [False, True], ids=["in memory", "on disk"])
def test_a_cell_is_what_train_returns(tmp_path, across, values, model, kept):
    X, y = rows(0)
    folder = tmp_path / "map" if kept else None
    found = ds.sweep(
        task(model=model),
        X,
        y,
        across=across,
        values=values,
        learning_rates=[0.01, 0.05],
        epochs=9,
        seed=3,
        validation=0.25,
        engine="numpy",
        folder=folder,
    )
    drawn = ds.train(task(model=model), X, y, epochs=1, seed=3, engine="numpy").at(0).theta
    for i, value in enumerate(values):
        optimizer = ds.gradient_descent(0.05)
        size, start = None, model
        if across == "momentum":
            optimizer = ds.momentum(0.05, value)
        elif across == "init_scale":
            start = replace(model, init=drawn * value)
        else:
            size = value if value < 24 else None
        wanted = ds.train(
            ds.Task(start, "squared_error", optimizer),
            X,
            y,
            epochs=9,
            batch_size=size,
            seed=3,
            validation=0.25,
            engine="numpy",
        )
        cell = found[i, 1]
        run = cell.run
        assert run.task == wanted.task
        assert run.outcome == wanted.outcome
        assert replace(run.setup, record=0) == replace(wanted.setup, record=0)
        assert cell.last == wanted.outcome.loss
        np.testing.assert_array_equal(run.theta, wanted.theta)
        np.testing.assert_array_equal(run.history["loss"], wanted.history["loss"])
        np.testing.assert_array_equal(
            run.history["validation_loss"], wanted.history["validation_loss"]
        )
        np.testing.assert_array_equal(run.at(4).gradient, wanted.at(4).gradient)
        np.testing.assert_allclose(cell.first, wanted.program.value(wanted.at(0).theta), rtol=1e-13)
        if kept:
            np.testing.assert_array_equal(ds.load(cell.file).theta, wanted.theta)


def test_rows_are_held_once():
    found = small()
    assert found[0, 0].run.data is found[1, 1].run.data


def test_standardised_columns_and_weights_reach_every_cell():
    X, y = rows(0)
    weight = np.arange(1.0, 25.0)
    found = small(standardize=True, sample_weight=weight)
    wanted = ds.train(
        task(ds.momentum(0.1, 0.5)),
        X,
        y,
        epochs=12,
        standardize=True,
        sample_weight=weight,
        engine="numpy",
    )
    np.testing.assert_array_equal(found[1, 1].run.theta, wanted.theta)
    np.testing.assert_array_equal(found[1, 1].run.predict(X), wanted.predict(X))
    np.testing.assert_array_equal(found[1, 1].run.at(5).gradient, wanted.at(5).gradient)


def test_the_optimum_is_known_for_linear_models_and_else_the_best_of_the_map():
    X, y = rows(0)
    exact = small()
    A = np.column_stack([X, np.ones(24)])
    np.testing.assert_allclose(exact.least, np.linalg.lstsq(A, y)[1][0] / 24, rtol=1e-9)
    assert exact.known
    assert exact.as_dict()["least_is"] == "the optimum"
    how = {"values": [1, 2], "learning_rates": [0.01, 0.1], "epochs": 5, "engine": "numpy"}
    net = ds.sweep(task(model=ds.MLP((3,))), X, y, across="init_scale", **how)
    assert not net.known
    assert net.least == np.nanmin([[cell.last for cell in row] for row in net.cells])
    assert "lowest end" in str(net)
    assert "lowest end" in net.svg()


def test_a_wide_start_is_not_measured_by_its_own_gap():
    X, y = rows(0)
    found = ds.sweep(
        task(model=ds.Linear(init="normal")),
        X,
        y,
        across="init_scale",
        values=[0.0, 1e4],
        learning_rates=[1e-3, 1e-2],
        epochs=50,
        engine="numpy",
    )
    share = (found[1, 1].last - found.least) / (found[1, 1].first - found.least)
    assert share < 0.3
    assert found[1, 1].verdict == "slow"


def test_the_best_cell_is_the_first_to_arrive():
    found = small(learning_rates=[1e-3, 0.05, 9.0], values=[0, 0.5], epochs=300)
    arrivals = [c.arrival for row in found.cells for c in row if c.arrival is not None]
    assert found.best.arrival == min(arrivals)
    assert small(learning_rates=[1e-5, 1e-4]).best.learning_rate == 1e-4
    with pytest.raises(ds.InputError, match="lower learning rates"):
        small(learning_rates=[90.0, 900.0]).best  # noqa: B018 - it raises


# ---------------------------------------------------------------- the axes


@pytest.mark.parametrize("across", ["batch_size", "momentum"])
def test_automatic_rates_lie_on_both_sides_of_every_limit(across):
    X, y = rows(0)
    found = ds.sweep(task(), X, y, across=across, epochs=1, engine="numpy")
    rates = np.array(found.learning_rates)
    assert len(rates) >= 9
    assert (np.diff(rates) > 0).all()
    for limit in found.limits:
        assert (rates < limit.step / 3).any()
        assert (rates > limit.step * 1.5).any()
    assert found.values == {"batch_size": (1, 4, 16, 24)}.get(
        across, (0, 0.5, 0.8, 0.9, 0.95, 0.99)
    )


def test_rules_without_a_limit_are_swept_around_their_usual_rate():
    X, y = rows(0)
    found = ds.sweep(task("adam"), X, y, values=[8], learning_rates=3, epochs=2, engine="numpy")
    np.testing.assert_allclose(found.learning_rates, [1e-5, 1e-3, 1e-1])
    assert found[0, 0].below_limit is None
    assert "curvature sets no limit" in str(found)
    assert "largest stable step unknown" in found.svg()


def test_without_a_limit_the_rates_still_follow_the_size_of_the_columns():
    X, y = rows(0)
    how = {"across": "momentum", "values": [0.0], "epochs": 1, "engine": "numpy"}
    kinked = task(loss="absolute_error", model=ds.Linear(bias=False))
    one, other = (np.array(ds.sweep(kinked, X * s, y, **how).learning_rates) for s in (1, 100))
    np.testing.assert_allclose(one / other, 100**2, rtol=1e-3)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"across": "momentun"}, "did you mean 'momentum'"),
        ({"values": [0.5, 1.0]}, "'values' parameter of sweep must be a float in [0, 1)"),
        ({"values": [0.5, 0.5]}, "none twice"),
        ({"values": []}, "at least one"),
        ({"values": ["a"]}, "'values' parameter"),
        ({"across": "batch_size", "values": [0]}, "int of at least 1"),
        ({"learning_rates": [-1.0]}, "'learning_rates' parameter"),
        ({"learning_rates": [0.1, np.nan]}, "'learning_rates' parameter"),
        ({"learning_rates": 1}, "int of at least 2"),
        ({"epochs": 0}, "'epochs' parameter"),
        ({"across": "init_scale"}, "starts at zeros"),
        ({"folder": "here"}, "here"),
    ],
)
def test_refusals(how, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").write_text("a file")
    with pytest.raises(ds.InputError, match=re.escape(words)):
        small(**{"values": None, **how})


def test_optimizers_that_do_not_suit_are_refused():
    X, y = rows(0)
    with pytest.raises(ds.InputError, match="adam"):
        ds.sweep(task("adam"), X, y, across="momentum")
    with pytest.raises(ds.InputError, match="finds the length"):
        ds.sweep(task("lbfgs"), X, y)
    with pytest.raises(ds.InputError, match="Task"):
        ds.sweep("linear", X, y)
    with pytest.raises(ds.InputError, match="below"):
        small()[2, 0]


# ---------------------------------------------------------------- how it looks


def bars(text):
    """Return how many letters stand before the bar of each row, top to bottom."""
    halves = [line.partition("|")[0] for line in text.splitlines() if "|" in line]
    return [len(re.findall(r"(?<= )[CSOD](?= )", half)) for half in halves]


def test_the_bar_stands_where_the_limit_falls():
    found = small(learning_rates=[0.01, 0.05, 0.1, 1.0, 10.0], values=[0.0, 0.9])
    below = [sum(cell.below_limit for cell in row) for row in found.cells]
    text = str(found).partition("converged (")[0]
    assert bars(text) == below[::-1]
    assert bars(text.replace("|", " ", 1)) != below[::-1]


def test_many_rates_fit_the_terminal():
    found = small(learning_rates=20)
    assert max(map(len, str(found).splitlines())) <= 80, str(found)
    colored = found.text(color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == str(found)
    assert colored != str(found)


@pytest.mark.parametrize(
    "rate", [1e-12, 1.25e-7, 0.00999, 0.01, 0.1, 1 / 3, 1, 99.6, 999, 1e3, 7e120]
)
def test_rates_are_named_in_few_characters(rate):
    label = rate_label(rate)
    assert len(label) <= 6
    np.testing.assert_allclose(float(label), rate, rtol=0.06)


def test_the_drawing_is_whole_and_says_every_cell():
    found = small(learning_rates=[1e-4, 0.1, 9.0], values=[0, 0.9], epochs=40)
    root = ET.fromstring(found.svg())  # noqa: S314 - our own
    name = "{http://www.w3.org/2000/svg}"
    for verdict_, count in found.counts().items():
        boxes = [r for r in root.iter(f"{name}rect") if r.get("class") == verdict_]
        assert len(boxes) == count + 1  # and its place in the legend
    titles = [t.text for t in root.iter(f"{name}title")][1:]
    assert len(titles) == 6
    for cell, title in zip((c for row in found.cells for c in row), titles, strict=True):
        assert cell.verdict in title
    assert "nan" not in found.svg().lower()
    assert "http" not in found.svg().replace("http://www.w3.org/2000/svg", "")


def test_the_line_crosses_each_row_at_its_limit():
    rates = np.geomspace(1e-3, 1e1, 9)
    found = small(learning_rates=rates, values=[0, 0.5, 0.9], epochs=1)
    path = re.findall(r'class="limit" d="([^"]*)"', found.svg())
    wide = 66.0
    left = float(re.search(r'<rect class="\w+" x="([\d.]+)"', found.svg())[1]) - 1.0
    for limit, drawn in zip(found.limits, path, strict=True):
        x = float(re.findall(r"[MH]([\d.]+)[ V]", drawn)[-1])
        column = np.log(limit.step / rates[0]) / np.log(rates[1] / rates[0])
        np.testing.assert_allclose(x, left + (column + 0.5) * wide, atol=0.1)


def test_a_map_is_saved_as_it_is_named(tmp_path):
    found = small()
    for name, wanted in (("a.svg", found.svg()), ("a.txt", f"{found}\n")):
        found.save(tmp_path / name)
        assert (tmp_path / name).read_text("utf-8") == wanted
    found.save(tmp_path / "a.json")
    read = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert read == json.loads(json.dumps(found.as_dict()))
    assert read["cells"][1][0]["verdict"] == found[1, 0].verdict
    with pytest.raises(ds.InputError, match=r"\.svg, \.txt or \.json"):
        found.save(tmp_path / "a.png")


# ---------------------------------------------------------------- folders that go on


def counting(monkeypatch, stop_at=None, how="raise"):
    """Count what is trained; interrupt one, as Ctrl-C before it or within it."""
    trained, train = [], running.train

    def counted(asked, *rows, **more):
        if len(trained) == stop_at and how == "raise":
            raise KeyboardInterrupt
        trained.append(asked)
        run = train(asked, *rows, **more)
        if len(trained) - 1 == stop_at:
            trained.pop()
            return replace(run, outcome=replace(run.outcome, reason="interrupted"))
        return run

    monkeypatch.setattr(running, "train", counted)
    return trained


@pytest.mark.parametrize("how", ["raise", "within"])
def test_an_interrupted_map_goes_on_where_it_stopped(tmp_path, monkeypatch, how):
    with monkeypatch.context() as patch:
        done = counting(patch, 3, how)
        part = small(folder=tmp_path)
    assert part.interrupted
    assert len(done) == 3
    assert (part.verdicts == "").sum() == 1
    assert "not trained (1)" in str(part)
    assert json.loads((tmp_path / "map.json").read_text())["interrupted"]
    with pytest.raises(ds.InputError, match="interrupted"):
        part[1, 1].run  # noqa: B018 - it raises
    with monkeypatch.context() as patch:
        done = counting(patch)
        again = small(folder=tmp_path)
        assert len(done) == 1
    whole = small()
    assert not again.interrupted
    assert str(again) == str(whole)
    for i, j in np.ndindex(2, 2):
        np.testing.assert_array_equal(again[i, j].run.theta, whole[i, j].run.theta)
        file = f"cells/{again[i, j].file.name}"
        assert again[i, j].as_dict() == {**whole[i, j].as_dict(), "file": file}


def test_a_map_that_was_interrupted_at_once_has_nothing_to_show(monkeypatch):
    counting(monkeypatch, 0)
    found = small()
    assert (found.verdicts == "").all()
    assert found.svg().count('class="missing"') == 4
    with pytest.raises(ds.InputError, match="lower learning rates"):
        found.best  # noqa: B018 - it raises


def test_cells_of_other_rates_are_kept_and_altered_ones_trained_again(tmp_path, monkeypatch):
    first = small(folder=tmp_path)
    done = counting(monkeypatch)
    small(folder=tmp_path, learning_rates=[0.01, 0.1, 0.2])
    assert len(done) == 2
    content = first[0, 0].file.read_bytes()
    first[0, 0].file.write_bytes(content[:-9])
    first[1, 0].file.write_bytes(first[1, 1].file.read_bytes())
    small(folder=tmp_path)
    assert len(done) == 4
    assert first[0, 0].file.read_bytes() == content
    run = first[0, 0].run
    replace(run, outcome=replace(run.outcome, reason="interrupted")).save(first[0, 0].file)
    small(folder=tmp_path)
    assert len(done) == 5


def test_a_folder_with_another_map_is_left_alone_unless_asked(tmp_path, monkeypatch):
    small(folder=tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    done = counting(monkeypatch)
    for how in ({"epochs": 13}, {"seed": 1}, {"sample_weight": np.arange(1.0, 25.0)}):
        with pytest.raises(ds.InputError, match="another map"):
            small(folder=tmp_path, **how)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert done == []
    small(folder=tmp_path, epochs=13, overwrite=True)
    assert len(done) == 4
    small(folder=tmp_path, epochs=13, overwrite=True, sample_weight=np.arange(1.0, 25.0))
    assert len(done) == 8
    small(folder=tmp_path, epochs=13, overwrite=True, sample_weight=np.arange(1.0, 25.0))
    assert len(done) == 8


# ---------------------------------------------------------------- the command


COMMAND = ("map", "diabetes", "--target", "progression", "--engine", "numpy", "--epochs", 9)


def test_map_writes_a_folder_whose_cells_open(descend, tmp_path):
    status, out, err = descend(
        *COMMAND, "--across", "momentum", "--learning-rates", "1e-3:1:4", "--values", "0,0.9"
    )
    assert status == 0, err
    assert "2(1 + β)/λmax: exact" in out
    folder = tmp_path / "diabetes-map"
    assert {p.name for p in folder.iterdir()} == {
        "cells",
        "map.json",
        "map.svg",
        "map.txt",
        "request.json",
    }
    read = json.loads((folder / "map.json").read_text("utf-8"))
    np.testing.assert_allclose(read["learning_rates"], [1e-3, 1e-2, 1e-1, 1])
    best = out.rpartition("descend show ")[2].strip()
    status, out, _ = descend("show", best)
    assert status == 0
    assert "Source" in out
    status, out, err = descend("replay", best, "--check")
    assert status == 0, err
    table = ds.datasets.shipped_table("diabetes")
    assert descend("predict", best, table, "--out", "p.csv")[0] == 0
    assert len(list((folder / "cells").iterdir())) == 8
    assert all((folder / cell["file"]).exists() for row in read["cells"] for cell in row)


def test_map_of_labels_in_batches_as_json(descend):
    status, out, err = descend(
        "map",
        "breast-cancer",
        "--target",
        "diagnosis",
        "--values",
        "64,all",
        "--epochs",
        2,
        "--learning-rates",
        "0.01,0.1",
        "--engine",
        "numpy",
        "--out",
        "o",
        "--json",
    )
    assert status == 0, err
    found = json.loads(out)
    assert found["across"] == "batch_size"
    assert found["values"] == [64, found["rows"]]
    assert found["task"].startswith("linear + logistic")
    cell = ds.load(f"o/{found['cells'][0][0]['file']}")
    assert cell.classes == ["benign", "malignant"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--across", "depth"), "'across' parameter"),
        (("--learning-rates", "1:0.1:3"), "FROM:TO:COUNT"),
        (("--learning-rates", "0.1:1"), "FROM:TO:COUNT"),
        (("--learning-rates", "a,b"), "--learning-rates takes numbers"),
        (("--values", "one"), "--values takes numbers"),
        (("--across", "init_scale"), "starts at zeros"),
        (("--optimizer", "newton"), "finds the length"),
    ],
)
def test_map_refuses_in_a_sentence(descend, options, words):
    status, out, err = descend(*COMMAND, *options)
    assert status == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert words in err


def test_an_interrupted_map_says_how_to_go_on(descend, monkeypatch):
    counting(monkeypatch, 1)
    status, out, err = descend(*COMMAND, "--learning-rates", "0.01,0.1", "--values", "all")
    assert status == 130
    assert "not trained (1)" in out
    assert "go on" in err


def test_judging_trains_by_the_one_loop():
    assert judging.train is running.train is ds.train
