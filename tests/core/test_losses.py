import re

import mpmath as mp
import numpy as np
import pytest
from sklearn.metrics import (
    log_loss,
    mean_absolute_error,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
)

from sknumpy_mlp import losses
from sknumpy_mlp.losses import Loss

from ..common import label
from .families import default, examples, members

NAMED = [default(cls) for cls in Loss.named().values()]
CONCRETE = [
    example
    for cls in members(Loss)
    if cls.value_and_gradient is not Loss.value_and_gradient
    for example in examples(cls)
]
KINDS = ["binary", "multiclass", "multilabel", "continuous"]
SERVED = [(named, kind) for named in NAMED for kind in KINDS if kind in named.kinds]
# Those with probabilities.
CLASSES = [(named, kind) for named, kind in SERVED if kind != "continuous"]
CONTINUOUS = [loss for loss in CONCRETE if "continuous" in loss.kinds]
N_CLASSES = 3
DTYPES = [np.float64, np.float32]


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


# A new formula needs its value here, in any precision: z and y of one row, y of 0 and 1 or of
# numbers; then the parameters of the loss.
EXACT = {
    losses.ContinuousSquaredError: exact_half_square,
    losses.Poisson: exact_half_deviance,
    losses.AbsoluteError: exact_distance,
    losses.Huber: exact_huber,
    losses.Pinball: exact_pinball,
    losses.SoftmaxCrossEntropy: exact_softmax,
    losses.LabelwiseCrossEntropy: exact_crossentropy,
    losses.BinaryCrossEntropy: exact_crossentropy,
    losses.ClasswiseCrossEntropy: exact_crossentropy,
    losses.LabelwiseSquaredError: exact_squared_error,
    losses.ClasswiseSquaredError: exact_squared_error,
}


def n_outputs(loss):
    return loss.link.n_outputs(N_CLASSES)


def scores(n_outputs, dtype=np.float64, out_activation=None):
    """Small, large and extreme raw scores, 60 rows; none whose exponential is no number."""
    rng = np.random.RandomState(0)
    sizes = np.repeat([0.1, 1.0, 30.0], 16)[:, np.newaxis]
    extreme = rng.choice([-1e4, 0.0, 3.0, 1e4], size=(12, n_outputs))
    Z = np.vstack([sizes * rng.standard_normal((48, n_outputs)), extreme]).astype(dtype)
    return np.minimum(Z, 80) if out_activation == "exp" else Z


def targets(loss, n_samples, n_outputs, dtype=np.float64):
    """Targets as the loss codes them, and the same as rows of 0 and 1 or of numbers."""
    rng = np.random.RandomState(1)
    if "continuous" in loss.kinds:
        Y = rng.uniform(0, 5, size=(n_samples, n_outputs))
        Y[::7] = 0
        y = loss.encode_target(Y, dtype)
        return y, y
    if isinstance(loss.coding, losses.ClassNumbers):
        y = rng.randint(n_outputs, size=n_samples)
        return loss.encode_target(y, dtype), np.eye(n_outputs, dtype=int)[y]
    Y = rng.randint(2, size=(n_samples, n_outputs))
    return loss.encode_target(Y, dtype), Y


def value_and_gradient(loss, Z, y):
    """Value and gradient in new arrays; Z is kept."""
    dZ, values = Z.copy(), np.full(len(Z), np.nan, Z.dtype)
    loss.value_and_gradient(dZ, y, values)
    return values, dZ


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


@pytest.mark.parametrize(
    "loss", [loss for loss in CONCRETE if isinstance(loss.coding, losses.Columns)], ids=repr
)
def test_gradient_matches_finite_differences_for_targets_between_0_and_1(loss):
    rng = np.random.RandomState(0)
    Z, y = rng.standard_normal((20, n_outputs(loss))), rng.uniform(size=(20, n_outputs(loss)))
    _, dZ = value_and_gradient(loss, Z, y)
    h = 1e-5
    for k in range(Z.shape[1]):
        shift = h * np.eye(Z.shape[1])[k]
        up, down = (value_and_gradient(loss, Z + sign * shift, y)[0] for sign in (1, -1))
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


@pytest.mark.parametrize(
    ("name", "kind", "n_outputs", "out_activation"),
    [
        ("log_loss", "binary", 1, "logistic"),
        ("log_loss", "multiclass", 3, "softmax"),
        ("log_loss", "multilabel", 3, "logistic"),
        ("binary_log_loss", "binary", 2, "logistic"),
        ("binary_log_loss", "multiclass", 3, "logistic"),
        ("binary_log_loss", "multilabel", 3, "logistic"),
        ("squared_error", "binary", 2, "logistic"),
        ("squared_error", "multiclass", 3, "logistic"),
        ("squared_error", "multilabel", 3, "logistic"),
        ("squared_error", "continuous", 3, "identity"),
        ("poisson", "continuous", 3, "exp"),
        ("absolute_error", "continuous", 3, "identity"),
        ("huber", "continuous", 3, "identity"),
        ("pinball", "continuous", 3, "identity"),
    ],
)
def test_number_of_outputs_and_link(name, kind, n_outputs, out_activation):
    loss = Loss.resolve(name, "loss").for_target(kind)
    assert loss.link.n_outputs(2 if kind == "binary" else 3) == n_outputs
    assert loss.link.out_activation == out_activation


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("named", "kind"), CLASSES)
def test_probabilities_are_probabilities_of_the_network_s_dtype(named, kind, dtype):
    loss = named.for_target(kind)
    n_classes = 2 if kind == "binary" else N_CLASSES
    Z = scores(loss.link.n_outputs(n_classes), dtype)
    p = loss.link.probabilities(Z.copy())
    assert p.shape == (len(Z), n_classes)
    assert p.dtype == dtype
    assert (p >= 0).all()
    assert (p <= 1 + 4 * np.finfo(dtype).eps).all()
    if kind != "multilabel":
        # A few roundings, amplified by 1e4 where exp takes the shifted logarithm.
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=0, atol=1e4 * np.finfo(dtype).eps)


@pytest.mark.parametrize(("named", "kind"), CLASSES)
def test_probabilities_are_exact_to_rounding(named, kind):
    loss = named.for_target(kind)
    Z = scores(loss.link.n_outputs(2 if kind == "binary" else N_CLASSES))
    with mp.workdps(40):
        s = [[mp.mpf(float(each)) for each in row] for row in Z]
        if loss.link.out_activation == "softmax":
            expected = [[1 / mp.fsum(mp.exp(a - b) for a in row) for b in row] for row in s]
        else:
            expected = [[exact_logistic(each) for each in row] for row in s]
        if Z.shape[1] == 1:
            expected = [[1 - p, p] for (p,) in expected]
        elif kind != "multilabel":
            expected = [[p / mp.fsum(row) for p in row] for row in expected]
        log_expected = np.array([[float(mp.log(p)) for p in row] for row in expected])
        expected = np.array([[float(p) for p in row] for row in expected])
    # exp of a logarithm of size L has a relative error of L roundings.
    eps = np.finfo(float).eps
    np.testing.assert_allclose(
        loss.link.probabilities(Z.copy()), expected, rtol=1e-12, atol=2 * eps
    )
    # Scores of 1e4 that cancel in the normaliser leave their rounding.
    cancelled = 4 * eps * np.maximum(1, np.abs(Z).max(axis=1, keepdims=True))
    log_p = loss.link.log_probabilities(Z.copy())
    assert (np.abs(log_p - log_expected) <= cancelled + 1e-14 * np.abs(log_expected)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("named", "kind"), CLASSES)
def test_log_probabilities_are_finite_where_probabilities_round_to_zero(named, kind, dtype):
    loss = named.for_target(kind)
    Z = scores(loss.link.n_outputs(2 if kind == "binary" else N_CLASSES), dtype)
    p, log_p = loss.link.probabilities(Z.copy()), loss.link.log_probabilities(Z.copy())
    assert log_p.shape == p.shape
    assert log_p.dtype == dtype
    assert np.isfinite(log_p).all()
    assert (p == 0).any()
    # The first of two classes has 1 - p, which is 0 once p is within a rounding of one.
    assert (log_p[p == 0] < np.log(np.finfo(dtype).eps)).all()
    # Rounding of p itself: relative for the small, of the complement for those near one.
    eps = np.finfo(dtype).eps
    kept = p > 1e-3
    np.testing.assert_allclose(np.log(p[kept]), log_p[kept], rtol=100 * eps, atol=1e3 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("named", "kind"), CLASSES)
def test_decision_and_prediction_agree_with_probabilities(named, kind, dtype):
    loss = named.for_target(kind)
    n_classes = 2 if kind == "binary" else N_CLASSES
    Z = np.random.RandomState(0).normal(0, 2, (50, loss.link.n_outputs(n_classes))).astype(dtype)
    p = loss.link.probabilities(Z.copy())
    decision, predicted = loss.link.decision(Z.copy()), loss.link.predict(Z.copy())
    assert decision.dtype == dtype
    assert np.issubdtype(predicted.dtype, np.integer)
    if kind == "multilabel":
        np.testing.assert_array_equal(predicted, p > 0.5)
        np.testing.assert_array_equal(decision > 0, p > 0.5)
    else:
        np.testing.assert_array_equal(predicted, p.argmax(axis=1))
    if kind == "multiclass":
        assert decision.shape == (50, n_classes)
        np.testing.assert_array_equal(decision.argmax(axis=1), predicted)
    if kind == "binary":
        assert decision.shape == (50,)
        # The smaller probability, 1 - p, has the rounding of p: up to 1e4 times its own.
        np.testing.assert_allclose(
            decision, np.log(p[:, 1] / p[:, 0]), rtol=1e4 * np.finfo(dtype).eps, atol=1e-5
        )


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_log_loss_is_scikit_learn_s(kind):
    loss = Loss.resolve("log_loss", "loss").for_target(kind)
    n_classes = 2 if kind == "binary" else N_CLASSES
    rng = np.random.RandomState(0)
    Z = rng.normal(0, 2, (50, loss.link.n_outputs(n_classes)))
    codes = rng.randint(n_classes, size=50)
    values, _ = value_and_gradient(loss, Z, loss.encode_target(codes, Z.dtype))
    expected = log_loss(codes, loss.link.probabilities(Z.copy()))
    np.testing.assert_allclose(values.mean(), expected, rtol=1e-13)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_binary_log_loss_is_the_sum_of_scikit_learn_s_over_the_outputs(kind):
    loss = Loss.resolve("binary_log_loss", "loss").for_target(kind)
    n_classes = 2 if kind == "binary" else N_CLASSES
    rng = np.random.RandomState(0)
    Z = rng.normal(0, 2, (50, n_classes))
    y, Y = targets(loss, 50, n_classes)
    values, _ = value_and_gradient(loss, Z, y)
    p = 1 / (1 + np.exp(-Z))
    expected = sum(log_loss(Y[:, k], p[:, k], labels=[0, 1]) for k in range(n_classes))
    np.testing.assert_allclose(values.mean(), expected, rtol=1e-13)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_squared_error_is_half_the_squared_distance(kind):
    loss = Loss.resolve("squared_error", "loss").for_target(kind)
    n_classes = 2 if kind == "binary" else N_CLASSES
    Z = np.random.RandomState(0).normal(0, 2, (50, n_classes))
    y, Y = targets(loss, 50, n_classes)
    values, _ = value_and_gradient(loss, Z, y)
    expected = 0.5 * np.sum((1 / (1 + np.exp(-Z)) - Y) ** 2, axis=1)
    np.testing.assert_allclose(values, expected, rtol=1e-13)


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


@pytest.mark.parametrize("kind", KINDS)
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


@pytest.mark.parametrize("kind", KINDS)
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


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", CONTINUOUS, ids=repr)
def test_predictions_of_numbers_are_scores_through_the_link(loss, dtype):
    Z = scores(n_outputs(loss), dtype, loss.link.out_activation)
    predicted = loss.link.predict(Z.copy())
    assert predicted.dtype == dtype
    np.testing.assert_array_equal(predicted, np.exp(Z) if loss.link.out_activation == "exp" else Z)


@pytest.mark.parametrize("loss", CONTINUOUS, ids=repr)
def test_a_perfect_score_costs_nothing_and_pulls_only_where_a_quantile_is_wanted(loss):
    y = np.array([[0.5, 2.0, 100.0]])
    values, dZ = value_and_gradient(loss, np.log(y) if loss.link.out_activation == "exp" else y, y)
    # exp(log(y)) rounds, and so does y (log(y) - log(y)).
    assert abs(values[0]) <= 100 * 8 * np.finfo(float).eps
    # The middle of all slopes that touch a kink; 0 but for a quantile that is not the median.
    expected = 0.5 - getattr(loss, "quantile", 0.5)
    np.testing.assert_allclose(dZ, expected, rtol=0, atol=100 * 8 * np.finfo(float).eps)


@pytest.mark.parametrize("loss", CONTINUOUS, ids=repr)
def test_columns_of_numbers_add_up(loss):
    rng = np.random.RandomState(0)
    Z, y = rng.standard_normal((20, 3)), rng.uniform(0, 3, (20, 3))
    values, dZ = value_and_gradient(loss, Z, y)
    columns = [value_and_gradient(loss, Z[:, [k]], y[:, [k]]) for k in range(3)]
    np.testing.assert_allclose(values, sum(value for value, _ in columns), rtol=1e-13)
    np.testing.assert_array_equal(dZ, np.hstack([gradient for _, gradient in columns]))


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


@pytest.mark.parametrize(
    ("loss", "metric"),
    [
        (losses.ContinuousSquaredError(), lambda y, z: mean_squared_error(y, z) / 2),
        (losses.Poisson(), lambda y, z: mean_poisson_deviance(y, np.exp(z)) / 2),
        (losses.AbsoluteError(), mean_absolute_error),
        (losses.Pinball(quantile=0.9), lambda y, z: mean_pinball_loss(y, z, alpha=0.9)),
    ],
    ids=label,
)
def test_losses_of_numbers_are_scikit_learn_s_metrics(loss, metric):
    rng = np.random.RandomState(0)
    z, y = rng.standard_normal((50, 1)), rng.poisson(2, (50, 1)).astype(float)
    values, _ = value_and_gradient(loss, z, y)
    np.testing.assert_allclose(values.mean(), metric(y, z), rtol=1e-13)


def test_huber_is_the_squared_error_of_small_and_the_absolute_error_of_large_residuals():
    rng = np.random.RandomState(0)
    Z, y = rng.standard_normal((50, 2)), rng.standard_normal((50, 2))
    for got, expected in zip(
        value_and_gradient(losses.Huber(delta=1e3), Z, y),
        value_and_gradient(losses.ContinuousSquaredError(), Z, y),
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-13)
    values, dZ = value_and_gradient(losses.Huber(delta=1e-6), Z, y)
    distance, sign = value_and_gradient(losses.AbsoluteError(), Z, y)
    # Half of delta is missing from every residual.
    np.testing.assert_allclose(values / 1e-6, distance, rtol=0, atol=2e-6)
    np.testing.assert_allclose(dZ / 1e-6, sign, rtol=1e-13)


def test_poisson_refuses_targets_below_zero():
    with pytest.raises(
        ValueError, match=re.escape("y must be >= 0 with the loss Poisson(), got -0.5")
    ):
        losses.Poisson().encode_target(np.array([0.0, -0.5, 3.0]), np.float64)
    y = losses.Poisson().encode_target(np.array([0, 3]), np.float32)
    assert y.dtype == np.float32
