"""What `descend fit` does, as one would write it with pandas and scikit-learn.

python fit_with_pandas.py TABLE TARGET FOLDER
"""

import json
import pickle
import sys
from pathlib import Path

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

table, target, folder = sys.argv[1:]
frame = pd.read_csv(table)
X, y = frame.drop(columns=target), frame[target]
X_train, X_rest, y_train, y_rest = train_test_split(X, y, test_size=0.3, random_state=0)
X_valid, X_test, y_valid, y_test = train_test_split(X_rest, y_rest, test_size=0.5, random_state=0)

numbers = X.select_dtypes("number").columns
categories = X.columns.difference(numbers)
columns = make_column_transformer(
    (StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), categories)
)
model = make_pipeline(columns, LogisticRegression(C=float("inf"), max_iter=3000))
model.fit(X_train, y_train)

parts = {"train": (X_train, y_train), "validation": (X_valid, y_valid), "test": (X_test, y_test)}
metrics = {}
for name, (rows, labels) in parts.items():
    metrics[name] = {
        "log_loss": log_loss(labels, model.predict_proba(rows)),
        "accuracy": accuracy_score(labels, model.predict(rows)),
    }
Path(folder).mkdir(parents=True, exist_ok=True)
Path(folder, "model.pickle").write_bytes(pickle.dumps(model))
print(json.dumps({"metrics": metrics}))
