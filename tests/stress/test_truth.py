"""Losses and links by mpmath at 50 digits, over raw scores from -1e4 to 1e4, in both engines."""

import importlib.util

import mpmath as mp
import numpy as np
import pytest

from sknumpy_mlp.losses import ClassNumbers

from ..losses.cases import CLASSES, CONCRETE, CONTINUOUS, DTYPES, N_CLASSES, targets
from ..losses.cases import n_outputs as outputs_of
from ..losses.cases import value_and_gradient as by_arrays
from ..losses.exact import exact, exact_logistic
from . import cases

N_ROWS = cases(quick=24, full=400)
ENGINES = ["numpy"]
if importlib.util.find_spec("numba"):
    from ..core.compiled.runs import loss_by_kernel

    ENGINES.append("compiled")


def drawn(n_outputs, dtype, out_activation=None, seed=0):
    """Scores of all sizes up to 1e4 and signs; each row has scores of one size or of several."""
    rng = np.random.RandomState(seed)
    sizes = 10.0 ** rng.uniform(-4, 4, (N_ROWS, n_outputs))
    sizes[::2] = sizes[::2, :1]
    Z = sizes * rng.choice([-1.0, 1.0], sizes.shape) * rng.uniform(0.5, 1, sizes.shape)
    Z[0], Z[1] = 1e4, -1e4
    # Beyond these scores the exponential is no number of the dtype.
    largest = {"float32": 80.0, "float64": 700.0}[np.dtype(dtype).name]
    Z = np.minimum(Z, largest) if out_activation == "exp" else Z
    return Z.astype(dtype)


def numbers(row):
    return [mp.mpf(float(each)) for each in row]


def slope(loss, z, y, k):
    """The derivative by one score."""
    return mp.diff(lambda score: exact(loss, [*z[:k], score, *z[k + 1 :]], y), z[k])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("loss", CONCRETE, ids=repr)
def test_values_and_gradients_are_exact_to_rounding(loss, dtype, engine):
    Z = drawn(outputs_of(loss), dtype, loss.link.out_activation)
    y, Y = targets(loss, *Z.shape, dtype)
    if engine == "compiled":
        values, dZ = loss_by_kernel(loss, Z, y)
        dZ *= len(Z)
    else:
        values, dZ = by_arrays(loss, Z, y)
    expected, slopes = [], []
    # An exponential of 700 has 300 digits, beside terms of size one.
    with mp.workdps(50 if loss.link.out_activation != "exp" else 350):
        for z, true in zip(map(numbers, Z), Y):
            expected.append(float(exact(loss, z, true)))
            slopes.append([float(slope(loss, z, true, k)) for k in range(len(z))])
    eps = np.finfo(dtype).eps
    # A small loss is the difference of two scores, or of products with y, and has their rounding.
    size = max(1, Y.max()) * np.maximum(1, np.abs(Z).sum(axis=1, dtype=np.float64))
    assert (np.abs(values - expected) <= 8 * eps * np.maximum(size, np.abs(expected))).all()
    # Exponents up to a hundred matter, and have the rounding of their size; gradients of numbers
    # have that of the score or the target.
    scale = np.maximum(np.abs(slopes), 100 if "continuous" not in loss.kinds else 1)
    np.testing.assert_array_less(np.abs(dZ - slopes), 8 * eps * scale + np.finfo(dtype).tiny)


def exact_probabilities(loss, Z, kind):
    """The probabilities of each row, by their definition."""
    found = []
    for z in map(numbers, Z):
        if loss.link.out_activation == "softmax":
            p = [1 / mp.fsum(mp.exp(other - each) for other in z) for each in z]
        else:
            p = [exact_logistic(each) for each in z]
            if len(z) == 1:
                p = [exact_logistic(-z[0]), *p]
            elif kind != "multilabel":
                p = [each / mp.fsum(p) for each in p]
        found.append(p)
    return found


def as_floats(rows):
    return np.array([[float(each) for each in row] for row in rows])


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize(("named", "kind"), CLASSES)
def test_probabilities_and_their_logarithms_are_exact_to_rounding(named, kind, dtype):
    loss = named.for_target(kind)
    Z = drawn(loss.link.n_outputs(2 if kind == "binary" else N_CLASSES), dtype)
    with mp.workdps(50):
        p = exact_probabilities(loss, Z, kind)
        log_p = as_floats([[mp.log(each) for each in row] for row in p])
        p = as_floats(p)
    eps = np.finfo(dtype).eps
    # A score of size 1e4 in the normaliser has a rounding of its size.
    size = np.maximum(1, np.abs(Z).max(axis=1, keepdims=True).astype(np.float64))
    assert (np.abs(loss.link.log_probabilities(Z.copy()) - log_p) <= 4 * eps * size).all()
    # exp of a logarithm of size L has L roundings, and is below eps from L = 40 on.
    found = loss.link.probabilities(Z.copy())
    assert (np.abs(found - p) <= 4 * eps * (1 + p * np.minimum(size, np.abs(log_p) + 40))).all()
    if kind == "binary":
        decision = loss.link.decision(Z.copy())
        assert (np.abs(decision - (log_p[:, 1] - log_p[:, 0])) <= 8 * eps * size[:, 0]).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize(("named", "kind"), CLASSES)
def test_pooled_probabilities_are_the_exact_means_of_the_members(named, kind, dtype):
    loss = named.for_target(kind)
    n_outputs = loss.link.n_outputs(2 if kind == "binary" else N_CLASSES)
    Z = np.stack([drawn(n_outputs, dtype, seed=seed) for seed in range(3)])
    found = loss.link.probabilities(loss.link.pool(Z.copy()))
    with mp.workdps(50):
        members = [exact_probabilities(loss, each, kind) for each in Z]
        p = as_floats([[mp.fsum(each) / len(Z) for each in zip(*rows)] for rows in zip(*members)])
    # The pooled score of a probability p has the rounding of its size, log(p / (1 - p)).
    np.testing.assert_allclose(found, p, rtol=0, atol=40 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("loss", CONTINUOUS, ids=repr)
def test_predicted_numbers_and_their_means_are_exact_to_rounding(loss, dtype):
    is_exp = loss.link.out_activation == "exp"
    is_sum = loss.link.out_activation == "cumulative_softplus"
    Z = np.stack([drawn(3, dtype, loss.link.out_activation, seed) for seed in range(3)])
    with mp.workdps(50):
        value = mp.exp if is_exp else lambda z: z
        exact_numbers = [[[value(z) for z in numbers(row)] for row in each] for each in Z]
        if is_sum:
            exact_numbers = [[summed(numbers(row)) for row in each] for each in Z]
        expected = np.array([as_floats(each) for each in exact_numbers])
        means = as_floats(
            [[mp.fsum(each) / 3 for each in zip(*rows)] for rows in zip(*exact_numbers)]
        )
    eps, tiny = np.finfo(dtype).eps, np.finfo(dtype).tiny
    found = np.stack([loss.link.predict(each.copy()) for each in Z])
    # A sum has the rounding of its largest term.
    size = np.abs(expected).max(axis=0)
    largest = np.maximum(size, np.abs(Z).max(axis=0)).max(axis=-1, keepdims=True) if is_sum else 0
    limit = 4 * eps * (np.abs(expected) + largest) + tiny
    assert (np.abs(found - expected) <= limit).all()
    pooled = loss.link.predict(loss.link.pool(Z.copy()))
    # The mean is pooled as a logarithm, of up to 700, and has the rounding of its size.
    limit = 4 * eps * size * (np.maximum(1, np.abs(Z).max(axis=0)) if is_exp else 1) + tiny
    assert (np.abs(pooled - means) <= limit + 16 * eps * largest).all()


def summed(z):
    """The first score, and the softplus of each further one added to it."""
    found = [z[0]]
    for each in z[1:]:
        found.append(found[-1] + mp.log1p(mp.exp(each)))
    return found


def test_every_coding_is_among_the_cases():
    assert {isinstance(loss.coding, ClassNumbers) for loss in CONCRETE} == {True, False}
