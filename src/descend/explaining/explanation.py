"""What `run.explain(step)` returns: one update, in words, symbols, numbers and code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

from descend.explaining import as_latex, as_markdown, as_text
from descend.explaining.pieces import Move, Table

VOICES = ("symbols", "numbers", "code")


@final
@dataclass(frozen=True, eq=False)
class Explanation:
    """One update of a run, explained: its five moves in symbols, numbers and code.

    Printed, it is text of at most 92 columns; in a notebook, Markdown.

    Attributes
    ----------
    step
        After how many updates this one comes, from 0.
    title, sentences
        Which update of which run, and what holds for the whole.
    moves
        Rows, Forward, Loss, Gradient, Update.
    arrays
        Everything by name, in full precision: ``X``, ``y``, ``scores``, ``losses``, ``dscores``,
        ``gradient``, ``theta``, ``theta_after``, and the optimizer's memory before, and with
        ``_after``.
    figures
        Single numbers by name: ``loss``, ``penalty``, ``objective``, ``learning_rate`` …
    parts
        ``before``, ``gradient`` and ``after`` by parameter name.
    digits
        How many are printed; None for all.
    shown
        Which of the voices are printed.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], epochs=9)
    >>> e = run.explain(0)
    >>> round(e.figures["objective"], 3), e.as_dict()["gradient"]["bias"].round(3)
    (11.667, array([-6.]))
    >>> [move.title for move in e.moves]
    ['Rows', 'Forward', 'Loss', 'Gradient', 'Update']
    """

    step: int
    title: str
    sentences: tuple[str, ...]
    moves: tuple[Move, ...]
    arrays: dict[str, Any] = field(repr=False)
    figures: dict[str, Any] = field(repr=False)
    parts: dict[str, dict[str, Any]] = field(repr=False)
    digits: int | None = 6
    shown: tuple[str, ...] = VOICES

    def __str__(self) -> str:
        """Return the explanation for a terminal of 92 columns."""
        return as_text.text_of(self)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def markdown(self) -> str:
        """Return the explanation as Markdown, with mathematics between dollars."""
        return as_markdown.markdown_of(self)

    def latex(self) -> str:
        """Return the explanation as a LaTeX document, which needs amsmath alone."""
        return as_latex.latex_of(self)

    def code(self) -> str:
        """Return the lines of NumPy that compute this update.

        They take what they start from out of ``e.arrays``, where ``e`` is this explanation, and end
        with ``objective``, ``gradient`` and the next ``theta``.

        Examples
        --------
        >>> import descend as ds
        >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
        >>> run = ds.train(task, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], epochs=9)
        >>> e = run.explain(0)
        >>> names = {"e": e}
        >>> exec(e.code(), names)
        >>> names["theta"].round(9), run.at(1).theta.round(9)
        (array([0.86666667, 0.6       ]), array([0.86666667, 0.6       ]))
        """
        lines = ["import numpy as np", *self._helpers()]
        for number, move in enumerate(self.moves, start=1):
            lines += ["", f"# {number}. {move.title}", *move.code]
        return "\n".join(lines) + "\n"

    def _helpers(self) -> list[str]:
        """Return the functions that the lines call."""
        body = "\n".join(line for move in self.moves for line in move.code)
        found = []
        if "sigmoid(" in body:
            found += ["", "def sigmoid(z):", "    return np.exp(-np.logaddexp(0, -z))"]
        if "soft(" in body:
            inner = "np.where(z < -t, z + t, 0.0)"
            found += ["", "def soft(z, t):", f"    return np.where(z > t, z - t, {inner})"]
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data: arrays by name, in full precision, and the words.

        Returns
        -------
        dict
            ``step``, ``title``, the single figures, ``arrays`` (see the attribute); ``before``,
            ``gradient`` and ``after`` by parameter name, in their own shapes; ``moves``.
        """
        return {
            "step": self.step,
            "title": self.title,
            "sentences": list(self.sentences),
            **self.figures,
            **self.parts,
            "arrays": {name: _plain(array) for name, array in self.arrays.items()},
            "moves": [_move(move) for move in self.moves],
        }


def _plain(array: Any) -> Any:
    if hasattr(array, "indptr"):
        parts = {name: getattr(array, name) for name in ("data", "indices", "indptr")}
        return {"shape": list(array.shape), **parts}
    return array


def _move(move: Move) -> dict[str, Any]:
    return {
        "title": move.title,
        "sentences": list(move.sentences),
        "symbols": [symbol._asdict() for symbol in move.symbols],
        "numbers": [
            {"caption": n.caption, "head": list(n.head), "rows": [list(row) for row in n.rows]}
            if isinstance(n, Table)
            else n
            for n in move.numbers
        ],
        "code": list(move.code),
    }
