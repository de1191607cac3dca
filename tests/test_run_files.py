"""The run file: whole or refused, never half; and a disk that fails costs no older file."""

from __future__ import annotations

import ast
import contextlib
import errno
import hashlib
import json
import math
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as unpack_arrays
from safetensors.numpy import save as pack_arrays
from tests.oracles import assert_bits, assert_same_keyframes, assert_same_run, assert_same_series

import descend as ds
from descend.errors import InputError, Outcome, RunFileError
from descend.losses import LOSSES
from descend.optimizers import ELEMENTWISE, RULES
from descend.run import files
from descend.run.files import pack, unpack

X, Y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 4.5])


def small(**asked):
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.momentum(0.1))
    return ds.train(task, X, Y, epochs=3, **asked)


@pytest.fixture(scope="module")
def content():
    return pack(small())


def assert_refused(content):
    with pytest.raises(RunFileError) as error:
        unpack(content, "a.run")
    sentence = str(error.value)
    assert sentence.startswith("a.run ")
    assert "\n" not in sentence
    assert len(sentence) < 400
    return sentence


def forged(content, change=None, arrays=None):
    """Return the file with its manifest or its arrays changed and its digest made right again."""
    length = int.from_bytes(content[:8], "little")
    manifest = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["descend"])
    held = dict(unpack_arrays(content))
    if change is not None:
        change(manifest)
    if arrays is not None:
        arrays(held)
    manifest["digest"] = "0" * 64
    raw = pack_arrays(held, metadata={"descend": json.dumps(manifest)})
    digest = hashlib.sha256(raw).hexdigest().encode()
    at = re.search(rb'\\"digest\\": ?\\"(0{64})', raw).start(1)
    return raw[:at] + digest + raw[at + 64 :]


# ---------------------------------------------------------------- there and back


def test_a_run_comes_back_whole(tmp_path):
    run = small(validation=(X, Y), patience=2)
    run.save(tmp_path / "a.run")
    again = ds.load(tmp_path / "a.run")
    assert_same_run(again, run)
    assert_same_run(ds.load(tmp_path), run)
    assert (again.task, again.setup, again.layout) == (run.task, run.setup, run.layout)
    assert (again.names, again.classes, again.versions) == (run.names, run.classes, run.versions)
    assert again.engine_used == run.engine_used
    assert_bits(again.predict(X), run.predict(X))
    assert again.data is None


def test_the_same_run_is_the_same_bytes(content):
    assert pack(small()) == content
    assert pack(unpack(content)) == content


@pytest.mark.parametrize("rule", ELEMENTWISE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_optimizer_comes_back_with_its_memory(rule, dtype):
    task = ds.Task(ds.MLP((2,)), "squared_error", RULES.make(rule, learning_rate=0.1))
    run = ds.train(task, X, Y, epochs=4, batch_size=2, dtype=dtype)
    assert_same_run(unpack(pack(run)), run)


@pytest.mark.parametrize("loss", list(LOSSES))
def test_every_loss_comes_back_with_its_labels(loss):
    y = {"labels": ["b", "a", "c"], "two labels": ["n", "y", "n"]}.get(LOSSES.make(loss).targets, Y)
    run = ds.train(ds.Task(ds.Linear(), loss, ds.adam(0.1)), X, y, epochs=3)
    again = unpack(pack(run))
    assert again.classes == run.classes
    assert again.predict(X).tolist() == run.predict(X).tolist()


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e308, 5e-324, -0.0])
def test_any_float_in_the_outcome_comes_back(number):
    run = replace(small(), outcome=Outcome("diverged", "Ünï “quoted” ∞.", 3, number, None, 2))
    again = unpack(pack(run)).outcome
    assert_bits(np.float64(again.loss), np.float64(number))
    assert repr(again) == repr(run.outcome)


def test_a_run_of_nan_comes_back():
    task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(1e300))
    run = ds.train(task, X, Y, epochs=6, on_divergence="continue")
    assert np.isnan(run.theta).any()
    assert_same_run(unpack(pack(run)), run)


def test_a_model_file_is_a_run_file_without_its_keyframes(content):
    run = small()
    again = unpack(pack(run, keyframes=False))
    assert again.keyframes is None
    assert_bits(again.theta, run.theta)
    assert_same_series(again.history.updates, run.history.updates)
    assert_bits(again.at(3).theta, run.theta)
    with pytest.raises(InputError, match="a model without its keyframes"):
        again.at(1)
    assert_same_keyframes(unpack(content).keyframes, run.keyframes)


def test_strangers_can_read_the_arrays(content):
    arrays = unpack_arrays(content)
    assert_bits(arrays["theta"], small().theta)


# ---------------------------------------------------------------- cut, altered, forged


def test_every_beginning_of_a_file_is_refused(content):
    for length in range(len(content)):
        assert_refused(content[:length])


def test_every_altered_byte_is_refused(content):
    for place in range(len(content)):
        for bits in (0x01, 0x80, 0xFF):
            altered = bytearray(content)
            altered[place] ^= bits
            assert_refused(bytes(altered))


def test_more_bytes_after_the_end_are_refused(content):
    for more in (b"\0", b"x" * 100, content):
        assert_refused(content + more)


@pytest.mark.parametrize(
    "junk", [b"", b"\0" * 8, b"\xff" * 64, b"PK\x03\x04" * 50, b"a,b\n1,2\n" * 99]
)
def test_other_files_are_refused(junk):
    assert "is not a run file" in assert_refused(junk)


def test_a_header_that_claims_to_be_huge_is_refused_before_it_is_read():
    for claim in (2**63, 2**40, 10**9):
        assert_refused(claim.to_bytes(8, "little") + b"{" * 1000)


def test_a_forgery_that_changes_nothing_is_no_forgery(content):
    assert_same_run(unpack(forged(content)), small())


@pytest.mark.parametrize("version", [2, 99, "1", None, 0])
def test_another_version_is_refused_by_name(content, version):
    sentence = assert_refused(forged(content, lambda m: m.update(version=version)))
    assert f"of version {version}, and this library reads version 1" in sentence


def test_another_format_is_refused(content):
    assert "its format is 'other'" in assert_refused(
        forged(content, lambda m: m.update(format="other"))
    )


def _set(*path, to):
    def change(manifest):
        for key in path[:-1]:
            manifest = manifest[key]
        manifest[path[-1]] = to

    return change


LIES = [
    _set("layout", to=[["weight", [2, 1]], ["bias", [1]]]),
    _set("layout", to=[["weight", [1, 1]]]),
    _set("layout", to=[["weight", [10**12, 10**12]], ["bias", [1]]]),
    _set("layout", to="weight"),
    _set("setup", "d", to=2),
    _set("setup", "d", to=10**12),
    _set("setup", "k", to=-1),
    _set("setup", "dtype", to="float32"),
    _set("setup", "dtype", to="object"),
    _set("setup", to={}),
    _set("task", "loss", to={"name": "os.system"}),
    _set("task", "loss", to={"name": "huber", "delta": -1}),
    _set("task", "model", "name", to="forest"),
    _set("task", "optimizer", "name", to="adam"),
    _set("task", "optimizer", "beta", to=7),
    _set("task", "penalty", to={"name": "l3"}),
    _set("task", to=None),
    _set("history", "updates", "count", to=10**9),
    _set("history", "updates", "count", to=-1),
    _set("history", "updates", "block", to=0),
    _set("history", "updates", "block", to=8),
    _set("history", "updates", "names", to=["loss"]),
    _set("keyframes", "stride", to=0),
    _set("keyframes", "stride", to=-1),
    _set("step", to="three"),
    _set("step", to=-1),
    _set("step", to=99),
    _set("outcome", to={"reason": "epochs"}),
    _set("controller", to={"scale": 1.0, "unheard": 2}),
    _set("names", to=None),
    _set("names", to=["a", "b"]),
    _set("engine", to="cuda"),
    _set("engine", to="numpy/blocks"),
    _set("engine", to="numba/elsewhere"),
    _set("events", to=7),
]


@pytest.mark.parametrize("lie", LIES, ids=range(len(LIES)))
def test_a_manifest_that_lies_is_refused(content, lie):
    assert_refused(forged(content, lie))


ARRAYS = [
    "theta",
    "state.theta",
    "state.slots",
    "history.updates.sums",
    "keyframes.theta",
    "keyframes.slots",
    "keyframes.steps",
]


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("lie", ["missing", "longer", "float16", "empty"])
def test_an_array_that_lies_is_refused(content, name, lie):
    def change(arrays):
        found = arrays.pop(name)
        if lie == "longer":
            arrays[name] = np.concatenate([found, found])
        elif lie == "float16":
            arrays[name] = found.astype(np.float16)
        elif lie == "empty":
            arrays[name] = found[:0]

    assert_refused(forged(content, arrays=change))


def test_keyframes_out_of_order_are_refused(content):
    def change(arrays):
        arrays["keyframes.steps"] = arrays["keyframes.steps"][::-1].copy()

    assert_refused(forged(content, arrays=change))


# ---------------------------------------------------------------- places


def test_a_missing_file_and_folders_without_one_run_are_named(tmp_path):
    with pytest.raises(RunFileError, match="There is no run at"):
        ds.load(tmp_path / "none.run")
    with pytest.raises(RunFileError, match="holds no run file"):
        ds.load(tmp_path)
    small().save(tmp_path / "a.run")
    small().save(tmp_path / "b.run")
    with pytest.raises(RunFileError, match="holds 2 run files"):
        ds.load(tmp_path)


def test_saving_onto_a_folder_or_into_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="is a folder; name a file"):
        small().save(tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        small().save(tmp_path / "no" / "a.run")
    assert not list(tmp_path.iterdir())


class FullDisk:
    """A stream whose writes fail half-way."""

    def __init__(self, stream):
        self._stream = stream

    def __enter__(self):
        return self

    def __exit__(self, *how):
        self._stream.close()

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, data):
        self._stream.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")


def _full(*_arguments, **_named):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("where", ["write", "fsync", "replace", "mkstemp"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, where):
    place = tmp_path / "a.run"
    small().save(place)
    old = place.read_bytes()
    other = small(seed=3)
    if where == "write":
        fdopen = os.fdopen
        monkeypatch.setattr(os, "fdopen", lambda *a: FullDisk(fdopen(*a)))
    elif where == "mkstemp":
        monkeypatch.setattr("tempfile.mkstemp", _full)
    else:
        monkeypatch.setattr(os, where, _full)
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
        other.save(place)
    monkeypatch.undo()
    assert place.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["a.run"]


def test_an_interrupt_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    place = tmp_path / "a.run"
    small().save(place)
    old = place.read_bytes()

    def interrupt(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with contextlib.suppress(KeyboardInterrupt):
        small(seed=3).save(place)
    monkeypatch.undo()
    assert place.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["a.run"]


def test_a_newer_run_replaces_an_older_one(tmp_path):
    place = tmp_path / "a.run"
    place.write_bytes(b"old")
    small().save(place)
    assert_same_run(ds.load(place), small())
    assert place.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_nothing_of_the_record_imports_pickle():
    folder = Path(files.__file__).parent
    for path in [*folder.glob("*.py"), folder.parent / "files.py", folder.parent / "task.py"]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import | ast.ImportFrom)
                else []
            )
            names.append(getattr(node, "module", None) or "")
            assert not {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"} & set(names), (
                path
            )
