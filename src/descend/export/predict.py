"""Predict a UTF-8 CSV file by the numbers in model.json: python predict.py in.csv out.csv."""

import csv
import json
import sys
from datetime import UTC, datetime
from math import cos, exp, expm1, fsum, inf, isfinite, log1p, pi, sqrt, tanh
from pathlib import Path

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
FUNCTIONS = {
    "identity": lambda z: z,
    "exp": lambda z: [exp(x) if x < 709.78 else inf for x in z],
    "sigmoid": lambda z: [exp(min(x, 0)) / (1 + exp(-abs(x))) for x in z],
    "softmax": lambda z: [1 / fsum(exp(min(y - x, 700)) for y in z) for x in z],
    "tanh": lambda z: [tanh(x) for x in z],
    "relu": lambda z: [max(x, 0) for x in z],
    "leaky_relu": lambda z, alpha: [x if x > 0 else alpha * x for x in z],
    "elu": lambda z, alpha: [x if x > 0 else alpha * expm1(x) for x in z],
    "gelu": lambda z: [x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x))) for x in z],
    "silu": lambda z: [x * exp(min(x, 0)) / (1 + exp(-abs(x))) for x in z],
    "softplus": lambda z: [max(x, 0) + log1p(exp(-abs(x))) for x in z],
    "cos": lambda z: [cos(x) for x in z],
}


def value(text, part):  # a number, or a part of an ISO date or time, in UTC where it has a zone
    if part == "value":
        return float({"true": 1, "false": 0}.get(text.lower(), text))
    moment = datetime.fromisoformat(text if "-" in text else f"1970-01-01 {text}")
    moment = moment.astimezone(UTC) if moment.tzinfo else moment
    return moment.isoweekday() if part == "weekday" else getattr(moment, part)


def encode(plan, text):  # an entry's features: its parts standardised, or 1 at its level
    gone = text in MISSING and plan["fill"] is not None
    if plan["kind"] == "category":
        place = plan["missing"] if gone else plan["places"].get(text, plan["other"])
        return [float(i == place) for i in range(plan["width"])]
    parts = [plan["fill"] if gone else (value(text, p) - m) / s for p, m, s in plan["parts"]]
    if not all(map(isfinite, parts)) or (plan["only"] and parts[0] not in plan["only"]):
        raise ValueError(f"{plan['name']!r} cannot hold {text!r}; mend the value.")
    return parts + [float(gone)] * plan["indicator"]


def read(model, path):  # the features of each row of a table
    with Path(path).open(encoding="utf-8-sig", newline="") as stream:
        names, *rows = [row for row in csv.reader(stream) if row]
    rows, plans = [dict(zip(map(str.lower, names), r, strict=True)) for r in rows], model["columns"]
    return [[x for p in plans for x in encode(p, row[p["name"].lower()])] for row in rows]


def scores(model, x):  # layer by layer: each unit's bias and weighted sum, activated
    for layer in model["layers"]:
        sums = [b + fsum(a * v for a, v in zip(x, w, strict=True)) for b, *w in layer["units"]]
        x = FUNCTIONS[layer["activation"]](sums, *layer["numbers"])
    return x


def answer(model, s):  # the cells of a row: the prediction, and probabilities if there are some
    p, labels = FUNCTIONS[model["link"]](s), model["labels"]
    if model["targets"] == "numbers":
        return [x * model["scale"] + model["mean"] for x in p]
    chosen = [s.index(max(s))] if model["targets"] == "labels" else [int(x > 0) for x in s]
    p = [1 - p[0], *p] if len(p) == 1 else p
    return [labels[i] for i in chosen] + p * model["probabilities"]


def write(model, path, rows):  # the answers to the scores of all rows
    with Path(path).open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([model["header"], *(answer(model, s) for s in rows)])


if __name__ == "__main__":
    model = json.loads(Path(__file__).with_name("model.json").read_text("utf-8"))
    write(model, sys.argv[2], [scores(model, x) for x in read(model, sys.argv[1])])
