"""Option files: any option of ``descend fit`` can stand in a TOML file, and a run carries one."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from descend.errors import InputError, did_you_mean

# Options of fit, with what they are when neither the command line nor a file says.
FIT: dict[str, Any] = {
    "table": None,
    "target": None,
    "model": None,
    "hidden": None,
    "activation": "tanh",
    "loss": None,
    "optimizer": None,
    "learning_rate": "auto",
    "epochs": None,
    "batch_size": None,
    "penalty": None,
    "patience": None,
    "tolerance": None,
    "seed": 0,
    "engine": "auto",
    "device": None,
    "exclude": [],
    "id_column": None,
    "weight": None,
    "split_by": None,
    "in_order": False,
    "encoding": "utf-8",
    "delimiter": None,
    "decimal": ".",
    "out": None,
    "overwrite": False,
}
# What belongs to one call and not to the run: a file that repeats a run leaves them out.
OF_THE_CALL = ("out", "overwrite")


def merged(given: dict[str, Any], config: str | None) -> dict[str, Any]:
    """Return the options: the command line's, else the file's, else the defaults."""
    from_file = {} if config is None else read(config)
    said = {k: v for k, v in given.items() if v is not None and v != []}
    return {**FIT, **from_file, **said}


def read(path: str) -> dict[str, Any]:
    """Return the options in a TOML file, checked to be options."""
    try:
        with Path(path).open("rb") as stream:
            found = tomllib.load(stream)
    except OSError as error:
        msg = f"The option file {path} cannot be read ({error.strerror}); check its path."
        raise InputError(msg) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"The option file {path} is not TOML ({error}); mend it."
        raise InputError(msg) from error
    options = {name.replace("-", "_"): value for name, value in found.items()}
    for name in options:
        if name not in FIT:
            hint = did_you_mean(name, FIT)
            msg = f"The option file {path} names {name!r}, which fit does not have{hint}."
            raise InputError(msg)
    if "hidden" in options and isinstance(options["hidden"], list):
        options["hidden"] = ",".join(map(str, options["hidden"]))
    return options


def write(options: dict[str, Any]) -> str:
    """Return a TOML file that repeats a run."""
    import tomli_w

    said = {
        name: value
        for name, value in options.items()
        if name not in OF_THE_CALL and value is not None and value != []
    }
    return "# descend fit --config THIS_FILE repeats the run beside it.\n" + tomli_w.dumps(said)


def number_or_auto(text: Any) -> float | str:
    """Return a learning rate as a number, or ``"auto"``."""
    if text == "auto":
        return "auto"
    try:
        return float(text)
    except (TypeError, ValueError):
        msg = f"The learning rate must be a number above 0, or auto. Got {text!r} instead."
        raise InputError(msg) from None
