"""Reading: a file, a glob or a DataFrame becomes a `Table`, through DuckDB.

DuckDB sniffs, decompresses and types; it is loaded when the first table is read. It reads only
the files named here (outside access is shut as soon as they are in), installs nothing and asks no
network.
"""

from __future__ import annotations

import glob
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.arrays import column_names
from descend.errors import InputError, did_you_mean
from descend.tables import sniffing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from descend.arrays import Array

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
PARQUET, JSON = (".parquet", ".pq"), (".json", ".jsonl", ".ndjson")
COMPRESSED = (".gz", ".zst", ".bz2")

NUMBERS: tuple[str, ...] = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
)
NUMBERS += ("UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "BIGNUM")


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
    """

    def __init__(self, connection: Any, source: dict[str, Any]) -> None:
        self._connection = connection
        described = connection.execute("DESCRIBE data").fetchall()
        self.names = [str(row[0]) for row in described]
        self.types = [str(row[1]) for row in described]
        self._numbers: dict[str, Any] | None = None
        self.rows = int(connection.execute("SELECT count(*) FROM data").fetchone()[0])
        self.source = {**source, "rows": self.rows, "columns": len(self.names)}

    def find(self, name: str, why: str) -> str:
        """Return the column's name as the table spells it, or say what there is."""
        if name in self.names:
            return name
        folded = [n for n in self.names if n.lower() == name.lower()]
        if len(folded) == 1:
            return folded[0]
        shown = ", ".join(map(repr, self.names[:12])) + (", …" if len(self.names) > 12 else "")  # noqa: PLR2004
        msg = (
            f"The {why} column {name!r} is not in the table{did_you_mean(name, self.names)}; "
            f"its columns are {shown}."
        )
        raise InputError(msg)

    def kind(self, name: str) -> str:
        """Return ``"number"``, ``"boolean"``, ``"text"``, ``"date"`` or ``"other"``."""
        declared = self.types[self.names.index(name)]
        root = declared.split("(")[0].strip()
        if declared.endswith("]"):
            return "other"
        if root in NUMBERS:
            return "number"
        if root == "BOOLEAN":
            return "boolean"
        if root in {"VARCHAR", "ENUM", "UUID"}:
            return "text"
        return "date" if root == "DATE" or root.startswith("TIMESTAMP") else "other"

    def values(self, expression: str) -> Array:
        """Return one SQL expression over all rows, in order, as a masked array."""
        found = self._connection.execute(f"SELECT {expression} AS v FROM data").fetchnumpy()["v"]  # noqa: S608
        return np.ma.asarray(found)

    def numbers(self, name: str) -> Array:
        """Return a column as float64, missing as NaN; infinite entries are refused."""
        if self._numbers is None:
            self._numbers = self._fetch_numbers()
        filled: Array = self._numbers[name]
        infinite = np.flatnonzero(np.isinf(filled))
        if infinite.size:
            msg = (
                f"The column {name!r} must hold finite numbers; row {infinite[0] + 1} of the "
                f"table holds {filled[infinite[0]]}. Mend the row, or leave the column out "
                "(--exclude)."
            )
            raise InputError(msg)
        return filled

    def _fetch_numbers(self) -> dict[str, Any]:
        """Return all columns of numbers and booleans, fetched in one pass."""
        names = [n for n in self.names if self.kind(n) in {"number", "boolean"}]
        if not names:
            return {}
        wanted = ", ".join(f"CAST({quoted(n)} AS DOUBLE) AS v{i}" for i, n in enumerate(names))
        found = self._connection.execute(f"SELECT {wanted} FROM data").fetchnumpy()  # noqa: S608
        return {
            name: np.ma.filled(np.ma.asarray(found[f"v{i}"]).astype(np.float64), np.nan)
            for i, name in enumerate(names)
        }

    def texts(self, name: str) -> list[str | None]:
        """Return a column as text, missing as None."""
        found = self.values(f"CAST({quoted(name)} AS VARCHAR)")
        mask = np.ma.getmaskarray(found)
        return [None if gone else str(v) for v, gone in zip(found.data, mask, strict=True)]

    def count_text_that_is_no_number(self, name: str) -> tuple[int, int, str]:
        """Return how many entries are there, how many are no numbers, and the first of those."""
        column = quoted(name)
        query = (
            f"SELECT count({column}), count(*) FILTER ({column} IS NOT NULL AND "  # noqa: S608
            f"TRY_CAST({column} AS DOUBLE) IS NULL), first({column}) FILTER ({column} IS NOT NULL "
            f"AND TRY_CAST({column} AS DOUBLE) IS NULL) FROM data"
        )
        there, strange, first = self._connection.execute(query).fetchone()
        return int(there), int(strange), str(first)

    def first_row_where(self, condition: str) -> int:
        """Return the first row, from 1, at which an SQL condition holds."""
        found = np.flatnonzero(np.ma.filled(self.values(condition), fill_value=False))
        return int(found[0]) + 1 if found.size else 0


def quoted(name: str) -> str:
    """Return a column's name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def read(
    source: Any, *, encoding: str = "utf-8", delimiter: str | None = None, decimal: str = "."
) -> Table:
    """Read a table.

    Parameters
    ----------
    source
        A path (CSV, TSV, Parquet, JSON lines; compressed with gzip or zstd; a glob of such files),
        or a table of pandas, polars or Arrow.
    encoding
        Of text files: ``"utf-8"`` (default), ``"latin-1"``, ``"utf-16"``.
    delimiter
        Of CSV files; default: sniffed.
    decimal
        ``"."`` (default) or ``","``.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        If it cannot be read; the sentence says what was found, and where.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, str | os.PathLike):
        files = _files(os.fspath(source))
        options = {"encoding": encoding, "delimiter": delimiter, "decimal": decimal}
        return _read_files(files, os.fspath(source), options)
    names = column_names(source)
    if names is None:
        msg = (
            "A table must be a path or a table of pandas, polars or Arrow. "
            f"Got {type(source).__name__} instead; for arrays use ds.train(task, X, y)."
        )
        raise InputError(msg)
    return _read_frame(source, names)


def _connect() -> Any:
    import duckdb  # noqa: PLC0415 - loaded by the first table only

    settings: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("SET enable_progress_bar = false")
    return connection


def _files(path: str) -> list[str]:
    if Path(path).is_dir():
        msg = f"{path} is a folder; name a table in it, or a glob such as {path}/*.csv."
        raise InputError(msg)
    if Path(path).exists():
        return [path]
    found = sorted(f for f in glob.glob(path, recursive=True) if Path(f).is_file())  # noqa: PTH207
    if found:
        return found
    folder = Path(path).parent
    near = [f.name for f in folder.iterdir() if f.is_file()] if folder.is_dir() else []
    hint = did_you_mean(Path(path).name, near)
    msg = f"There is no file {path}{hint}; check the path."
    raise InputError(msg)


def _suffix(path: str) -> str:
    suffixes = [s.lower() for s in Path(path).suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _read_files(files: list[str], named: str, options: dict[str, Any]) -> Table:
    import duckdb  # noqa: PLC0415

    connection = _connect()
    encoding = options["encoding"]
    source = {
        "kind": "files",
        "named": named,
        "files": [_fingerprint(file) for file in files],
        "options": options,
    }
    escaped = [_escaped(f) for f in files]
    listed = "[" + ", ".join(map(_literal, escaped)) + "]"
    suffix = _suffix(files[0])
    try:
        if suffix in PARQUET:
            call = f"read_parquet({listed}, union_by_name = {str(len(files) > 1).lower()})"
        elif suffix in JSON:
            call = f"read_json({listed})"
        else:
            call = _csv_call(connection, escaped, files, options)
        connection.execute(f"CREATE TABLE data AS SELECT * FROM {call}")  # noqa: S608
        connection.execute("SET enable_external_access = false")
    except (duckdb.Error, UnicodeDecodeError) as error:
        if suffix not in PARQUET + JSON:
            for file in files:
                odd = sniffing.first_odd_line(
                    file, _delimiter(connection, files, options), encoding
                )
                if odd is not None:
                    raise odd from error
        raise sniffing.explained(error, named) from error
    if suffix not in PARQUET:
        _find_types(connection, JSON_TYPES if suffix in JSON else CSV_TYPES)
    table = Table(connection, source)
    sniffing.check_names(table.names, named)
    if suffix not in PARQUET + JSON and options["decimal"] == ".":
        _refuse_decimal_commas(table)
    return table


def _csv_call(
    connection: Any, escaped: list[str], files: list[str], options: dict[str, Any]
) -> str:
    for file in files:
        sniffing.check_text(file, options["encoding"])
        sniffing.check_lines(file)
    delimiter = _delimiter(connection, files, options)
    for file in files:
        sniffing.check_header(file, delimiter, options["encoding"])
    settings = [
        "[" + ", ".join(map(_literal, escaped)) + "]",
        "header = true",
        # Left to itself the sniffer may skip lines until they suit it, and take # for a comment.
        "skip = 0",
        "comment = ''",
        f"delim = {_literal(delimiter)}",
        "quote = '\"'",
        f"nullstr = [{', '.join(map(_literal, MISSING))}]",
        f"encoding = {_literal(options['encoding'])}",
        f"decimal_separator = {_literal(options['decimal'])}",
        f"union_by_name = {str(len(files) > 1).lower()}",
        # Without BOOLEAN: it would turn the labels yes and no into true and false.
        "auto_type_candidates = ['BIGINT', 'DOUBLE', 'DATE', 'TIMESTAMP', 'VARCHAR']",
    ]
    return f"read_csv({', '.join(settings)})"


def _escaped(path: str) -> str:
    """Return a path in which nothing is a wildcard."""
    return path.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")


def _delimiter(connection: Any, files: list[str], options: dict[str, Any]) -> str:
    if options["delimiter"]:
        return str(options["delimiter"])
    if _suffix(files[0]) in {".tsv", ".tab"}:
        return "\t"
    sniffed = connection.execute(
        f"SELECT Delimiter FROM sniff_csv({_literal(_escaped(files[0]))}, encoding = "  # noqa: S608
        f"{_literal(options['encoding'])}, ignore_errors = true, strict_mode = false)"
    ).fetchone()
    return str(sniffed[0])


def _find_types(connection: Any, wanted: dict[str, str]) -> None:
    """Give text columns the type whose test, an SQL condition on {}, holds in every row."""
    described = connection.execute("DESCRIBE data").fetchall()
    texts = [quoted(str(row[0])) for row in described if str(row[1]) == "VARCHAR"]
    for kind, test in wanted.items():
        if not texts:
            return
        tests = ", ".join(f"bool_and({test.replace('{}', text)})" for text in texts)
        found = connection.execute(f"SELECT {tests} FROM data").fetchone()  # noqa: S608
        for text in [t for t, holds in zip(texts, found, strict=True) if holds]:
            connection.execute(f"ALTER TABLE data ALTER {text} TYPE {kind}")
            texts.remove(text)


# In CSV, DuckDB left to itself would turn the labels yes and no into true and false; in JSON it
# leaves dates as text.
CSV_TYPES = {"BOOLEAN": "lower({}) IN ('true', 'false')"}
JSON_TYPES = {
    "TIMESTAMP": "regexp_matches({}, '^[0-9]{4}-[0-9]{2}-[0-9]{2}') "
    "AND TRY_CAST({} AS TIMESTAMP) IS NOT NULL OR {} IS NULL"
}


def _fingerprint(path: str) -> dict[str, Any]:
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
            size = stream.tell()
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror}); check its rights."
        raise InputError(msg) from error
    if size == 0:
        msg = f"{path} is empty; a table needs a line of column names and at least a few rows."
        raise InputError(msg)
    return {"path": str(Path(path).resolve()), "sha256": digest.hexdigest(), "bytes": size}


def _read_frame(frame: Any, names: list[str]) -> Table:
    import duckdb  # noqa: PLC0415

    what = f"the {type(frame).__module__.split('.')[0]} table"
    sniffing.check_names(names, what)
    connection = _connect()
    try:
        connection.register("frame", frame)
        connection.execute("CREATE TABLE data AS SELECT * FROM frame")
        connection.unregister("frame")
        connection.execute("SET enable_external_access = false")
    except duckdb.Error as error:
        raise sniffing.explained(error, what) from error
    return Table(connection, {"kind": "frame", "named": what, "files": [], "options": {}})


def _refuse_decimal_commas(table: Table) -> None:
    pattern = r"'[-+]?[0-9.]*[0-9],[0-9]+'"
    for name in _texts_of(table):
        column = quoted(name)
        share = table.values(f"avg(CAST(regexp_full_match({column}, {pattern}) AS DOUBLE)) OVER ()")
        if table.rows and not np.ma.getmaskarray(share)[0] and share[0] > 0.9:  # noqa: PLR2004
            example = next(text for text in table.texts(name) if text is not None)
            msg = (
                f"The column {name!r} holds numbers with a decimal comma, such as {example!r}; "
                'read them with --decimal ","'
                " (decimal=',')."
            )
            raise InputError(msg)


def _texts_of(table: Table) -> Iterable[str]:
    return [name for name in table.names if table.kind(name) == "text"]
