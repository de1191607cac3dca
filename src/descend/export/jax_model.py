"""The model in JAX: python model.py in.csv out.csv; needs jax and safetensors.

`scores(params, X)` and `predict(params, X)` are pure and jitted, in double.  They take encoded
rows, as predict.read makes them from a table, and the parameters of model.safetensors.
"""

import json
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
from safetensors.numpy import load_file

FUNCTIONS = {
    "identity": lambda z: z,
    "exp": jnp.exp,
    "sigmoid": jax.nn.sigmoid,
    "softmax": jax.nn.softmax,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "gelu": partial(jax.nn.gelu, approximate=True),
    "silu": jax.nn.silu,
    "softplus": jax.nn.softplus,
    "cos": jnp.cos,
}


def functions(model):
    """Return the jitted scores(params, X) and predict(params, X) of a model."""

    def scores(params, X):
        for i, layer in enumerate(model["layers"]):
            sums = X @ params[f"{i}.weight"] + params[f"{i}.bias"]
            X = FUNCTIONS[layer["activation"]](sums, *layer["numbers"])
        return X

    def predict(params, X):
        return FUNCTIONS[model["link"]](scores(params, X)) * model["scale"] + model["mean"]

    return jax.jit(scores), jax.jit(predict)


def load(folder):
    """Return the model and its parameters, as they lie in a folder."""
    jax.config.update("jax_enable_x64", val=True)
    model = json.loads((Path(folder) / "model.json").read_text("utf-8"))
    arrays = load_file(Path(folder) / "model.safetensors")
    return model, {name: jnp.asarray(array) for name, array in arrays.items()}


if __name__ == "__main__":
    from predict import read, write

    model, params = load(Path(__file__).parent)
    scores, predict = functions(model)
    rows = jnp.asarray(read(model, sys.argv[1]))
    write(model, sys.argv[2], scores(params, rows).tolist())
