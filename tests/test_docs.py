"""The documentation keeps its promises: links resolve, names are explained, commands exist.

Doctests are run by `make test` (`--doctest-modules --pyargs descend`).
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import descend

ROOT = Path(__file__).parents[1]
MADE_BY_TOOLS = {"node_modules", "build", "dist", "demo-run"}


def pages(root: Path) -> list[Path]:
    """Return every Markdown file of the project."""
    return sorted(
        page
        for page in root.rglob("*.md")
        if not any(
            part.startswith(".") or part in MADE_BY_TOOLS for part in page.relative_to(root).parts
        )
    )


PAGES = {page.relative_to(ROOT).as_posix(): page for page in pages(ROOT)}
FENCED = re.compile(r"^(```|~~~)(\w*)[^\n]*\n(.*?)^\1", re.MULTILINE | re.DOTALL)

# Links -------------------------------------------------------------------------------------------

LINK = re.compile(
    r"!?\[[^\]]*\]\(<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE
)


def anchors(text: str) -> set[str]:
    """Return the names that a page's headings can be linked by."""
    headings = re.findall(r"^#{1,6}\s+(.*?)\s*#*$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path, root: Path) -> list[str]:
    """Return a sentence for every relative link that leads nowhere."""
    faults = []
    prose = re.sub(r"`[^`\n]*`", "", FENCED.sub("", page.read_text("utf-8")))
    for inline, reference in LINK.findall(prose):
        target = inline or reference
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        place, _, anchor = target.partition("#")
        goal = (page.parent / place).resolve() if place else page.resolve()
        if not goal.is_relative_to(root.resolve()):
            faults.append(f"{page.name} links to {target}, outside the project.")
        elif not goal.exists():
            faults.append(f"{page.name} links to {target}, which does not exist.")
        elif anchor and goal.suffix == ".md" and anchor not in anchors(goal.read_text("utf-8")):
            faults.append(f"{page.name} links to {target}, but there is no such heading.")
    return faults


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ("[a](missing.md)", "does not exist"),
        ("![a](missing.png)", "does not exist"),
        ('[a](missing.md "title")', "does not exist"),
        ("[a][1]\n\n[1]: missing.md", "does not exist"),
        ("[a](page.md#nowhere)", "no such heading"),
        ("[a](#nowhere)", "no such heading"),
        ("[a](../../page.md)", "outside the project"),
    ],
)
def test_a_broken_link_is_seen(tmp_path, link, complaint):
    page = tmp_path / "page.md"
    page.write_text(f"# A heading\n\n{link}\n", "utf-8")
    (fault,) = broken_links(page, tmp_path)
    assert complaint in fault


def test_sound_links_are_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A heading: it's `so`\n\n[a](page.md) [b](#a-heading-its-so) [c](https://example.org/x)\n"
        "`[d](missing.md)`\n\n```text\n[e](missing.md)\n```\n",
        "utf-8",
    )
    assert broken_links(page, tmp_path) == []


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    assert broken_links(PAGES[name], ROOT) == []


# Public names ------------------------------------------------------------------------------------


def section(doc: str, *titles: str) -> str:
    """Return the body of the first section with one of the titles, or an empty string."""
    for title in titles:
        found = re.search(
            rf"^{title}\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", doc, re.MULTILINE | re.DOTALL
        )
        if found:
            return found[1] or " "
    return ""


def unexplained(name: str, thing: object) -> list[str]:
    """Return a sentence for everything that the docstring of a public name leaves out."""
    if isinstance(thing, ModuleType) or not callable(thing):
        return []  # a module is explained by its own names; a constant has no docstring
    doc = inspect.getdoc(thing) or ""
    if not doc:
        return [f"{name} has no docstring."]
    if isinstance(thing, type) and issubclass(thing, BaseException):
        return []
    faults = []
    parameters = [
        parameter.name
        for parameter in inspect.signature(thing).parameters.values()
        if parameter.kind not in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
    ]
    described = section(doc, "Parameters", "Other Parameters", "Attributes")
    heads = re.findall(r"^(\S[^:\n]*)", described, re.MULTILINE)
    explained = {word.strip().lstrip("*") for head in heads for word in head.split(",")}
    missing = [parameter for parameter in parameters if parameter not in explained]
    if missing:
        faults.append(f"{name} does not explain {', '.join(missing)} (Parameters or Attributes).")
    returns = inspect.signature(thing).return_annotation not in {None, "None"}
    if returns and not isinstance(thing, type) and not section(doc, "Returns", "Yields"):
        faults.append(f"{name} does not say what it returns (Returns).")
    if ">>>" not in doc:
        faults.append(f"{name} shows no example (>>>).")
    return faults


GOOD = """Return the sum.

Parameters
----------
a, b
    Numbers.
c : float
    Another one.

Returns
-------
float
    The sum.

Examples
--------
>>> 1 + 1 + 1
3
"""


@pytest.mark.parametrize(
    ("doc", "complaint"),
    [
        ("", "no docstring"),
        (GOOD.replace("c : float\n    Another one.\n", ""), "does not explain c"),
        (GOOD.replace("a, b", "a"), "does not explain b"),
        (GOOD.replace("Returns\n-------", "Notes\n-----"), "what it returns"),
        (GOOD.replace(">>>", "   "), "no example"),
    ],
)
def test_an_unexplained_function_is_seen(doc, complaint):
    def add(a, b, c): ...

    add.__doc__ = doc
    (fault,) = unexplained("add", add)
    assert complaint in fault


def test_an_explained_function_is_left_alone():
    def add(a, b, c): ...

    add.__doc__ = GOOD
    assert unexplained("add", add) == []


PUBLIC = sorted(getattr(descend, "__all__", []))


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_explained(name):
    assert unexplained(name, getattr(descend, name)) == []


# Commands ----------------------------------------------------------------------------------------


def shown_commands(text: str, program: str) -> list[str]:
    """Return the command lines that begin with `program` in the shell blocks of a page."""
    found = []
    for _, language, block in FENCED.findall(text):
        if language not in {"", "sh", "bash", "shell", "console"}:
            continue
        for line in block.replace("\\\n", " ").splitlines():
            command = re.sub(r"\s+#.*", "", line.strip().removeprefix("$ "))
            if command.split(" ", maxsplit=1)[0] == program:
                found.append(re.sub(r"\s+", " ", command))
    return found


def commands_of_all_pages(program: str) -> list[str]:
    texts = [page.read_text("utf-8") for page in PAGES.values()]
    inline = [re.findall(rf"`({program} [^`\n]+)`", FENCED.sub("", text)) for text in texts]
    blocks = [shown_commands(text, program) for text in texts]
    return sorted({command for found in [*inline, *blocks] for command in found})


def test_commands_are_found_in_shell_blocks():
    page = "```sh\n$ make demo  # a\ndescend fit a.csv \\\n --out b\n```\n```py\nmake x\n```\n"
    assert shown_commands(page, "make") == ["make demo"]
    assert shown_commands(page, "descend") == ["descend fit a.csv --out b"]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def no_such_target(command: str) -> list[str]:
    words = re.sub(r"\w+=(\"[^\"]*\"|'[^']*'|\S*)", "", command).split()[1:]
    return [word for word in words if word not in targets() and not word.startswith("-")]


def test_a_target_that_does_not_exist_is_seen():
    assert no_such_target("make tset ARGS='-k a b' PYTHON=python3") == ["tset"]
    assert no_such_target("make test ARGS='-k a b'") == []


@pytest.mark.parametrize("command", commands_of_all_pages("make"))
def test_make_commands_exist(command):
    assert no_such_target(command) == []


def help_of(subcommand: str) -> str:
    """Return what `descend SUBCOMMAND --help` prints, or an empty string if there is none."""
    run = "import sys; from descend.cli import main; sys.argv[0] = 'descend'; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", run, subcommand, "--help"],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "300", "TERM": "dumb", "NO_COLOR": "1", "PYTHONUTF8": "1"},
    )
    return done.stdout if done.returncode == 0 else ""


def unknown_words(command: str, help_text: str) -> list[str]:
    """Return the subcommand, or the options, of a command line that the help does not know."""
    words = command.split()
    if not help_text:
        return words[1:2]
    known = set(re.findall(r"--?[a-z][a-z0-9-]*", help_text))
    options = {word.split("=")[0] for word in words[2:] if re.match(r"--?[a-z]", word)}
    return sorted(options - known)


def test_a_command_the_help_does_not_know_is_seen():
    assert unknown_words("descend fti a.csv", "") == ["fti"]
    assert unknown_words("descend fit a.csv --traget y --out b", "--target  --out") == ["--traget"]
    assert unknown_words("descend fit a.csv --target=y --rate -1", "--target --rate") == []


@pytest.mark.skipif(
    importlib.util.find_spec("descend.cli") is None, reason="the command line is not written yet"
)
@pytest.mark.parametrize(
    "command", [c for c in commands_of_all_pages("descend") if not c.endswith("--help")]
)
def test_descend_commands_exist(command):
    assert unknown_words(command, help_of(command.split()[1])) == []
