"""The run file: arrays in safetensors, and one JSON manifest in its header.

The manifest names parts from closed lists and never an import path, so reading a file builds
nothing that this library does not have. A SHA-256 digest covers every byte of the file (the
digest's own place read as zeros), so a file that was cut short or altered anywhere is refused.
Sizes are checked against the file before anything is allocated. There is no pickle.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from descend import task as tasks
from descend.arrays import Layout, Numbered, State
from descend.engines import is_known
from descend.engines.choosing import DEVICED
from descend.errors import DescendError, InputError, Outcome, RunFileError
from descend.files import write_bytes
from descend.run.event_checks import checked
from descend.run.events import Force
from descend.run.history import History, Series
from descend.run.keyframes import Keyframes
from descend.run.record import Run
from descend.run.setup import Controller, Setup
from descend.scaling import Scaling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from descend.task import Task

VERSION = 1
FORMAT = "descend-run"
_ZEROS = "0" * 64
_NUMBERED = {"numbered": True}  # instead of the names x1, x2, … of a sparse matrix
_DIGEST = re.compile(rb'\{\\"digest\\": ?\\"([0-9a-f]{64})\\"')
_LONGEST_HEADER = 100_000_000  # safetensors' own limit


def versions(engine: str = "") -> dict[str, str]:
    """Return the versions that decide the last bit of a run by an engine."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    library = engine.partition("/")[0]
    others = (library,) if library in DEVICED else ()
    for name in ("descend", "numpy", "scipy", "numba", *others):
        found[name] = _version(name)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        if name in os.environ:
            found[name] = os.environ[name]
    found["threads"] = str(os.cpu_count())
    return found


@cache
def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow

    try:
        return version(name)
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"


# ---------------------------------------------------------------- writing


def save(run: Run, path: str | os.PathLike[str], *, keyframes: bool = True) -> None:
    """Write `run` to `path` in one move; see `Run.save`."""
    write_bytes(path, pack(run, keyframes=keyframes))


def pack(run: Run, *, keyframes: bool = True) -> bytes:
    """Return the bytes of a run file."""
    from safetensors.numpy import save as pack_arrays  # noqa: PLC0415 - not needed to train

    frames = run.keyframes if keyframes else None
    manifest = json.dumps(
        {"digest": _ZEROS, **_plain(_manifest(run, frames))}, ensure_ascii=True, allow_nan=False
    )
    arrays = {name: np.ascontiguousarray(a) for name, a in _arrays(run, frames).items()}
    content: bytes = pack_arrays(arrays, metadata={"descend": manifest})
    found = _DIGEST.search(content)
    if found is None:
        msg = "the manifest does not begin with its digest"
        raise AssertionError(msg)
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[: found.start(1)] + digest + content[found.end(1) :]


def _manifest(run: Run, frames: Keyframes | None) -> dict[str, Any]:
    outcome = run.outcome
    return {
        "format": FORMAT,
        "version": VERSION,
        "task": tasks.describe(run.task, run.layout),
        "setup": run.setup.describe(),
        "layout": [[name, list(shape)] for name, shape in run.layout.entries],
        "step": run.state.step,
        "outcome": {name: getattr(outcome, name) for name in outcome.__slots__},
        "controller": run.controller.describe(),
        "events": list(run.events),
        "classes": run.classes,
        "names": _NUMBERED if isinstance(run.names, Numbered) else list(run.names),
        "engine": run.engine_used,
        "history": {
            name: {
                "names": list(series.names),
                "capacity": series.capacity,
                "block": series.block,
                "count": series.count,
            }
            for name, series in (("updates", run.history.updates), ("epochs", run.history.epochs))
        },
        "keyframes": None if frames is None else {"limit": frames.limit, "stride": frames.stride},
        "fingerprint": run.fingerprint if run.data is None else run.data.fingerprint,
        "encoder": run.encoder,
        "source": run.source,
        "versions": run.versions,
    }


def _arrays(run: Run, frames: Keyframes | None) -> dict[str, Any]:
    arrays = {"theta": run.theta, "state.theta": run.state.theta, "state.slots": run.state.slots}
    if run.controller.best_theta is not None:
        arrays["best.theta"] = run.controller.best_theta
    if run.scaling is not None:
        arrays |= {f"scaling.{part}": a for part, a in run.scaling._asdict().items()}
    for name, series in (("updates", run.history.updates), ("epochs", run.history.epochs)):
        arrays |= {f"history.{name}.{part}": a for part, a in series.arrays().items()}
    if frames is not None:
        arrays |= {f"keyframes.{part}": a for part, a in frames.arrays().items()}
    return arrays


def _plain(value: Any) -> Any:
    """Return `value` as strict JSON: numbers that JSON lacks become ``{"float": "inf"}``."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


def _unplain(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"float"}:
            return float(value["float"])
        return {k: _unplain(v) for k, v in value.items()}
    return [_unplain(v) for v in value] if isinstance(value, list) else value


# ---------------------------------------------------------------- reading


def load(path: str | os.PathLike[str], *, task: Task | None = None) -> Run:
    """Read a run from its file.

    Parameters
    ----------
    path
        A file that `Run.save` wrote, or a folder with exactly one such file (``*.run``).
    task
        The task of a run whose model or loss is your own: a file holds their names and no code.
        Without it such a run can be read, and neither predicts nor replays.

    Returns
    -------
    Run
        Without rows; give them back with `Run.attach` where they are needed.

    Raises
    ------
    RunFileError
        If the file is missing, cut short, altered, of a newer version, or not a run file.
    InputError
        If the task given is not the one the run was trained with.

    Examples
    --------
    >>> import tempfile, pathlib, descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> run = ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=10)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run.save(pathlib.Path(folder, "line.run"))
    ...     again = ds.load(pathlib.Path(folder, "line.run"))
    >>> bool((again.theta == run.theta).all())
    True
    """
    file = find_run_file(Path(path))
    try:
        content = file.read_bytes()
    except OSError as error:
        msg = f"The run file {file} cannot be read ({error.strerror}); check its path and rights."
        raise RunFileError(msg) from error
    return unpack(content, str(file), task)


def find_run_file(path: Path) -> Path:
    """Return the run file at a path: the file itself, or the only one in a folder."""
    if not path.is_dir():
        if not path.exists():
            msg = f"There is no run at {path}; name a .run file or the folder that holds one."
            raise RunFileError(msg)
        return path
    found = sorted(path.glob("*.run"))
    if len(found) != 1:
        holds = f"{len(found)} run files" if found else "no run file"
        msg = f"The folder {path} holds {holds}; name the .run file itself."
        raise RunFileError(msg)
    return found[0]


def unpack(content: bytes, name: str = "these bytes", task: Task | None = None) -> Run:
    """Return the run in the bytes of a run file; `name` is for messages."""
    manifest = _checked_manifest(content, name)
    try:
        from safetensors.numpy import load as unpack_arrays  # noqa: PLC0415

        arrays = {k: np.array(v) for k, v in unpack_arrays(content).items()}
        run = _restored(manifest, arrays)
    except Exception as error:  # whatever a forged manifest provokes is the file's fault
        what = str(error) if isinstance(error, DescendError) else f"{type(error).__name__}: {error}"
        msg = f"{name} is not a consistent run file ({what}); it was not written by this library."
        raise RunFileError(msg) from error
    return run if task is None else _given_back(run, task)


def _given_back(run: Run, task: Task) -> Run:
    """Return the run with its author's own parts, if the task is the run's."""
    known = tasks.describe(run.task, run.layout)
    given = tasks.describe(task, task.model.layout(run.setup.d, run.setup.k))
    for part, wanted in known.items():
        if given[part] != wanted:
            msg = (
                f"The run was trained with another {part} than the task given: the run's is "
                f"{wanted}, the task's {given[part]}."
            )
            raise InputError(msg)
    return replace(run, task=task)


def _checked_manifest(content: bytes, name: str) -> dict[str, Any]:
    length = int.from_bytes(content[:8], "little") if len(content) >= 8 else 0  # noqa: PLR2004
    whole = 8 + length <= len(content) and 0 < length <= _LONGEST_HEADER
    found = _DIGEST.search(content, 8, 8 + length) if whole else None
    if found is None:
        msg = f"{name} is not a run file, or the beginning of one that was cut short."
        raise RunFileError(msg)
    zeroed = hashlib.sha256(content[: found.start(1)])
    zeroed.update(_ZEROS.encode())
    zeroed.update(memoryview(content)[found.end(1) :])
    if zeroed.hexdigest().encode() != found.group(1):
        msg = (
            f"{name} was cut short or altered after it was written: its digest does not match; "
            "take another copy."
        )
        raise RunFileError(msg)
    header = json.loads(content[8 : 8 + length])
    manifest: dict[str, Any] = _unplain(json.loads(header["__metadata__"]["descend"]))
    if manifest.get("format") != FORMAT:
        msg = f"{name} is not a run file: its format is {manifest.get('format')!r}."
        raise RunFileError(msg)
    if manifest.get("version") != VERSION:
        msg = (
            f"{name} is a run file of version {manifest.get('version')}, and this library reads "
            f"version {VERSION}; install a newer descend."
        )
        raise RunFileError(msg)
    return manifest


def _restored(manifest: Mapping[str, Any], arrays: dict[str, Any]) -> Run:
    task = tasks.restore(manifest["task"])
    setup = Setup.restore(manifest["setup"])
    layout = Layout(tuple((name, tuple(shape)) for name, shape in manifest["layout"]))
    if layout != task.model.layout(setup.d, setup.k):
        msg = "its layout is not that of its model"
        raise RunFileError(msg)
    numbered = manifest["names"] == _NUMBERED
    names = Numbered(setup.d) if numbered else list(manifest["names"])
    if not 0 <= manifest["step"] <= setup.updates or len(names) != setup.d:
        msg = f"its step {manifest['step']} or its {len(names)} names cannot be"
        raise RunFileError(msg)
    if not is_known(manifest["engine"]):
        msg = f"it was trained by the engine {manifest['engine']!r}, which is not here"
        raise RunFileError(msg)
    slots = len(task.optimizer.rule.slots)
    _expect(arrays, "theta", (layout.size,), setup.dtype)
    _expect(arrays, "state.theta", (layout.size,), setup.dtype)
    _expect(arrays, "state.slots", (slots, layout.size), setup.dtype)
    if "best.theta" in arrays:
        _expect(arrays, "best.theta", (layout.size,), setup.dtype)
    series = {name: _series(manifest, arrays, name) for name in ("updates", "epochs")}
    return Run(
        task=task,
        setup=setup,
        layout=layout,
        theta=arrays["theta"],
        outcome=Outcome(**manifest["outcome"]),
        history=History(series["updates"], series["epochs"]),
        keyframes=_keyframes(manifest, arrays, layout.size, slots, setup),
        events=checked(
            manifest["events"],
            Force(task, setup.learning_rate, manifest["engine"]),
            int(manifest["step"]),
            layout.size,
        ),
        state=State(arrays["state.theta"], arrays["state.slots"], int(manifest["step"])),
        controller=Controller.restore(manifest["controller"], arrays.get("best.theta")),
        classes=manifest["classes"],
        names=names,
        engine_used=manifest["engine"],
        fingerprint=manifest["fingerprint"],
        encoder=manifest["encoder"],
        source=manifest["source"],
        versions=manifest["versions"],
        scaling=_scaling(arrays, setup),
    )


def _scaling(arrays: dict[str, Any], setup: Setup) -> Scaling | None:
    """Return the columns' means and deviations; runs that did not standardise have none."""
    kept = [name for name in arrays if name.startswith("scaling.")]
    if not kept:
        return None
    for part in Scaling._fields:
        _expect(arrays, f"scaling.{part}", (setup.d,), "bool" if part == "varies" else "float64")
    found = Scaling(**{part: arrays[f"scaling.{part}"] for part in Scaling._fields})
    if not (
        np.isfinite(found.mean).all()
        and (np.isfinite(found.deviation) & (found.deviation > 0)).all()
    ):
        msg = "its columns' means and deviations cannot be"
        raise RunFileError(msg)
    return found


def _series(manifest: Mapping[str, Any], arrays: dict[str, Any], name: str) -> Series:
    kept = {
        part: arrays[f"history.{name}.{part}"]
        for part in ("sums", "lows", "highs")
        if f"history.{name}.{part}" in arrays
    }
    record = manifest["history"][name]
    block, count = int(record["block"]), int(record["count"])
    rows = -(-count // block)
    for part in kept:
        _expect(arrays, f"history.{name}.{part}", (rows, len(record["names"])), "float64")
    return Series.restored(tuple(record["names"]), int(record["capacity"]), block, count, kept)


def _keyframes(
    manifest: Mapping[str, Any], arrays: dict[str, Any], size: int, slots: int, setup: Setup
) -> Keyframes | None:
    record = manifest["keyframes"]
    if record is None:
        return None
    kept = {part: arrays[f"keyframes.{part}"] for part in ("steps", "theta", "slots")}
    count = len(kept["steps"])
    _expect(arrays, "keyframes.steps", (count,), "int64")
    _expect(arrays, "keyframes.theta", (count, size), setup.dtype)
    _expect(arrays, "keyframes.slots", (count, slots, size), setup.dtype)
    stride, steps = int(record["stride"]), kept["steps"].tolist()
    in_order = steps == sorted(set(steps)) and steps[:1] == [0]
    if stride < 1 or not in_order or steps[-1] > manifest["step"] or any(s % stride for s in steps):
        msg = f"its keyframes stand at {steps[:8]}, by strides of {stride}"
        raise RunFileError(msg)
    return Keyframes.restored(int(record["limit"]), stride, kept)


def _expect(arrays: dict[str, Any], name: str, shape: tuple[int, ...], dtype: str) -> None:
    if name not in arrays:
        msg = f"the array {name!r} is missing"
        raise RunFileError(msg)
    found = arrays[name]
    if found.shape != shape or found.dtype != np.dtype(dtype):
        msg = (
            f"the array {name!r} must be {dtype} of shape {shape}; "
            f"found {found.dtype} of shape {found.shape}"
        )
        raise RunFileError(msg)
