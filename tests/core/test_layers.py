import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp.activations import Identity, ReLU, Tanh
from sknumpy_mlp.core.layers import Dense, Dropout, Layer
from sknumpy_mlp.core.network import Network, perceptron
from sknumpy_mlp.core.stepper import Stepper
from sknumpy_mlp.initializers import Auto, Normal
from sknumpy_mlp.optimizers import SGD

from ..common import assert_same_weights, brief, digits

N_ROWS, FAN_IN, FAN_OUT = 7, 4, 3
FORMS = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "csr_array": sparse.csr_array,
    "csr_matrix": sparse.csr_matrix,
}


def bound(activation, dtype=np.float64, seed=0):
    """A layer on arrays of its own, with random parameters."""
    rng = np.random.RandomState(seed)
    layer = Dense(FAN_IN, FAN_OUT, activation)
    W = rng.standard_normal((FAN_IN, FAN_OUT)).astype(dtype)
    layer.bind(W=W, b=rng.standard_normal((1, FAN_OUT)).astype(dtype))
    layer.dW, layer.db = np.full_like(layer.W, np.nan), np.full_like(layer.b, np.nan)
    return layer


def inputs(form="C order", dtype=np.float64):
    X = np.random.RandomState(1).standard_normal((N_ROWS, FAN_IN)).astype(dtype)
    X[X < -0.5] = 0
    return X, FORMS[form](X)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("form", FORMS)
def test_forward_is_the_activation_of_the_affine_map(form, dtype, order):
    layer = bound(Tanh(), dtype)
    X, given = inputs(form, dtype)
    A = layer.forward(given, layer.buffers((N_ROWS,), dtype, order, training=True))
    assert A.dtype == dtype
    assert A.shape == (N_ROWS, FAN_OUT)
    # Four products and a sum.
    expected = np.tanh(X.astype(float) @ layer.W + layer.b)
    np.testing.assert_allclose(A, expected, rtol=0, atol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("form", FORMS)
def test_backward_is_the_textbook_s(form, order):
    layer = bound(Tanh())
    X, given = inputs(form)
    buffers = layer.buffers((N_ROWS,), np.float64, order, training=True)
    A = layer.forward(given, buffers).copy()
    dA = np.asarray(np.random.RandomState(2).standard_normal((N_ROWS, FAN_OUT)), order=order)
    dZ = dA * (1 - A**2)
    dX = np.full((N_ROWS, FAN_IN), np.nan)
    layer.backward(given, dA, buffers, dX=dX)
    close = {"rtol": 0, "atol": 1e-14}
    np.testing.assert_allclose(layer.dW, X.T @ dZ, **close)
    # One bias gradient per unit: summed over the rows, not over the units.
    np.testing.assert_allclose(layer.db[0], dZ.sum(axis=0), **close)
    np.testing.assert_allclose(dX, dZ @ layer.W.T, **close)


def test_the_gradient_of_the_input_is_left_out_where_nobody_wants_it():
    layer, (X, given) = bound(ReLU()), inputs()
    buffers = layer.buffers((N_ROWS,), np.float64, training=True)
    layer.forward(given, buffers)
    layer.backward(given, np.ones((N_ROWS, FAN_OUT)), buffers, dX=None)
    assert np.isfinite(layer.dW).all()
    np.testing.assert_array_equal(given, X)


def test_a_backward_pass_of_one_s_own_gives_the_gradient_of_the_input_too():
    class Frozen(Dense):
        """Lets no gradient through."""

        def backward(self, X, dA, buffers, dX=None):
            super().backward(X, dA, buffers, dX)
            dX[...] = 0

    layer, (_, X) = bound(ReLU()), inputs()
    frozen = Frozen(FAN_IN, FAN_OUT, ReLU())
    vars(frozen).update(vars(layer))
    buffers = frozen.buffers((N_ROWS,), np.float64, training=True)
    frozen.forward(X, buffers)
    dX = np.full_like(X, np.nan)
    frozen.input_gradient(X, np.ones((N_ROWS, FAN_OUT)), buffers, dX)
    np.testing.assert_array_equal(dX, np.zeros_like(X))


def test_the_input_is_not_written_to_by_the_forward_pass():
    layer, (X, given) = bound(ReLU()), inputs()
    layer.forward(given, layer.buffers((N_ROWS,), np.float64, training=True))
    np.testing.assert_array_equal(given, X)


def test_buffers_are_used_again_without_traces_of_the_batch_before():
    layer, (_, X) = bound(ReLU()), inputs()
    buffers = layer.buffers((N_ROWS,), np.float64, training=True)
    first = layer.forward(X, buffers).copy()
    layer.forward(100 * X, buffers)
    np.testing.assert_array_equal(layer.forward(X, buffers), first)


def test_weights_are_penalized_and_biases_are_not():
    layer = Dense(FAN_IN, FAN_OUT, ReLU())
    assert layer.shapes == {"W": (FAN_IN, FAN_OUT), "b": (FAN_OUT,)}
    assert tuple(layer.penalized) == ("W",)


def test_the_initializer_is_told_another_activation_where_one_is_given():
    class Told(Auto):
        def draw(self, random_state, shape, fan_in, fan_out, activation):
            told.append((shape, fan_in, fan_out, activation))
            return np.zeros(shape)

    relu, tanh = ReLU(), Tanh()
    for given, expected in ((None, relu), (tanh, tanh)):
        told = []
        layer = Dense(FAN_IN, FAN_OUT, relu, given)
        layer.bind(W=np.empty((FAN_IN, FAN_OUT)), b=np.empty((1, FAN_OUT)))
        layer.draw(Told(), np.random.RandomState(0))
        fans = FAN_IN, FAN_OUT, expected
        assert told == [((FAN_IN, FAN_OUT), *fans), ((FAN_OUT,), *fans)]


def test_draw_fills_the_parameters_in_place():
    layer = bound(ReLU(), np.float32)
    W, b = layer.W, layer.b
    layer.draw(Normal(scale=2.0, biases="same"), np.random.RandomState(0))
    assert layer.W is W
    assert layer.b is b
    stream = np.random.RandomState(0)
    np.testing.assert_array_equal(W, (2 * stream.standard_normal(W.shape)).astype(np.float32))
    np.testing.assert_array_equal(b, (2 * stream.standard_normal(b.shape)).astype(np.float32))


def test_an_unbound_layer_is_the_same_layer_without_arrays():
    layer = bound(Tanh())
    layer.init_activation = ReLU()
    bare = layer.unbound()
    assert repr(bare) == repr(layer) == "Dense(4, 3, Tanh())"
    assert repr(bare.init_activation) == "ReLU()"
    assert not any(isinstance(value, np.ndarray) for value in vars(bare).values())


class Scale(Layer):
    """A learned factor for each feature, as a user would write it."""

    kinds = {"s": "scale"}

    def __init__(self, n_features):
        self.width = n_features
        self.shapes = {"s": (n_features,)}

    def draw(self, initializer, random_state):
        self.s[...] = 2

    def buffers(self, rows, dtype, order="C", training=False):
        A, dA = (np.empty((*rows, self.width), dtype) for _ in range(2))
        return SimpleNamespace(A=A, dA=dA)

    def forward(self, X, buffers):
        return np.multiply(X, self.s, out=buffers.A)

    def backward(self, X, dA, buffers, dX=None):
        np.sum(X * dA, axis=-2, keepdims=True, out=self.ds)


class Center(Layer):
    """Subtracts a running mean, a statistic that training observes and prediction uses."""

    kinds = {"mean": "means"}
    statistics = ("mean",)

    def __init__(self, n_features):
        self.width = n_features
        self.shapes = {"mean": (n_features,)}

    def buffers(self, rows, dtype, order="C", training=False):
        A, dA = (np.empty((*rows, self.width), dtype) for _ in range(2))
        return SimpleNamespace(A=A, dA=dA, training=training)

    def forward(self, X, buffers):
        if buffers.training:
            self.mean[...] = 0.5 * self.mean + 0.5 * X.mean(axis=-2, keepdims=True)
        return np.subtract(X, self.mean, out=buffers.A)

    def backward(self, X, dA, buffers, dX=None):
        if dX is not None:
            dX[...] = dA


@pytest.mark.parametrize("n_members", [1, 3])
def test_a_user_s_layer_works_in_a_network(n_members):
    network = Network([Scale(FAN_IN), Dense(FAN_IN, FAN_OUT, Identity())], n_members)
    network.allocate(np.float64)
    network.draw(Normal(scale=1.0), np.random.RandomState(0))
    X, _ = inputs()
    X = np.stack([X, -X, 2 * X])[:n_members] if n_members > 1 else X
    workspace = network.workspace(N_ROWS, np.float64, training=True)
    W = network.layers[1].W
    Z = workspace.forward(X)
    np.testing.assert_allclose(Z, (2 * X @ W).reshape(Z.shape), rtol=1e-13)
    dZ = np.ones_like(Z)
    workspace.backward(X, dZ)
    ones = np.ones((N_ROWS, FAN_OUT))
    expected = (X * (ones @ W.swapaxes(-1, -2))).sum(axis=-2, keepdims=True)
    np.testing.assert_allclose(network.layers[0].ds, expected, rtol=1e-13)
    # The only penalized parameters come first, whatever the order of the layers.
    assert network.weights.size == n_members * FAN_IN * FAN_OUT
    assert network.parameters()["scale"][0].shape == (*network.axes, FAN_IN)
    assert network.groups({"scale": 3.0}, "standard")[1][-1] == 3.0


def test_statistics_lie_behind_what_is_trained_and_are_copied_with_it():
    network = Network([Center(FAN_IN), Dense(FAN_IN, FAN_OUT, Identity())])
    network.allocate(np.float64)
    network.draw(Normal(scale=1.0), np.random.RandomState(0))
    assert network.trained.size == network.n_parameters - FAN_IN
    assert sum(stop - start for start, stop, _ in network.groups({}, "ntk")) == network.trained.size
    X, _ = inputs()
    trained = network.trained.copy()
    network.workspace(N_ROWS, np.float64, training=True).forward(X)
    np.testing.assert_allclose(network.theta[-FAN_IN:], X.mean(axis=0) / 2)
    np.testing.assert_array_equal(network.trained, trained)
    kept = network.theta.copy()
    network.workspace(N_ROWS, np.float64).forward(X)
    np.testing.assert_array_equal(network.theta, kept)
    optimizer = SGD(momentum=0.9)
    state = optimizer.start(network.theta)
    groups = network.groups({}, "standard")
    stepper = Stepper(optimizer, network.theta, network.grad + 1, 0, state, groups)
    stepper.step(0.1)
    np.testing.assert_array_equal(network.theta[-FAN_IN:], kept[-FAN_IN:])
    assert (network.trained != trained).all()


def test_a_layer_on_views_pickles_through_unbound():
    layer = pickle.loads(pickle.dumps(bound(ReLU()).unbound()))
    assert repr(layer) == "Dense(4, 3, ReLU())"


# ---- the feature scale ----


ESTIMATORS = [ScratchMLPClassifier, ScratchMLPRegressor]


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predictions_are_those_of_scaled_columns(cls, dtype):
    X, y = digits(dtype=dtype)
    model = brief(cls, feature_scale=True, learning_rate_factors={"feature_scale": 6.0})
    model.fit(X, y)
    assert model.feature_scale_.dtype == dtype
    assert abs(model.feature_scale_ - 1).max() > 0.01
    options = {"classes": model.classes_} if cls is ScratchMLPClassifier else {}
    bare = cls.from_weights(model.coefs_, model.intercepts_, **options)
    assert_allclose(model.predict(X), bare.predict(X * model.feature_scale_), rtol=1e-5)


def test_a_frozen_scale_is_no_scale():
    X, y = digits()
    model = brief(feature_scale=True, learning_rate_factors={"feature_scale": 0.0}).fit(X, y)
    assert_array_equal(model.feature_scale_, np.ones(64))
    assert_same_weights(model, brief().fit(X, y), atol=1e-12)


def test_a_column_of_noise_is_turned_down():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((400, 10))
    y = (X[:, 0] > 0).astype(int)
    model = brief(
        feature_scale=True, max_iter=60, learning_rate_factors={"feature_scale": 6.0}
    ).fit(X, y)
    scale = abs(model.feature_scale_)
    assert scale[0] > 1.5 * scale[1:].max()


def test_lbfgs_learns_the_scale_too():
    X, y = digits()
    model = ScratchMLPClassifier((6,), solver="lbfgs", feature_scale=True, random_state=0)
    model.fit(X, y)
    assert abs(model.feature_scale_ - 1).max() > 0.01


# ---- dropout ----


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_leaves_expectations_alone(rate, dtype):
    layer = Dropout(40, rate)
    layer.generator = np.random.default_rng(0)
    buffers = layer.buffers((5000,), dtype, training=True)
    A = layer.forward(np.ones((5000, 40), dtype), buffers)
    assert A.dtype == dtype
    kept = A != 0
    assert_allclose(A[kept], 1 / (1 - rate), rtol=1e-6)
    # 200,000 draws: five standard errors of a share, then of the mean of each unit.
    assert abs(kept.mean() - (1 - rate)) < 5 * np.sqrt(rate * (1 - rate) / kept.size)
    assert abs(A.mean(axis=0) - 1).max() < 5 * np.sqrt(rate / (1 - rate) / 5000)
    # Rows and units are left out independently of each other.
    assert abs(np.corrcoef(kept[:, :5].T) - np.eye(5)).max() < 5 / np.sqrt(5000)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_members_with_rates_of_their_own_draw_what_one_rate_draws(dtype):
    rates = np.array([0.0, 0.3, 0.7])
    X = np.ones((3, 20, 40), dtype)

    def outputs(rate):
        layer = Dropout(40, rate)
        layer.generator = np.random.default_rng(0)
        return layer.forward(X, layer.buffers(X.shape[:2], dtype, training=True))

    found = outputs(rates)
    for j, rate in enumerate(rates.tolist()):
        assert_array_equal(found[j], outputs(rate)[j])
    assert_array_equal(found[0], X[0])


def test_what_is_left_out_has_no_gradient():
    layer = Dropout(6, 0.5)
    layer.generator = np.random.default_rng(0)
    buffers = layer.buffers((8,), np.float64, training=True)
    X = np.random.RandomState(0).standard_normal((8, 6))
    before = X.copy()
    A = layer.forward(X, buffers)
    assert_array_equal(X, before)
    dX = np.empty_like(X)
    layer.backward(X, np.ones_like(A), buffers, dX)
    assert_allclose(dX * X, A, rtol=1e-15)
    assert (dX == 0).any()


def test_every_batch_has_another_mask():
    layer = Dropout(50, 0.5)
    layer.generator = np.random.default_rng(0)
    buffers = layer.buffers((4,), np.float64, training=True)
    one = layer.forward(np.ones((4, 50)), buffers).copy()
    assert (layer.forward(np.ones((4, 50)), buffers) != one).any()


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("rates", [0.5, [0.5, 0.0], [0.25, 0.75]])
def test_predictions_use_all_units(cls, rates):
    X, y = digits()
    model = brief(cls, hidden_layer_sizes=(20, 10), dropout=rates).fit(X, y)
    once, twice = model.predict(X), model.predict(X)
    assert_array_equal(once, twice)
    bare = cls.from_weights(
        model.coefs_,
        model.intercepts_,
        **({"classes": model.classes_} if cls is ScratchMLPClassifier else {}),
    )
    assert_array_equal(bare.predict(X), once)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_dropout_is_repeatable_and_of_the_seed(cls):
    X, y = digits()
    one, same = (brief(cls, dropout=0.5).fit(X, y) for _ in range(2))
    assert_same_weights(one, same)
    other = brief(cls, dropout=0.5, random_state=1).fit(X, y)
    assert abs(one.coefs_[0] - other.coefs_[0]).max() > 1e-3


@pytest.mark.parametrize("rates", [0.0, 0, [0.0], (0,)])
def test_a_rate_of_zero_is_no_dropout(rates):
    X, y = digits()
    assert_same_weights(brief(dropout=rates).fit(X, y), brief().fit(X, y))


def test_dropout_draws_one_number_from_the_stream_after_the_weights():
    X, y = digits()
    stream = np.random.RandomState(0)
    brief(dropout=0.5, shuffle=False, random_state=stream).fit(X, y)
    expected = np.random.RandomState(0)
    for size in [(64, 8), 8, (8, 10), 10]:
        expected.uniform(size=size)
    expected.randint(2**31)
    assert stream.uniform() == expected.uniform()


def test_units_are_left_out_in_training():
    """With one linear unit a layer, an epoch of one row and rate 1/2 changes all or nothing."""
    changed = []
    for seed in range(40):
        model = ScratchMLPRegressor(
            hidden_layer_sizes=(1,),
            activation="identity",
            solver="sgd",
            alpha=0,
            max_iter=1,
            n_iter_no_change=None,
            dropout=0.5,
            random_state=seed,
        )
        start = np.random.RandomState(seed).uniform(-np.sqrt(3), np.sqrt(3), (1, 1))
        model.fit([[1.0]], [5.0])
        changed.append(abs(model.coefs_[0] - start).max() > 1e-9)
    assert 8 <= sum(changed) <= 32


def test_partial_fit_goes_on_with_the_masks_of_a_fit():
    X, y = digits()
    settings = {"dropout": 0.5, "shuffle": False}
    parts = brief(**settings)
    for _ in range(4):
        parts.partial_fit(X, y, classes=np.arange(10))
    assert_same_weights(parts, brief(**settings).fit(X, y))


def test_dropout_follows_every_hidden_layer_that_has_a_rate():
    network = perceptron([4, 3, 2, 2], [Identity()] * 2, dropout=[0.5, 0.0])
    names = [type(layer).__name__ for layer in network.layers]
    assert names == ["Dense", "Dropout", "Dense", "Dense"]


def test_a_fit_with_much_dropout_learns_and_fits_less():
    X, y = digits(n_samples=150)
    settings = {"hidden_layer_sizes": (64,), "max_iter": 60}
    free, dropped = (brief(dropout=rate, **settings).fit(X, y) for rate in (0.0, 0.6))
    assert dropped.score(X, y) > 0.9
    assert dropped.loss_ > 2 * free.loss_
