"""scikit-learn's own estimators filled with a run's numbers, where they can express the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from descend.errors import InputError, UnavailableError
from descend.export.portable import portable, raw_stack

if TYPE_CHECKING:
    from descend.arrays import Floats
    from descend.export.portable import Portable
    from descend.run import Run

# Activations of scikit-learn's networks, by our names.
ACTIVATIONS = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}
Stack = list[tuple["Floats", "Floats"]]


def estimator(run: Run) -> Any:
    """Return a fitted scikit-learn estimator that predicts what a run predicts.

    Linear models become `LinearRegression`, `LogisticRegression` or (for the hinges) `LinearSVC`,
    nets `MLPRegressor` or `MLPClassifier`.  Runs on tables: the estimator takes encoded rows,
    ``Encoder.from_json(run.encoder).transform(table).X``.

    Parameters
    ----------
    run
        Of any model and loss that these can express.

    Returns
    -------
    estimator
        With its learnt attributes set; it can predict, and be fitted anew.

    Raises
    ------
    InputError
        If none of them can express the model; the sentence says which part.

    Examples
    --------
    >>> import descend as ds
    >>> task = ds.Task(ds.Linear(), ds.squared_error(), ds.gradient_descent(0.5))
    >>> run = ds.train(task, [[0.0], [1.0]], [1.0, 3.0], epochs=200)
    >>> estimator(run).predict([[2.0]]).round(6)
    array([5.])
    """
    record = describe(portable(run))
    try:
        from descend.export.sklearn_model import build  # noqa: PLC0415 - optional
    except ImportError as error:
        msg = "scikit-learn is not here; pip install scikit-learn."
        raise UnavailableError(msg) from error
    return build(record)


def describe(model: Portable) -> dict[str, Any]:
    """Return the estimator's class, parameters and learnt attributes as plain data."""
    stack = raw_stack(model)
    if model.labels is None:
        if model.link != "identity":
            _refuse(f"the link {model.link} of {model.loss.name}")
        *below, (weight, bias) = stack
        stack = [*below, (weight * model.scale, bias * model.scale + model.mean)]
        return _linear_regression(stack) if not below else _net(model, stack)
    if model.targets == "two labels" and model.outputs > 1:
        _refuse("several outputs of two labels each")
    if model.targets == "labels" and len(model.labels) == 2:  # noqa: PLR2004 - one score says it
        *below, (weight, bias) = stack
        stack = [*below, (weight[:, 1:] - weight[:, :1], bias[1:] - bias[:1])]
    if len(stack) > 1:
        if not model.loss.proper:
            _refuse(f"{model.loss.name}, which has no probabilities, on a net")
        return _net(model, stack)
    name = "LogisticRegression" if model.loss.proper else "LinearSVC"
    return _linear_classifier(model, stack, name)


def _refuse(what: str) -> NoReturn:
    msg = (
        f"scikit-learn's estimators cannot express {what}; export to onnx, numpy or torch instead."
    )
    raise InputError(msg)


def _record(name: str, stack: Stack, **more: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"estimator": name, "parameters": {}, "arrays": {}, "lists": {}}
    found["values"] = {"n_features_in_": len(stack[0][0])}
    for part, entries in more.items():
        found[part] = {**found[part], **entries}
    return found


def _linear_regression(stack: Stack) -> dict[str, Any]:
    ((weight, bias),) = stack
    single = len(bias) == 1
    coefficients = weight[:, 0] if single else weight.T
    return _record(
        "LinearRegression",
        stack,
        arrays={
            "coef_": coefficients.tolist(),
            "intercept_": (bias[0] if single else bias).tolist(),
        },
    )


def _linear_classifier(model: Portable, stack: Stack, name: str) -> dict[str, Any]:
    ((weight, bias),) = stack
    return _record(
        name,
        stack,
        arrays={
            "coef_": weight.T.tolist(),
            "intercept_": bias.tolist(),
            "classes_": model.labels,
            "n_iter_": [model.run.state.step],
        },
    )


def _net(model: Portable, stack: Stack) -> dict[str, Any]:
    name = model.activation.name
    if name not in ACTIVATIONS:
        _refuse(f"the activation {name}: its networks have {', '.join(ACTIVATIONS)}")
    outputs = len(stack[-1][1])
    out = "identity"
    if model.labels is not None:
        out = "softmax" if model.targets == "labels" and outputs > 1 else "logistic"
    classes = {} if model.labels is None else {"classes_": model.labels}
    return _record(
        "MLPRegressor" if model.labels is None else "MLPClassifier",
        stack,
        parameters={
            "hidden_layer_sizes": [len(bias) for _, bias in stack[:-1]],
            "activation": ACTIVATIONS[name],
        },
        arrays=classes,
        lists={
            "coefs_": [weight.tolist() for weight, _ in stack],
            "intercepts_": [bias.tolist() for _, bias in stack],
        },
        values={
            "n_layers_": len(stack) + 1,
            "n_outputs_": outputs,
            "out_activation_": out,
            "n_iter_": model.run.state.step,
        },
    )
