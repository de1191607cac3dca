"""What all estimators share: from arguments and rows to a run, and what is shown of it."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from descend.engines import ENGINES
from descend.errors import DivergedError, InputError
from descend.estimators import asked, ending, going
from descend.estimators.history import EpochHistory
from descend.estimators.watching import Bridge
from descend.optimizers import Optimizer
from descend.solving import solve
from descend.task import Task
from descend.training import train

if TYPE_CHECKING:
    from descend.inference import Inference
    from descend.losses import Loss
    from descend.models import MLP, Linear
    from descend.penalties import Penalty
    from descend.run import Run


class Rows(NamedTuple):
    """Training rows as estimators hand them on: X (n, d), y, weights (n,) or None."""

    X: Any
    y: Any
    weights: Any = None

    @property
    def mass(self) -> float:
        """What the rows weigh together: their number, where they have no weights."""
        return float(self.X.shape[0] if self.weights is None else self.weights.sum(dtype=float))


def goes_by_batches(estimator: Any) -> bool:
    """Tell whether an estimator has `partial_fit`, or say why not."""
    wanted = {"solver": "descent", "early_stopping": False}
    for name, value in wanted.items():
        if getattr(estimator, name) != value:
            msg = (
                f"partial_fit goes once through the rows it is given, so it is for {name}="
                f"{value!r}; {type(estimator).__name__} has {name}={getattr(estimator, name)!r}."
            )
            raise AttributeError(msg)
    if getattr(estimator, "class_weight", None) == "balanced":
        msg = (
            "class_weight='balanced' needs all rows at once; give partial_fit a dict, or "
            "sample_weight."
        )
        raise AttributeError(msg)
    return True


@dataclass(kw_only=True, eq=False, repr=False)
class Descent(CallbackSupportMixin, BaseEstimator):
    """The parameters that all estimators have, and how they fit."""

    fit_intercept: bool = True
    scale: str | None = "standard"
    solver: str = "descent"
    optimizer: Any = "auto"
    learning_rate: Any = "auto"
    batch_size: Any = "auto"
    max_iter: Any = "auto"
    tol: float | None = 1e-4
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    warm_start: bool = False
    shuffle: bool = True
    random_state: Any = None
    engine: str = "auto"
    on_divergence: str = "raise"
    callbacks: Any = ()
    record: Any = 2.0
    verbose: bool = False

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "fit_intercept": ["boolean"],
        "scale": [StrOptions({"standard"}), None],
        "solver": [StrOptions(set(asked.SOLVERS))],
        "optimizer": [str, Optimizer],
        "learning_rate": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "engine": [StrOptions({"auto", *ENGINES})],
        "on_divergence": [StrOptions({"raise", "warn"})],
        "callbacks": "no_validation",
        "record": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"}), "boolean"],
        "verbose": ["verbose"],
    }

    # What the targets of a loss may be.
    targets: ClassVar[tuple[str, ...]] = ()

    # ------------------------------------------------------------ what leaves say

    def _loss(self) -> Loss:
        """Return the loss, once the labels are known."""
        raise NotImplementedError

    def _model(self) -> Linear | MLP:
        """Return the model."""
        raise NotImplementedError

    def _penalty(self, mass: float) -> Penalty | None:
        """Return the penalty in this library's units, for rows that weigh `mass` together."""
        raise NotImplementedError

    def _rows(self, X: Any, y: Any, weights: Any, *, first: bool, labels: Any = None) -> Rows:
        """Return rows as `train` takes them, having learnt of y (or labels) what there is."""
        raise NotImplementedError

    def _fitted(self, run: Run) -> dict[str, Any]:
        """Return the attributes that show a run, by name."""
        raise NotImplementedError

    def _validate_params(self) -> None:
        """Check all parameters, as scikit-learn does, and that parts can be made of them."""
        super()._validate_params()
        asked.check_parts(self)

    @property
    def has_hidden_layers(self) -> bool:
        """Whether the model is a net."""
        return bool(self._model().hidden)

    # ------------------------------------------------------------ fitting

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train on rows.

        Parameters
        ----------
        X
            (n, d): an array, a table of pandas, polars or Arrow, or (linear models) a sparse
            matrix.
        y
            (n,) or (n, k) targets.
        sample_weight
            (n,) of 0 or more; weight 2 counts as the row given twice, weight 0 as not given.
        X_val, y_val, sample_weight_val
            Rows to measure on after every epoch, and to stop by where `early_stopping` is on.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter or an entry cannot be used.
        DivergedError
            If training exploded and `on_divergence` is ``"raise"``.
        """
        self._validate_params()
        first = not (self.warm_start and hasattr(self, "run_"))
        given = self._checked(X, y, sample_weight, first=first)
        rows = self._rows(*given, first=first)
        held = self._held(X_val, y_val, sample_weight_val)
        self._take(
            self._advanced(
                given, rows, held, asked.epochs_of(self, int(rows.X.shape[0])), first=first
            )
        )
        return self

    def _one_more_epoch(self, X: Any, y: Any, sample_weight: Any, labels: Any = None) -> Self:
        """Go once through some rows, from where the last ones left off."""
        self._validate_params()
        first = not hasattr(self, "run_")
        given = self._checked(X, y, sample_weight, first=first)
        rows = self._rows(*given, first=first, labels=labels)
        self._take(self._advanced(given, rows, None, 1, first=first, rules=False), whole=False)
        return self

    def _advanced(
        self,
        given: Rows,
        rows: Rows,
        held: Rows | None,
        epochs: int,
        *,
        first: bool,
        rules: bool = True,
    ) -> Run:
        """Return the run of so many more epochs, by the stopping rules or without them."""
        n = int(rows.X.shape[0])
        done = 0 if first or not rules else self.run_.state.step
        loss, penalty = self._loss(), self._penalty(rows.mass)
        asked.check_solver(self, loss, penalty)
        task = Task(self._model(), loss, asked.optimizer_of(self, n, done), penalty=penalty)
        bridge = Bridge(self, given, 0 if self.solver == "exact" else epochs, self._fitted)
        if self.solver == "exact":
            run = solve(
                task,
                rows.X,
                rows.y,
                sample_weight=rows.weights,
                validation=held,
                standardize=self._standardize(),
            )
            bridge.end(run)
            return run
        how: dict[str, Any] = {
            "batch_size": asked.batch_size_of(self, n),
            "validation": held,
            "engine": self.engine,
            "callbacks": (*asked.callbacks_of(self), *bridge.callbacks()),
            "progress": bool(self.verbose),
        }
        if rules:
            how |= asked.stopping_rules(self, held)
        if first:
            run = self._begun(task, rows, epochs, how)
        else:
            run, self._epochs_seen = going.on(self.run_, task, rows, epochs, how)
        bridge.end(run)
        return run

    def _begun(self, task: Task, rows: Rows, epochs: int, how: dict[str, Any]) -> Run:
        return train(
            task,
            rows.X,
            rows.y,
            sample_weight=rows.weights,
            epochs=epochs,
            shuffle=self.shuffle,
            seed=asked.seed_of(self.random_state),
            record=self.record,
            standardize=self._standardize(),
            classes=self._known_labels(),
            **how,
        )

    def _known_labels(self) -> list[Any] | None:
        """Return the sorted labels, where there are labels."""
        return None

    def _standardize(self) -> bool | str:
        if self.scale is None:
            return False
        return True if self.fit_intercept else "scale"

    def _checked(self, X: Any, y: Any, sample_weight: Any, *, first: bool) -> Rows:
        """Return rows that are what they should be, those of weight 0 left out."""
        X, y = validate_data(
            self,
            X,
            y,
            reset=first,
            accept_sparse=self._accept_sparse(),
            dtype=[np.float64, np.float32],
            multi_output=True,
        )
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(
                sample_weight, X, dtype=X.dtype, ensure_non_negative=True
            )
            if not weights.all():
                X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
        return Rows(X, y, weights)

    def _accept_sparse(self) -> str | bool:
        return False if self.has_hidden_layers else "csr"

    def _held(self, X: Any, y: Any, sample_weight: Any) -> Rows | None:
        """Return validation rows, if they were given."""
        if X is None and y is None and sample_weight is None:
            return None
        if X is None or y is None:
            msg = "Validation rows need both X_val and y_val; found one of them, or weights alone."
            raise InputError(msg)
        try:
            checked = self._checked(X, y, sample_weight, first=False)
        except ValueError as error:
            said = re.sub(r"\b(X|y|sample_weight)\b", r"\1_val", str(error))
            raise InputError(said) from error
        return self._rows(*checked, first=False)

    # ------------------------------------------------------------ what came of it

    def _take(self, run: Run, *, whole: bool = True) -> None:
        """Show a run, or refuse it; `whole` if it was to go on until it ended by itself."""
        outcome = run.outcome
        exploded = outcome.diverged or (whole and ending.ended_above_its_start(run))
        if exploded and self.on_divergence == "raise":
            raise DivergedError(self._in_own_words(ending.divergence_message(run)), run=run)
        before: EpochHistory | None = vars(self).get("history_")
        for name, value in self._fitted(run).items():
            setattr(self, name, value)
        seen: EpochHistory | None = self.__dict__.pop("_epochs_seen", None)
        if seen is not None:
            self.history_ = seen if before is None else before.followed_by(seen)
        if not whole:
            return  # there may be more to come: no advice
        run = self.run_  # with the columns' names
        found = ending.ending_of(run)
        self.stop_reason_ = self._in_own_words(f"{outcome.sentence} {found.advice}".rstrip())
        for sentence in ending.data_warnings(run):
            warnings.warn(self._in_own_words(sentence), UserWarning, stacklevel=4)
        # How many epochs a net gets is our choice where nobody made one; `stop_reason_` says it.
        ours = self.has_hidden_layers and self.max_iter == "auto"
        if exploded:
            sentence = self._in_own_words(ending.divergence_message(run))
            warnings.warn(sentence, ConvergenceWarning, stacklevel=4)
        elif self.tol is not None and not ours and found.kind not in ending.AT_AN_END:
            warnings.warn(self.stop_reason_, ConvergenceWarning, stacklevel=4)
        if outcome.reason == "interrupted":
            raise KeyboardInterrupt

    def _common(self, run: Run) -> dict[str, Any]:
        """Return the attributes that all estimators show."""
        names = vars(self).get("feature_names_in_")
        if names is not None:
            run = replace(run, names=[str(name) for name in names])
        return {
            "run_": run,
            "history_": EpochHistory.of(run),
            "stop_reason_": run.outcome.sentence,
            "n_iter_": max(-(-run.state.step // run.setup.batches_per_epoch), 1),
            "loss_": run.outcome.loss,
        }

    def _in_own_words(self, sentence: str) -> str:
        """Return advice with the parameter that this estimator has for the penalty."""
        return sentence.replace("alpha=0.01", "C=1.0") if hasattr(self, "C") else sentence

    def _scores(self, X: Any) -> Any:
        """Return the raw scores (n, k) of rows."""
        X = self._read(X)
        return self.run_.scores(X)

    def _read(self, X: Any) -> Any:
        """Return rows to predict for as arrays, checked."""
        check_is_fitted(self, "run_")
        return validate_data(
            self,
            X,
            reset=False,
            accept_sparse=self._accept_sparse(),
            dtype=[np.float64, np.float32],
        )

    def inference(self, level: float = 0.95) -> Inference:
        """Return standard errors, p-values and intervals of a linear model: `Run.inference`.

        Parameters
        ----------
        level
            Of the intervals, in (0, 1); default 0.95.

        Raises
        ------
        InputError
            If there are none for this fit; the sentence says why, and what to do.
        """
        check_is_fitted(self, "run_")
        found: Inference = self.run_.inference(level)
        return found

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: all but the rows, which are known again by their digest."""
        state = dict(super().__getstate__())  # a copy: it may be our own __dict__
        run: Run | None = state.get("run_")
        if run is not None and run.data is not None:
            state["run_"] = replace(run, fingerprint=run.data.fingerprint, data=None)
        return state

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn what these estimators can do."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not asked.quietly(lambda: self.has_hidden_layers)
        return tags
