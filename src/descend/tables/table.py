"""The table in memory: typed columns, fetched as arrays.

A `Table` keeps its columns in DuckDB and hands them out as numbers (missing is NaN), as texts
(missing is None) or as levels and codes (missing is -1).  Outside access of its connection is shut.

Whole numbers read as text have no ``.0``, whatever type they are stored in, so that the label 1 is
the same label in a column of integers, of floats and of text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from descend.arrays import Array, Floats

INTEGERS: tuple[str, ...] = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
INTEGERS += ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "BIGNUM")
FRACTIONS = ("FLOAT", "DOUBLE", "DECIMAL")
KINDS = {
    **dict.fromkeys((*INTEGERS, *FRACTIONS, "INTERVAL"), "number"),
    "BOOLEAN": "boolean",
    **dict.fromkeys(("VARCHAR", "ENUM", "UUID"), "text"),
    "TIME": "time",
}
# Columns fetched by one query: enough to be fast, few enough that a wide table costs little memory.
AT_ONCE = 4_000_000
_SHOWN = 12
_NUMBER = re.compile(
    r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*|\s*[-+]?(inf|infinity|nan)\s*", re.IGNORECASE
)
_COMMA = re.compile(r"[-+]?[0-9.]*[0-9],[0-9]+")


@final
class Table:
    """A table in memory, with typed columns.

    Attributes
    ----------
    names, types
        The columns and DuckDB's types, in order.
    rows
        How many.
    source
        Where it came from, as plain data: paths, digests, size, options.
    typed_by_sniffing
        Whether the types were sniffed from text, as in CSV, and not declared by the source.
    """

    def __init__(
        self,
        connection: Any,
        source: dict[str, Any],
        *,
        typed_by_sniffing: bool = False,
        line_of: Callable[[int], str] | None = None,
    ) -> None:
        self._connection = connection
        self._line_of = line_of
        described = connection.execute("DESCRIBE data").fetchall()
        self.names = [str(row[0]) for row in described]
        self.types = [str(row[1]) for row in described]
        self.rows = int(connection.execute("SELECT count(*) FROM data").fetchone()[0])
        self.source = {**source, "rows": self.rows, "columns": len(self.names)}
        self.typed_by_sniffing = typed_by_sniffing
        self._index = {name: i for i, name in enumerate(self.names)}
        self._folded: dict[str, list[str]] = {}
        for name in self.names:
            self._folded.setdefault(name.lower(), []).append(name)
        self._numbers: dict[str, Floats] = {}
        self._levels: dict[str, tuple[list[str], Array]] = {}
        self._slips: dict[str, Slips] = {}

    def find(self, name: str, why: str) -> str:
        """Return the column's name as the table spells it, or say what there is."""
        if name in self._index:
            return name
        folded = self._folded.get(str(name).lower(), [])
        if len(folded) == 1:
            return folded[0]
        shown = ", ".join(map(repr, self.names[:_SHOWN]))
        shown += ", …" if len(self.names) > _SHOWN else ""
        msg = (
            f"The {why} column {name!r} is not in the table"
            f"{did_you_mean(str(name), self.names)}; its columns are {shown}."
        )
        raise InputError(msg)

    def declared(self, name: str) -> str:
        """Return DuckDB's type of a column."""
        return self.types[self._index[name]]

    def kind(self, name: str) -> str:
        """Return ``"number"``, ``"boolean"``, ``"text"``, ``"date"``, ``"time"`` or ``"other"``."""
        declared = self.declared(name)
        if declared.endswith("]"):
            return "other"
        root = declared.split("(")[0].strip()
        if root == "DATE" or root.startswith("TIMESTAMP"):
            return "date"
        return KINDS.get(root, "other")

    def place(self, row: int) -> str:
        """Return where a row (from 1) is: its number, and its line where the file has lines."""
        line = "" if self._line_of is None else self._line_of(row)
        return f"row {row} ({line})" if line else f"row {row}"

    # ------------------------------------------------------------ columns as arrays

    def values(self, expression: str) -> Array:
        """Return one SQL expression over all rows, in order, as a masked array."""
        found = self._connection.execute(f"SELECT {expression} AS v FROM data").fetchnumpy()["v"]  # noqa: S608
        return np.ma.asarray(found)

    def doubles(self, expressions: list[str]) -> list[Floats]:
        """Return SQL expressions over all rows as float64, missing as NaN, in few queries."""
        found: list[Floats] = []
        width = max(AT_ONCE // max(self.rows, 1), 1)
        for start in range(0, len(expressions), width):
            some = expressions[start : start + width]
            wanted = ", ".join(f"CAST({e} AS DOUBLE) AS v{i}" for i, e in enumerate(some))
            fetched = self._connection.execute(f"SELECT {wanted} FROM data").fetchnumpy()  # noqa: S608
            found += [_filled(fetched[f"v{i}"]) for i in range(len(some))]
        return found

    def numbers(self, name: str) -> Floats:
        """Return a column as float64, missing as NaN; infinite entries are refused.

        Intervals are counted in seconds.
        """
        if name not in self._numbers:
            self._fetch_numbers(name)
        filled = self._numbers[name]
        infinite = np.flatnonzero(np.isinf(filled))
        if infinite.size:
            msg = (
                f"The column {name!r} must hold finite numbers; {self.place(int(infinite[0]) + 1)} "
                f"holds {filled[infinite[0]]}. Mend the row, or leave the column out (--exclude)."
            )
            raise InputError(msg)
        return filled

    def _fetch_numbers(self, name: str) -> None:
        """Fetch the column and those after it that are likely to be asked for next."""
        start = self._index[name]
        width = max(AT_ONCE // max(self.rows, 1), 1)
        names = [
            other
            for other in self.names[start : start + width]
            if self.kind(other) in {"number", "boolean"} and other not in self._numbers
        ]
        columns = self.doubles([self._as_number(other) for other in names])
        self._numbers |= dict(zip(names, columns, strict=True))

    def _as_number(self, name: str) -> str:
        return f"epoch({quoted(name)})" if self.declared(name) == "INTERVAL" else quoted(name)

    def as_text(self, name: str) -> str:
        """Return the SQL expression of a column as text, without the ``.0`` of whole numbers."""
        column, root = quoted(name), self.declared(name).split("(")[0]
        if root not in FRACTIONS:
            return f"CAST({column} AS VARCHAR)"
        gone = "" if root == "DECIMAL" else f"WHEN isnan({column}) THEN NULL "
        return (
            f"CASE {gone}WHEN {column} = trunc({column}) AND abs({column}) < 1e15 "
            f"THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
        )

    def texts(self, name: str) -> list[str | None]:
        """Return a column as text, missing as None."""
        found = self.values(self.as_text(name))
        mask = np.ma.getmaskarray(found)
        return [None if gone else str(v) for v, gone in zip(found.data, mask, strict=True)]

    def levels(self, name: str) -> tuple[list[str], Array]:
        """Return a column's different texts, sorted, and each row's index among them, or -1."""
        if name not in self._levels:
            self._levels[name] = self._fetch_levels(name)
        return self._levels[name]

    def _fetch_levels(self, name: str) -> tuple[list[str], Array]:
        text, run = self.as_text(name), self._connection.execute
        distinct = f"SELECT DISTINCT {text} AS v FROM data WHERE ({text}) IS NOT NULL ORDER BY v"  # noqa: S608
        found = [str(row[0]) for row in run(distinct).fetchall()]
        if not found:
            return [], np.full(self.rows, -1, dtype=np.int64)
        run("DROP TYPE IF EXISTS level")
        run(f"CREATE TYPE level AS ENUM ({distinct})")
        codes = self.values(f"CAST(enum_code(CAST({text} AS level)) AS BIGINT)")
        return found, np.ma.filled(codes.astype(np.int64), -1)

    # ------------------------------------------------------------ questions about text

    def slips(self, name: str) -> Slips:
        """Return how nearly a text column is one of numbers, and where it is not."""
        if name not in self._slips:
            levels, codes = self.levels(name)
            self._slips[name] = _slips(levels, codes)
        return self._slips[name]

    def first_row_where(self, condition: str) -> int:
        """Return the first row, from 1, at which an SQL condition holds; 0 if there is none."""
        found = np.flatnonzero(np.ma.filled(self.values(condition), fill_value=False))
        return int(found[0]) + 1 if found.size else 0


@final
@dataclass(frozen=True)
class Slips:
    """How nearly texts are numbers.

    Attributes
    ----------
    there
        Entries that are not missing.
    strange
        Entries that are no numbers.
    first, row
        The first of those, and its row from 1; "" and 0 if there are none.
    commas, example
        Entries that are numbers with a decimal comma, and one of them.
    """

    there: int
    strange: int
    first: str
    row: int
    commas: int
    example: str


def _slips(levels: list[str], codes: Array) -> Slips:
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    odd = np.array([_NUMBER.fullmatch(level) is None for level in levels] + [False])
    rows = np.flatnonzero(odd[codes])
    commas = [i for i in np.flatnonzero(odd) if _COMMA.fullmatch(levels[i])]
    return Slips(
        there=int(counts.sum()),
        strange=len(rows),
        first=levels[codes[rows[0]]] if rows.size else "",
        row=int(rows[0]) + 1 if rows.size else 0,
        commas=int(counts[commas].sum()),
        example=levels[commas[0]] if commas else "",
    )


def quoted(name: str) -> str:
    """Return a column's name as an SQL identifier.

    >>> print(quoted('a "b" c'))
    "a ""b"" c"
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return text as an SQL literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def _filled(values: Any) -> Floats:
    return np.ma.filled(np.ma.asarray(values).astype(np.float64), np.nan)
