"""Estimators: scikit-learn's interface to the same training, with the run at hand."""
