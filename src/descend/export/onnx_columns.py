"""Columns in ONNX: from the entries of a table to features, inside the graph.

Numbers and truth values enter as double with NaN for missing, text as text with "" for missing,
dates as whole seconds since 1970-01-01 00:00 (times of day: since midnight) in int64, with the
smallest int64 for missing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from descend.export import predict
from descend.export.onnx_graph import XP, Symbol
from descend.tables.columns import date_parts
from descend.tables.table import quoted

if TYPE_CHECKING:
    from descend.arrays import Array, Floats
    from descend.export.onnx_graph import Graph
    from descend.tables.table import Table

GONE = np.iinfo(np.int64).min
DAY = 86_400
UNITS = {
    "number": "double; NaN where it is missing",
    "boolean": "double: 1 for true, 0 for false, NaN where it is missing",
    "category": "string; the empty string where it is missing",
    "date": (
        "int64: whole seconds since 1970-01-01 00:00 (UTC where the table's times have a zone), "
        f"or since midnight for times of day; {GONE} where it is missing"
    ),
}


def dtype_of(plan: dict[str, Any]) -> Any:
    """Return the type of a column's input."""
    return {"category": np.str_, "date": np.int64}.get(plan["kind"], np.float64)


# ---------------------------------------------------------------- inside the graph


def features(graph: Graph, plan: dict[str, Any]) -> list[Symbol]:
    """Return a column's features, each (rows, 1) or, for categories, all at once (rows, width)."""
    kind = np.dtype(dtype_of(plan)).kind
    entries = Symbol(graph, plan["name"], kind)
    if plan["kind"] == "category":
        return _levels(entries, plan)
    if plan["kind"] == "date":
        gone = entries.equals(GONE)
        parts = _parts_of_date(entries)
    else:
        gone = graph.add("IsNaN", entries, kind="b")
        parts = {"value": entries}
    found = [
        XP.where(gone, plan["fill"], (_double(parts[part]) - mean) / scale)
        for part, mean, scale in plan["parts"]
    ]
    return [*found, *([_double(gone)] if plan["indicator"] else [])]


def _double(x: Symbol) -> Symbol:
    from onnx import TensorProto  # noqa: PLC0415 - optional

    if x.kind == "f":
        return x
    return x.graph.add("Cast", x, kind="f", to=TensorProto.DOUBLE)


def _levels(entries: Symbol, plan: dict[str, Any]) -> list[Symbol]:
    """Return 1 at the place of each entry's level; a text that is a level is never missing."""
    if not plan["width"]:
        return []
    places = {"": plan["missing"], **plan["places"]}
    at = entries.graph.add(
        "LabelEncoder",
        entries,
        kind="i",
        domain="ai.onnx.ml",
        keys_strings=list(places),
        values_int64s=list(places.values()),
        default_int64=plan["other"],
    )
    return [_double(at.equals(np.arange(plan["width"])[None, :]))]


def _parts_of_date(seconds: Symbol) -> dict[str, Symbol]:
    """Return the parts of dates in the Gregorian calendar.

    Years begin in March, so that the day that leap years add is the last; 400 of them have 146097
    days (H. Hinnant, "chrono-compatible low-level date algorithms", 2013, civil_from_days).
    """
    days, second = seconds // DAY, seconds % DAY
    shifted = days + 719_468  # since 0000-03-01
    era, of_era = shifted // 146_097, shifted % 146_097
    leaps = of_era // 1_460 - of_era // 36_524 + of_era // 146_096
    year = (of_era - leaps) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153  # 0 is March
    january = month >= 10  # noqa: PLR2004 - January and February belong to the next year
    following = XP.where(january, month * 0 + 1, month * 0)
    return {
        "year": year + era * 400 + following,
        "month": month + 3 - following * 12,
        "day": of_year - (153 * month + 2) // 5 + 1,
        "weekday": (days + 3) % 7 + 1,
        "hour": second // 3_600,
        "minute": second // 60 % 60,
    }


# ---------------------------------------------------------------- what to feed


def of_cells(plan: dict[str, Any], texts: list[str]) -> Array:
    """Return the entries of a CSV column as the graph takes them (rows, 1)."""
    if plan["kind"] == "category":
        return np.array([["" if t in predict.MISSING else t] for t in texts], dtype=object)
    if plan["kind"] == "date":
        return np.array([[GONE if t in predict.MISSING else _seconds(t)] for t in texts])
    gone = float("nan")
    return np.array([[gone if t in predict.MISSING else predict.value(t, "value")] for t in texts])


def _seconds(text: str) -> int:
    moment = datetime.fromisoformat(text if "-" in text else f"1970-01-01 {text}")
    zoned = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(zoned.timestamp() // 1)


def of_table(plan: dict[str, Any], table: Table) -> Array:
    """Return a column of a table as the graph takes it (rows, 1)."""
    name = table.find(plan["name"], "feature")
    if plan["kind"] == "category":
        return np.array([["" if t is None else t] for t in table.texts(name)], dtype=object)
    if plan["kind"] == "date":
        return _of_dates(table, name, [part for part, _, _ in plan["parts"]])
    if table.kind(name) in {"number", "boolean"}:
        return table.numbers(name)[:, None]
    return np.full((table.rows, 1), np.nan)  # the encoder has refused all but empty columns


def _of_dates(table: Table, name: str, parts: list[str]) -> Array:
    date_parts(table, name, parts)  # refuses what is no date
    kind = table.kind(name)
    if kind not in {"date", "time"}:
        return np.full((table.rows, 1), GONE)
    column = quoted(name) if kind == "time" else f"CAST({quoted(name)} AS TIMESTAMP)"
    (seconds,) = table.doubles([f"floor(epoch({column}))"])
    return np.where(np.isnan(seconds), GONE, _whole(seconds))[:, None]


def _whole(seconds: Floats) -> Array:
    return np.nan_to_num(seconds, nan=0.0).astype(np.int64)
