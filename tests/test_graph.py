"""The computation graph: shapes, values and gradients as engines and JAX have them; drawings."""

from __future__ import annotations

import dataclasses
import itertools
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from scipy.sparse import csr_array
from tests.oracles import assert_bits, assert_close, jax_in_double

import descend as ds
from descend.activations import ACTIVATIONS
from descend.arrays import Layout
from descend.cli import main
from descend.errors import InputError, ParameterError
from descend.losses import LOSSES
from descend.parts import formulas_of
from descend.penalties import elastic_net, l1, l2

N, D = 12, 3
MADE = {"huber": {"delta": 0.7}, "quantile": {"q": 0.3}}


def trained(model=None, loss="squared_error", outputs=1, **asked):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(N, D))
    part = LOSSES.make(loss, **MADE.get(loss, {}))
    if part.targets == "labels":
        y = np.arange(N) % 3
    elif part.targets == "two labels":
        y = (np.arange(N * outputs) % 2).reshape(N, outputs)
    else:
        y = rng.integers(0, 4, size=(N, outputs)).astype(float)
    task = {name: asked.pop(name) for name in ("penalty", "reduction") if name in asked}
    given = ds.Task(model or ds.Linear(), part, ds.gradient_descent(0.01), **task)
    return ds.train(given, X, y, **{"epochs": 3, "engine": "numpy", **asked})


# Shapes ------------------------------------------------------------------------------------------


def test_shapes_and_edges_of_a_net():
    task = ds.Task(ds.MLP((5, 4), "relu"), ds.softmax(), "adam", l2(0.1))
    graph = ds.graph(task, d=3, k=2)
    shapes = {node.name: node.shape for node in graph.nodes}
    assert shapes == {
        "X": ("n", 3),
        "layer1.weight": (3, 5),
        "layer1.bias": (5,),
        "z1": ("n", 5),
        "a1": ("n", 5),
        "layer2.weight": (5, 4),
        "layer2.bias": (4,),
        "z2": ("n", 4),
        "a2": ("n", 4),
        "layer3.weight": (4, 2),
        "layer3.bias": (2,),
        "scores": ("n", 2),
        "y": ("n",),
        "loss": ("n",),
        "mean": (),
        "penalty": (),
        "objective": (),
    }
    found = {(edge.source, edge.target) for edge in graph.edges}
    assert {("X", "z1"), ("layer1.weight", "z1"), ("layer1.bias", "z1"), ("z1", "a1")} <= found
    assert {(f"layer{i}.weight", "penalty") for i in (1, 2, 3)} <= found
    assert ("layer1.bias", "penalty") not in found
    assert {("scores", "loss"), ("y", "loss"), ("loss", "mean"), ("mean", "objective")} <= found
    assert {edge.source for edge in graph.edges if not edge.back} == {"X", "y"}
    assert all(node.value is None and node.gradient is None for node in graph.nodes)


@pytest.mark.parametrize("hidden", [(), (4,), (4, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_parameters_are_those_of_the_layout(hidden, bias):
    task = ds.Task(ds.MLP(hidden, bias=bias), "squared_error", "adam")
    graph = ds.graph(task, d=2, k=1)
    found = [(node.name, node.shape) for node in graph.nodes if node.kind == "parameter"]
    assert Layout(tuple(found)) == task.model.layout(2, 1)


def test_unknown_sizes_stay_letters():
    graph = ds.graph(ds.Task(ds.Linear(), "squared_error", "adam"))
    assert graph["weight"].shape == ("d", "k")
    assert graph["scores"].dimensions == "(n, k)"
    assert graph["y"].dimensions == "(n, k)"
    assert graph["loss"].dimensions == "(n,)"


def test_penalties_and_reductions_in_words():
    def formula(name, **more):
        return ds.graph(ds.Task(ds.MLP((2,)), "huber", "momentum", **more))[name].formula

    assert formula("penalty", penalty=l2(0.1)) == "0.1/2 ‖W1, W2‖²"
    assert formula("penalty", penalty=l1(0.1, biases=True)) == "0.1 ‖W1, b1, W2, b2‖₁"
    assert formula("penalty", penalty=elastic_net(1.0, 0.25)) == "0.75/2 ‖W1, W2‖² + 0.25 ‖W1, W2‖₁"
    assert formula("sum", reduction="sum") == "Σ loss"
    assert formula("loss") == "huber(scores, y; delta=1)"
    weighted = trained(sample_weight=np.ones(N)).graph()
    assert weighted["mean"].formula == "Σ weights·loss / Σ weights"


# Values and gradients ----------------------------------------------------------------------------

CASES = {
    "linear": {},
    "linear, labels": {"loss": "softmax"},
    "two layers": {"model": ds.MLP((4, 3)), "penalty": l2(0.3)},
    "l2 of biases": {"penalty": l2(0.3, biases=True), "loss": "logistic"},
    "elastic net": {"penalty": elastic_net(0.2)},
    "weights": {"sample_weight": np.linspace(0.5, 2, N), "outputs": 2},
    "sum": {"reduction": "sum", "sample_weight": np.linspace(0.5, 2, N)},
    "no bias": {"model": ds.MLP((4,), bias=False)},
    "batches": {"model": ds.MLP((4,)), "batch_size": 5},
    "standardised": {"standardize": True},
    "float32": {"dtype": "float32", "model": ds.MLP((4,))},
}


@pytest.mark.parametrize("case", CASES)
def test_the_engine_has_the_same_objective_and_gradient(case):
    run = trained(**CASES[case])
    for step in {0, 1, run.state.step - 1, run.state.step}:
        graph, moment = run.graph(step), run.at(step)
        assert_bits(np.float64(graph["objective"].value), np.float64(moment.loss))
        for name, part in run.layout.split(moment.gradient).items():
            assert_bits(graph[name].gradient, part, name)
            assert_bits(graph[name].value, moment.params[name], name)


def objective_of(run, step, xp):
    """Return the objective as a function of what is added to each array on the way."""
    task, graph = run.task, run.graph(step)
    p = run.at(step).params
    stack = [name for name in p if name.endswith("weight")]
    loss, activation = (formulas_of(type(part), xp) for part in (task.loss, task.model.activation))
    X, y = xp.asarray(graph["X"].value), xp.asarray(graph["y"].value)

    def objective(added):
        q = {name: xp.asarray(part) + added[name] for name, part in p.items()}
        passed = X
        for i, weight in enumerate(stack, start=1):
            z = passed @ q[weight] + q[weight.replace("weight", "bias")]
            z = z + added["scores" if i == len(stack) else f"z{i}"]
            passed = z if i == len(stack) else activation.value(task.model.activation, z)
            passed = passed if i == len(stack) else passed + added[f"a{i}"]
        rows = loss.value(task.loss, passed, y)
        rows = (rows if rows.ndim == 1 else rows.mean(axis=1)) + added["loss"]
        return rows.mean() + task.penalty.l2 / 2 * sum((q[w] ** 2).sum() for w in stack)

    return objective


ON_THE_WAY = ("z1", "a1", "z2", "a2", "scores", "loss")
PAIRS = list(zip(LOSSES, itertools.cycle(ACTIVATIONS), strict=False))


@pytest.mark.parametrize(("loss", "activation"), PAIRS)
def test_differences_have_the_same_gradients_on_the_way(loss, activation):
    run = trained(ds.MLP((4, 3), activation), loss, penalty=l2(0.2))
    graph, objective = run.graph(1), objective_of(run, 1, np)
    names, rng, h = [*run.params, *ON_THE_WAY], np.random.default_rng(0), 1e-6
    still = {name: np.zeros_like(graph[name].value) for name in names}
    assert_close(graph["objective"].value, objective(still), 1e-12)
    for name in names:
        way = rng.normal(size=still[name].shape)
        ends = [objective({**still, name: way * step}) for step in (h, -h)]
        wanted = (graph[name].gradient * way).sum()
        np.testing.assert_allclose((ends[0] - ends[1]) / (2 * h), wanted, atol=1e-8, err_msg=name)


@pytest.mark.parametrize(("loss", "activation"), [("logistic", "tanh"), ("softmax", "softmax")])
def test_jax_has_the_same_gradients_on_the_way(loss, activation):
    run = trained(ds.MLP((4, 3), activation), loss, penalty=l2(0.2))
    graph = run.graph(1)
    names = [*run.params, *ON_THE_WAY]
    with jax_in_double() as jax:
        zeros = {name: np.zeros_like(graph[name].value) for name in names}
        gradient = jax.jit(jax.value_and_grad(objective_of(run, 1, jax.numpy)))
        value, found = gradient(zeros)
        assert_close(graph["objective"].value, float(value), 1e-12)
        for name in names:
            assert_close(graph[name].gradient, found[name], 1e-11, name)


def test_every_part_is_met():
    assert {loss for loss, _ in PAIRS} == set(LOSSES)
    assert {activation for _, activation in PAIRS} == set(ACTIVATIONS)


def test_the_classic_s_own_numbers():
    rows = ds.datasets.line_by_hand()
    start = {"weight": [-0.1382643], "bias": [0.49671415]}
    task = ds.Task(ds.Linear(init=start), ds.squared_error(), ds.gradient_descent(0.1))
    graph = ds.train(task, rows.X, rows.y, epochs=2, engine="numpy").graph(step=0)
    for text in (str(graph), graph.svg()):
        for number in ("-0.138264", "0.496714", "2.74216", "dL/dW -1.83375", "dL/db -3.04481"):
            assert number in text
    assert "after 0 updates, on 80 rows" in str(graph)


# Drawings ----------------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"
WIDE = {
    "linear": trained().graph(0),
    "logistic": trained(loss="logistic", penalty=l2(0.1)).graph(1),
    "net": trained(
        ds.MLP((40, 3)), "softmax", penalty=elastic_net(0.1, 0.5), sample_weight=np.ones(N)
    ).graph(2),
    "shapes": ds.graph(ds.Task(ds.MLP((4, 4)), "logistic", "adam", l2(0.1, biases=True))),
}


def boxes_of(svg):
    """Return the rectangles with the widths that their texts need."""
    found = []
    for group in ET.fromstring(svg).iter(f"{SVG}g"):  # noqa: S314 - our own drawing
        rect = group.find(f"{SVG}rect")
        x, y, w, h = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
        lines: dict[str, int] = {}
        for text in group.iter(f"{SVG}text"):
            place = text.get("y")
            assert y < float(place) < y + h
            lines[place] = lines.get(place, 0) + len(text.text) + 1
        found.append((x, y, x + w, y + h, max(lines.values()) * 7.8))
    return found


def assert_apart(boxes):
    """Raise if two boxes overlap, or a text is wider than its box."""
    for x, _, right, _, needs in boxes:
        assert needs <= right - x, "a text leaves its box"
    for one, other in itertools.combinations(boxes, 2):
        beside = one[2] < other[0] or other[2] < one[0]
        below = one[3] < other[1] or other[3] < one[1]
        assert beside or below, "two boxes overlap"


def test_overlaps_are_seen():
    assert_apart([(0, 0, 9, 9, 5), (10, 0, 19, 9, 5)])
    with pytest.raises(AssertionError, match="overlap"):
        assert_apart([(0, 0, 9, 9, 5), (8, 8, 19, 19, 5)])
    with pytest.raises(AssertionError, match="leaves its box"):
        assert_apart([(0, 0, 9, 9, 10)])


@pytest.mark.parametrize("case", WIDE)
def test_the_svg_is_whole_apart_and_described(case):
    graph = WIDE[case]
    svg = graph.svg()
    root = ET.fromstring(svg)  # noqa: S314 - our own drawing
    boxes = boxes_of(svg)
    assert len(boxes) == len(graph.nodes)
    assert_apart(boxes)
    width, height = float(root.get("width")), float(root.get("height"))
    assert all(box[0] >= 0 and box[2] <= width and box[3] <= height for box in boxes)
    assert root.find(f"{SVG}title").text == graph.title
    described = root.find(f"{SVG}desc").text
    assert all(node.title in described for node in graph.nodes)
    assert "prefers-color-scheme:dark" in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    backward = len(re.findall('class="way-back"', svg))
    assert (backward > 0) == (case != "shapes")
    assert graph._repr_svg_() == svg


@pytest.mark.parametrize("case", WIDE)
def test_the_text_has_every_node_once(case):
    graph = WIDE[case]
    lines = str(graph).splitlines()
    assert lines[0] == graph.title
    for node in graph.nodes:
        (line,) = [row for row in lines if re.match(rf"(│  )?{re.escape(node.title)}(  |$)", row)]
        assert node.dimensions in line
        assert node.shown_value in line
        assert line.endswith(node.shown_gradient or line[-1])
    assert lines == [line.rstrip() for line in lines]


def test_text_in_the_svg_is_escaped():
    graph = WIDE["linear"]
    nodes = tuple(dataclasses.replace(node, label="<b>&") for node in graph.nodes)
    svg = dataclasses.replace(graph, title="a <script> & more", nodes=nodes).svg()
    assert "<script>" not in svg
    assert "<b>" not in svg
    assert ET.fromstring(svg).find(f"{SVG}title").text == "a <script> & more"  # noqa: S314 - ours


def test_gradients_flow_only_where_there_are_any():
    run = trained(penalty=l1(0.1))
    edges = {(edge.source, edge.target): edge.back for edge in run.graph(0).edges}
    assert not edges["weight", "penalty"]
    assert edges["weight", "scores"]
    assert not edges["X", "scores"]


# Doors -------------------------------------------------------------------------------------------


def test_saving(tmp_path):
    graph = WIDE["logistic"]
    graph.save(tmp_path / "a.svg")
    graph.save(str(tmp_path / "a.txt"))
    assert (tmp_path / "a.svg").read_text("utf-8") == graph.svg()
    assert (tmp_path / "a.txt").read_text("utf-8") == f"{graph}\n"
    with pytest.raises(InputError, match=r"saved as .svg or .txt; found 'a.png'"):
        graph.save(tmp_path / "a.png")


def test_what_cannot_be_drawn_is_said():
    run = trained()
    task = ds.Task(ds.Linear(), "squared_error", ds.gradient_descent(0.01))
    sparse = ds.train(task, csr_array(np.eye(4)), np.ones(4), epochs=2, engine="numpy")
    assert sparse.graph()["X"].shape == (4, 4)
    with pytest.raises(InputError, match="dense rows"):
        sparse.graph(0)
    with pytest.raises(InputError, match="ask for a step from 0 to 3"):
        run.graph(step=4)
    with pytest.raises(InputError, match="attach"):
        dataclasses.replace(run, data=None).graph(step=1)
    with pytest.raises(InputError, match="needs a Task"):
        ds.graph("linear")
    with pytest.raises(ParameterError, match="'d' parameter of graph"):
        ds.graph(task, d=0)
    with pytest.raises(InputError, match="no node 'weights'; it has X, weight"):
        run.graph()["weights"]


def test_the_public_names_are_no_modules():
    run = trained()
    run.graph()
    assert callable(ds.graph)
    assert ds.Graph is type(run.graph())


def shown(monkeypatch, capsys, *words):
    monkeypatch.setattr("sys.argv", ["descend", "show", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, capsys.readouterr()


def test_from_the_command_line(tmp_path, monkeypatch, capsys):
    table = tmp_path / "t.csv"
    table.write_text("x,y\n0,1\n1,3\n2,5\n3,7\n4,9\n5,11\n6,13\n7,15\n")
    fitted = ds.fit(table, "y", epochs=5, engine="numpy")
    run = tmp_path / "t.run"
    fitted.run.save(run)
    done, said = shown(monkeypatch, capsys, str(run), "--graph", "-")
    assert done in {0, None}
    assert "scores = X W + b" in said.out
    assert "dL/d" not in said.out
    drawn = tmp_path / "g.svg"
    words = ("--graph", str(drawn), "--step", "2", "--data", str(table))
    done, said = shown(monkeypatch, capsys, str(run), *words)
    assert done in {0, None}
    assert drawn.read_text("utf-8") == fitted.run.graph(2).svg()
    done, said = shown(monkeypatch, capsys, str(run), "--step", "2")
    assert done == 2
    assert "add --graph" in said.err
    done, said = shown(monkeypatch, capsys, str(run), "--graph", "-", "--step", "2")
    assert done == 2
    assert "--data" in said.err
