"""What the contract promises of every loss: exact values and gradients, kinds of target."""

import re

import mpmath as mp
import numpy as np
import pytest

from sknumpy_mlp import losses
from sknumpy_mlp.losses import Loss

from .cases import (
    ALL_KINDS,
    CONCRETE,
    CONTINUOUS,
    DTYPES,
    N_CLASSES,
    NAMED,
    SERVED,
    n_outputs,
    scores,
    targets,
    value_and_gradient,
)


def exact_softplus(z):
    return mp.log1p(mp.exp(z))


def exact_logistic(z):
    return 1 / (1 + mp.exp(-z))


def smoothed(y, label_smoothing, n_outcomes):
    return [(1 - mp.mpf(label_smoothing)) * t + mp.mpf(label_smoothing) / n_outcomes for t in y]


def exact_softmax(z, y, label_smoothing):
    logs = [mp.log(mp.fsum(mp.exp(other - each) for other in z)) for each in z]
    return mp.fsum(t * log for t, log in zip(smoothed(y, label_smoothing, len(z)), logs))


def exact_crossentropy(z, y, label_smoothing):
    return mp.fsum(
        t * exact_softplus(-each) + (1 - t) * exact_softplus(each)
        for each, t in zip(z, smoothed(y, label_smoothing, 2))
    )


def exact_squared_error(z, y):
    return mp.fsum((exact_logistic(each) - true) ** 2 for each, true in zip(z, y)) / 2


def exact_half_square(z, y):
    return mp.fsum((each - true) ** 2 for each, true in zip(z, y)) / 2


def exact_half_deviance(z, y):
    return mp.fsum(
        mp.exp(each) - true - (true * (each - mp.log(true)) if true else 0)
        for each, true in zip(z, y)
    )


def exact_distance(z, y):
    return mp.fsum(abs(each - true) for each, true in zip(z, y))


def exact_huber(z, y, delta):
    r = [abs(each - true) for each, true in zip(z, y)]
    return mp.fsum(a**2 / 2 if a <= delta else delta * (a - mp.mpf(delta) / 2) for a in r)


def exact_pinball(z, y, quantile):
    r = [true - each for each, true in zip(z, y)]
    return mp.fsum(quantile * a if a > 0 else (quantile - mp.mpf(1)) * a for a in r)


def exact_quantiles(z, y, quantiles):
    q = [mp.fsum([z[0], *map(exact_softplus, z[1 : k + 1])]) for k in range(len(z))]
    return mp.fsum(exact_pinball([each], y[:1], p) for each, p in zip(q, quantiles))


# A new formula needs its value here, in any precision: z and y of one row, y of 0 and 1 or of
# numbers; then the parameters of the loss.
EXACT = {
    losses.ContinuousSquaredError: exact_half_square,
    losses.Poisson: exact_half_deviance,
    losses.AbsoluteError: exact_distance,
    losses.Huber: exact_huber,
    losses.Pinball: exact_pinball,
    losses.Quantiles: exact_quantiles,
    losses.SoftmaxCrossEntropy: exact_softmax,
    losses.LabelwiseCrossEntropy: exact_crossentropy,
    losses.BinaryCrossEntropy: exact_crossentropy,
    losses.ClasswiseCrossEntropy: exact_crossentropy,
    losses.LabelwiseSquaredError: exact_squared_error,
    losses.ClasswiseSquaredError: exact_squared_error,
}


def exact(loss, z, y):
    z, y = (
        [mp.mpf(each if isinstance(each, mp.mpf) else float(each)) for each in r] for r in (z, y)
    )
    return EXACT[type(loss)](z, y, **loss.get_params())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", CONCRETE, ids=repr)
def test_value_is_exact_to_rounding_also_where_naive_formulas_overflow(loss, dtype):
    Z = scores(n_outputs(loss), dtype, loss.link.out_activation)
    y, Y = targets(loss, *Z.shape, dtype)
    values, _ = value_and_gradient(loss, Z, y)
    with mp.workdps(40):
        expected = [float(exact(loss, *row)) for row in zip(Z, Y)]
    assert values.dtype == dtype
    # A small loss is the difference of two scores, or of products with y, and has their rounding.
    eps = np.finfo(dtype).eps
    error = np.abs(values - expected)
    size = max(1, Y.max()) * np.maximum(1, np.abs(Z).sum(axis=1))
    assert (error <= 4 * eps * np.maximum(size, expected)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", CONCRETE, ids=repr)
def test_gradient_is_the_exact_derivative_also_at_extreme_scores(loss, dtype):
    Z = scores(n_outputs(loss), dtype, loss.link.out_activation)[::2]
    y, Y = targets(loss, *Z.shape, dtype)
    _, dZ = value_and_gradient(loss, Z, y)

    def slope(z, y, k):
        def along(score):
            return exact(loss, [*z[:k], score, *z[k + 1 :]], y)

        return mp.diff(along, mp.mpf(float(z[k])))

    # exp(80) stands beside terms of size one.
    with mp.workdps(80):
        expected = [
            [float(slope(list(map(float, z)), y, k)) for k in range(len(z))] for z, y in zip(Z, Y)
        ]
    assert dZ.dtype == dtype
    # Probabilities are at most 1; the shift of scores by their maximum rounds once more.
    tolerance = 4 * np.finfo(dtype).eps * np.clip(np.abs(Z).max(), 1, 100)
    np.testing.assert_allclose(dZ, expected, rtol=4 * np.finfo(dtype).eps, atol=tolerance)


@pytest.mark.parametrize("loss", CONCRETE, ids=repr)
def test_gradient_matches_finite_differences(loss):
    rng = np.random.RandomState(0)
    Z = np.vstack([scale * rng.standard_normal((10, n_outputs(loss))) for scale in (0.1, 1, 5)])
    y, _ = targets(loss, *Z.shape)
    _, dZ = value_and_gradient(loss, Z, y)
    h = 1e-5
    for k in range(Z.shape[1]):
        shift = h * np.eye(Z.shape[1])[k]
        up, down = (value_and_gradient(loss, Z + sign * shift, y)[0] for sign in (1, -1))
        # Rounding of values up to 20 over h, and h^2 f''' / 6.
        np.testing.assert_allclose(dZ[:, k], (up - down) / (2 * h), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("named", "kind"), SERVED)
def test_every_kind_of_target_finds_a_formula_that_takes_its_coding(named, kind):
    loss = named.for_target(kind)
    n_classes = 2 if kind == "binary" else N_CLASSES
    shape = (4,) if kind in ("binary", "multiclass") else (4, n_classes)
    codes = np.random.RandomState(0).randint(2, size=shape)
    y = loss.encode_target(codes, np.float32)
    if isinstance(loss.coding, losses.ClassNumbers):
        np.testing.assert_array_equal(y, codes)
        assert y.dtype == np.intp
    else:
        np.testing.assert_array_equal(y, codes.reshape(4, -1))
        assert y.dtype == np.float32
    Z = np.zeros((4, loss.link.n_outputs(n_classes)), np.float32)
    values, dZ = value_and_gradient(loss, Z, y)
    assert (values > 0).all() or kind == "continuous"
    assert np.isfinite(dZ).all()
    assert loss.link.out_activation in ("identity", "logistic", "softmax", "exp")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("loss", CONCRETE, ids=repr)
def test_memory_order_of_scores_does_not_matter(loss, order):
    Z = np.random.RandomState(0).normal(0, 2, (20, n_outputs(loss)))
    y, _ = targets(loss, *Z.shape)
    dZ, values = np.asarray(Z.copy(), order=order), np.empty(20)
    loss.value_and_gradient(dZ, y, values)
    for got, expected in zip((values, dZ), value_and_gradient(loss, Z, y)):
        # Sums may be taken in another order.
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("loss", CONCRETE, ids=repr)
def test_a_formula_serves_the_kinds_of_target_that_it_names_and_refuses_others(loss, kind):
    if kind in loss.kinds:
        assert loss.for_target(kind) is loss
        return
    message = (
        f"loss must support {kind} targets, as {Loss.serving(kind)} do, "
        f"got {loss!r}, which supports {loss.kinds}"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        loss.for_target(kind)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_a_named_loss_refuses_a_kind_without_a_formula_and_names_those_that_have_one(kind):
    serving = Loss.serving(kind)
    for named in NAMED:
        if kind in named.kinds:
            assert kind in named.for_target(kind).kinds
            assert type(named).name in serving
        else:
            with pytest.raises(ValueError, match=re.escape(f"as {serving} do, got {named!r}")):
                named.for_target(kind)
            assert type(named).name not in serving
    assert serving == sorted(serving)


@pytest.mark.parametrize("loss", CONTINUOUS, ids=repr)
def test_scratch_of_another_batch_does_not_matter(loss):
    rng = np.random.RandomState(0)
    scratch = loss.scratch(np.empty((20, 3), order="F"))
    for _ in range(2):
        Z, y = rng.standard_normal((20, 3)), rng.uniform(0, 3, (20, 3))
        dZ, values = np.asfortranarray(Z), np.empty(20)
        loss.value_and_gradient(dZ, y, values, scratch)
        for got, expected in zip((values, dZ), value_and_gradient(loss, Z, y)):
            np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-15)
