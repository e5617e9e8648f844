"""Links from raw scores to probabilities, labels and numbers."""

import mpmath as mp
import numpy as np
import pytest

from sknumpy_mlp.losses import Loss, links

from .cases import CLASSES, CONCRETE, CONTINUOUS, DTYPES, N_CLASSES, n_outputs, scores


def exact_logistic(z):
    return 1 / (1 + mp.exp(-z))


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


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", CONTINUOUS, ids=repr)
def test_predictions_of_numbers_are_scores_through_the_link(loss, dtype):
    Z = scores(n_outputs(loss), dtype, loss.link.out_activation)
    predicted = loss.link.predict(Z.copy())
    assert predicted.dtype == dtype
    if loss.link.out_activation == "cumulative_softplus":
        expected = np.cumsum(np.hstack([Z[:, :1], np.logaddexp(0, Z[:, 1:])]), axis=1)
    else:
        expected = np.exp(Z) if loss.link.out_activation == "exp" else Z
    np.testing.assert_array_equal(predicted, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1e3, 1e6, 1e8, 1e30])
@pytest.mark.parametrize(("named", "kind"), CLASSES)
def test_probabilities_sum_to_one_however_far_scores_are_from_zero(named, kind, size, dtype):
    if kind == "multilabel":
        return
    loss = named.for_target(kind)
    n_outputs = loss.link.n_outputs(2 if kind == "binary" else N_CLASSES)
    # Equal scores, and scores that differ by as much as the dtype resolves there and by far more.
    Z = np.full((4, n_outputs), -size, dtype)
    Z[1] = np.nextafter(Z[1], np.arange(n_outputs) - np.float64(size), dtype=dtype)
    Z[2] *= np.arange(1, n_outputs + 1)
    Z[3] = -Z[2]
    # A few roundings of numbers near one; three members add those of their pooling.
    eps = 20 * np.finfo(dtype).eps
    np.testing.assert_allclose(loss.link.probabilities(Z.copy()).sum(axis=1), 1, atol=eps)
    log_p = loss.link.log_probabilities(Z.copy())
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1, atol=eps)
    pooled = loss.link.pool(np.stack([Z, Z, Z]))
    np.testing.assert_allclose(loss.link.probabilities(pooled).sum(axis=1), 1, atol=eps)


@pytest.mark.parametrize("kind", ["binary", "multilabel"])
def test_small_logistic_probabilities_keep_their_digits(kind):
    """1 - p would be rounded to a multiple of 1e-16."""
    link = Loss.resolve("log_loss", "loss").for_target(kind).link
    for z in (-40.0, 40.0, -600.0, 600.0):
        p = link.probabilities(np.array([[z]]))
        expected = [[np.exp(-max(z, 0)) if z > 0 else 1.0, np.exp(min(z, 0)) if z < 0 else 1.0]]
        np.testing.assert_allclose(p, expected if kind == "binary" else [[expected[0][1]]], 1e-13)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("name", Loss.serving("binary"))
def test_a_score_on_the_border_is_the_first_class_or_no_label(name, kind):
    loss = Loss.resolve(name, "loss").for_target(kind)
    Z = np.zeros((1, loss.link.n_outputs(2 if kind == "binary" else N_CLASSES)))
    assert (np.ravel(loss.link.predict(Z)) == 0).all()


@pytest.mark.parametrize("loss", CONCRETE, ids=repr)
def test_pooled_scores_predict_the_mean_of_the_members(loss):
    rng = np.random.RandomState(0)
    Z = rng.normal(0, 2, (4, 20, n_outputs(loss)))
    pooled = loss.link.pool(Z.copy())
    assert pooled.shape == Z.shape[1:]
    if "continuous" in loss.kinds:
        members = [loss.link.predict(each.copy()) for each in Z]
        np.testing.assert_allclose(loss.link.predict(pooled), np.mean(members, axis=0), rtol=1e-12)
        return
    members = [loss.link.probabilities(each.copy()) for each in Z]
    np.testing.assert_allclose(
        loss.link.probabilities(pooled.copy()), np.mean(members, axis=0), rtol=1e-12
    )


LINKS = {type(loss.link): loss.link for loss in CONCRETE}.values()


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("link", LINKS, ids=repr)
def test_gradient_of_the_pooled_scores_matches_finite_differences(link, n_members):
    rng = np.random.RandomState(0)
    shape = n_members, 12, link.n_outputs(N_CLASSES)
    Z, dP = rng.normal(0, 2, shape), rng.standard_normal(shape[1:])
    got = link.pool_gradient(Z.copy(), dP)
    assert got.shape == shape
    h = 1e-5
    for index in np.ndindex(n_members, 1, shape[2]):
        shift = np.zeros(shape)
        shift[index[0], :, index[2]] = h
        up, down = (link.pool((Z + sign * shift).copy()) for sign in (1, -1))
        expected = (dP * (up - down)).sum(axis=1) / (2 * h)
        # Rounding of scores up to 10 over h.
        np.testing.assert_allclose(got[index[0], :, index[2]], expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("link", LINKS, ids=repr)
def test_gradient_of_the_pooled_scores_is_finite_at_extreme_scores(link, dtype):
    Z = scores(link.n_outputs(N_CLASSES), dtype, link.out_activation)
    Z = np.stack([Z, Z[::-1], -np.abs(Z)])
    dP = np.ones(Z.shape[1:], dtype)
    dZ = link.pool_gradient(Z, dP)
    assert dZ.dtype == dtype and np.isfinite(dZ).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_quantiles_ascend_and_members_predict_the_mean_of_theirs(dtype):
    link = links.CumulativeSoftplus(3)
    Z = scores(3, dtype)
    Z = np.stack([Z, Z[::-1], Z - 100])
    predicted = np.stack([link.predict(each.copy()) for each in Z])
    assert (np.diff(predicted, axis=-1) >= 0).all()
    pooled = link.predict(link.pool(Z.copy()))
    # Sums of numbers up to 1e4.
    atol = 4 * np.finfo(dtype).eps * 1e4
    np.testing.assert_allclose(pooled, predicted.mean(axis=0), rtol=1e-5, atol=atol)
    assert (np.diff(pooled, axis=-1) >= 0).all()
    np.testing.assert_allclose(link.pool(Z[:1].copy()), Z[0], rtol=1e-4, atol=atol)
