"""What was asked of a run, and how to repeat it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from descend.custom import CustomModel
from descend.models import MLP
from descend.report.command import command_of
from descend.report.markup import Html, element, named, number, paragraphs, section
from descend.report.taken import NAME
from descend.scaling import standardize_of
from descend.showing.samples import spaced

if TYPE_CHECKING:
    from descend.report.subject import Subject

# What the losses and rules are called outside this library.
_TASKS = {
    "squared_error": "least squares",
    "half_squared_error": "least squares",
    "absolute_error": "least absolute errors",
    "logistic": "logistic regression",
    "softmax": "softmax (multinomial) regression",
    "poisson": "Poisson regression",
    "hinge": "support vector machine",
}
_IN_PYTHON = "It was trained in Python; with the rows X and y and the task below, this repeats it:"


def kind_of(subject: Subject) -> str:
    """Return what the model is called in the field."""
    task = subject.run.task
    if isinstance(task.model, CustomModel):
        return f"a model of its author's own ({task.model.label})"
    if isinstance(task.model, MLP):
        count = len(task.model.hidden)
        units = " and ".join(map(str, task.model.hidden))
        layers = "layer" if count == 1 else "layers"
        words = f"{units} {task.model.activation.name} units"
        return f"a neural net with {count} hidden {layers} of {words}"
    common = _TASKS.get(task.loss.name)
    return f"a linear model ({common})" if common else "a linear model"


def asked_section(subject: Subject) -> Html:
    """Return task, rows and training as a list, and the command."""
    run, setup = subject.run, subject.run.setup
    entries: list[tuple[str, Any]] = [("Predicted", named(subject.target))]
    if subject.table is not None:
        entries.append(("Table", named(subject.table)))
    entries += [
        ("Model", f"{kind_of(subject)}, {spaced(run.theta.size)} parameters"),
        ("Loss", _loss(subject)),
        ("Optimizer", _optimizer(subject)),
        ("Rows", _rows(subject)),
        ("Passes", f"at most {_counted(setup.epochs, 'epoch')} of {_updates(subject)}"),
        ("Seed", f"{setup.seed}: it decides split, start and order of the rows"),
        ("Task in one line", element("code", str(run.task))),
    ]
    listed = (part for term, text in entries for part in (element("dt", term), element("dd", text)))
    return section(
        "asked", "What was asked", element("dl", *listed, class_="facts"), *_repeated(subject)
    )


def _loss(subject: Subject) -> str:
    task = subject.run.task
    penalty = "" if task.penalty is None else f", and the penalty {task.penalty.name}"
    return f"{task.loss.name.replace('_', ' ')}, {task.reduction} over the rows{penalty}"


def _optimizer(subject: Subject) -> str:
    setup, rule = subject.run.setup, subject.run.task.optimizer
    if rule.rule.searches:
        return f"{rule.name}, which searches for the length of each step"
    auto = ""
    if rule.learning_rate == "auto":
        default = f", the published default of {rule.rule.name}"
        usual = rule.rule.scaled or setup.learning_rate == rule.rule.usual_rate
        auto = default if usual else ", chosen from the curvature"
    schedule = "" if rule.schedule is None else f", schedule {rule.schedule.name}"
    return f"{rule.name}, learning rate {number(setup.learning_rate)}{auto}{schedule}"


def _rows(subject: Subject) -> str:
    setup = subject.run.setup
    if subject.prepared is None:
        held = {None: "none to validate", "given": "others to validate"}.get(
            setup.validation if isinstance(setup.validation, str) else None, ""
        )
        if isinstance(setup.validation, float):
            held = f"{setup.validation:.0%} of all held out to validate"
        return f"{spaced(setup.n)} to learn from, {held}"
    rows = subject.prepared.rows
    gone = rows["without_target"]
    left = f"; {spaced(gone)} without a target were left out" if gone else ""
    return (
        f"{spaced(rows['read'])} read: {spaced(rows['train'])} to learn from, "
        f"{spaced(rows['validation'])} to tell when to stop, {spaced(rows['test'])} to test, "
        f"looked at once{left}"
    )


def _updates(subject: Subject) -> str:
    setup = subject.run.setup
    if setup.full_batch:
        return "one update on all rows"
    updates, rows = setup.batches_per_epoch, setup.batch_size or setup.n
    return f"{_counted(updates, 'update')} on {_counted(rows, 'row')} each"


def _counted(count: int, what: str) -> str:
    return f"{spaced(count)} {what}{'' if count == 1 else 's'}"


def _repeated(subject: Subject) -> list[Html]:
    line = subject.command or command_of(subject.run)
    if line is None:
        return [
            element("p", _IN_PYTHON),
            _code(_python(subject)),
        ]
    return [
        paragraphs(["This line repeats it, on the same table to the last digit:"]),
        _code(line),
    ]


def _code(text: str) -> Html:
    code = element("code", text)
    return element(
        "pre", code, class_="repeat", tabindex="0", role="group", aria_label="How to repeat it"
    )


def _python(subject: Subject) -> str:
    run, setup = subject.run, subject.run.setup
    more = {
        "epochs": setup.epochs,
        "batch_size": setup.batch_size,
        "seed": setup.seed,
        "validation": setup.validation if isinstance(setup.validation, float) else None,
        "gradient_tolerance": setup.gradient_tolerance,
        "loss_tolerance": setup.loss_tolerance,
        "patience": setup.patience,
    }
    given = "".join(f", {name}={value!r}" for name, value in more.items() if value is not None)
    given += "" if setup.shuffle else ", shuffle=False"
    given += "" if run.scaling is None else f", standardize={standardize_of(run.scaling)!r}"
    given += ", validation=(X_validation, y_validation)" if setup.validation == "given" else ""
    given += ", sample_weight=weights" if setup.weighted else ""
    own = isinstance(run.task.model, CustomModel) or run.task.loss.name == "custom"
    task = "..." if own else f'ds.load("{NAME}").task'
    return (
        "import descend as ds\n"
        f"task = {task}  # {run.task}{', made as before' if own else ''}\n"
        f"run = ds.train(task, X, y{given})"
    )
