"""Parameters in nested containers, flattened into named arrays and put back.

>>> flatten({"layers": [{"w": 1.0}, {"w": 2.0}]}, "params")
{'layers.0.w': array(1.), 'layers.1.w': array(2.)}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from descend.errors import InputError


def flatten(tree: Any, what: str) -> dict[str, Any]:
    """Return the float arrays of nested dicts, lists and tuples, named by their places.

    Raises
    ------
    InputError
        If something else than numbers is in there, or a name has a dot.
    """
    found: dict[str, Any] = {}
    _walk(tree, "", found, what)
    if not found:
        msg = f"{what} must hold at least one array of parameters; it holds none."
        raise InputError(msg)
    return found


def _walk(tree: Any, place: str, found: dict[str, Any], what: str) -> None:
    children = _children(tree)
    if children is None:
        found[place or "theta"] = _array(tree, place, what)
        return
    for name, child in children:
        if "." in name or ":" in name:
            msg = f"{what} must not name a part {name!r}: dots and colons mark its place."
            raise InputError(msg)
        _walk(child, f"{place}.{name}" if place else name, found, what)


def _children(tree: Any) -> list[tuple[str, Any]] | None:
    if isinstance(tree, Mapping):
        return [(str(name), child) for name, child in tree.items()]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return list(zip(tree._fields, tree, strict=True))
    if isinstance(tree, tuple | list):
        if _is_vector(tree):
            return None
        return [(str(i), child) for i, child in enumerate(tree)]
    return None


def _is_vector(tree: Any) -> bool:
    """Tell whether a list is a short vector, written by hand."""
    return isinstance(tree, list) and bool(tree) and all(isinstance(x, int | float) for x in tree)


def with_vectors(tree: Any) -> Any:
    """Return the same containers with arrays in the place of lists of numbers.

    >>> with_vectors({"b": [0.0, 1.0]})
    {'b': array([0., 1.])}
    """
    if _is_vector(tree):
        return np.asarray(tree, dtype=np.float64)
    if isinstance(tree, dict):
        return {name: with_vectors(child) for name, child in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*map(with_vectors, tree))
    if type(tree) in {tuple, list}:
        return type(tree)(map(with_vectors, tree))
    return tree


def _array(leaf: Any, place: str, what: str) -> Any:
    if hasattr(leaf, "detach"):
        leaf = leaf.detach().cpu()
        leaf = leaf.double() if leaf.is_floating_point() else leaf
    try:
        kind = np.asarray(leaf).dtype
        whole = kind.kind in "biuf" or kind.name.startswith(("bfloat", "float"))
        found = np.asarray(leaf, dtype=np.float64) if whole else np.zeros(0)
    except (TypeError, ValueError):
        whole = False
    if not whole:
        msg = f"{what} must hold arrays of real numbers; {place or 'it'!r} is {leaf!r:.60}."
        raise InputError(msg)
    if not np.isfinite(found).all():
        msg = f"{what} must be finite; {place or 'theta'!r} is not."
        raise InputError(msg)
    return found


def unflatten(structure: Any, parts: Mapping[str, Any]) -> Any:
    """Return containers like `structure`, holding the named parts."""
    return _filled(structure, "", parts)


def _filled(tree: Any, place: str, parts: Mapping[str, Any]) -> Any:
    children = _children(tree)
    if children is None:
        return parts[place or "theta"]
    filled = [_filled(c, f"{place}.{name}" if place else name, parts) for name, c in children]
    if isinstance(tree, Mapping):
        return dict(zip(tree, filled, strict=True))
    return type(tree)(*filled) if hasattr(tree, "_fields") else type(tree)(filled)


# ---------------------------------------------------------------- what JAX calls a tree


def named_leaves(tree: Any, what: str) -> dict[str, Any]:
    """Return the float arrays of anything that JAX can flatten, named by their places."""
    import jax  # noqa: PLC0415 - only called for JAX's own trees

    found: dict[str, Any] = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        place = jax.tree_util.keystr(path, simple=True, separator=".")
        _array(leaf, place, what)
        found[place or "theta"] = np.asarray(leaf)
    if not found:
        msg = f"{what} must hold at least one array of parameters; it holds none."
        raise InputError(msg)
    return found
