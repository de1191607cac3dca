"""Activations: every slope judged by differences, JAX and PyTorch; values by PyTorch's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import special
from tests.oracles import (
    assert_close,
    central_differences,
    jax_formulas,
    jax_in_double,
    silence_is_kept,
    torch_formulas,
)
from torch.nn import functional as F

from descend import activations
from descend.activations import ACTIVATIONS
from descend.errors import InputError, ParameterError

NAMES = list(ACTIVATIONS)
ELEMENTWISE = [c.name for c in ACTIVATIONS.classes() if not c.rowwise]
ROWWISE = [c.name for c in ACTIVATIONS.classes() if c.rowwise]
# No entry is within 1e-3 of a kink at 0.
AWAY = np.concatenate([np.linspace(-6, -0.01, 40), np.linspace(0.01, 6, 40), [-30.0, 30.0]])
OTHERS = {"leaky_relu": {"alpha": 0.3}, "elu": {"alpha": 1.7}}
THEIRS = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": lambda z: F.leaky_relu(z, 0.3),
    "elu": lambda z: F.elu(z, 1.7),
    "gelu": lambda z: F.gelu(z, approximate="tanh"),
    "silu": F.silu,
    "softplus": F.softplus,
    "cos": torch.cos,
    "softmax": lambda z: F.softmax(z, dim=-1),
}


def made(name):
    return ACTIVATIONS.make(name, **OTHERS.get(name, {}))


def slope(part, z):
    return activations.backward(part, z, activations.value(part, z), np.ones_like(z))


def matrix(seed=0):
    return np.random.default_rng(seed).normal(scale=3, size=(7, 4))


@pytest.mark.parametrize("name", NAMES)
def test_values_are_pytorch_s(name):
    z = matrix()
    assert_close(made(name)(z), THEIRS[name](torch.tensor(z)).numpy(), 1e-14)
    assert_close(made(name)(z * 100), THEIRS[name](torch.tensor(z * 100)).numpy(), 1e-14)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_slope_agrees_with_differences(name):
    part = made(name)
    assert_close(slope(part, AWAY), central_differences(part, AWAY, 1e-5), 1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_going_back_agrees_with_differences_in_any_direction(name):
    part, z, g = made(name), matrix(1), matrix(2)
    rng = np.random.default_rng(3)
    back = activations.backward(part, z, part(z), g)
    for _ in range(4):
        v = rng.normal(size=z.shape)
        along = (g * (part(z + 1e-6 * v) - part(z - 1e-6 * v))).sum() / 2e-6
        assert abs((back * v).sum() - along) <= 1e-7 * np.abs(back * v).sum()


@pytest.mark.parametrize("name", NAMES)
def test_going_back_agrees_with_jax(name):
    part, z, g = made(name), matrix(1), matrix(2)
    with jax_in_double() as jax:
        formulas = jax_formulas(part)
        value, pull = jax.vjp(lambda z: formulas.value(part, z), jax.numpy.asarray(z))
        theirs = np.asarray(pull(jax.numpy.asarray(g))[0])
        assert_close(np.asarray(value), part(z), 1e-14)
    assert_close(activations.backward(part, z, part(z), g), theirs)


@pytest.mark.parametrize("name", NAMES)
def test_going_back_agrees_with_pytorch(name):
    part, z, g = made(name), matrix(1), matrix(2)
    point = torch.tensor(z, requires_grad=True)
    value = torch_formulas(part).value(part, point)
    value.backward(torch.tensor(g))
    assert_close(value.detach().numpy(), part(z), 1e-14)
    assert_close(activations.backward(part, z, part(z), g), point.grad.numpy())


@pytest.mark.parametrize("name", NAMES)
def test_the_same_formulas_go_back_in_jax_and_pytorch_too(name):
    part, z, g = made(name), matrix(1), matrix(2)
    ours = activations.backward(part, z, part(z), g)
    import array_api_compat.torch as txp

    tz = torch.tensor(z)
    theirs = activations.backward(part, tz, activations.value(part, tz, txp), torch.tensor(g), txp)
    assert_close(theirs.numpy(), ours, 1e-14)
    with jax_in_double() as jax:
        jnp = jax.numpy
        jz, jg = jnp.asarray(z), jnp.asarray(g)
        theirs = activations.backward(part, jz, activations.value(part, jz, jnp), jg, jnp)
        assert_close(np.asarray(theirs), ours, 1e-14)


KINKS = [("relu", 0.0), ("leaky_relu", 0.3), ("elu", 1.7)]


@pytest.mark.parametrize(("name", "expected"), KINKS)
def test_at_the_kink_the_slope_is_the_left_one(name, expected):
    for zero in (np.array([0.0]), np.array([-0.0])):
        assert_close(slope(made(name), zero), [expected])


def test_relu_at_the_kink_is_pytorch_s_and_jax_s():
    import jax

    zero = torch.zeros(1, requires_grad=True)
    F.relu(zero).backward()
    assert zero.grad.item() == slope(made("relu"), np.zeros(1))[0] == jax.grad(jax.nn.relu)(0.0)


LIMITS = {
    "identity": (-1e4, 1e4),
    "sigmoid": (0, 1),
    "tanh": (-1, 1),
    "relu": (0, 1e4),
    "leaky_relu": (-3e3, 1e4),
    "elu": (-1.7, 1e4),
    "gelu": (0, 1e4),
    "silu": (0, 1e4),
    "softplus": (0, 1e4),
}


@pytest.mark.parametrize("name", LIMITS)
def test_far_out_values_are_the_limits_without_a_warning(name):
    with silence_is_kept():
        assert_close(made(name)(np.array([-1e4, 1e4])), np.array(LIMITS[name], dtype=float))


@pytest.mark.parametrize("name", NAMES)
def test_far_out_nothing_is_nan_and_nothing_warns(name):
    part = made(name)
    z = np.array([[1e4, -1e4, 0.0], [745.0, -745.0, 710.0], [88.8, -104.0, 36.8]])
    with silence_is_kept():
        a = part(z)
        back = activations.backward(part, z, a, np.ones_like(z))
    assert np.isfinite(a).all()
    assert np.isfinite(back).all()


@pytest.mark.parametrize("name", NAMES)
def test_at_1e300_values_and_slopes_are_no_nan(name):
    part = made(name)
    z = np.array([[1e300, -1e300, 0.0], [1e155, -1e155, 1.0], [1e102, -1e102, 1.0]])
    with np.errstate(over="ignore"):
        a = part(z)
        back = activations.backward(part, z, a, np.ones_like(z))
    assert not np.isnan(a).any()
    assert not np.isnan(back).any()


@pytest.mark.parametrize("name", NAMES)
def test_nan_stays_visible_in_value_and_slope(name):
    part = made(name)
    z = np.array([[np.nan, 1.0], [0.5, -1.0]])
    a = part(z)
    back = activations.backward(part, z, a, np.ones_like(z))
    assert np.isnan(a[0, 0])
    assert np.isfinite(a[1]).all()
    assert np.isnan(back[0, 0])
    assert np.isfinite(back[1]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_the_type_stays(name, dtype):
    part, z = made(name), matrix().astype(dtype)
    a = activations.value(part, z)
    assert a.dtype == dtype
    assert activations.backward(part, z, a, np.ones_like(z)).dtype == dtype
    assert_close(a, made(name)(z.astype(float)), 1e-6)


def test_elu_and_sigmoid_keep_their_digits_far_below_zero():
    z = np.array([-1e-9, -1e-3, -5.0, -30.0])
    np.testing.assert_allclose(made("elu")(z), 1.7 * np.expm1(z), rtol=1e-14)
    np.testing.assert_allclose(made("sigmoid")(z), special.expit(z), rtol=1e-14)
    np.testing.assert_allclose(made("softplus")(z * 20), special.log1p(np.exp(z * 20)), rtol=1e-13)


def test_softmax_rows_sum_to_one_and_do_not_notice_a_shift():
    z = matrix()
    assert_close(made("softmax")(z).sum(axis=1), np.ones(len(z)), 1e-15)
    assert_close(made("softmax")(z + 1e3), made("softmax")(z), 1e-12)
    assert_close(made("softmax")(z), special.softmax(z, axis=1), 1e-15)


def test_a_scalar_will_do():
    for name in ELEMENTWISE:
        assert_close(made(name)(0.5), made(name)(np.array([0.5]))[0])


@pytest.mark.parametrize("name", NAMES)
def test_described_and_restored_it_is_the_same(name):
    part = made(name)
    assert ACTIVATIONS.restore(ACTIVATIONS.describe(part)) == part
    assert hash(ACTIVATIONS.restore(ACTIVATIONS.describe(part))) == hash(part)
    assert part
    assert all(part != made(other) for other in NAMES if other != name)


@pytest.mark.parametrize(
    ("name", "alpha", "wanted"),
    [
        ("leaky_relu", 1.0, "[0, 1)"),
        ("leaky_relu", -0.1, "[0, 1)"),
        ("leaky_relu", np.nan, "[0, 1)"),
        ("elu", 0.0, "(0, inf)"),
        ("elu", np.inf, "(0, inf)"),
        ("elu", "1", "(0, inf)"),
    ],
)
def test_alpha_outside_its_range_is_refused_in_one_sentence(name, alpha, wanted):
    with pytest.raises(ParameterError) as error:
        ACTIVATIONS.make(name, alpha=alpha)
    sentence = (
        f"The 'alpha' parameter of {name} must be a float in {wanted}. Got {alpha!r} instead."
    )
    assert str(error.value) == sentence


def test_an_unknown_activation_or_hyperparameter_is_named():
    with pytest.raises(InputError, match="did you mean 'tanh'"):
        ACTIVATIONS.make("tahn")
    with pytest.raises(InputError, match=r"'elu' takes alpha; got \['beta'\]"):
        ACTIVATIONS.make("elu", beta=1)
