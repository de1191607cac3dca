"""Writing predictions: CSV or Parquet, in one move, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError
from descend.files import write_bytes
from descend.tables.reading import PARQUET
from descend.tables.table import literal, quoted

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from descend.arrays import Array

# A spreadsheet takes text that begins like this for a formula (CWE-1236); a quote mark disarms it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
# Such text is a plain number, which no spreadsheet runs: the label -1 stays the label -1.
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def write_predictions(
    path: str | os.PathLike[str], columns: Mapping[str, Any], *, overwrite: bool = False
) -> None:
    """Write columns of equal length to a CSV or Parquet file, by its suffix.

    In CSV, text that a spreadsheet would run as a formula gets a leading quote mark; numbers are
    never touched, and text that is a plain number is not either.  Parquet keeps types, and needs
    no such care.  What is missing (None, NaN) is left empty.

    Parameters
    ----------
    path
        Where to: ``….csv`` or ``….parquet``.
    columns
        Name to values: numbers, or text with None for missing.
    overwrite
        Whether a file that is there may be replaced; default no.

    Raises
    ------
    InputError
        If the file is there already, its suffix is another, the columns differ in length, or it
        cannot be written.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in {".csv", *PARQUET}:
        msg = f"Predictions go to a .csv or a .parquet file; {target} is neither. Name another."
        raise InputError(msg)
    arrays = {str(name): _array(values) for name, values in columns.items()}
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        msg = f"The columns of {target} must be equally long; found {lengths}."
        raise InputError(msg)
    content = _csv(arrays).encode() if suffix == ".csv" else _parquet(arrays)
    write_bytes(target, content, overwrite=overwrite)


def _array(values: Any) -> Array:
    """Return a column as numbers, truth values, or texts and None."""
    found = np.asarray(values) if isinstance(values, np.ndarray) else np.array(list(values), object)
    if found.dtype.kind in "biuf":
        return found
    objects = [None if v is None else v for v in found.tolist()]
    kinds = {type(v) for v in objects if v is not None}
    if kinds and kinds <= {int, float}:
        return np.array([np.nan if v is None else v for v in objects], dtype=np.float64)
    if kinds == {bool} and None not in objects:
        return np.array(objects, dtype=bool)
    texts = np.empty(len(objects), dtype=object)
    texts[:] = [None if v is None else str(v) for v in objects]
    return texts


def _csv(arrays: Mapping[str, Array]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([safe_text(name) for name in arrays])
    writer.writerows(zip(*map(_cells, arrays.values()), strict=True))
    return out.getvalue()


def _cells(values: Array) -> list[Any]:
    if values.dtype.kind == "O":
        safe = {v: safe_text(v) for v in set(values.tolist()) if v is not None}
        return [None if v is None else safe[v] for v in values.tolist()]
    if values.dtype.kind == "f" and np.isnan(values).any():
        return [None if v != v else v for v in values.tolist()]  # noqa: PLR0124 - NaN is not itself
    return list(values.tolist())


def safe_text(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    dangerous = text.startswith(FORMULA) and not _NUMBER.fullmatch(text)
    return "'" + text if dangerous else text


def _parquet(arrays: Mapping[str, Array]) -> bytes:
    import duckdb  # noqa: PLC0415 - loaded by the first table only

    if len({name.lower() for name in arrays}) < len(arrays):
        msg = (
            f"Columns of Parquet must differ in more than upper and lower case; found "
            f"{', '.join(map(repr, arrays))}. Write a .csv file."
        )
        raise InputError(msg)
    plain = {f"c{i}": values for i, values in enumerate(arrays.values())}
    connection = duckdb.connect(":memory:", config={"autoload_known_extensions": False})
    with connection, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "predictions.parquet"
        connection.register("predictions", plain)
        listed = ", ".join(
            f"{_column(key, values)} AS {quoted(name)}"
            for (key, values), name in zip(plain.items(), arrays, strict=True)
        )
        connection.execute(
            f"COPY (SELECT {listed} FROM predictions) TO {literal(str(file))} (FORMAT parquet)"  # noqa: S608
        )
        return file.read_bytes()


def _column(key: str, values: Array) -> str:
    """Return a column's SQL expression, with the type of text even where all of it is missing."""
    if values.dtype.kind == "O":
        return f"CAST({key} AS VARCHAR)"
    return f"CASE WHEN isnan({key}) THEN NULL ELSE {key} END" if values.dtype.kind == "f" else key
