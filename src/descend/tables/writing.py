"""Writing predictions: CSV or Parquet, in one move, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.errors import InputError
from descend.files import write_bytes
from descend.tables.reading import PARQUET, quoted

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

# A spreadsheet takes text that begins like this for a formula (CWE-1236); a quote mark disarms it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


def write_predictions(
    path: str | os.PathLike[str], columns: Mapping[str, Any], *, overwrite: bool = False
) -> None:
    """Write columns of equal length to a CSV or Parquet file, by its suffix.

    In CSV, text that a spreadsheet would run as a formula gets a leading quote mark; numbers are
    never touched.

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
        If the file is there already, its suffix is another, or it cannot be written.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix == ".csv":
        content = _csv(columns).encode()
    elif suffix in PARQUET:
        content = _parquet(columns)
    else:
        msg = f"Predictions go to a .csv or a .parquet file; {target} is neither."
        raise InputError(msg)
    write_bytes(target, content, overwrite=overwrite)


def _csv(columns: Mapping[str, Any]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_safe(name) for name in columns])
    writer.writerows(zip(*(map(_cell, _listed(v)) for v in columns.values()), strict=True))
    return out.getvalue()


def _listed(values: Any) -> list[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return _safe(value) if isinstance(value, str) else repr(value)


def _safe(text: str) -> str:
    return "'" + text if text.startswith(FORMULA) else text


def _parquet(columns: Mapping[str, Any]) -> bytes:
    import duckdb  # noqa: PLC0415 - loaded by the first table only

    connection = duckdb.connect(":memory:")
    listed = {name: _listed(values) for name, values in columns.items()}
    kinds = {
        name: "VARCHAR" if any(isinstance(v, str) for v in values) or not values else "DOUBLE"
        for name, values in listed.items()
    }
    declared = ", ".join(f"{quoted(name)} {kind}" for name, kind in kinds.items())
    connection.execute(f"CREATE TABLE predictions ({declared})")
    arrays = [f"unnest(${i + 1}::{kind}[])" for i, kind in enumerate(kinds.values())]
    connection.execute(
        f"INSERT INTO predictions SELECT {', '.join(arrays)}",
        list(listed.values()),
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "predictions.parquet"
        escaped = str(file).replace("'", "''")
        connection.execute(f"COPY predictions TO '{escaped}' (FORMAT parquet)")
        return file.read_bytes()
