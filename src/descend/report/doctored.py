"""The doctor's findings, in words, each with a link to the step it is best seen at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from descend.page.words import finding_of
from descend.report.markup import Html, element, paragraphs, section
from descend.showing.samples import spaced

if TYPE_CHECKING:
    from descend.report.subject import Subject

_WORDS = {"illness": "to mend", "information": "to know"}


def doctor_section(subject: Subject, *, live: bool) -> Html:
    """Return all findings, worst first, and what could not be looked at."""
    found = subject.diagnosis
    listed = [_finding(subject, finding, live=live) for finding in found]
    unseen = [f"Not looked at: {why}" for why in found.not_looked_at]
    return section(
        "doctor",
        "What the doctor finds",
        paragraphs([_in_short(subject)]),
        element("ol", *listed, class_="findings"),
        paragraphs(unseen, "note"),
    )


def _in_short(subject: Subject) -> str:
    ill = sum(finding.severity == "illness" for finding in subject.diagnosis)
    looked = "Rules that know how training goes wrong were asked about this run; "
    if not ill:
        return f"{looked}none found anything that needs mending."
    what = "one thing needs" if ill == 1 else f"{ill} things need"
    return f"{looked}{what} mending, worst first."


def _finding(subject: Subject, finding: Any, *, live: bool) -> Html:
    told = finding_of(subject.run, finding)
    head = element(
        "h3",
        element("span", _WORDS[told["severity"]], class_=f"mark {told['severity']}"),
        " ",
        element("code", told["code"]),
    )
    parts = [head, element("p", told["sentence"])]
    if told["evidence"]:
        parts.append(element("ul", *(element("li", e) for e in told["evidence"]), class_="seen"))
    if told["severity"] == "illness":
        parts.append(element("p", element("strong", "Smallest fix: "), told["fix"], "."))
    if told["step"] is not None and live:
        words = f"See it at update {spaced(told['step'])}"
        link = element("a", words, href="#steps", data_step=told["step"])
        parts.append(element("p", link))
    return element("li", *parts)
