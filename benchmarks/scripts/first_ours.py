"""Train the moons net once: python first_ours.py ARRAYS STEPS; prints the final loss."""

import sys

import numpy as np

import descend as ds

given = np.load(sys.argv[1])
model = ds.MLP((4, 10, 4), init=given["start"])
task = ds.Task(model, ds.logistic(), ds.gradient_descent(0.2))
run = ds.train(task, given["X"], given["y"], epochs=int(sys.argv[2]))
assert len(run.history["loss"]) == int(sys.argv[2])
print(run.outcome.loss)
