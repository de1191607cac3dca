"""Every exported form is executed, and predicts what the run predicts."""

import csv
import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import descend as ds
from descend.activations import ACTIVATIONS
from descend.errors import InputError, UnavailableError
from descend.export import onnx as to_onnx
from descend.export import onnx_columns, predict
from descend.export.exporting import FORMS, document, export, predict_text
from descend.export.onnx_graph import XP, Graph, Symbol
from descend.export.portable import block, portable
from descend.export.sklearn import estimator
from descend.export.torch import sequential
from descend.losses import LOSSES
from descend.tables import Encoder

N = 120
HOSTILE = "a \"quoted\", 'odd'\nname ü {0} %s \\"


def frame():
    rng = np.random.default_rng(0)
    moments = pd.Series(pd.date_range("2019-11-20 05:07:30", periods=N, freq="97h"))
    table = pd.DataFrame(
        {
            "size": rng.standard_normal(N) * 30 + 100,
            "rooms": rng.integers(1, 6, N),
            "new": rng.integers(0, 2, N).astype(bool),
            "town": rng.choice(["Ulm", "Köln", "=1+1", None], N),
            HOSTILE: rng.choice(["it's", 'a "b"', "c, d", "line\nbreak"], N),
            "rare": [f"r{i}" if i % 40 == 0 else "often" for i in range(N)],
            "one": [1.0 if i % 3 else None for i in range(N)],
            "sold": moments,
            "label": rng.standard_normal(N),
        }
    )
    table["maybe"] = [[True, False, None][i % 3] for i in range(N)]
    table.loc[::9, "size"] = np.nan
    table.loc[::7, "sold"] = pd.NaT
    score = table["size"].fillna(90) / 30 + table["rooms"] + table["label"]
    table["price"] = score + 3
    table["kind"] = np.where(score > score.median(), 'it\'s "big"', "=small")
    table["three"] = np.array(["ä", "b,c", '"'])[pd.qcut(score, 3, labels=False)]
    table["count"] = table["rooms"] + (score > 6)
    return table


TARGETS = ["price", "kind", "three", "count"]
RUNS = {
    "regression": ("price", {}),
    "net": ("price", {"hidden": 4, "activation": "gelu"}),
    "relu net": ("price", {"hidden": 4, "activation": "relu"}),
    "logistic": ("kind", {}),
    "hinge": ("kind", {"loss": "squared_hinge"}),
    "three labels": ("three", {"hidden": 3}),
    "counts": ("count", {"loss": "poisson"}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def fitted(folder):
    """Return, by name, a run on a CSV table and the table it is to predict: other rows' order."""
    found = {}
    table = frame()
    for name, (target, options) in RUNS.items():
        path, others = folder / f"{name}.csv", [t for t in TARGETS if t != target]
        table.drop(columns=others).to_csv(path, index=False)
        how = {"epochs": 8, "progress": False, "engine": "numpy", "learning_rate": 0.01, **options}
        run = ds.fit(str(path), target, **how).run
        new = table.drop(columns=TARGETS)[::-1].copy()
        new.loc[3, "town"], new.loc[5, "rooms"] = "Rom", np.nan
        given = folder / f"{name}-new.csv"
        new.to_csv(given, index=False)
        found[name] = (run, given)
    return found


def wanted(run, table):
    """Return what `descend predict` would write, as cells."""
    predicted = np.asarray(run.predict(str(table)))
    if run.classes is None:
        return predicted[:, None]
    columns = [[predict_safe(str(p)) for p in predicted]]
    if run.task.loss.proper:
        columns += run.predict_proba(str(table)).T.tolist()
    return list(zip(*columns, strict=True))


def predict_safe(text):
    return "'" + text if text.startswith("=") else text


def assert_same_cells(found, right, tolerance):
    """Compare rows of a CSV file with cells: labels exactly, numbers relative to the largest."""
    assert len(found) == len(right)
    for column, (own, other) in enumerate(
        zip(zip(*found, strict=True), zip(*right, strict=True), strict=True)
    ):
        if isinstance(other[0], str):
            assert list(own) == list(other), column
        else:
            numbers, truth = np.array(own, dtype=float), np.array(other)
            np.testing.assert_allclose(numbers, truth, rtol=0, atol=tolerance * abs(truth).max())


def test_the_comparison_sees_wrong_answers():
    right = [("a", 1.0), ("b", 2.0)]
    assert_same_cells([["a", "1.0"], ["b", "2.0"]], right, 1e-12)
    for wrong in ([["a", "1.0"], ["a", "2.0"]], [["a", "1.0"], ["b", "2.00000001"]], [["a", "1"]]):
        with pytest.raises(AssertionError):
            assert_same_cells(wrong, right, 1e-12)


def executed(script, table, out, *flags):
    done = subprocess.run(
        [sys.executable, "-W", "error", *flags, script, table, out],
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    with out.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    return header, rows


# ---------------------------------------------------------------- on tables, as files


@pytest.mark.parametrize("name", RUNS)
def test_predict_py_needs_python_alone_and_predicts_the_same(fitted, folder, name):
    run, table = fitted[name]
    place = folder / f"{name} numpy"
    run.export("numpy", place)
    text = (place / "predict.py").read_text("utf-8")
    assert len(text.splitlines()) <= 60
    modules = set(re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE))
    assert modules <= set(sys.stdlib_module_names)
    header, rows = executed(place / "predict.py", table, place / "out.csv", "-I", "-S")
    assert_same_cells(rows, wanted(run, table), 1e-12)
    if run.classes is not None and run.task.loss.proper:
        assert header[1:] == [f"p_{label}" for label in run.classes]


@pytest.mark.parametrize("name", RUNS)
def test_onnx_takes_the_table_and_carries_its_check(fitted, folder, name):
    run, table = fitted[name]
    path = folder / f"{name}.onnx"
    run.export("onnx", path, data=str(table))
    assert to_onnx.check(path) < 1e-13
    model = portable(run)
    assert to_onnx.verify(path.read_bytes(), model, str(table)) < 1e-12
    session = to_onnx.session(path)
    assert [i.name for i in session.get_inputs()] == [plan["name"] for plan in model.columns]
    assert "since 1970-01-01" in session.get_modelmeta().custom_metadata_map["descend.dates"]


@pytest.mark.parametrize(
    ("form", "name"),
    [("torch", "net"), ("jax", "three labels"), ("sklearn", "relu net"), ("sklearn", "logistic")],
)
def test_model_py_predicts_a_table(fitted, folder, form, name):
    run, table = fitted[name]
    place = folder / f"{name} {form}"
    run.export(form, place)
    _, rows = executed(place / "model.py", table, place / "out.csv")
    assert_same_cells(rows, wanted(run, table), 1e-10)
    for file in place.iterdir():
        assert file.suffix in {".py", ".json", ".safetensors", ".csv"}


def by_the_document(found, rows):
    """Predict encoded rows by nothing but the words of the JSON document."""
    weights = [np.array(v) for k, v in found["parameters"].items() if k.endswith("weight")]
    biases = [np.array(v) for k, v in found["parameters"].items() if k.endswith("bias")]
    activation = ACTIVATIONS.restore(found["activation"])
    for depth, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        rows = rows @ weight + bias
        rows = activation(rows) if depth < len(weights) - 1 else rows
    return rows


@pytest.mark.parametrize("name", RUNS)
def test_json_holds_all_a_reader_needs(fitted, folder, name):
    run, table = fitted[name]
    path = folder / f"{name}.json"
    run.export("json", path)
    found = json.loads(path.read_text("utf-8"))
    check = found["check"]
    np.testing.assert_allclose(
        by_the_document(found, np.array(check["features"])), check["scores"], rtol=1e-12
    )
    entries = [check["entries"][plan["name"]] for plan in found["columns"]]
    features = [
        [
            x
            for plan, text in zip(found["columns"], row, strict=True)
            for x in predict.encode(plan, text)
        ]
        for row in zip(*entries, strict=True)
    ]
    np.testing.assert_array_equal(features, check["features"])
    encoded = Encoder.from_json(run.encoder).transform(str(table)).X
    np.testing.assert_allclose(by_the_document(found, encoded), run.scores(encoded), rtol=1e-12)
    assert found["classes"] == run.classes
    assert {name: list(np.shape(v)) for name, v in found["parameters"].items()} == dict(
        found["layout"]
    )


# ---------------------------------------------------------------- on arrays, over the families


def array_run(loss="squared_error", activation="tanh", hidden=(3,), k=1, **more):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((40, 3)) * [1, 30, 0.1] + [0, 50, 1]
    kind = next(cls.targets for cls in LOSSES.classes() if cls.name == loss)
    score = X @ [[1.0], [0.05], [-5.0]] + rng.standard_normal((40, k))
    y = {
        "numbers": score,
        "counts": np.abs(score.round()),
        "two labels": (score > score.mean()).astype(int),
        "labels": np.array(["c", "a", "b"])[np.digitize(score[:, 0], [-4, -1])],
    }[kind]
    numbers = {"huber": {"delta": 1.0}, "quantile": {"q": 0.3}}.get(loss, {})
    model = ds.MLP(hidden, activation) if hidden else ds.Linear()
    task = ds.Task(model, LOSSES.make(loss, **numbers), ds.gradient_descent(0.01))
    return ds.train(task, X, y, epochs=4, standardize=True, engine="numpy", **more), X


def assert_all_forms(run, X, tolerance=1e-10):
    model = portable(run)
    to_onnx.check(to_onnx.model_proto(model).SerializeToString())
    numbers, scores = block(model), run.scores(X)
    texts = [[repr(float(v)) for v in row] for row in X]
    rows = [
        [
            x
            for plan, t in zip(numbers["columns"], row, strict=True)
            for x in predict.encode(plan, t)
        ]
        for row in texts
    ]
    own = np.array([predict.scores(numbers, row) for row in rows])
    scale = np.abs(scores).max()
    np.testing.assert_allclose(own, scores, rtol=0, atol=1e-12 * scale)
    import torch

    with torch.no_grad():
        net = sequential(run)(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(net, scores, rtol=0, atol=tolerance * scale)
    answers = [predict.answer(numbers, s.tolist()) for s in scores]
    assert len(answers[0]) == len(numbers["header"])
    predicted = np.asarray(run.predict(X)).reshape(len(X), -1)
    if run.classes is None:
        np.testing.assert_allclose(np.array(answers), predicted, rtol=1e-12)
        return
    width = predicted.shape[1]
    assert [a[:width] for a in answers] == [[str(v) for v in p] for p in predicted.tolist()]
    if run.task.loss.proper:
        shares = np.array([a[width:] for a in answers])
        np.testing.assert_allclose(shares, run.predict_proba(X), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_every_activation(activation):
    assert_all_forms(*array_run(activation=activation))


@pytest.mark.parametrize("hidden", [(), (3,)])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_every_loss(loss, hidden):
    assert_all_forms(*array_run(loss, hidden=hidden))


@pytest.mark.parametrize("loss", ["squared_error", "logistic", "hinge"])
def test_several_outputs(loss):
    assert_all_forms(*array_run(loss, k=2))


def test_layers_without_biases_and_float32():
    run, X = array_run()
    bare = ds.train(
        ds.Task(ds.MLP((3,), bias=False), "squared_error", "adam"),
        X,
        X[:, 0],
        epochs=2,
        engine="numpy",
    )
    assert_all_forms(bare, X)
    single = ds.train(
        run.task, X.astype(np.float32), X[:, 0].astype(np.float32), epochs=2, engine="numpy"
    )
    model = portable(single)
    to_onnx.check(to_onnx.model_proto(model).SerializeToString())
    np.testing.assert_array_equal(model.stack[0][0], single.params["layer1.weight"])


@pytest.mark.parametrize("loss", list(LOSSES))
def test_jax_predicts_means_and_probabilities(loss, monkeypatch):
    import jax

    from descend.export.jax_model import functions

    run, X = array_run(loss, "elu")
    model = portable(run)
    params = {}
    for i, (weight, bias) in enumerate(model.stack):
        params |= {f"{i}.weight": weight, f"{i}.bias": bias}
    units = np.array([plan["parts"][0][1:] for plan in model.columns])
    with jax.enable_x64(True):
        scores, found = functions(block(model))
        rows = (X - units[:, 0]) / units[:, 1]
        np.testing.assert_allclose(scores(params, rows), run.scores(X), rtol=1e-10, atol=1e-10)
        from descend.losses import predicted

        right = predicted(run.task.loss, run.scores(X))
        np.testing.assert_allclose(found(params, rows), right, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_jax_and_torch_have_every_activation(activation):
    import jax
    import torch

    from descend.export.jax_model import FUNCTIONS
    from descend.export.torch_model import ACTIVATIONS as MODULES

    part = ACTIVATIONS.make(activation)
    z = np.linspace(-40, 40, 401).reshape(1, -1)
    module = MODULES[activation](*part._asdict().values())
    np.testing.assert_allclose(module(torch.from_numpy(z)), part(z), rtol=1e-12, atol=1e-13)
    with jax.enable_x64(True):
        found = FUNCTIONS[activation](z, *part._asdict().values())
        np.testing.assert_allclose(found, part(z), rtol=1e-12, atol=1e-13)


# ---------------------------------------------------------------- scikit-learn


@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), (3,)])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_scikit_learn_predicts_the_same_or_says_what_it_lacks(loss, hidden, activation):
    run, X = array_run(loss, activation, hidden)
    hinge_net = hidden and "hinge" in loss
    if loss == "poisson" or hinge_net:
        with pytest.raises(InputError, match="cannot express"):
            estimator(run)
        return
    found = estimator(run)
    if run.classes is None:
        np.testing.assert_allclose(found.predict(X), run.predict(X), rtol=1e-10, atol=1e-10)
    else:
        assert found.predict(X).tolist() == run.predict(X).tolist()
    if run.task.loss.proper:
        np.testing.assert_allclose(found.predict_proba(X), run.predict_proba(X), atol=1e-10)


def test_scikit_learn_with_two_labels_under_softmax_and_several_outputs():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((30, 2))
    y = np.where(X[:, 0] > 0, "yes", "no")
    for model in (ds.Linear(), ds.MLP((3,))):
        run = ds.train(ds.Task(model, "softmax", "adam"), X, y, epochs=3, engine="numpy")
        found = estimator(run)
        assert found.predict(X).tolist() == run.predict(X).tolist()
        np.testing.assert_allclose(found.predict_proba(X), run.predict_proba(X), atol=1e-12)
        run = ds.train(
            ds.Task(model, "squared_error", "adam"),
            X,
            X @ [[1, 2], [3, 4]],
            epochs=3,
            engine="numpy",
        )
        np.testing.assert_allclose(estimator(run).predict(X), run.predict(X), atol=1e-12)
    run, _ = array_run("logistic", k=2)
    with pytest.raises(InputError, match="several outputs of two labels"):
        estimator(run)
    with pytest.raises(InputError, match="the activation cos"):
        estimator(array_run(activation="cos")[0])


# ---------------------------------------------------------------- ONNX in detail


def onnx_values(formula, x):
    """Return a formula of one double array, computed by onnxruntime."""
    from onnx import TensorProto, helper, numpy_helper

    graph = Graph({"x"})
    out = formula(Symbol(graph, "x", "f"))
    constants = [numpy_helper.from_array(np.asarray(a), n) for n, a in graph.constants.values()]
    declared = [helper.make_tensor_value_info(n, TensorProto.DOUBLE, None) for n in ("x", out.name)]
    made = helper.make_graph(graph.nodes, "g", declared[:1], declared[1:], constants)
    proto = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return to_onnx.session(proto.SerializeToString()).run(None, {"x": x})[0]


def test_composed_functions_lose_nothing_near_zero_or_far_out():
    x = np.concatenate([np.logspace(-300, 2.8, 500), [0.0, 1e-17, 1.0]])
    np.testing.assert_allclose(onnx_values(XP.log1p, x), np.log1p(x), rtol=4e-16)
    both = np.concatenate([x, -x])
    np.testing.assert_allclose(onnx_values(XP.expm1, both), np.expm1(both), rtol=9e-16)
    plain = onnx_values(lambda s: XP.exp(s) - 1, both)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(plain, np.expm1(both), rtol=9e-16)


@pytest.mark.parametrize("part", ["year", "month", "day", "weekday", "hour", "minute"])
def test_dates_are_the_calendars(part):
    from onnx import TensorProto

    moments = pd.date_range("1600-01-01 23:59:59", "2400-03-01", freq="17123min")
    seconds = moments.as_unit("s").asi8
    assert seconds.min() < 0

    def formula(x):
        whole = x.graph.add("Cast", x, kind="i", to=TensorProto.INT64)
        found = onnx_columns._parts_of_date(whole)[part]
        return x.graph.add("Cast", found, kind="f", to=TensorProto.DOUBLE)

    right = moments.day_of_week + 1 if part == "weekday" else getattr(moments, part)
    np.testing.assert_array_equal(onnx_values(formula, seconds.astype(float)), right)


def test_a_missing_date_is_numpys():
    assert np.datetime64("NaT").astype(np.int64) == onnx_columns.GONE


def test_a_spoilt_onnx_file_fails_its_check():
    import onnx

    run, _ = array_run()
    proto = to_onnx.model_proto(portable(run))
    assert to_onnx.check(proto.SerializeToString()) < 1e-13
    for tensor in proto.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        if array.dtype == float and array.size == 9:
            tensor.CopyFrom(onnx.numpy_helper.from_array(array * (1 + 1e-7), tensor.name))
    with pytest.raises(InputError, match="does not predict what its run does"):
        to_onnx.check(proto.SerializeToString())


# ---------------------------------------------------------------- the door


def test_what_cannot_be_exported_is_refused(tmp_path):
    run, _ = array_run()
    with pytest.raises(InputError, match="did you mean 'torch'"):
        export(run, "troch", tmp_path / "x")
    export(run, "json", tmp_path / "m.json")
    with pytest.raises(InputError, match="--overwrite"):
        export(run, "json", tmp_path / "m.json")
    export(run, "json", tmp_path / "m.json", overwrite=True)
    export(run, "numpy", tmp_path / "folder")
    before = (tmp_path / "folder" / "predict.py").read_bytes()
    with pytest.raises(InputError, match="--overwrite"):
        export(run, "torch", tmp_path / "folder")
    assert sorted(p.name for p in (tmp_path / "folder").iterdir()) == ["model.json", "predict.py"]
    assert (tmp_path / "folder" / "predict.py").read_bytes() == before
    wild = replace(run, theta=run.theta * np.inf)
    with pytest.raises(InputError, match="not all finite"):
        export(wild, "json", tmp_path / "w.json")


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    run, _ = array_run()
    for module, action in {
        "onnx": lambda: to_onnx.model_proto(portable(run)),
        "onnxruntime": lambda: to_onnx.check(b""),
        "torch": lambda: sequential(run),
    }.items():
        with monkeypatch.context() as without:
            without.setitem(sys.modules, module, None)
            with pytest.raises(UnavailableError, match=r"pip install '?(descend\[)?" + module):
                action()


def test_the_command(descend, fitted, tmp_path):
    run, table = fitted["logistic"]
    run.save(tmp_path / "fit.run")
    for form in FORMS[:-1]:
        status, out, err = descend("export", ".", "--to", form)
        assert status == 0, err
        assert "Written:" in out
    assert (tmp_path / "model.onnx").exists()
    assert (tmp_path / "torch" / "model.safetensors").exists()
    status, _, err = descend("export", ".", "--to", "onnx")
    assert status == 2
    assert "--overwrite" in err
    status, out, _ = descend(
        "export", ".", "--to", "onnx", "--data", table, "--overwrite", "--json"
    )
    assert json.loads(out)["compared_on"] == str(table)
    status, _, err = descend("export", ".", "--to", "numpy", "--data", table)
    assert status == 2
    assert "--data" in err
    status, out, _ = descend("export", "--help")
    assert "descend export houses-fit --to onnx" in out
    if importlib.util.find_spec("descend.export.script") is None:
        status, _, err = descend("export", ".", "--to", "script")
        assert status == 2
        assert err.count("\n") == 1


def test_generated_code_holds_no_word_of_the_table(fitted, folder):
    run, _ = fitted["logistic"]
    text = predict_text(portable(run))
    assert all(word not in text for word in ("quoted", "Köln", "town", "small"))
    assert HOSTILE in {plan["name"] for plan in document(portable(run))["columns"]}
