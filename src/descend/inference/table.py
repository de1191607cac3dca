"""What is known of coefficients, as arrays and as a table."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

if TYPE_CHECKING:
    from descend.arrays import Floats


@final
@dataclass(frozen=True, eq=False)
class Inference:
    """Coefficients in the columns' own units, and how sure they are.

    One entry to a coefficient: those of the first output, the intercept last, then of the next.

    Attributes
    ----------
    names, outputs
        Of which feature, or ``"(intercept)"``; of the score of which output: "" where there is one,
        for softmax the label.
    coef, standard_error
        (m,): the estimate at the optimum, and the deviation it would have in other samples.
    statistic, p_value
        (m,): coef / standard_error; and how often it would be that far from 0, on either side,
        if the coefficient were 0.
    low, high, level
        (m,): the interval that holds the coefficient in a share `level` of samples.
    dof
        Degrees of freedom: the sum of the weights less the coefficients of an output.
    distribution
        Of the statistic: ``"t"`` with `dof` degrees of freedom for squared errors, else ``"z"``,
        the normal one, which holds for many rows.
    covariance
        (m, m), of which `standard_error` is the root of the diagonal.
    reference
        For softmax, the label against which the others' coefficients are; else "".

    """

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    coef: Floats
    standard_error: Floats
    statistic: Floats
    p_value: Floats
    low: Floats
    high: Floats
    level: float
    dof: float
    distribution: str
    covariance: Floats
    reference: str = ""

    def __str__(self) -> str:
        """Return a table, a line to each coefficient."""
        head, *body = self._cells()
        named = len(head) - 6
        widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if i < named else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in (head, *body)
        ]
        return "\n".join([*lines, self._words()])

    def _repr_html_(self) -> str:
        """Return the same for notebooks."""
        head, *body = self._cells()
        rows = "".join(f"<tr>{_tags('td', row)}</tr>" for row in body)
        return (
            f"<table><thead><tr>{_tags('th', head)}</tr></thead><tbody>{rows}</tbody></table>"
            f"<p>{html.escape(self._words())}</p>"
        )

    def to_frame(self) -> Any:
        """Return a DataFrame of pandas, indexed by name, or by output and name where several.

        Returns
        -------
        pandas.DataFrame
            With the columns coef, standard_error, statistic, p_value, low and high.
        """
        import pandas as pd  # noqa: PLC0415 - slow to import

        index: Any = pd.Index(self.names, name="name")
        if any(self.outputs):
            index = pd.MultiIndex.from_arrays([self.outputs, self.names], names=["output", "name"])
        fields = ("coef", "standard_error", "statistic", "p_value", "low", "high")
        return pd.DataFrame({field: getattr(self, field) for field in fields}, index=index)

    def _cells(self) -> list[list[str]]:
        figures = np.column_stack(
            [self.coef, self.standard_error, self.statistic, self.p_value, self.low, self.high]
        )
        head = ["name", "coef", "std error", self.distribution, "p", "low", "high"]
        body = [
            [name, *(f"{v:.3g}" if i in {2, 3} else f"{v:.6g}" for i, v in enumerate(row))]
            for name, row in zip(self.names, figures.tolist(), strict=True)
        ]
        if not any(self.outputs):
            return [head, *body]
        titled = zip(self.outputs, body, strict=True)
        return [["output", *head], *([output, *row] for output, row in titled)]

    def _words(self) -> str:
        of = f"t with {self.dof:g} degrees of freedom" if self.distribution == "t" else "z (normal)"
        against = f"; scores against those of {self.reference!r}" if self.reference else ""
        return f"{100 * self.level:g} % intervals by {of}{against}."


def _tags(tag: str, cells: list[str]) -> str:
    return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
