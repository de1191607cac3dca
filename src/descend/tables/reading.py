"""Reading: a file, a glob or a DataFrame becomes a `Table`, through DuckDB.

DuckDB decompresses, parses and types; it is loaded when the first table is read.  Its connection
may open the files named here and no others, installs nothing and asks no network.
"""

from __future__ import annotations

import glob
import hashlib
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from descend.arrays import column_names
from descend.errors import InputError, did_you_mean
from descend.tables import delimited, sniffing
from descend.tables.table import Table, literal, quoted

PARQUET, JSON = (".parquet", ".pq"), (".json", ".jsonl", ".ndjson")
COMPRESSED = (".gz", ".zst")
_LARGE = 1 << 22


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
        Of text files: ``"utf-8"`` (default), ``"latin-1"``, ``"cp1252"``, ``"utf-16"`` or any other
        that Python knows.
    delimiter
        Of CSV files; default: the one of tab ; | and , that fits the first lines.
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
    if hasattr(source, "collect") and not hasattr(source, "column_names"):
        msg = f"A {type(source).__name__} is not computed yet; give its .collect()."
        raise InputError(msg)
    names = column_names(source)
    if names is None:
        msg = (
            "A table must be a path or a table of pandas, polars or Arrow. "
            f"Got {type(source).__name__} instead; for arrays use ds.train(task, X, y)."
        )
        raise InputError(msg)
    return _read_frame(source, names)


def _connect(allowed: list[str]) -> Any:
    """Return a connection that may open the allowed paths and nothing else."""
    import duckdb  # noqa: PLC0415 - loaded by the first table only

    settings: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": "",
    }
    connection = duckdb.connect(":memory:", config=settings)
    listed = ", ".join(map(literal, allowed))
    for setting in (
        "enable_progress_bar = false",
        "TimeZone = 'UTC'",  # times with a zone mean the same on every machine
        f"allowed_paths = [{listed}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")
    return connection


def _files(path: str) -> list[str]:
    if Path(path).is_dir():
        msg = f"{path} is a folder; name a table in it, or a glob such as {path}/*.csv."
        raise InputError(msg)
    if Path(path).is_file():
        return [path]
    if Path(path).exists():
        msg = f"{path} is not a file that can be read twice; save its content as a file first."
        raise InputError(msg)
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


def _escaped(path: str) -> str:
    """Return a path in which nothing is a wildcard."""
    return path.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")


def _listed(files: list[str]) -> str:
    return "[" + ", ".join(literal(_escaped(f)) for f in files) + "]"


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


# ---------------------------------------------------------------- files


def _read_files(files: list[str], named: str, options: dict[str, Any]) -> Table:
    source = {
        "kind": "files",
        "named": named,
        "files": [_fingerprint(file) for file in files],
        "options": options,
    }
    suffix = _suffix(files[0])
    if other := next((f for f in files if _suffix(f) != suffix), None):
        msg = f"Files read together must be of one kind; {files[0]} and {other} are not."
        raise InputError(msg)
    with tempfile.TemporaryDirectory() as folder:
        if suffix in PARQUET or suffix in JSON:
            return _read_typed(files, named, source, suffix)
        return _read_text(files, source, suffix, Path(folder))


def _read_typed(files: list[str], named: str, source: dict[str, Any], suffix: str) -> Table:
    """Read Parquet or JSON, whose columns are named by the file's own schema."""
    import duckdb  # noqa: PLC0415

    connection = _connect([*files, *map(_escaped, files)])
    if suffix in PARQUET:
        call = f"read_parquet({_listed(files)}, hive_partitioning = false)"
    else:
        for file in files:
            sniffing.check_json_keys(file)
        call = f"read_json({_listed(files)}, sample_size = -1, hive_partitioning = false)"
    try:
        connection.execute(f"CREATE TABLE data AS SELECT * FROM {call}")  # noqa: S608
        if suffix in PARQUET:
            _check_parquet(connection, files)
        else:
            _find_dates(connection)
    except duckdb.Error as error:
        raise sniffing.explained(error, named, files) from error
    return Table(connection, source)


def _find_dates(connection: Any) -> None:
    """Give text columns of JSON that hold nothing but dates the type TIMESTAMP."""
    described = connection.execute("DESCRIBE data").fetchall()
    for column in [quoted(str(row[0])) for row in described if str(row[1]) == "VARCHAR"]:
        test = (
            f"regexp_matches({column}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') "
            f"AND TRY_CAST({column} AS TIMESTAMP) IS NOT NULL"
        )
        (holds,) = connection.execute(f"SELECT bool_and({test}) FROM data").fetchone()  # noqa: S608
        if holds:
            connection.execute(f"ALTER TABLE data ALTER {column} TYPE TIMESTAMP")


def _check_parquet(connection: Any, files: list[str]) -> None:
    """Refuse names that DuckDB made different, and files whose columns differ."""
    headings = []
    for file in files:
        # Leaves have a type; the children of lists and structures come after a node that counts.
        query = f"SELECT name, num_children FROM parquet_schema({literal(_escaped(file))})"  # noqa: S608
        headings.append(_top_level(connection.execute(query).fetchall()))
        sniffing.check_names(headings[-1], file)
    delimited.same_names(files, headings)


def _top_level(schema: list[tuple[str, int | None]]) -> list[str]:
    """Return the names of the columns from a schema written depth first, root first."""
    found, skip = [], 0
    for name, children in schema[1:]:
        if skip:
            skip -= 1
        else:
            found.append(str(name))
        skip += children or 0
    return found


def _read_text(files: list[str], source: dict[str, Any], suffix: str, folder: Path) -> Table:
    import duckdb  # noqa: PLC0415

    options = source["options"]
    plain = options["encoding"].lower() in {"utf-8", "utf8"}
    copies = files if plain else [str(folder / f"{i}.csv") for i in range(len(files))]
    connection = _connect([*copies, *map(_escaped, copies), *files, *map(_escaped, files)])
    lines = partial(_first_lines, connection)
    try:
        headings = [delimited.heading(f, options, suffix, lines) for f in files]
        delimiter, names, blank = headings[0]
        delimited.same_names(files, [found for _, found, _ in headings])
        if not plain:
            for i, file in enumerate(files):
                delimited.transcoded(file, options["encoding"], folder, i)
        how = (_listed(copies), delimiter, blank, options["decimal"])
        _create(connection, names, files, how)
        delimited.find_booleans(connection)
    except duckdb.Error as error:
        if "CSV parsing dialect" in str(error) or "quote" in str(error).lower().split("file =")[0]:
            for file in files:
                odd = sniffing.first_odd_line(file, delimiter, options["encoding"])
                if odd is not None:
                    raise odd from error
        raise sniffing.explained(error, files[0], files) from error
    where = partial(sniffing.line_of, files, delimiter, options["encoding"])
    return Table(connection, source, typed_by_sniffing=True, line_of=where)


def _create(
    connection: Any, names: list[str], files: list[str], how: tuple[str, str, int, str]
) -> None:
    """Read into the table, under our own names: DuckDB would alter those that clash."""
    import duckdb  # noqa: PLC0415

    aliases = ", ".join(map(quoted, names))

    def create(call: str) -> None:
        connection.execute(f"CREATE TABLE data AS SELECT * FROM {call} AS t({aliases})")  # noqa: S608

    whole, sampled = delimited.call(*how), delimited.call(*how, delimited.SAMPLE)
    large = sum(Path(file).stat().st_size for file in files) > _LARGE
    try:
        create(sampled if large and not _lossy(connection, sampled) else whole)
    except duckdb.ConversionException:  # a later row is of another type than the sample
        create(whole)
    found = len(connection.execute("DESCRIBE data").fetchall())
    if found != len(names):
        msg = (
            f"Every line must have as many fields as the line of column names, {len(names)}; "
            f"{files[0]} has lines with {found}. Mend the lines, or name the --delimiter."
        )
        raise InputError(msg)


def _lossy(connection: Any, call: str) -> bool:
    described = connection.execute(f"DESCRIBE FROM {call}").fetchall()
    return any(row[1] in delimited.LOSSY for row in described)


def _first_lines(connection: Any, path: str) -> str:
    """Return the first lines of a file as text, for those that only DuckDB can decompress."""
    query = (
        f"SELECT line FROM read_csv({literal(_escaped(path))}, delim = '\x01', quote = '', "  # noqa: S608
        "escape = '', header = false, auto_detect = false, columns = {'line': 'VARCHAR'}, "
        "hive_partitioning = false) LIMIT 100"
    )
    rows = connection.execute(query).fetchall()
    return "\n".join(str(row[0] or "") for row in rows)


# ---------------------------------------------------------------- tables in memory


def _read_frame(frame: Any, names: list[str]) -> Table:
    import duckdb  # noqa: PLC0415

    what = f"the {type(frame).__module__.split('.')[0]} table"
    names = [str(name) for name in names]
    sniffing.check_names(names, what)
    aliases = ", ".join(map(quoted, sniffing.named(names)))
    source = {"kind": "frame", "named": what, "files": [], "options": {}}
    with tempfile.TemporaryDirectory() as folder:
        bridge = str(Path(folder) / "frame.parquet")
        connection = _connect([bridge])
        try:
            call = _registered(connection, frame, bridge)
            connection.execute(f"CREATE TABLE data AS SELECT * FROM {call} AS t({aliases})")  # noqa: S608
        except duckdb.Error as error:
            raise sniffing.explained(error, what, []) from error
    return Table(connection, source)


def _registered(connection: Any, frame: Any, bridge: str) -> str:
    """Return what to select from; polars without pyarrow comes over a bridge, a Parquet file."""
    import duckdb  # noqa: PLC0415

    try:
        connection.register("frame", frame)
        connection.execute("SELECT * FROM frame LIMIT 0").fetchall()
    except duckdb.Error:
        if not hasattr(frame, "write_parquet"):
            raise
        frame.write_parquet(bridge)
        return f"read_parquet({literal(bridge)})"
    return "frame"
