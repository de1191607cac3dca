"""The door: which form is asked for, where it goes, and what is said of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.activations import ACTIVATIONS
from descend.errors import InputError
from descend.export.made_up import check_of
from descend.export.portable import block, portable
from descend.export.script import write_script
from descend.files import write_bytes
from descend.parts import choice
from descend.task import describe

if TYPE_CHECKING:
    import os

    from descend.arrays import Array
    from descend.export.portable import Portable
    from descend.run import Run

FORMS = ("onnx", "torch", "jax", "numpy", "sklearn", "json", "script")
FILES = {"onnx": "model.onnx", "json": "model.json"}
LIBRARIES = ("numpy", "jax", "torch")
USE = {
    "onnx": "any ONNX runtime; check it with descend.export.onnx.check(PATH)",
    "torch": "python {}/model.py in.csv out.csv (needs torch and safetensors)",
    "jax": "python {}/model.py in.csv out.csv (needs jax and safetensors)",
    "numpy": "python {}/predict.py in.csv out.csv (needs Python 3.11 and nothing else)",
    "sklearn": "python {}/model.py in.csv out.csv (needs scikit-learn)",
    "json": 'any language; its "about" says how to read it',
    "script": "python {}/train_{}.py (needs NumPy and that library)",
}
ABOUT = (
    "Encode each entry by its column's plan and put the features in one row; pass the row through "
    "the layers (row times weight plus bias, the activation after all but the last): these are "
    "the scores. The link turns them into predictions; numbers are multiplied by target.scale, "
    "then target.mean is added. Of number, boolean, date and given columns each part gives "
    "(value - mean)/scale, or fill where it is missing, then 1 for missing and 0 for not if "
    "indicator. Of category columns width features are 0 but for a 1 at places[entry], at other "
    "for unknown entries, at missing for missing ones; -1 is no place. Dates are taken in UTC "
    "where they have a zone; weekday counts from Monday, 1. Of two labels the second is predicted "
    "where the score is above 0, of more the one with the largest score."
)


def export(  # noqa: PLR0913 - each is a question the files may raise
    run: Run,
    to: str,
    path: str | os.PathLike[str] | None = None,
    *,
    overwrite: bool = False,
    data: Any = None,
    library: str = "numpy",
) -> list[str]:
    """Write a run in a form that others can use, and return the files.

    Parameters
    ----------
    run
        What to export.
    to
        ``"onnx"`` and ``"json"`` are one file; ``"numpy"`` (which needs only Python), ``"torch"``,
        ``"jax"``, ``"sklearn"`` and ``"script"`` a folder.
    path
        Where to; default ``model.onnx``, ``model.json`` or a folder named after the form.
    overwrite
        Whether files that are there may be replaced; default no.
    data
        A table on whose rows the ONNX file is compared with the run; default none.
    library
        Of ``"script"``: ``"numpy"`` (default), ``"jax"`` or ``"torch"``.

    Returns
    -------
    list of str
        The files that were written.

    Raises
    ------
    InputError
        If the form cannot express the model, or a file is there already.

    Examples
    --------
    >>> import tempfile, pathlib, descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> run = ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=10)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = run.export("numpy", pathlib.Path(folder, "line"))
    >>> [pathlib.Path(file).name for file in files]
    ['predict.py', 'model.json']
    """
    choice("export", "to", to, FORMS)
    target = Path(FILES.get(to, to) if path is None else path)
    if to == "script":
        chosen: Any = choice("export", "library", library, LIBRARIES)
        return [str(f) for f in write_script(run, chosen, target, overwrite=overwrite)]
    model = portable(run)
    if to in FILES:
        contents: dict[Path, bytes | str] = {target: _WRITERS[to](model, data)}
    else:
        contents = {target / name: found for name, found in _WRITERS[to](model, data).items()}
    _write(target, contents, overwrite=overwrite)
    return [str(file) for file in contents]


def _write(target: Path, contents: dict[Path, bytes | str], *, overwrite: bool) -> None:
    """Write all files or, if one is there and may not be replaced, none."""
    there = [str(file) for file in contents if file.exists()]
    if there and not overwrite:
        msg = f"{there[0]} exists already; name another place, or say --overwrite."
        raise InputError(msg)
    if target not in contents:
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"The folder {target} cannot be made ({error.strerror}); name another place."
            raise InputError(msg) from error
    for file, content in contents.items():
        write_bytes(file, content, overwrite=overwrite)


# ---------------------------------------------------------------- the forms


def predict_text(model: Portable) -> str:
    """Return `predict.py` with the functions that this model uses, in at most 60 lines."""
    used = {"identity", model.link}
    if len(model.stack) > 1:
        used.add(model.activation.name)
    text = _source("predict")
    found = re.sub(
        r'^    "(\w+)": lambda.*\n',
        lambda m: m[0] if m[1] in used else "",
        text,
        flags=re.MULTILINE,
    )
    return re.sub(r"\n\n\n+", "\n\n", found)


def _source(module: str) -> str:
    return Path(__file__).with_name(f"{module}.py").read_text("utf-8")


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False) + "\n"


def _packed(arrays: dict[str, Array]) -> bytes:
    from safetensors.numpy import save  # noqa: PLC0415 - not needed to train

    content: bytes = save({name: np.ascontiguousarray(a) for name, a in arrays.items()})
    return content


def _onnx(model: Portable, data: Any) -> bytes:
    from descend.export import onnx  # noqa: PLC0415

    content: bytes = onnx.model_proto(model).SerializeToString()
    if data is not None:
        onnx.verify(content, model, data)
    return content


def _numpy(model: Portable, data: Any) -> dict[str, bytes | str]:
    del data
    return {"predict.py": predict_text(model), "model.json": _as_json(block(model))}


def _torch(model: Portable, data: Any) -> dict[str, bytes | str]:
    from descend.export.torch import state_of  # noqa: PLC0415

    arrays = _packed(state_of(model.stack))
    return {
        "model.py": _source("torch_model"),
        "model.safetensors": arrays,
        **_numpy(model, data),
    }


def _jax(model: Portable, data: Any) -> dict[str, bytes | str]:
    arrays: dict[str, Array] = {}
    for depth, (weight, bias) in enumerate(model.stack):
        arrays |= {f"{depth}.weight": weight, f"{depth}.bias": bias}
    return {
        "model.py": _source("jax_model"),
        "model.safetensors": _packed(arrays),
        **_numpy(model, data),
    }


def _sklearn(model: Portable, data: Any) -> dict[str, bytes | str]:
    from descend.export.sklearn import describe as of_estimator  # noqa: PLC0415

    return {
        "model.py": _source("sklearn_model"),
        "estimator.json": _as_json(of_estimator(model)),
        **_numpy(model, data),
    }


def document(model: Portable) -> dict[str, Any]:
    """Return everything a reader needs, as `--to json` writes it."""
    check, run = check_of(model), model.run
    parameters = run.raw_params if model.folded else run.params
    entries = zip(model.columns, check.cells, strict=True)
    return {
        "format": "descend-model",
        "version": 1,
        "about": ABOUT,
        "task": {"sentence": str(run.task), **describe(run.task)},
        "columns": model.columns,
        "layout": [[name, list(part.shape)] for name, part in parameters.items()],
        "parameters": {name: part.tolist() for name, part in parameters.items()},
        "activation": ACTIVATIONS.describe(model.activation),
        "link": model.link,
        "target": {
            "name": None if run.encoder is None else run.encoder["target"]["name"],
            "holds": model.targets,
            "mean": model.mean,
            "scale": model.scale,
        },
        "classes": model.labels,
        "check": {
            "about": "Made-up rows, as a CSV file holds them, and what they must give.",
            "entries": {plan["name"]: texts for plan, texts in entries},
            "features": check.features.tolist(),
            "scores": check.scores.tolist(),
            "prediction": check.prediction.tolist(),
            "probabilities": None if check.probabilities is None else check.probabilities.tolist(),
        },
    }


def _json(model: Portable, data: Any) -> str:
    del data
    return json.dumps(document(model), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


_WRITERS: dict[str, Any] = {
    "onnx": _onnx,
    "torch": _torch,
    "jax": _jax,
    "numpy": _numpy,
    "sklearn": _sklearn,
    "json": _json,
}
