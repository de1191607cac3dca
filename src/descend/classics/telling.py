"""What a classic has to tell: our figures beside the published ones, and its mistakes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np

if TYPE_CHECKING:
    from descend.doctor import Finding
    from descend.run import Run

UNSEEN = "This is not something a run or its figures show."


@final
@dataclass(frozen=True)
class Mistake:
    """A mistake of a document: made again, and mended.

    Attributes
    ----------
    what
        A short name.
    explanation
        What goes wrong, and why.
    before, after
        Figures of the run with the mistake, and of the run without it.
    mends
        The smallest change that mends it.
    said
        What the doctor said of it, worst first; empty where no run and no figure shows it.
    """

    what: str
    explanation: str
    before: dict[str, Any]
    after: dict[str, Any]
    mends: str
    said: tuple[Finding, ...] = ()

    @property
    def code(self) -> str | None:
        """The doctor's code for it, or None."""
        return self.said[0].code if self.said else None

    @property
    def words(self) -> str:
        """The doctor's words, or that there is nothing to see."""
        return " ".join(finding.sentence for finding in self.said) or UNSEEN


@final
@dataclass(frozen=True, eq=False)
class Classic:
    """A classic, run.

    Attributes
    ----------
    name, title
        Ours, and the document's.
    ours, published
        Figures by name: computed just now, and as the document prints them.
    mistakes
        What the document gets wrong.
    runs
        The recorded runs behind the figures.
    """

    name: str
    title: str
    ours: dict[str, Any]
    published: dict[str, Any]
    mistakes: tuple[Mistake, ...]
    runs: dict[str, Run] = field(repr=False)


def to_json(classic: Classic) -> dict[str, Any]:
    """Return the classic as plain data."""
    return {
        "title": classic.title,
        "ours": _plain(classic.ours),
        "published": _plain(classic.published),
        "mistakes": [
            {
                "what": m.what,
                "before": _plain(m.before),
                "after": _plain(m.after),
                "explanation": m.explanation,
                "mends": m.mends,
                "code": m.code,
                "words": m.words,
            }
            for m in classic.mistakes
        ],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def as_text(classic: Classic) -> str:
    """Return the classic in words: ours beside published, then each mistake, before and after."""
    lines = [f"{classic.name}: {classic.title}", "", f"  {'':34} {'ours':>24}  published"]
    for name in [*classic.ours, *(n for n in classic.published if n not in classic.ours)]:
        ours = _shown(classic.ours.get(name, ""))
        lines.append(f"  {name:34} {ours:>24}  {_shown(classic.published.get(name, ''))}".rstrip())
    for i, mistake in enumerate(classic.mistakes, start=1):
        lines += ["", f"  Mistake {i}: {mistake.what}", *_wrapped(mistake.explanation)]
        lines.append(f"    as written: {_figures(mistake.before)}")
        lines.append(f"    mended:     {_figures(mistake.after)}")
        lines += _wrapped(f"What mends it: {mistake.mends}")
        code = "" if mistake.code is None else f"{mistake.code}: "
        lines += _wrapped(f"The doctor: {code}{mistake.words}")
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    import textwrap  # noqa: PLC0415 - only for the terminal

    return textwrap.wrap(text, 92, initial_indent="    ", subsequent_indent="    ")


def _figures(figures: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in figures.items())


def _shown(value: Any) -> str:
    value = _plain(value)
    if isinstance(value, float):
        return f"{value:.10g}"
    return _brief(value)


def _brief(value: Any) -> str:
    """Return figures inside a list or a dict, with fewer digits."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_brief(v)}" for name, v in value.items())
    if isinstance(value, list):
        return "(" + ", ".join(_brief(v) for v in value) + ")"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
