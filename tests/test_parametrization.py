"""Learning-rate factors, the neural-tangent parametrization, the feature scale, the temperature."""

import pickle
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit
from sklearn.metrics import log_loss

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp.activations import Tanh
from sknumpy_mlp.core.network import perceptron
from sknumpy_mlp.core.temperature import fit_temperature
from sknumpy_mlp.initializers import LecunNormal, Normal
from sknumpy_mlp.losses import SoftmaxCrossEntropy
from sknumpy_mlp.optimizers import Adam, AdamW, Optimizer

from .common import KINDS, assert_same_weights, digits, state_of

STEPPING = sorted(name for name, member in Optimizer.named().items() if member.takes_steps)
ESTIMATORS = [ScratchMLPClassifier, ScratchMLPRegressor]


def brief(cls=ScratchMLPClassifier, **parameters):
    settings = {"hidden_layer_sizes": (6,), "max_iter": 3, "random_state": 0, "batch_size": 50}
    return cls(**settings | {"n_iter_no_change": None, "learning_rate_init": 0.01} | parameters)


def moves(model, start):
    """How far each weight matrix and each bias vector has moved."""
    return [
        [np.linalg.norm(a - b) for a, b in zip(getattr(model, name), getattr(start, name))]
        for name in ("coefs_", "intercepts_")
    ]


# ---- groups ----


def test_groups_cover_the_vector_in_order_and_are_as_few_as_possible():
    network = perceptron([4, 3, 2], [Tanh()], feature_scale=True)
    network.allocate(np.float64)
    n = network.n_parameters
    assert network.groups({}, "standard") == [(0, n, 1.0)]
    assert network.groups({"biases": 0.5}, "standard") == [(0, 22, 1.0), (22, n, 0.5)]
    groups = network.groups({"biases": 0.1, "feature_scale": 6.0}, "ntk")
    assert [(start, stop) for start, stop, _ in groups] == [(0, 12), (12, 18), (18, 22), (22, n)]
    assert_allclose([factor for *_, factor in groups], [4**-0.5, 3**-0.5, 6.0, 0.1])


@pytest.mark.parametrize("solver", STEPPING)
def test_a_factor_is_a_learning_rate_of_its_own(solver):
    """With one step a parameter moves by its rate alone: each kind as with that rate for all."""
    X, y = digits()
    settings = {"solver": solver, "max_iter": 1, "batch_size": "full", "alpha": 0}
    # Such steps leave the start where it is.
    start = brief(**settings | {"learning_rate_init": 1e-300}).fit(X, y)
    rates = {"weights": 0.5, "biases": 2.0}
    model = brief(**settings, learning_rate_factors=rates).fit(X, y)
    for kind, (name, factor) in enumerate(zip(["coefs_", "intercepts_"], rates.values())):
        same = brief(**settings | {"learning_rate_init": 0.01 * factor}).fit(X, y)
        for mine, his in zip(getattr(model, name), getattr(same, name)):
            assert_allclose(mine, his, rtol=1e-12, atol=1e-14)
        assert min(moves(model, start)[kind]) > 0


def test_a_factor_of_zero_freezes():
    X, y = digits()
    start = brief(learning_rate_init=1e-300).fit(X, y)
    model = brief(learning_rate_factors={"weights": 0.0}).fit(X, y)
    assert moves(model, start)[0] == [0, 0]
    assert min(moves(model, start)[1]) > 0


def test_decay_follows_the_factor_of_the_weights():
    X, y = np.zeros((50, 3)), np.zeros(50)
    settings = {"hidden_layer_sizes": (), "solver": AdamW(weight_decay=0.5), "alpha": 0}
    settings |= {"learning_rate_init": 0.1, "max_iter": 1}
    start = np.random.RandomState(0).uniform(-np.sqrt(1.5), np.sqrt(1.5), (3, 1))
    model = brief(ScratchMLPRegressor, **settings, learning_rate_factors={"weights": 0.25})
    assert_allclose(model.fit(X, y).coefs_[0], start * (1 - 0.1 * 0.25 * 0.5), rtol=1e-13)


def test_blocks_of_the_optimizer_end_where_groups_do(monkeypatch):
    from sknumpy_mlp.core.stepper import Stepper

    X, y = digits()
    settings = {"parametrization": "ntk", "learning_rate_factors": {"biases": 0.1}}
    whole = brief(**settings).fit(X, y)
    monkeypatch.setattr(Stepper, "block_size", 7)
    # Some versions of NumPy round the ends of vectors otherwise than their middles.
    assert_same_weights(brief(**settings).fit(X, y), whole, atol=1e-15)


# ---- the neural-tangent parametrization ----


def test_ntk_is_weights_of_size_one_that_act_divided_by_the_root_of_their_inputs():
    """Adam by hand on U, where the layer computes X U / sqrt(n_in) + b."""
    rng = np.random.RandomState(1)
    X, y = rng.standard_normal((20, 3)), rng.standard_normal((20, 1))
    solver, rate = Adam(beta_1=0.5, beta_2=0.75, epsilon=1e-30), 0.1
    model = ScratchMLPRegressor(
        hidden_layer_sizes=(),
        parametrization="ntk",
        init=LecunNormal(biases=Normal(scale=1.0)),
        solver=solver,
        alpha=0,
        batch_size="full",
        shuffle=False,
        max_iter=5,
        n_iter_no_change=None,
        learning_rate_init=rate,
        random_state=0,
    ).fit(X, y.ravel())
    stream = np.random.RandomState(0)
    U, b = stream.standard_normal((3, 1)), stream.standard_normal(1)
    m, v = [np.zeros((3, 1)), np.zeros(1)], [np.zeros((3, 1)), np.zeros(1)]
    for t in range(1, 6):
        dZ = (X @ U / np.sqrt(3) + b - y) / 20
        gradients = [X.T @ dZ / np.sqrt(3), dZ.sum(axis=0)]
        for theta, g, m_, v_ in zip([U, b], gradients, m, v):
            m_[...] = 0.5 * m_ + 0.5 * g
            v_[...] = 0.75 * v_ + 0.25 * g * g
            theta -= rate * (m_ / (1 - 0.5**t)) / np.sqrt(v_ / (1 - 0.75**t))
    assert_allclose(model.coefs_[0], U / np.sqrt(3), rtol=1e-10)
    assert_allclose(model.intercepts_[0], b, rtol=1e-10)


def test_a_pair_of_initializers_starts_the_output_layer_by_the_second():
    X, y = digits()
    settings = {"learning_rate_init": 1e-300, "max_iter": 1}
    pair = brief(**settings, init=("he_normal", "zeros")).fit(X, y)
    alone = brief(**settings, init="he_normal").fit(X, y)
    assert_array_equal(pair.coefs_[0], alone.coefs_[0])
    assert abs(pair.coefs_[1]).max() < 1e-200 < 1e-3 < abs(alone.coefs_[1]).max()


@pytest.mark.parametrize("wrong", [("zeros",), ["zeros"] * 3, ("zeros", "ones"), 3])
def test_a_wrong_pair_is_told(wrong):
    X, y = digits()
    with pytest.raises(ValueError, match="init must be an Initializer"):
        brief(init=wrong).fit(X, y)


# ---- the feature scale ----


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


@pytest.mark.parametrize("between", [lambda m: m, lambda m: pickle.loads(pickle.dumps(m))])
def test_the_scale_goes_on_in_partial_fit_and_through_a_pickle(between):
    X, y = digits()
    settings = {"feature_scale": True, "shuffle": False}
    parts = brief(**settings)
    for _ in range(3):
        parts = between(parts.partial_fit(X, y, classes=np.arange(10)))
    whole = brief(**settings).fit(X, y)
    assert_same_weights(parts, whole)
    assert_array_equal(parts.feature_scale_, whole.feature_scale_)
    assert "feature scale" in whole.summary()


def test_a_refit_without_scale_forgets_it():
    X, y = digits()
    model = brief(feature_scale=True).fit(X, y)
    model.set_params(feature_scale=False).fit(X, y)
    assert not hasattr(model, "feature_scale_")
    assert_same_weights(model, brief().fit(X, y))


def test_sparse_columns_have_no_scale():
    X, y = digits()
    model = brief(feature_scale=True)
    before = state_of(model)
    with pytest.raises(ValueError, match="feature_scale must be False for a sparse X"):
        model.fit(sparse.csr_array(X), y)
    assert state_of(model) == before


def test_lbfgs_learns_the_scale_too():
    X, y = digits()
    model = ScratchMLPClassifier((6,), solver="lbfgs", feature_scale=True, random_state=0)
    model.fit(X, y)
    assert abs(model.feature_scale_ - 1).max() > 0.01


# ---- the temperature ----


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_temperature_makes_the_log_loss_of_validation_rows_least(kind, smoothing):
    X, y = digits(kind, 400)
    rows = X[200:], y[200:]
    settings = {"max_iter": 40, "label_smoothing": smoothing}
    model = brief(**settings, temperature_scaling=True)
    model.fit(X[:200], y[:200], X_val=rows[0], y_val=rows[1])
    plain = brief(**settings).fit(X[:200], y[:200])
    assert_array_equal(model.predict(X), plain.predict(X))
    found = log_loss(rows[1], model.predict_proba(rows[0]))
    assert found < log_loss(rows[1], plain.predict_proba(rows[0]))
    best = model.temperature_
    for other in (0.95 * best, 1.05 * best):
        model.temperature_ = other
        assert log_loss(rows[1], model.predict_proba(rows[0])) > found


def test_a_few_rows_without_an_error_make_nothing_certain():
    Z, y = np.array([[3.0, 0.0], [0.0, 3.0]] * 20), np.array([0, 1] * 20)
    temperature = fit_temperature(SoftmaxCrossEntropy(), Z, y)
    # Where the derivative of 40 log(1 + exp(-3 / T)) + log(T)^2 / 2 by log T is zero.
    margin = 3 / temperature
    assert_allclose(40 * margin * expit(-margin), -np.log(temperature), rtol=1e-4)
    assert 0.2 < temperature < 1


def test_it_divides_raw_scores():
    X, y = digits()
    model = brief(temperature_scaling=True, early_stopping=True).fit(X, y)
    assert 0.01 < model.temperature_ < 100
    scaled = model.decision_function(X)
    log_p = model.predict_log_proba(X)
    del model.temperature_
    raw = model.decision_function(X)
    model.temperature_ = 1.0
    assert_allclose(scaled * (raw / scaled)[0, 0], raw, rtol=1e-10)
    assert abs(model.predict_log_proba(X) - log_p).max() > 1e-3


def test_weights_count_for_the_temperature():
    X, y = digits("binary", 300)
    weights = np.where(np.arange(100) < 50, 10.0, 0.1)
    settings = {"temperature_scaling": True, "max_iter": 30}
    given = {"X_val": X[200:], "y_val": y[200:]}
    one = brief(**settings).fit(X[:200], y[:200], **given)
    other = brief(**settings).fit(X[:200], y[:200], **given, sample_weight_val=weights)
    assert one.temperature_ != other.temperature_


def test_a_temperature_needs_validation_rows():
    X, y = digits()
    model = brief(temperature_scaling=True)
    before = state_of(model)
    with pytest.raises(ValueError, match="temperature_scaling must be False where no rows"):
        model.fit(X, y)
    assert state_of(model) == before


def test_training_on_forgets_the_temperature():
    X, y = digits()
    model = brief(temperature_scaling=True, early_stopping=True).fit(X, y)
    model.set_params(temperature_scaling=False, early_stopping=False).partial_fit(X, y)
    assert not hasattr(model, "temperature_")


@pytest.mark.parametrize("loss", ["log_loss", "binary_log_loss", "squared_error"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_loss_of_a_float32_network_has_a_temperature(kind, loss):
    X, y = digits(kind, dtype=np.float32)
    model = brief(loss=loss, temperature_scaling=True, early_stopping=True).fit(X, y)
    assert model.predict_proba(X).dtype == np.float32


def test_an_earlier_temperature_is_not_in_the_scores_of_the_next_fit():
    X, y = digits("binary", 300)
    settings = {"temperature_scaling": True, "early_stopping": True, "scoring": "neg_log_loss"}
    model = brief(**settings, label_smoothing=0.3, max_iter=20).fit(X, y)
    first = model.validation_scores_, model.temperature_
    model.fit(X, y)
    assert (model.validation_scores_, model.temperature_) == first


# ---- what is refused ----


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_the_scale_cannot_come_or_go_while_training_goes_on(before, method):
    X, y = digits()
    model = brief(feature_scale=before, warm_start=True).fit(X, y)
    model.set_params(feature_scale=not before)
    held = state_of(model)
    with pytest.raises(ValueError, match=f"feature_scale must be {before}, as in .*, got"):
        getattr(model, method)(X, y)
    assert state_of(model) == held


def test_predictions_of_sparse_rows_need_a_network_without_scale():
    X, y = digits()
    model = brief(feature_scale=True).fit(X, y)
    with pytest.raises(ValueError, match="feature_scale must be False for a sparse X, got True"):
        model.predict(sparse.csr_array(X))
    with pytest.raises(ValueError, match="feature_scale must be False for a sparse X_val"):
        model.fit(X, y, X_val=sparse.csr_array(X), y_val=y)


def test_partial_fit_has_no_temperature():
    X, y = digits()
    with pytest.raises(ValueError, match="partial_fit does not support temperature_scaling=True"):
        brief(temperature_scaling=True).partial_fit(X, y, classes=np.arange(10))


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    "wrong",
    [
        {"learning_rate_factors": {"bias": 0.1}},
        {"learning_rate_factors": {"biases": -0.1}},
        {"learning_rate_factors": {"biases": np.inf}},
        {"learning_rate_factors": 0.1},
        {"parametrization": "mup"},
        {"feature_scale": "yes"},
    ],
    ids=str,
)
def test_a_wrong_value_is_told(cls, wrong):
    X, y = digits()
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=rf"{name} must be .*, got {re.escape(repr(value))}"):
        brief(cls, **wrong).fit(X, y)


@pytest.mark.parametrize(
    "unfit",
    [
        {"parametrization": "ntk"},
        {"learning_rate_factors": {"biases": 0.1}},
        {"temperature_scaling": True},
    ],
    ids=str,
)
def test_lbfgs_has_no_rates(unfit):
    X, y = digits()
    (name,) = unfit
    with pytest.raises(ValueError, match=f"{name} must be .* with solver='lbfgs'"):
        brief(solver="lbfgs", **unfit).fit(X, y)
