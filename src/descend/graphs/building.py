"""From a task, or a step of a run, to its computation graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from descend.arrays import is_sparse
from descend.errors import InputError
from descend.graphs.drawn import Edge, Graph, Kind, Node
from descend.graphs.walking import Walk, walk
from descend.models import MLP, Linear, layered
from descend.parts import whole
from descend.task import Task

if TYPE_CHECKING:
    from descend.run import Run

Shape = tuple[int | str, ...]


class _Sizes(NamedTuple):
    """Rows, features, outputs: numbers, or letters."""

    n: int | str
    d: int | str
    k: int | str


def graph(task: Task, *, d: int | None = None, k: int | None = None) -> Graph:
    """Return the computation graph of a task: what is computed from what, and in which shapes.

    Parameters
    ----------
    task
        Model, loss and optimizer; the optimizer is no part of the graph.
    d, k
        Features and outputs, 1 or more; left out, they stay letters, as n always does.

    Returns
    -------
    Graph
        It prints as text, shows itself in notebooks, and has `svg()` and `save(path)`.

    Raises
    ------
    InputError
        If `task` is no task, or a size not a whole number above 0.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> print(ds.graph(task, d=2, k=1))
    linear + squared_error + gradient_descent(0.1)
    <BLANKLINE>
    X                                     (n, 2)
    │  W                                  (2, 1)
    │  b                                  (1,)
    ├──┘
    ▼
    scores = X W + b                      (n, 1)
    │  y                                  (n, 1)
    ├──┘
    ▼
    loss = squared_error(scores, y)       (n,)
    ▼
    mean = Σ loss / n
    ▼
    objective L = mean
    """
    if not isinstance(task, Task):
        msg = f"graph needs a Task(model, loss, optimizer). Got {task!r} instead."
        raise InputError(msg)
    sizes = _Sizes(
        "n",
        "d" if d is None else whole("graph", "d", d),
        "k" if k is None else whole("graph", "k", k),
    )
    return _built(task, sizes, str(task), None, weighted=False)


def of_run(run: Run, step: int | None = None) -> Graph:
    """Return the computation graph of a run; with a step, its values and gradients.

    Parameters
    ----------
    run
        For a step, with its rows attached.
    step
        After how many updates: the values are those of the next update's rows, and the gradients
        those it followed.  Default: none, shapes only.

    Returns
    -------
    Graph
        As `graph` does.

    Raises
    ------
    InputError
        If the step was never reached, or its rows are not there, or sparse.
    """
    s, task = run.setup, run.task
    weighted = s.weighted
    if step is None:
        n = s.n if s.full_batch else s.batch_size or s.n
        return _built(task, _Sizes(n, s.d, s.k), str(task), None, weighted=weighted)
    moment = run.at(step)
    if is_sparse(run.problem.X):
        msg = (
            "A graph shows the values of dense rows, and this run was trained on sparse ones; "
            "leave the step out to see the shapes."
        )
        raise InputError(msg)
    walked = walk(run.problem, moment.theta, moment.step)
    n = len(walked.values["X"])
    title = f"{task}, after {step} update{'' if step == 1 else 's'}, on {n} rows"
    return _built(task, _Sizes(n, s.d, s.k), title, walked, weighted=weighted)


def _built(task: Task, sizes: _Sizes, title: str, walked: Walk | None, *, weighted: bool) -> Graph:
    if not isinstance(task.model, Linear | MLP):
        msg = (
            f"A graph is drawn of Linear and MLP, whose insides are known. Got {task.model!r}; "
            "draw it with its own library."
        )
        raise InputError(msg)
    builder = _Builder(walked)
    _model(builder, task, sizes)
    _objective(builder, task, sizes, weighted=weighted)
    return Graph(title, tuple(builder.nodes), tuple(builder.edges))


class _Builder:
    """Nodes and edges under way."""

    def __init__(self, walked: Walk | None) -> None:
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self._walked = walked

    def add(
        self,
        name: str,
        kind: Kind,
        shape: Shape,
        *,
        label: str = "",
        formula: str = "",
        **more: Any,
    ) -> None:
        """Add a node, with its value and gradient if they are known."""
        values = self._walked.values if self._walked else {}
        gradients = self._walked.gradients if self._walked else {}
        found = values.get(name), gradients.get(name)
        self.nodes.append(Node(name, label or name, kind, formula, shape, *found, **more))

    def join(self, target: str, *sources: str) -> None:
        """Add edges to a node; gradients flow back along those that do not come from data."""
        data = {node.name for node in self.nodes if node.kind == "data"}
        self.edges += [Edge(source, target, source not in data) for source in sources]


def _model(builder: _Builder, task: Task, sizes: _Sizes) -> None:
    """Add the way from X to the scores."""
    model = layered(task.model)
    widths: tuple[int | str, ...] = (sizes.d, *model.hidden, sizes.k)
    builder.add("X", "data", (sizes.n, sizes.d))
    passed, last = "X", len(widths) - 1
    for i in range(1, last + 1):
        number = str(i) if model.hidden else ""
        prefix = f"layer{i}." if model.hidden else ""
        weight, bias = f"{prefix}weight", f"{prefix}bias"
        shape = (widths[i - 1], widths[i])
        builder.add(weight, "parameter", shape, label=f"W{number}", side=True)
        used = [passed, weight]
        if model.bias:
            builder.add(bias, "parameter", (widths[i],), label=f"b{number}", side=True)
            used.append(bias)
        summed = "scores" if i == last else f"z{i}"
        formula = f"{passed} W{number}" + (f" + b{number}" if model.bias else "")
        builder.add(summed, "computed", (sizes.n, widths[i]), formula=formula)
        builder.join(summed, *used)
        if i < last:
            formula = _called(model.activation, f"z{i}")
            builder.add(f"a{i}", "computed", (sizes.n, widths[i]), formula=formula)
            builder.join(f"a{i}", summed)
            passed = f"a{i}"


def _objective(builder: _Builder, task: Task, sizes: _Sizes, *, weighted: bool) -> None:
    """Add the way from the scores to the objective."""
    labels = task.loss.targets == "labels"
    builder.add("y", "data", (sizes.n,) if labels else (sizes.n, sizes.k), side=True)
    builder.add("loss", "computed", (sizes.n,), formula=_called(task.loss, "scores, y"))
    builder.join("loss", "scores", "y")
    reduced = task.reduction
    if weighted:
        builder.add("weights", "data", (sizes.n,), side=True)
    formula = "Σ weights·loss" if weighted else "Σ loss"
    if reduced == "mean":
        formula += " / Σ weights" if weighted else " / n"
    builder.add(reduced, "computed", (), formula=formula)
    builder.join(reduced, "loss", *(["weights"] if weighted else []))
    used = [reduced]
    if task.penalty is not None:
        _penalty(builder, task)
        used.append("penalty")
    builder.add("objective", "computed", (), formula=" + ".join(used), label="L")
    builder.join("objective", *used)


def _penalty(builder: _Builder, task: Task) -> None:
    penalty = task.penalty
    if penalty is None:
        raise AssertionError
    reached = [
        node
        for node in builder.nodes
        if node.kind == "parameter" and (penalty.biases or node.name.endswith("weight"))
    ]
    of = ", ".join(node.label for node in reached)
    squared = [f"{penalty.l2:g}/2 ‖{of}‖²"] if penalty.l2 else []
    absolute = [f"{penalty.l1:g} ‖{of}‖₁"] if penalty.l1 else []
    formula = " + ".join([*squared, *absolute]) or "0"
    builder.add("penalty", "computed", (), formula=formula, side=True)
    # The absolute part acts by a threshold after the update; it has no gradient to send back.
    builder.edges += [Edge(node.name, "penalty", penalty.l2 > 0) for node in reached]


def _called(part: Any, arguments: str) -> str:
    numbers = ", ".join(f"{name}={value:g}" for name, value in part._asdict().items())
    return f"{part.name}({arguments}{'; ' if numbers else ''}{numbers})"
