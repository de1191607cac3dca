"""The house order: a module imports only from rows above its own, and rows are strangers within.

The sources are read, not run: imports inside functions and under TYPE_CHECKING count as well.
Every rule is first shown a small source that breaks it.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# Row 0 is the top.  docs/decisions/0002-the-house.md says why, and shows the same rows.
ROWS = (
    ("errors",),
    ("arrays", "parts", "randomness", "files"),
    ("custom",),
    ("activations", "losses", "penalties", "schedules", "metrics", "scaling", "datasets", "tables"),
    ("models", "optimizers"),
    ("task",),
    ("engines",),
    ("curvature",),
    ("run",),
    ("training",),
    (
        "fitting",
        "optimum",
        "solving",
        "forecasting",
        "explaining",
        "export",
        "scaleout",
        "certification",
        "gradcheck",
        "graphs",
        "showing",
        "inference",
    ),
    ("doctor", "sweeping", "plots", "page"),
    ("classics", "estimators", "report", "animation"),
    ("lab", "lessons"),
    ("cli", "notebook"),
)
ROW_OF = {module: row for row, modules in enumerate(ROWS) for module in modules}
# scikit-learn's mixins and the widget base ask for super() and for overriding.
BORDER = {"estimators", "notebook"}
# `run` looks up its readers by name; the package's own __init__ may do the same.
MAY_IMPORT_BY_NAME = {"run", "__init__"}
SHAPELESS = {"utils", "util", "helpers", "common", "misc"}
# The parts of numpy.random that keep no state of their own between calls.
STATELESS = {"Generator", "BitGenerator", "PCG64", "Philox", "SeedSequence", "default_rng"}
GLOBAL_SEEDS = {"random.seed", "torch.manual_seed", "torch.random.manual_seed"}

TESTS = Path(__file__).parent
ROOT = TESTS.parent
Sources = dict[str, str]


def read(folder: Path) -> Sources:
    return {p.relative_to(folder).as_posix(): p.read_text("utf-8") for p in folder.rglob("*.py")}


def package() -> Sources:
    found = importlib.util.find_spec("descend")
    assert found is not None, "descend is not installed"
    assert found.origin is not None
    return read(Path(found.origin).parent)


def module_of(path: str) -> str:
    """Return the module that a file belongs to: a folder counts as one."""
    return path.split("/", maxsplit=1)[0].removesuffix(".py")


def dotted(node: ast.expr) -> str:
    """Return "np.random.seed" for that expression, and "" for anything that is not a name."""
    if isinstance(node, ast.Attribute):
        return f"{owner}.{node.attr}" if (owner := dotted(node.value)) else ""
    return node.id if isinstance(node, ast.Name) else ""


def last_name(base: ast.expr) -> str:
    """Return "Base" for models.Base and for Base[int]."""
    return dotted(base.value if isinstance(base, ast.Subscript) else base).split(".")[-1]


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


# Order -------------------------------------------------------------------------------------------


def imported(path: str, source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, full name) of everything a file imports, relative imports resolved."""
    folder = ["descend", *path.split("/")[:-1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            start = folder[: len(folder) + 1 - node.level] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"
        elif isinstance(node, ast.Call) and dotted(node.func) in {
            "__import__",
            "import_module",
            "importlib.import_module",
        }:
            name = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else 0
            if isinstance(name, str):
                yield node.lineno, f"descend{name}" if name.startswith(".") else name
            elif module_of(path) not in MAY_IMPORT_BY_NAME:
                yield node.lineno, "descend.<a computed name>"


def disorder(sources: Sources) -> list[str]:
    """Return a sentence for every import that the rows forbid."""
    faults = []
    for path, source in sorted(sources.items()):
        own = module_of(path)
        if path == "__init__.py":
            continue  # re-exports from anywhere; `more_than_exports` watches it
        if own not in ROW_OF:
            faults.append(f"{path}: the module {own!r} is not in the table; give it a row.")
            continue
        for line, name in imported(path, source):
            parts = name.split(".")
            if parts[0] != "descend":
                continue
            other = parts[1] if len(parts) > 1 else ""
            if other == own:
                if "/" not in path:
                    faults.append(f"{path}:{line} imports itself.")
            elif other not in ROW_OF:
                faults.append(
                    f"{path}:{line} imports {name!r}, which is not a module of the table; "
                    "import from the module itself, or give it a row."
                )
            elif ROW_OF[other] >= ROW_OF[own]:
                way = "sideways" if ROW_OF[other] == ROW_OF[own] else "upside down"
                faults.append(
                    f"{path}:{line} imports {way}: {own} (row {ROW_OF[own]}) "
                    f"may not import {other} (row {ROW_OF[other]})."
                )
    return faults


WRONG_ORDER = {
    "a later row": ("losses.py", "import descend.task", "upside down"),
    "under another name": ("losses.py", "import descend.task as t", "upside down"),
    "a name from a later row": ("arrays.py", "from descend.losses import huber", "upside down"),
    "the module from the package": ("arrays.py", "from descend import losses", "upside down"),
    "sideways": ("losses.py", "from descend.penalties import l2", "sideways"),
    "sideways in a folder": ("datasets/toy.py", "import descend.tables.read", "sideways"),
    "inside a function": ("models.py", "def f():\n    import descend.run", "upside down"),
    "for types only": (
        "models.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from descend.task import Task",
        "upside down",
    ),
    "in a handler": ("task.py", "try:\n    pass\nexcept E:\n    import descend.cli", "upside down"),
    "relative": ("models.py", "from .run import Run", "upside down"),
    "relative, the module": ("models.py", "from . import run", "upside down"),
    "relative, from a folder": ("engines/by_hand.py", "from ..run import Run", "upside down"),
    "by name": ("models.py", "importlib.import_module('descend.run')", "upside down"),
    "by relative name": ("models.py", "import_module('.run', 'descend')", "upside down"),
    "by a computed name": ("models.py", "importlib.import_module(name)", "computed name"),
    "the whole package": ("models.py", "import descend", "not a module of the table"),
    "a public name": ("models.py", "from descend import Task", "not a module of the table"),
    "an unknown module": ("models.py", "import descend.magic", "not a module of the table"),
    "itself": ("models.py", "import descend.models", "itself"),
    "without a row": ("magic.py", "", "give it a row"),
    "a folder without a row": ("magic/inner.py", "", "give it a row"),
}


@pytest.mark.parametrize("case", WRONG_ORDER)
def test_wrong_order_is_seen(case):
    path, source, complaint = WRONG_ORDER[case]
    (fault,) = disorder({path: source})
    assert complaint in fault
    assert fault.startswith(path)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("losses.py", "from descend.errors import InputError\nimport numpy as np"),
        ("engines/with_jax.py", "from descend.engines.common import advance\nimport jax"),
        ("engines/with_jax.py", "from .by_hand import advance\nfrom . import by_hand"),
        ("engines/__init__.py", "from descend.engines.by_hand import advance as advance"),
        ("run.py", "READERS = {'plot': 'descend.plots'}\nimportlib.import_module(READERS[name])"),
        ("__init__.py", "from descend.cli import main as main"),
        ("models.py", "import descendant.task"),
    ],
)
def test_right_order_is_left_alone(path, source):
    assert disorder({path: source}) == []


def test_the_package_keeps_the_order():
    assert disorder(package()) == []


@pytest.mark.parametrize("page", ["docs/decisions/0002-the-house.md", "CONTRIBUTING.md"])
def test_the_pages_show_these_rows(page):
    lines = (ROOT / page).read_text("utf-8").splitlines()
    shown = [re.match(r"\| (\d+) \| ([^|]*)\|", line) for line in lines]
    rows = {int(row[1]): tuple(re.findall(r"`(\w+)/?`", row[2])) for row in shown if row}
    assert rows == dict(enumerate(ROWS))


# __init__ ----------------------------------------------------------------------------------------

EXPORTS_ONLY = {"__all__", "__version__", "_HOMES", "_SUBMODULES", "_WHERE"}
LAZY_FUNCTIONS = {"__getattr__", "__dir__"}
FOR_LAZINESS = {"__future__", "importlib", "importlib.metadata", "typing"}


def exports_only(node: ast.stmt) -> bool:  # noqa: PLR0911 - one line for each kind of statement
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.ImportFrom(module=str() as module, level=0):
            return module in FOR_LAZINESS or module.split(".")[0] == "descend"
        case ast.Import(names=names):
            return all(alias.name in FOR_LAZINESS for alias in names)
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name in EXPORTS_ONLY
        case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body, orelse=[]):
            return all(exports_only(inner) for inner in body)
        case ast.FunctionDef(name=name):
            return name in LAZY_FUNCTIONS
    return False


def more_than_exports(sources: Sources) -> list[str]:
    """Return a sentence for everything in an __init__.py that is not a re-export."""
    return [
        f"{path}:{node.lineno} is more than a re-export; move it to a module."
        for path, source in sorted(sources.items())
        if path.split("/")[-1] == "__init__.py"
        for node in ast.parse(source).body
        if not exports_only(node)
    ]


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np",
        "from numpy import exp",
        "from . import losses",
        "from .losses import huber",
        "DEFAULT = 3",
        "def helper(): ...",
        "class Task: ...",
        "print('hello')",
        "if TYPE_CHECKING:\n    x = 1",
        "for name in names: ...",
    ],
)
def test_more_than_exports_is_seen(source):
    assert len(more_than_exports({"engines/__init__.py": source})) == 1
    assert more_than_exports({"engines/by_hand.py": source}) == []


def test_exports_are_left_alone():
    source = '''
"""The package."""

from importlib.metadata import version
from descend.losses import huber as huber
from descend.task import Task

if TYPE_CHECKING:
    from descend.run import Run

__all__ = ["Task"]
__version__ = "0.1.0"

def __getattr__(name): ...
'''
    assert more_than_exports({"__init__.py": source}) == []


def test_every_init_only_exports():
    assert more_than_exports(package()) == []


def without_init(sources: Sources) -> list[str]:
    """Return a sentence for every folder that would be found by chance, as a namespace package."""
    folders = {path.rpartition("/")[0] for path in sources}
    return [
        f"{folder}/ has modules and no __init__.py; add one."
        for folder in sorted(folders)
        if f"{folder}/__init__.py".lstrip("/") not in sources
    ]


def test_a_folder_without_init_is_seen():
    sources = {"__init__.py": "", "engines/__init__.py": "", "tables/read.py": ""}
    assert without_init(sources) == ["tables/ has modules and no __init__.py; add one."]


def test_every_folder_has_an_init():
    assert without_init(package()) == []


# Classes: an interface or a leaf -----------------------------------------------------------------


def inheritance(sources: Sources) -> list[str]:
    """Return a sentence for every super() and every method that overrides one of ours."""
    faults = []
    classes: dict[str, tuple[list[str], dict[str, ast.FunctionDef]]] = {}
    places: list[tuple[str, ast.ClassDef]] = []
    for path, source in sorted(sources.items()):
        tree = ast.parse(source)
        at_border = module_of(path) in BORDER
        faults += [
            f"{path}:{node.lineno} calls super(); a class is an interface or a leaf."
            for name, node in calls(tree)
            if name == "super" and not at_border
        ]
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases = [last_name(base) for base in node.bases]
                methods = {m.name: m for m in node.body if isinstance(m, ast.FunctionDef)}
                classes[node.name] = (bases, methods)
                if not at_border:
                    places.append((path, node))
    for path, node in places:
        for ancestor in ancestors(node.name, classes):
            bases, methods = classes[ancestor]
            if "Protocol" in bases:
                continue  # an interface: what it names is there to be written
            for name in sorted(set(classes[node.name][1]) & set(methods)):
                marks = {dotted(mark).split(".")[-1] for mark in methods[name].decorator_list}
                if "abstractmethod" not in marks:
                    faults.append(
                        f"{path}:{node.lineno} {node.name}.{name} overrides {ancestor}.{name}; "
                        "a class is an interface or a leaf."
                    )
    return faults


def ancestors(
    name: str, classes: dict[str, tuple[list[str], dict[str, ast.FunctionDef]]]
) -> set[str]:
    found: set[str] = set()
    waiting = list(classes[name][0])
    while waiting:
        base = waiting.pop()
        if base in classes and base not in found:
            found.add(base)
            waiting += classes[base][0]
    return found


BASE = "class Base:\n    def f(self): return 1\n"
WRONG_CLASSES = {
    "super": ("models.py", "class A:\n    def f(self): return super().f()", "super()"),
    "overriding": (
        "models.py",
        BASE + "class A(Base):\n    def f(self): return 2",
        "A.f overrides",
    ),
    "overriding from afar": (
        "models.py",
        BASE + "class B(Base): ...\nclass A(B):\n    def f(self): return 2",
        "A.f overrides Base.f",
    ),
    "overriding, dotted": (
        "models.py",
        BASE + "class A(models.Base):\n    def f(self): return 2",
        "A.f overrides",
    ),
    "overriding, generic": (
        "models.py",
        BASE + "class A(Base[int]):\n    def f(self): return 2",
        "A.f overrides",
    ),
}


@pytest.mark.parametrize("case", WRONG_CLASSES)
def test_inheritance_is_seen(case):
    path, source, complaint = WRONG_CLASSES[case]
    (fault,) = inheritance({path: source})
    assert complaint in fault


def test_overriding_across_files_is_seen():
    child = "from descend.models import Base\nclass A(Base):\n    def f(self): return 2"
    (fault,) = inheritance({"models.py": BASE, "task.py": child})
    assert fault.startswith("task.py:2 A.f overrides Base.f")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("estimators.py", "class A(B):\n    def f(self): return super().f()"),
        ("models.py", BASE + "class A(Base):\n    def g(self): return 2"),
        ("models.py", BASE.replace("Base:", "Base(Protocol):") + "class A(Base):\n    def f(s): 2"),
        (
            "models.py",
            BASE.replace("Base:", "Base(ABC):").replace("def f", "@abstractmethod\n    def f")
            + "class A(Base):\n    def f(self): return 2",
        ),
    ],
)
def test_interfaces_and_leaves_are_left_alone(path, source):
    assert inheritance({path: source}) == []


def test_classes_of_the_package_are_interfaces_or_leaves():
    assert inheritance(package()) == []


# Names and randomness ----------------------------------------------------------------------------


def shapeless(sources: Sources) -> list[str]:
    """Return a sentence for every file or folder whose name says nothing."""
    return [
        f"{path}: a name that says nothing; name the file after what is in it."
        for path in sorted(sources)
        if SHAPELESS & {part.removesuffix(".py").strip("_") for part in path.split("/")}
    ]


@pytest.mark.parametrize("path", ["utils.py", "engines/_utils.py", "helpers/draw.py"])
def test_a_shapeless_name_is_seen(path):
    assert len(shapeless({path: ""})) == 1


def test_every_file_has_a_name_that_says_something():
    assert shapeless(package() | read(TESTS)) == []


def global_randomness(sources: Sources) -> list[str]:
    """Return a sentence for every draw from, or seed of, a generator nobody passed in."""
    faults = []
    for path, source in sorted(sources.items()):
        for name, call in calls(ast.parse(source)):
            numpy_random = re.fullmatch(r"(?:np|numpy)\.random\.(\w+)", name)
            legacy = numpy_random is not None and numpy_random[1] not in STATELESS
            unseeded = name.endswith("default_rng") and not call.args and not call.keywords
            if legacy or unseeded or name in GLOBAL_SEEDS:
                faults.append(
                    f"{path}:{call.lineno} calls {name}; randomness is an argument, "
                    "made by np.random.default_rng(seed) or descend.randomness."
                )
    return faults


@pytest.mark.parametrize(
    "source",
    [
        "np.random.seed(0)",
        "numpy.random.seed(0)",
        "np.random.normal(size=3)",
        "x = np.random.RandomState(0)",
        "random.seed(0)",
        "torch.manual_seed(0)",
        "np.random.default_rng()",
        "default_rng()",
    ],
)
def test_global_randomness_is_seen(source):
    assert len(global_randomness({"models.py": source})) == 1


@pytest.mark.parametrize(
    "source",
    ["np.random.default_rng(0)", "np.random.Philox(key=key).random_raw(3)", "rng.normal(size=3)"],
)
def test_randomness_as_an_argument_is_left_alone(source):
    assert global_randomness({"models.py": source}) == []


def test_randomness_is_an_argument_everywhere():
    found = global_randomness(package() | read(TESTS))
    # One door to the legacy stream, for the classics: its seed is an argument, its state its own.
    (door,) = [sentence for sentence in found if "RandomState" in sentence]
    assert door.startswith("datasets/toy.py")
    assert found == [door]
