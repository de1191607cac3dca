"""ONNX: the model as a graph in double precision, with the encoder inside and a check on board.

A run on a table takes one input per column, by its name, each (rows, 1); see `onnx_columns` for
their types.  A run on arrays takes one input ``X`` (rows, d).  The outputs are

* ``prediction``: double, (rows,) or (rows, k): numbers; of a classifier the probability of the
  second label, or of each label; its score where the loss has no probabilities;
* ``label`` and, where the loss has them, ``probabilities``: of classifiers, as `Run.predict` and
  `Run.predict_proba` return them.

The formulas of activations and links are the library's own, traced (`onnx_graph`).  The model's
metadata holds a few made-up rows and what must come out for them; `check` runs them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.activations import value as activate
from descend.errors import InputError, UnavailableError
from descend.export import onnx_columns
from descend.export.made_up import check_of
from descend.export.onnx_graph import XP, Graph, Symbol
from descend.parts import formulas_of
from descend.tables import Encoder, read

if TYPE_CHECKING:
    import os

    from descend.arrays import Array
    from descend.export.made_up import Check
    from descend.export.portable import Portable
    from descend.run import Run

OPSET, ML_OPSET, IR = 17, 2, 8  # onnxruntime 1.12 (2022) and later
TOLERANCE = 1e-10
KINDS = {"f": np.float64, "i": np.int64, "b": np.bool_, "U": np.object_}


def _onnx() -> Any:
    try:
        import onnx  # noqa: PLC0415 - optional
    except ImportError as error:
        msg = "ONNX files are written with onnx, which is not here; pip install 'descend[onnx]'."
        raise UnavailableError(msg) from error
    return onnx


def _runtime() -> Any:
    try:
        import onnxruntime  # noqa: PLC0415 - optional
    except ImportError as error:
        msg = "ONNX files are run with onnxruntime, which is not here; pip install onnxruntime."
        raise UnavailableError(msg) from error
    return onnxruntime


# ---------------------------------------------------------------- the graph


def model_proto(model: Portable) -> Any:
    """Return the ONNX model, an ``onnx.ModelProto`` checked by onnx itself."""
    onnx = _onnx()
    inputs = _inputs(model)
    names = output_names(model)
    graph = Graph({*inputs, *names.values()})
    outputs = _outputs(model, _scores(model, graph))
    for word, symbol in outputs.items():
        last = onnx.helper.make_node("Identity", [symbol.name], [names[word]], names[word])
        graph.nodes.append(last)
    check = check_of(model)
    proto = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            "descend",
            [_declared(name, dtype, shape) for name, (dtype, shape) in inputs.items()],
            [
                _declared(names[word], KINDS[symbol.kind], shape)
                for (word, symbol), shape in zip(
                    outputs.items(), _shapes(model, outputs), strict=True
                )
            ],
            [_tensor(name, array) for name, array in graph.constants.values()],
            doc_string=_words(model),
        ),
        opset_imports=[
            onnx.helper.make_opsetid("", OPSET),
            onnx.helper.make_opsetid("ai.onnx.ml", ML_OPSET),
        ],
        ir_version=IR,
        producer_name="descend",
        doc_string=_words(model),
    )
    onnx.helper.set_model_props(proto, _metadata(model, check, names))
    onnx.checker.check_model(proto)
    return proto


def _inputs(model: Portable) -> dict[str, tuple[Any, list[Any]]]:
    """Return the type and shape of each input."""
    if not model.on_table:
        return {"X": (np.float64, ["rows", len(model.columns)])}
    return {p["name"]: (onnx_columns.dtype_of(p), ["rows", 1]) for p in model.columns}


def output_names(model: Portable) -> dict[str, str]:
    """Return what each output is called: its word, unless a column has that name."""
    words = ["prediction"]
    if model.labels is not None:
        words += ["label", *(["probabilities"] if model.loss.proper else [])]
    taken, names = set(_inputs(model)), {}
    for word in words:
        name = word
        while name in taken:
            name += "_output"
        taken.add(name)
        names[word] = name
    return names


def _declared(name: str, dtype: Any, shape: list[Any]) -> Any:
    onnx = _onnx()
    text = np.dtype(dtype).kind in "OU"
    number = (
        onnx.TensorProto.STRING if text else onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    )
    return onnx.helper.make_tensor_value_info(name, number, shape)


def _tensor(name: str, array: Array) -> Any:
    text = array.dtype.kind in "OU"
    return _onnx().numpy_helper.from_array(array.astype(object) if text else array, name)


def _scores(model: Portable, graph: Graph) -> Symbol:
    passed = _features(model, graph)
    for depth, (weight, bias) in enumerate(model.stack):
        passed = passed @ weight + bias
        if depth < len(model.stack) - 1:
            passed = activate(model.activation, passed, XP)
    return passed


def _features(model: Portable, graph: Graph) -> Symbol:
    if model.on_table:
        found = [part for plan in model.columns for part in onnx_columns.features(graph, plan)]
        return graph.add("Concat", *found, axis=1)
    rows = Symbol(graph, "X", "f")
    units = np.array([plan["parts"][0][1:] for plan in model.columns])
    plain = bool((units == [0.0, 1.0]).all())
    return rows if plain else (rows - units[:, 0]) / units[:, 1]


def _outputs(model: Portable, scores: Symbol) -> dict[str, Symbol]:
    linked = formulas_of(type(model.loss), XP).link(model.loss, scores)
    if model.labels is None:
        own = model.mean == 0 and model.scale == 1
        return {"prediction": _flat(model, linked if own else linked * model.scale + model.mean)}
    graph = scores.graph
    if model.targets == "labels":
        chosen = graph.add("ArgMax", scores, kind="i", axis=1, keepdims=0)
    else:
        above = scores > 0.0
        zero = graph.constant(np.int64(0))
        chosen = _flat(model, XP.where(above, graph.constant(np.int64(1)), zero))
    labels = graph.constant(_labels(model))
    found = {
        "prediction": _flat(model, linked),
        "label": graph.add("Gather", labels, chosen, kind=_kind(model)),
    }
    if model.loss.proper:
        one = model.outputs == 1
        both = graph.add("Concat", 1 - linked, linked, axis=1) if one else linked
        found["probabilities"] = both
    return found


def _flat(model: Portable, values: Symbol) -> Symbol:
    """Return a single output as a vector, as `Run.predict` does."""
    if model.outputs > 1:
        return values
    shape = values.graph.constant(np.array([-1], dtype=np.int64))
    return values.graph.add("Reshape", values, shape)


def _labels(model: Portable) -> Array:
    labels = np.asarray(model.labels)
    return labels.astype(object) if labels.dtype.kind in "OU" else labels


def _kind(model: Portable) -> str:
    kind = _labels(model).dtype.kind
    return "U" if kind in "OU" else kind


def _shapes(model: Portable, outputs: dict[str, Symbol]) -> list[list[Any]]:
    k = model.outputs
    flat = ["rows"] if k == 1 else ["rows", k]
    known = {
        "prediction": flat,
        "label": ["rows"] if model.targets == "labels" else flat,
        "probabilities": ["rows", 2 if k == 1 else k],
    }
    return [known[word] for word in outputs]


# ---------------------------------------------------------------- words, and the check on board


def _words(model: Portable) -> str:
    lines = [f"{model.run.task}, exported by descend in double precision."]
    if model.on_table:
        lines += [
            f"{plan['name']!r} is {onnx_columns.UNITS[plan['kind']]}." for plan in model.columns
        ]
    else:
        lines.append(f"X holds the columns {', '.join(list(model.run.names)[:50])}.")
    return "\n".join(lines)


def _metadata(model: Portable, check: Check, names: dict[str, str]) -> dict[str, str]:
    columns = {p["name"]: onnx_columns.UNITS.get(p["kind"], "double") for p in model.columns}
    feed = _feed_of_cells(model, check.cells)
    found = {
        "inputs": {name: _plain(array) for name, array in feed.items()},
        "outputs": {names[word]: _plain(array) for word, array in expected(model, check).items()},
    }
    return {
        "descend.task": str(model.run.task),
        "descend.columns": json.dumps(columns),
        "descend.dates": onnx_columns.UNITS["date"],
        "descend.check": json.dumps(found),
    }


def _plain(array: Array) -> Any:
    """Return an array as JSON, which has no NaN."""
    if array.dtype.kind != "f":
        return array.tolist()
    found = array.astype(object)
    found[np.isnan(array)] = None
    return found.tolist()


def expected(model: Portable, check: Check) -> dict[str, Array]:
    """Return what must come out for the made-up rows, by the run's own words."""
    from descend.losses import predicted  # noqa: PLC0415

    if model.labels is None:
        return {"prediction": check.prediction}
    linked = predicted(model.loss, check.scores)
    found = {
        "prediction": linked[:, 0] if model.outputs == 1 else linked,
        "label": check.prediction,
    }
    if check.probabilities is not None:
        found["probabilities"] = check.probabilities
    return found


def _feed_of_cells(model: Portable, cells: list[list[str]]) -> dict[str, Array]:
    if not model.on_table:
        return {"X": np.array(cells, dtype=float).T}
    return {
        plan["name"]: onnx_columns.of_cells(plan, texts)
        for plan, texts in zip(model.columns, cells, strict=True)
    }


# ---------------------------------------------------------------- running


def session(source: Any) -> Any:
    """Return an onnxruntime session on the CPU for a path or for bytes."""
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    content = source if isinstance(source, bytes) else str(source)
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def check(path: str | os.PathLike[str] | bytes) -> float:
    """Run the rows that an ONNX file carries under onnxruntime.

    Parameters
    ----------
    path
        The file, or its bytes.

    Returns
    -------
    float
        The largest difference from what must come out, relative to an output's largest entry.

    Raises
    ------
    InputError
        If it is above 1e-10, or a label differs.
    """
    running = session(path)
    record = json.loads(running.get_modelmeta().custom_metadata_map["descend.check"])
    feed = {}
    for declared in running.get_inputs():
        dtype = {"tensor(string)": object, "tensor(int64)": np.int64}.get(declared.type, float)
        feed[declared.name] = np.array(record["inputs"][declared.name], dtype=dtype)
    found = dict(zip([o.name for o in running.get_outputs()], running.run(None, feed), strict=True))
    wanted = {name: np.array(values) for name, values in record["outputs"].items()}
    return _compared(found, wanted)


def feed_of(run: Run, table: Any) -> dict[str, Array]:
    """Return a table's columns as the inputs of the run's ONNX file.

    Parameters
    ----------
    run
        A run on a table.
    table
        A path, or a table of pandas, polars or Arrow.

    Returns
    -------
    dict of str to Array
        Name to (rows, 1).
    """
    from descend.export.portable import portable  # noqa: PLC0415

    encoder = Encoder.from_json(run.encoder or {})
    found = read(table, **dict(encoder.options)) if isinstance(table, str) else read(table)
    return {plan["name"]: onnx_columns.of_table(plan, found) for plan in portable(run).columns}


def verify(content: bytes, model: Portable, table: Any) -> float:
    """Return the largest relative difference from the run over all rows of a table.

    Raises
    ------
    InputError
        If it is above 1e-10, or a label differs.
    """
    running = session(content)
    found = dict(
        zip(
            output_names(model),
            running.run(None, feed_of(model.run, table)),
            strict=True,
        )
    )
    wanted = {"label" if model.labels is not None else "prediction": model.run.predict(table)}
    if "probabilities" in found:
        wanted["probabilities"] = model.run.predict_proba(table)
    return _compared(found, wanted)


def _compared(found: dict[str, Array], wanted: dict[str, Array]) -> float:
    worst = 0.0
    for name, right in wanted.items():
        own = np.asarray(found[name])
        if right.dtype.kind != "f" or own.dtype.kind != "f":
            apart = 0.0 if own.tolist() == right.tolist() else float("inf")
        else:
            scale = float(np.abs(right).max()) or 1.0
            apart = float(np.abs(own - right).max()) / scale if own.shape == right.shape else 1e300
        worst = max(worst, apart)
    if not worst <= TOLERANCE:
        msg = (
            f"The ONNX file does not predict what its run does: outputs differ by {worst:.2g} of "
            "their largest entry; export it again, or with another version of onnxruntime."
        )
        raise InputError(msg)
    return worst
