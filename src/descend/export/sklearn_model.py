"""The model in scikit-learn: python model.py in.csv out.csv; needs scikit-learn.

`build` fills scikit-learn's own estimator with the numbers of estimator.json.  It takes encoded
rows, as predict.read makes them from a table.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import LabelBinarizer
from sklearn.svm import LinearSVC

ESTIMATORS = (LinearRegression, LogisticRegression, LinearSVC, MLPRegressor, MLPClassifier)


def build(record):
    """Return the estimator that a record describes, as if it had been fitted."""
    (cls,) = [each for each in ESTIMATORS if each.__name__ == record["estimator"]]
    found = cls(**record["parameters"])
    for name, numbers in record["arrays"].items():
        setattr(found, name, np.array(numbers))
    for name, lists in record["lists"].items():
        setattr(found, name, [np.array(numbers) for numbers in lists])
    for name, value in record["values"].items():
        setattr(found, name, value)
    if cls is MLPClassifier:
        found._label_binarizer = LabelBinarizer().fit(found.classes_)
    return found


if __name__ == "__main__":
    from predict import read

    folder = Path(__file__).parent
    model, record = (
        json.loads((folder / name).read_text("utf-8")) for name in ("model.json", "estimator.json")
    )
    estimator, rows = build(record), np.array(read(model, sys.argv[1]))
    found = estimator.predict(rows).reshape(len(rows), -1).tolist()
    if model["labels"] is not None:
        shown = dict(zip(record["arrays"]["classes_"], model["labels"], strict=True))
        found = [[shown[label] for label in row] for row in found]
    if model["probabilities"]:
        shares = estimator.predict_proba(rows).tolist()
        found = [row + share for row, share in zip(found, shares, strict=True)]
    with Path(sys.argv[2]).open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([model["header"], *found])
