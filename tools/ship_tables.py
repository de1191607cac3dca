"""Write the tables that the package ships, or check that they are current.

python tools/ship_tables.py            writes src/descend/datasets/*.csv
python tools/ship_tables.py --check    writes nothing; fails if a file differs

The data come from scikit-learn, which carries copies; see src/descend/datasets/SOURCES.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FOLDER = Path(__file__).parents[1] / "src" / "descend" / "datasets"


def shortest(number: float) -> str:
    """Return the shortest decimal text that reads back as the same double: 59, 32.1, 0.00064."""
    return np.format_float_positional(number, trim="-")


def as_csv(header: Iterable[str], X: Any, target: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row, y in zip(X, target, strict=True):
        writer.writerow([*map(shortest, row), y])
    return text.getvalue()


def breast_cancer() -> str:
    data = load_breast_cancer()
    names = [name.replace(" ", "_") for name in data.feature_names]
    labels = [str(data.target_names[code]) for code in data.target]  # 0 malignant, 1 benign
    return as_csv([*names, "diagnosis"], data.data, labels)


def diabetes() -> str:
    data = load_diabetes(scaled=False)
    return as_csv(
        [*data.feature_names, "progression"], data.data, [shortest(y) for y in data.target]
    )


TABLES = {"breast-cancer.csv": breast_cancer, "diabetes.csv": diabetes}


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the tables that the package ships.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    check = parser.parse_args().check
    stale = []
    for name, make in TABLES.items():
        path, wanted = FOLDER / name, make().encode()
        if path.exists() and path.read_bytes() == wanted:
            continue
        stale.append(name)
        if not check:
            path.write_bytes(wanted)
    if check and stale:
        print(f"Not current: {', '.join(stale)}; run python tools/ship_tables.py.")
        return 1
    print(f"{len(TABLES)} shipped tables are current.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
