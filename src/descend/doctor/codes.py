"""The codes of the doctor, worst first: of two illnesses the one further up is named first.

The order is that of causes before their effects.  What spoils the numbers themselves comes first,
then wrong formulas, then the data, then what keeps a descent from going down, then what it learnt.

>>> rank("non-finite-data") < rank("step-too-large") < rank("healthy")
True
"""

from __future__ import annotations

CODES = {
    "non-finite-data": "numbers that are missing, infinite or too large to compute with",
    "wrong-sign": "what is minimised, or its gradient, has the wrong sign",
    "broadcast": "a column met a row, and every score was compared with every target",
    "wrong-gradient": "the gradient is not that of the loss",
    "loss-mismatch": "the loss does not fit what is predicted",
    "rows-shared-across-split": "rows to validate were trained on",
    "target-leak": "a column tells the target",
    "identical-units": "units of a layer are copies of one another and stay so",
    "exploding-activations": "layers make numbers larger and larger",
    "dead-units": "units are 0 for every row",
    "saturated-units": "units stand where their activation is flat",
    "vanishing-gradient": "the gradient shrinks from layer to layer",
    "constant-column": "a column never varies",
    "collinear-columns": "columns that follow from one another",
    "outliers-dominate": "a few rows decide everything",
    "features-unscaled": "columns of very different sizes",
    "step-too-large": "the step is beyond what the curvature can bear",
    "perfect-separation": "the classes can be separated, so the weights grow without end",
    "split-shift": "training and validation rows come from different places",
    "class-imbalance": "the smaller class is never predicted",
    "label-noise": "labels that contradict their surroundings",
    "overfit": "validation grew worse while training grew better",
    "batch-noise": "the noise of the batches keeps it from settling",
    "step-too-small": "the step is far below what the curvature can bear",
    "ill-conditioned": "the loss is a long valley, and no single step suits both directions",
    "stalled": "it stands still without having arrived",
    "underfit": "the model cannot follow what the data show",
    "edge-of-stability": "the curvature has risen to what the step can just bear",
    "not-finished": "it was still improving when it stopped",
    "healthy": "nothing is the matter",
}
_RANK = {code: place for place, code in enumerate(CODES)}


def rank(code: str) -> int:
    """Return a code's place: 0 is the worst."""
    return _RANK[code]
