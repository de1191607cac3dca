"""The same with JAX, compiled into one scan: python first_jax.py ARRAYS STEPS."""

import itertools
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]  # noqa: FBT003
given, steps = np.load(sys.argv[1]), int(sys.argv[2])
X, y, theta = jnp.asarray(given["X"]), jnp.asarray(given["y"], jnp.float64), given["start"]
sizes = (2, 4, 10, 4, 1)
parameters, at = [], 0
for inputs, units in itertools.pairwise(sizes):
    W = jnp.asarray(theta[at : at + inputs * units].reshape(inputs, units))
    at += inputs * units
    parameters.append((W, jnp.asarray(theta[at : at + units])))
    at += units


def loss_of(parameters: Any, X: Any, y: Any) -> Any:
    passed = X
    for W, b in parameters[:-1]:
        passed = jnp.tanh(passed @ W + b)
    z = (passed @ parameters[-1][0] + parameters[-1][1])[:, 0]
    return jnp.mean(jnp.logaddexp(0.0, z) - y * z)


@jax.jit
def train(parameters: Any, X: Any, y: Any) -> Any:
    def step(parameters: Any, _: Any) -> Any:
        loss, gradient = jax.value_and_grad(loss_of)(parameters, X, y)
        return jax.tree.map(lambda p, g: p - 0.2 * g, parameters, gradient), loss

    parameters, losses = jax.lax.scan(step, parameters, None, length=steps)
    return losses, loss_of(parameters, X, y)


losses, final = jax.block_until_ready(train(parameters, X, y))  # type: ignore[no-untyped-call]
assert len(np.asarray(losses)) == steps
print(float(final))
