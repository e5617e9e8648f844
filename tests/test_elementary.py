"""Scalar forms are the array forms for one number: here in plain Python, without Numba."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse, stats

from sknumpy_mlp._elementary import normal_density, uniform
from sknumpy_mlp.activations import Activation, Identity
from sknumpy_mlp.core.embeddings import PiecewiseLinearLayer
from sknumpy_mlp.core.layers import Dense, Dropout, FeatureScale
from sknumpy_mlp.losses import ClassNumbers, Loss
from sknumpy_mlp.optimizers import Optimizer

from .families import all_examples

ACTIVATIONS = all_examples(Activation)
LOSSES = [loss for loss in all_examples(Loss) if loss.rows or loss.output]
OPTIMIZERS = [each for each in all_examples(Optimizer) if each.move]
RNG = np.random.RandomState(0)


def settings(part, function, n_first):
    """The attributes of a part that a scalar form takes behind its first arguments."""
    return [getattr(part, name) for name in list(inspect.signature(function).parameters)[n_first:]]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_an_activation_s_scalar_form_is_its_array_form(activation):
    Z = np.array([[-900.0, -30.0, -2.5, -0.1, 0.0, 0.3, 1.0, 4.0, 25.0, 900.0]])
    A, scratch = np.empty_like(Z), activation.scratch(Z.shape, Z.dtype)
    activation.forward(Z.copy(), A, scratch)
    given = settings(activation, activation.value, 1)
    assert_allclose([activation.value(z, *given) for z in Z[0]], A[0], rtol=1e-13, atol=1e-300)
    kept, dA = (Z if activation.reads == "input" else A), np.ones_like(Z)
    reads_both = [*inspect.signature(activation.slope).parameters][:2] == ["z", "a"]
    numbers = zip(Z[0], A[0]) if reads_both else zip(kept[0])
    given = settings(activation, activation.slope, 2 if reads_both else 1)
    slopes = [activation.slope(*each, *given) for each in numbers]
    activation.backward(kept.copy(), dA, scratch)
    assert_allclose(slopes, dA[0], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_loss_s_scalar_form_is_its_array_form(loss):
    n, m = 60, loss.link.n_outputs(4)
    rng = np.random.RandomState(0)
    Z = rng.normal(0, 2, (n, m))
    # Residuals of zero, and ties.
    Z[::3] = np.round(Z[::3])
    is_index = isinstance(loss.coding, ClassNumbers)
    shape = n, loss.link.n_columns(m)
    codes = rng.randint(m, size=n) if is_index else rng.randint(2, size=shape)
    y = loss.encode_target(codes, np.float64)
    losses, gradient = np.empty(n), Z.copy()
    loss.value_and_gradient(gradient, y, losses)
    found, values = Z.copy(), np.zeros(n)
    if loss.rows:
        loss.rows(found, y, values, np.empty((3, n)), *settings(loss, loss.rows, 4))
    else:
        Y = np.eye(m)[y] if is_index else y
        for i, k in np.ndindex(n, m):
            given = settings(loss, loss.output, 2)
            value, found[i, k] = loss.output(Z[i, k], Y[i, k], *given)
            values[i] += value
    assert_allclose(values, losses, rtol=1e-12, atol=1e-14)
    assert_allclose(found, gradient, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_an_optimizer_s_scalar_form_is_its_array_form(optimizer):
    theta, rate = RNG.normal(size=5), 0.1
    moments = [np.zeros(5) for _ in optimizer.moments]
    by_number = [theta.copy(), *(np.zeros(5) for _ in moments)]
    for t in range(1, 4):
        grad = RNG.normal(size=5)
        rest = optimizer.coefficients(rate, t)
        for p in range(5):
            old = [values[p] for values in by_number]
            new = optimizer.move(old[0], grad[p], *old[1:], *rest)
            for values, value in zip(by_number, np.atleast_1d(new)):
                values[p] = value
        optimizer.update(rate, t, theta, grad.copy(), np.empty(5), *moments)
    for values, expected in zip(by_number, [theta, *moments]):
        assert_allclose(values, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_coefficients_of_many_steps_are_those_of_each(optimizer):
    rates, numbers = np.linspace(0.1, 0.01, 4), np.arange(1, 5)
    together = optimizer.coefficients(rates, numbers)
    for k, (rate, t) in enumerate(zip(rates.tolist(), numbers.tolist())):
        alone = optimizer.coefficients(rate, t)
        assert_allclose([np.broadcast_to(each, 4)[k] for each in together], alone, rtol=1e-13)
        assert np.broadcast_to(optimizer.shrinkage(rates), 4)[k] == optimizer.shrinkage(rate)


def bound(layer, **parameters):
    """A layer with these parameters, and gradients to fill."""
    layer.bind(**parameters)
    for name, value in parameters.items():
        setattr(layer, f"d{name}", np.full_like(value, np.nan))
    return layer


def test_a_feature_scale_s_compiled_form_is_its_array_form():
    X, dA = RNG.normal(size=(2, 6, 3))
    layer = bound(FeatureScale(3), s=RNG.normal(size=(1, 3)))
    buffers = layer.buffers((6,), np.float64, training=True)
    A, ds, dX, found = np.empty((6, 3)), np.empty((1, 3)), np.empty((6, 3)), np.empty((6, 3))
    layer.forward_rows(X, layer.s, A)
    assert_allclose(A, layer.forward(X, buffers))
    layer.backward(X, dA, buffers, dX)
    layer.backward_rows(X, dA, ds)
    layer.input_gradient_rows(dA, layer.s, found)
    assert_allclose(ds, layer.ds)
    assert_allclose(found, dX)


def test_a_dense_layer_s_compiled_forms_are_its_array_form():
    X, dA = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 2))
    X[X < 0] = 0
    b = np.zeros((1, 2))
    layer = bound(Dense(3, 2, Identity()), W=RNG.normal(size=(3, 2)), b=b)
    buffers = layer.buffers((6,), np.float64, training=True)
    A, dW, dX, found = np.empty((6, 2)), np.empty((3, 2)), np.empty((6, 3)), np.empty((6, 3))
    layer.forward_rows(X, layer.W, A)
    assert_allclose(A, layer.forward(X, buffers), rtol=1e-12)
    layer.backward(X, dA, buffers, dX)
    layer.backward_rows(X, dA, dW)
    layer.input_gradient_rows(dA, layer.W, found)
    assert_allclose(dW, layer.dW)
    assert_allclose(found, dX)
    csr, rows = sparse.csr_array(X), np.array([4, 1, 1])
    some, some_dW = np.empty((3, 2)), np.empty((3, 2))
    layer.sparse_forward_rows(csr.data, csr.indices, csr.indptr, rows, layer.W, some)
    assert_allclose(some, A[rows], rtol=1e-12)
    layer.sparse_backward_rows(csr.data, csr.indices, csr.indptr, rows, dA[rows], some_dW)
    assert_allclose(some_dW, X[rows].T @ dA[rows])


def test_a_dropout_s_compiled_form_draws_the_same_masks():
    X, dA = np.ones((5, 4)), RNG.normal(size=(5, 4))
    layer = Dropout(4, 0.4)
    layer.generator = np.random.default_rng(0)
    buffers = layer.buffers((5,), np.float64, training=True)
    expected, dX = layer.forward(X, buffers), np.empty((5, 4))
    layer.backward(X, dA, buffers, dX)
    A, mask, found = np.empty((5, 4)), np.empty((5, 4)), np.empty((5, 4))
    layer.forward_rows(X, A, mask, layer.rate, np.random.default_rng(0))
    assert_allclose(A, expected, rtol=1e-15)
    layer.input_gradient_rows(dA, mask, found)
    assert_allclose(found, dX, rtol=1e-15)


def test_an_embedding_s_compiled_forms_are_its_array_form():
    # The last bin of the second column is repeated: it has two.
    edges = np.array([[-1.0, 0.0, 0.5, 2.0], [0.0, 1.0, 1.5, 1.5]])
    columns = np.array([3, 1])
    layer = bound(PiecewiseLinearLayer(4, columns, edges, size=2), V=RNG.normal(size=(6, 2)))
    X, dA = 2 * RNG.normal(size=(40, 4)), RNG.normal(size=(40, layer.width))
    buffers = layer.buffers((40,), np.float64, training=True)
    A, dV = np.empty((40, layer.width)), np.empty((6, 2))
    dX, found = np.empty((40, 4)), np.empty((40, 4))
    kept = [np.full_like(getattr(buffers, name), np.nan) for name in ("bins", "parts")]
    sums, starts, rates = (getattr(buffers, name) for name in ("sums", "starts", "rates"))
    numbers = columns[np.newaxis].astype(float)
    layer.forward_rows(X, layer.V, edges, numbers, A, *kept, sums, starts, rates)
    assert_allclose(A, layer.forward(X, buffers), rtol=1e-12, atol=1e-14)
    layer.backward(X, dA, buffers, dX)
    layer.backward_rows(dA, dV, edges, *kept, sums.copy())
    assert_allclose(dV, layer.dV, rtol=1e-12, atol=1e-13)
    layer.input_gradient_rows(dA, layer.V, edges, numbers, kept[0], rates, found)
    assert_allclose(found, dX, rtol=1e-12, atol=1e-13)


def test_elementary_functions_are_what_their_names_say():
    z = np.linspace(-5, 5, 11)
    assert_allclose(normal_density(z), stats.norm.pdf(z), rtol=1e-14)
    assert uniform(np.random.default_rng(3)) == np.random.default_rng(3).random()
