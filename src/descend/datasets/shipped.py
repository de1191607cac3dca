"""The tables that come with the package, so that a first run needs no file and no network.

`tools/ship_tables.py` wrote them; SOURCES.md, beside them, says where they come from.

    >>> list(shipped())
    ['breast-cancer', 'diabetes']
    >>> with shipped_table("diabetes").open() as table:
    ...     print(table.readline().strip())
    age,sex,bmi,bp,s1,s2,s3,s4,s5,s6,progression
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from descend.errors import InputError, did_you_mean


def shipped() -> dict[str, Path]:
    """Return the shipped tables: each name with its CSV file, sorted by name.

    Returns
    -------
    dict
        Such as ``{"diabetes": Path(".../diabetes.csv")}``.
    """
    folder = Path(str(files("descend.datasets")))
    return {path.stem: path for path in sorted(folder.glob("*.csv"))}


def shipped_table(name: str) -> Path:
    """Return the CSV file of one shipped table.

    Parameters
    ----------
    name
        One of the names in `shipped`, such as ``"breast-cancer"``.

    Returns
    -------
    Path
        The file inside the installed package.

    Raises
    ------
    InputError
        If no shipped table has that name.

    Examples
    --------
    >>> shipped_table("breast-cancer").name
    'breast-cancer.csv'
    >>> shipped_table("diabetis")
    Traceback (most recent call last):
    descend.errors.InputError: There is no shipped table called 'diabetis' (did you mean 'diabetes'?); choose one of: breast-cancer, diabetes.
    """  # noqa: E501 - the message is quoted whole
    tables = shipped()
    if name not in tables:
        msg = (
            f"There is no shipped table called {name!r}{did_you_mean(name, tables)}; "
            f"choose one of: {', '.join(tables)}."
        )
        raise InputError(msg)
    return tables[name]
