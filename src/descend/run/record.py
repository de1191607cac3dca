"""The run: a point that moved through parameter space, with all that is needed to go back.

>>> import descend as ds
>>> run = ds.train(
...     ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1)),
...     X=[[0.0], [1.0], [2.0]],
...     y=[1.0, 3.0, 5.0],
...     epochs=200,
... )
>>> run.predict([[3.0]]).round(2)
array([7.])
>>> round(run.at(0).loss, 9), run.at(0).params["weight"]
(11.666666667, array([[0.]]))
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from importlib import import_module
from operator import itemgetter
from typing import TYPE_CHECKING, Any, final

import numpy as np

from descend.arrays import Array, Floats, Layout, State, as_rows, column_names, in_order_of
from descend.engines import Problem, Program, engine_for, scores_of
from descend.errors import InputError, Outcome, ShapeError, did_you_mean
from descend.losses import predicted
from descend.run.data import Data, make_data
from descend.run.events import Force, edited, forces, turns
from descend.scaling import Scaling, applied, fold

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from descend.arrays import Rows
    from descend.run.history import History
    from descend.run.keyframes import Keyframes
    from descend.run.setup import Controller, Setup
    from descend.task import Task

# Methods of a run that live in modules above this one: looked up by name, when asked for.
READERS = {
    "_display_": "descend.notebook:display",
    "_repr_mimebundle_": "descend.notebook:mimebundle",
    "animate": "descend.animation:animate",
    "diagnose": "descend.doctor:diagnose",
    "explain": "descend.explaining:explain",
    "export": "descend.export:export",
    "graph": "descend.graphs:of_run",
    "inference": "descend.inference:inference",
    "optimum": "descend.optimum:optimum",
    "report": "descend.report:report",
    "resume": "descend.training:resume",
}
# The same for what is looked up on a run and then asked: run.plot.loss().
PANELS = {"plot": "descend.plots:Plots"}
# Views of a run, each with a program of its own, that are kept at once.
VIEWS = 16


@final
@dataclass(frozen=True, eq=False)
class Run:
    """What happened in a training.

    Attributes
    ----------
    task, setup, layout
        What was asked, and the named slices of theta.  Where something was changed along the way,
        the task and its learning rate are those at the end; see `in_force`.
    theta
        (P,): the returned parameters; those of the best step where the best was restored.
    outcome
        Why training stopped, in a sentence, and the objective at `theta`.
    history
        ``history["loss"]`` and the others; see `History`.
    keyframes, events
        From which any step is reached again; what was changed along the way (`run.events`).
    state, controller
        Where training stood when it stopped; from here it can be resumed.
    classes, names
        The sorted labels, or None; the features' names.
    engine_used
        Which engine ran it, at the end.
    fingerprint
        The digest of the rows it was trained on, once it has been computed.
    encoder, source
        For runs on tables: how columns became features, and where the table came from.
    versions
        Of the libraries that decide the last bit.
    scaling
        The mean and deviation of each column by which its rows were standardised, or None.
    data
        The rows themselves, while they are attached; never saved.
    whole
        The run of which this is a view (`in_force`), or None.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
    >>> run = ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=10)
    >>> len(run.history["loss"]), run.at(3).step
    (10, 3)
    """

    task: Task
    setup: Setup
    layout: Layout
    theta: Floats
    outcome: Outcome
    history: History
    keyframes: Keyframes | None
    events: tuple[dict[str, Any], ...]
    state: State
    controller: Controller
    classes: list[Any] | None
    names: Sequence[str]
    engine_used: str
    fingerprint: str | None = None
    encoder: dict[str, Any] | None = None
    source: dict[str, Any] | None = None
    versions: dict[str, str] = field(default_factory=dict)
    scaling: Scaling | None = field(default=None, repr=False)
    data: Data | None = field(default=None, repr=False)
    whole: Run | None = field(default=None, repr=False)

    def __getattr__(self, name: str) -> Any:
        """Look up a reader of runs in its module."""
        if name in PANELS:
            module, panel = PANELS[name].split(":")
            return getattr(import_module(module), panel)(self)
        if name not in READERS:
            hint = did_you_mean(name, [*READERS, *PANELS, *self.__dataclass_fields__])
            msg = f"A run has no {name!r}{hint}."
            raise AttributeError(msg)
        module, function = READERS[name].split(":")
        return partial(getattr(import_module(module), function), self)

    def __dir__(self) -> list[str]:
        """List the readers as well, so that they can be found by Tab."""
        return [*object.__dir__(self), *READERS, *PANELS]

    # Notebooks look for these two on the class, where `__getattr__` is not asked.

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """Return what Jupyter shows of a run."""
        return self.__getattr__("_repr_mimebundle_")(include, exclude)

    def _display_(self) -> Any:
        """Return what marimo shows of a run."""
        return self.__getattr__("_display_")()

    def __str__(self) -> str:
        """Return the task and the outcome, in a line each."""
        return f"{self.task}\n{self.outcome.sentence}"

    # ------------------------------------------------------------ parameters and predictions

    @property
    def params(self) -> dict[str, Floats]:
        """The returned parameters by name, in their own shapes.

        Where `train` standardised the columns, they are in standardised units; see `raw_params`.
        """
        return self.layout.split(self.theta)

    @property
    def raw_params(self) -> dict[str, Floats]:
        """The parameters that give the same scores for the columns as they were given to `train`.

        Where those were standardised there is always a bias in the first layer, for the means have
        to go somewhere; elsewhere these are `params`.

        Examples
        --------
        >>> import descend as ds
        >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.5))
        >>> X, y = [[10.0], [20.0], [30.0]], [1.0, 2.0, 3.0]
        >>> run = ds.train(task, X, y, epochs=9, standardize=True)
        >>> {name: part.round(3) + 0.0 for name, part in run.raw_params.items()}
        {'weight': array([[0.1]]), 'bias': array([0.])}
        >>> run.params["weight"].round(3)
        array([[0.816]])
        """
        theta, layout = fold(self.theta, self.layout, self.scaling)
        return layout.split(theta)

    def scores(self, X: Any) -> Floats:
        """Return the raw scores (n, k) of rows: (n, d), dense or sparse, or a table."""
        rows, scaling = applied(self._features(X), self.scaling)
        return scores_of(self.task, self.layout, self.theta, rows, scaling=scaling)

    def predict(self, X: Any) -> Array:
        """Return what is predicted for rows: numbers, or labels.

        Parameters
        ----------
        X
            (n, d) as in training; for a run on a table, also a table (path, DataFrame).

        Returns
        -------
        Array
            (n,), or (n, k) for several outputs.

        Raises
        ------
        InputError
            If a column is missing or does not hold what it held in training.
        """
        scores, loss = self.scores(X), self.task.loss
        if loss.targets == "labels":
            chosen: Array = self._labels()[scores.argmax(axis=1)]
            return chosen
        found: Array = predicted(loss, scores)
        if loss.targets == "two labels":
            found = self._labels()[(scores > 0).astype(np.int64)]
        elif self.encoder is not None:  # a net was trained on a standardised target
            found = found * self.encoder["target"]["scale"] + self.encoder["target"]["mean"]
        return found[:, 0] if found.shape[1] == 1 else found

    def predict_proba(self, X: Any) -> Floats:
        """Return the probability of each label, in the order of `classes`: (n, labels).

        With several two-label outputs: the probability of the second label of each, (n, k).

        Raises
        ------
        InputError
            If the loss has no probabilities.
        """
        loss = self.task.loss
        if not loss.proper:
            msg = f"The loss {loss.name} gives no probabilities; train with logistic or softmax."
            raise InputError(msg)
        found = predicted(loss, self.scores(X))
        if loss.targets == "labels" or found.shape[1] > 1:
            return found
        return np.column_stack([1 - found[:, 0], found[:, 0]])

    def _labels(self) -> Array:
        return np.asarray(self.classes)

    def _features(self, X: Any) -> Rows:
        named = column_names(X)
        path = isinstance(X, str) or hasattr(X, "__fspath__")
        if self.encoder is not None and (named is not None or path):
            return self._encoded(X)
        found = as_rows(in_order_of(self.names, X, "X"), "X", self.theta.dtype)
        if found.shape[1] != self.setup.d:
            hint = " Pass one row as [[…]]." if np.ndim(X) == 1 else ""
            msg = f"X must have {self.setup.d} columns; found shape {found.shape}.{hint}"
            raise ShapeError(msg)
        return found

    def _encoded(self, table: Any) -> Floats:
        from descend.tables import Encoder  # noqa: PLC0415 - loads DuckDB, so only for tables

        X = Encoder.from_json(self.encoder or {}).transform(table).X
        return X.astype(self.theta.dtype, copy=False)

    # ------------------------------------------------------------ any step again

    def at(self, step: int) -> Moment:
        """Return the exact state after `step` updates, by replay from the nearest keyframe.

        Parameters
        ----------
        step
            0 to the number of updates done.

        Raises
        ------
        InputError
            If the step was never reached, the run holds no keyframes, or rows are needed to
            replay and none are attached.
        """
        done = self.state.step
        asked: Any = step
        whole = isinstance(asked, int | np.integer) and not isinstance(asked, bool)
        if not whole or not 0 <= step <= done:
            msg = f"This run did {done} updates: ask for a step from 0 to {done}, not {step!r}."
            raise InputError(msg)
        view = self.in_force(int(step))
        if step == done:
            return Moment(view, self.state)
        if self.keyframes is None:
            msg = "This file holds a model without its keyframes, so only its last step is there."
            raise InputError(msg)
        nearest = self.keyframes.before(int(step))
        if nearest.step == step:
            return Moment(view, nearest)
        return Moment(view, self.replay(nearest, int(step)))

    def replay(self, state: State, step: int) -> State:
        """Return the state at `step`, trained on from `state`, applying what was recorded."""
        while state.step < step:
            turn = bisect_right(self._turns, state.step)
            until = min([step, *self._turns[turn : turn + 1]])
            program, scale = self.in_force(state.step).program, self.scale_at(state.step)[0]
            state = program.advance(state, until - state.step, scale).state
            state = replace(state, theta=edited(state.theta, self.events, until))
        return state

    def in_force(self, step: int | None = None) -> Run:
        """Return this run with the task, the learning rate and the engine of update `step`.

        Everything else is the whole run's, and the steps of a view are the whole run's too.

        Parameters
        ----------
        step
            An update, from 0; default, and beyond the last change: the run itself.

        Examples
        --------
        >>> import descend as ds
        >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.1))
        >>> live = ds.begin(task, [[0.0], [1.0]], [1.0, 3.0])
        >>> live.advance(5)
        >>> live.change(learning_rate=0.02)
        >>> run = live.run()
        >>> [run.in_force(step).setup.learning_rate for step in (4, 5)]
        [0.1, 0.02]
        """
        if self.whole is not None:
            return self.whole.in_force(step)
        last = len(self._forces) - 1
        place = last if step is None else bisect_right(self._forces, step, key=itemgetter(0)) - 1
        if place == last:
            return self
        if place not in self._views:
            if len(self._views) >= VIEWS:
                self._views.pop(next(iter(self._views)))
            task, rate, engine = self._forces[place][1]
            setup = replace(self.setup, learning_rate=rate)
            view = replace(self, task=task, setup=setup, engine_used=engine, whole=self)
            self._views[place] = view
        return self._views[place]

    @cached_property
    def _forces(self) -> list[tuple[int, Force]]:
        """What was in force, and from which update on."""
        return forces(Force(self.task, self.setup.learning_rate, self.engine_used), self.events)

    @cached_property
    def _turns(self) -> list[int]:
        """The steps at which something was changed."""
        return turns(self.events)

    @cached_property
    def _views(self) -> dict[int, Run]:
        """Views of this run that were asked for lately, by their place among its forces."""
        return {}

    def scale_at(self, step: int) -> tuple[float, int]:
        """Return what plateaus had made of the rate at an update, and until which update."""
        scale, until = 1.0, self.state.step
        for event in self.events:
            if event["kind"] != "scale":
                continue
            if event["step"] > step:
                return scale, event["step"]
            scale = event["value"]
        return scale, max(until, step + 1)

    @cached_property
    def program(self) -> Program:
        """The engine, at work on this run's problem; needs the rows."""
        return engine_for(self.engine_used, self.problem)[1]

    @cached_property
    def problem(self) -> Problem:
        """The task with its rows; needs them attached."""
        data = self.data
        if data is None:
            msg = (
                "This run holds no rows; give them back with run.attach(X, y) (or --data) to "
                "replay between keyframes."
            )
            raise InputError(msg)
        s = self.setup
        X, scaling = data.seen
        return Problem(
            self.task,
            self.layout,
            X,
            data.y,
            data.weights,
            s.batch_size,
            s.shuffle,
            s.seed,
            s.learning_rate,
            scaling,
        )

    def attach(self, X: Any, y: Any, *, sample_weight: Any = None, validation: Any = None) -> Run:
        """Return this run with its rows given back, after checking that they are the same.

        Parameters
        ----------
        X, y, sample_weight
            As they were given to `train`: not standardised, and sparse if they were sparse.
        validation
            The pair (X, y), if one was given to `train`; a fraction is split off again.

        Raises
        ------
        InputError
            If the rows are not those the run was trained on.
        """
        held = self.setup.validation if validation is None else validation
        if held == "given":
            msg = "This run had validation rows of its own; give them back too (validation=…)."
            raise InputError(msg)
        data = make_data(
            self.task.loss,
            in_order_of(self.names, X, "X"),
            y,
            validation=held,
            sample_weight=sample_weight,
            seed=self.setup.seed,
            dtype=np.dtype(self.setup.dtype),
            classes=self.classes,
        )
        return self.with_data(data)

    def with_data(self, data: Data) -> Run:
        """Return this run with rows made ready by `make_data`, after checking their digest."""
        known = self.fingerprint
        if known is not None and data.fingerprint != known:
            msg = (
                f"These are not the rows the run was trained on: their digest is "
                f"{data.fingerprint[:12]}…, the run's {known[:12]}… (training rows then: "
                f"{self.setup.n}, now: {len(data.y)}); give back the same rows in the same order, "
                "sparse if they were sparse."
            )
            raise InputError(msg)
        whole = None if self.whole is None else self.whole.with_data(data)
        data = replace(data, scaling=self.scaling) if self.scaling else data
        return replace(self, data=data, whole=whole)

    # ------------------------------------------------------------ to disk and back

    def save(self, path: str | os.PathLike[str], *, keyframes: bool = True) -> None:
        """Write the run to one file, in one move; without keyframes it is a model file.

        Parameters
        ----------
        path
            Where to; an older file there is replaced.
        keyframes
            Whether to keep the states along the way; default yes.

        Raises
        ------
        InputError
            If the file cannot be written; whatever was there is left as it was.
        """
        from descend.run.files import save  # noqa: PLC0415 - files reads records

        save(self, path, keyframes=keyframes)


@final
@dataclass(frozen=True, eq=False)
class Moment:
    """The state of a run after some number of updates.

    Attributes
    ----------
    run, state
        Whose, and (theta, slots, step).
    """

    run: Run = field(repr=False)
    state: State

    @property
    def step(self) -> int:
        """Updates done."""
        return self.state.step

    @property
    def theta(self) -> Floats:
        """The parameters (P,)."""
        return self.state.theta

    @property
    def slots(self) -> Floats:
        """The optimizer's memory (S, P)."""
        return self.state.slots

    @property
    def params(self) -> dict[str, Floats]:
        """The parameters by name."""
        return self.run.layout.split(self.theta)

    @cached_property
    def _looked_at(self) -> tuple[float, Floats]:
        return self.run.program.value_and_gradient(self.theta, self.step)

    @property
    def loss(self) -> float:
        """The objective over the next update's batch: ``history["loss"][step]``."""
        return self._looked_at[0]

    @property
    def gradient(self) -> Floats:
        """Its gradient (P,)."""
        return self._looked_at[1]
