"""fit, partial_fit and the predicting methods, for every kind of target, loss and solver."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.neural_network import MLPClassifier

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp.activations import LeakyReLU
from sknumpy_mlp.losses import Loss
from sknumpy_mlp.optimizers import AdamW, Optimizer
from sknumpy_mlp.schedules import Schedule

from .common import KINDS, assert_same_weights, brief, digits
from .families import members

SOLVERS = sorted(Optimizer.named())
STEPPING = [name for name in SOLVERS if Optimizer.named()[name].takes_steps]
SPARSE = [sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.csc_matrix]


# ---- the predicting methods agree with each other ----


@pytest.mark.parametrize("loss", Loss.serving("multiclass"))
@pytest.mark.parametrize("kind", KINDS)
class TestPredictions:
    @pytest.fixture
    def model(self, kind, loss):
        return brief(loss=loss).fit(*digits(kind))

    def test_decision_function_has_the_shape_of_the_glossary(self, model, kind, loss):
        n_columns = {"binary": (), "multiclass": (10,), "multilabel": (3,)}[kind]
        assert model.decision_function(digits()[0]).shape == (150, *n_columns)

    def test_probabilities_of_exclusive_classes_sum_to_one(self, model, kind, loss):
        P = model.predict_proba(digits()[0])
        assert P.shape == (150, len(model.classes_))
        assert P.min() >= 0 and P.max() <= 1
        if kind != "multilabel":
            # Ten terms, each rounded once.
            assert_allclose(P.sum(axis=1), 1, rtol=0, atol=1e-14)

    def test_predict_takes_the_most_probable(self, model, kind, loss):
        X, _ = digits()
        P = model.predict_proba(X)
        expected = P > 0.5 if kind == "multilabel" else model.classes_[P.argmax(axis=1)]
        assert_array_equal(model.predict(X), expected)

    def test_log_probabilities_are_logarithms_of_probabilities(self, model, kind, loss):
        X, _ = digits()
        # Probabilities carry a relative rounding of some 1e-16, 1 - p of 1e-14.
        assert_allclose(model.predict_log_proba(X), np.log(model.predict_proba(X)), atol=1e-12)

    def test_decision_function_orders_as_probabilities_do(self, model, kind, loss):
        X, _ = digits()
        decision, P = model.decision_function(X), model.predict_proba(X)
        if kind == "multiclass":
            assert_array_equal(decision.argmax(axis=1), P.argmax(axis=1))
        else:
            # Log-odds of the second class, or of each label.
            assert_allclose(expit(decision), P[:, 1] if kind == "binary" else P, atol=1e-13)

    def test_score_is_accuracy(self, model, kind, loss):
        X, y = digits(kind)
        assert model.score(X, y) == accuracy_score(y, model.predict(X))

    def test_partial_fit_trains(self, model, kind, loss):
        X, y = digits(kind)
        before = model.loss_
        classes = None if kind == "multilabel" else np.unique(y)
        other = brief(loss=loss)
        for _ in range(20):
            model.partial_fit(X, y)
            other.partial_fit(X, y, classes=classes)
        assert model.loss_ < before
        assert other.loss_ < other.loss_curve_[0]
        assert other.predict(X).shape == y.shape


def test_loss_objects_of_another_kind_of_target_are_refused():
    for member in members(Loss):
        for kind in KINDS:
            if kind not in member.kinds:
                with pytest.raises(ValueError, match=f"loss must support {kind} targets"):
                    brief(loss=member()).fit(*digits(kind))


def test_predictions_do_not_depend_on_how_many_rows_come_at_once():
    X, y = digits(n_samples=1500)
    # 1500 rows of 1200 units do not fit into one chunk of the forward pass.
    model = brief(max_iter=1, hidden_layer_sizes=(1200,)).fit(X[:100], y[:100])
    parts = [model.predict_proba(X[i : i + 100]) for i in range(0, 1500, 100)]
    # BLAS may sum in another order for another number of rows.
    assert_allclose(model.predict_proba(X), np.vstack(parts), atol=1e-13)


def test_predictions_are_those_of_the_formula():
    X, y = digits()
    model = brief(
        hidden_layer_sizes=(7, 6, 5), activation=["tanh", "logistic", LeakyReLU(negative_slope=0.2)]
    )
    model.fit(X, y)
    (W1, W2, W3, W4), (b1, b2, b3, b4) = model.coefs_, model.intercepts_
    Z = expit(np.tanh(X @ W1 + b1) @ W2 + b2) @ W3 + b3
    P = softmax(np.where(Z > 0, Z, 0.2 * Z) @ W4 + b4, axis=1)
    assert_allclose(model.predict_proba(X), P, atol=1e-13)


# ---- number types and sparse input ----


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_dtype_of_input_is_that_of_weights_and_predictions(solver, dtype, kind):
    X, y = digits(kind, dtype=dtype)
    model = brief(solver=solver).fit(X, y)

    def check():
        for array in (
            *model.coefs_,
            *model.intercepts_,
            model.predict_proba(X),
            model.predict_log_proba(X),
            model.decision_function(X),
            # The weights decide, not the rows that are predicted.
            model.predict_proba(X.astype(np.float64)),
        ):
            assert array.dtype == dtype

    check()
    if solver in STEPPING:
        model.partial_fit(X.astype(np.float64), y)
        check()


@pytest.mark.parametrize("loss", Loss.serving("multiclass"))
@pytest.mark.parametrize("kind", KINDS)
def test_float32_gives_the_model_of_float64_but_for_rounding(loss, kind):
    X, y = digits(kind)
    single = brief(loss=loss).fit(X.astype(np.float32), y)
    double = brief(loss=loss).fit(X, y)
    # Adam magnifies the relative rounding of 6e-8 where gradients are small.
    assert_allclose(single.predict_proba(X), double.predict_proba(X), atol=1e-3)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64", "bool", "float16"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_numbers_of_other_types_train_in_float64(dtype, solver):
    X, y = digits()
    X = (16 * X).astype(dtype)
    model = brief(solver=solver).fit(X, y)
    reference = brief(solver=solver).fit(X.astype(np.float64), y)
    assert_same_weights(model, reference)
    assert_array_equal(model.predict_proba(X), reference.predict_proba(X.astype(np.float64)))


@pytest.mark.parametrize("container", SPARSE)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"early_stopping": True}])
def test_sparse_input_gives_the_model_of_dense(container, solver, options):
    X, y = digits("binary")
    model = brief(solver=solver, **options).fit(container(X), y)
    dense = brief(solver=solver, **options).fit(X, y)
    # Sparse products sum in another order; four epochs do not magnify that much.
    assert_same_weights(model, dense, atol=1e-10)
    assert_allclose(model.predict_proba(container(X)), dense.predict_proba(X), atol=1e-10)
    if solver != "lbfgs" and not options.get("early_stopping"):
        model.partial_fit(container(X), y)
        assert_same_weights(model, dense.partial_fit(X, y), atol=1e-10)


# ---- training ----


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_no_hidden_layer_is_logistic_regression(kind):
    X, y = digits(kind)
    alpha = 1.0
    model = ScratchMLPClassifier((), solver="lbfgs", alpha=alpha, tol=1e-9, max_iter=5000)
    model.set_params(random_state=0).fit(X, y)
    # Both minimize sum of losses + alpha/2 |W|^2, with free intercepts.
    reference = LogisticRegression(C=1 / alpha, solver="newton-cholesky", tol=1e-10).fit(X, y)
    penalty = alpha / 2 * (reference.coef_**2).sum() / len(X)
    minimum = log_loss(y, reference.predict_proba(X)) + penalty
    # L-BFGS stops when the loss falls by less than some 2e-9 of itself.
    assert_allclose(model.loss_, minimum, rtol=1e-7)
    # An excess of 1e-9 over a bowl of curvature alpha/n is a distance of at most 6e-4.
    assert_allclose(model.coefs_[0].T, reference.coef_, atol=2e-3)
    assert_allclose(model.predict_proba(X), reference.predict_proba(X), atol=1e-3)


@pytest.mark.parametrize("solver", STEPPING)
@pytest.mark.parametrize("learning_rate", [*sorted(Schedule.named()), lambda t: 1 - t])
def test_every_solver_lowers_the_loss_with_every_schedule(solver, learning_rate):
    X, y = digits(n_samples=400)
    rate = {"sgd": 0.1, "momentum": 0.5, "adagrad": 0.05}.get(solver, 0.01)
    settings = {"solver": solver, "learning_rate": learning_rate, "batch_size": 20}
    if learning_rate == "invscaling":
        # Its factor falls to 1/20 after one epoch of 400 rows.
        rate *= 3
    untrained = log_loss(
        y, brief(max_iter=1, learning_rate_init=1e-300, **settings).fit(X, y).predict_proba(X)
    )
    model = brief(max_iter=5, learning_rate_init=rate, **settings).fit(X, y)
    assert log_loss(y, model.predict_proba(X)) < 0.8 * untrained
    assert model.loss_curve_[-1] < model.loss_curve_[0]


@pytest.mark.parametrize("solver", STEPPING)
def test_full_batch_is_one_step_an_epoch_over_all_rows(solver):
    X, y = digits(n_samples=300)
    full = brief(solver=solver, batch_size="full").fit(X, y)
    assert_same_weights(full, brief(solver=solver, batch_size=300).fit(X, y))
    assert full.t_ == 4 * 300
    with pytest.warns(UserWarning, match="batch_size='full'"):
        clipped = brief(solver=solver, batch_size=301).fit(X, y)
    assert_same_weights(full, clipped)


@pytest.mark.parametrize("limit", [2, np.inf, None])
def test_patience_ends_a_fit_or_never_does(limit, recwarn):
    X, y = digits()
    settings = {"learning_rate_init": 1e-12, "n_iter_no_change": limit, "max_iter": 8}
    model = brief(**settings).fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == (4 if limit == 2 else 8)
    warned = [w for w in recwarn if issubclass(w.category, ConvergenceWarning)]
    assert len(warned) == (limit == np.inf)


def test_too_few_epochs_warn_in_the_words_of_scikit_learn():
    X, y = digits()
    with pytest.warns(ConvergenceWarning) as theirs:
        MLPClassifier(max_iter=2, random_state=0).fit(X, y)
    with pytest.warns(ConvergenceWarning) as ours:
        ScratchMLPClassifier(max_iter=2, random_state=0).fit(X, y)
    assert str(ours[0].message).startswith(str(theirs[0].message))
    with pytest.warns(ConvergenceWarning, match="lbfgs stopped after 2 iterations"):
        ScratchMLPClassifier(max_iter=2, random_state=0, solver="lbfgs").fit(X, y)


# ---- what is printed ----


@pytest.mark.parametrize("early_stopping", [False, True])
def test_verbose_prints_every_epoch(capsys, early_stopping):
    # The other engine may say that it compiles.
    model = brief(verbose=True, early_stopping=early_stopping, engine="numpy").fit(*digits())
    lines = capsys.readouterr().out.splitlines()
    expected = []
    for number, loss in enumerate(model.loss_curve_, 1):
        expected.append(f"Iteration {number}, loss = {loss:.8f}")
        if early_stopping:
            expected.append(f"Validation score: {model.validation_scores_[number - 1]:f}")
    assert lines == expected


def test_verbose_says_why_a_fit_stops(capsys):
    settings = {"n_iter_no_change": 1, "learning_rate_init": 1e-12, "verbose": 1}
    settings |= {"batch_size": "full"}
    brief(max_iter=10, **settings).fit(*digits())
    assert "did not improve more than tol=0.000100 for 1 consecutive" in capsys.readouterr().out
    settings |= {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 1e-5}
    brief(max_iter=10, **settings).fit(*digits())
    assert "Setting learning rate to 0.000002" in capsys.readouterr().out
    brief(solver="lbfgs", verbose=True, engine="numpy").fit(*digits())
    assert capsys.readouterr().out.startswith("loss = ")


def test_nothing_is_printed_unless_asked(capsys):
    brief().fit(*digits())
    assert capsys.readouterr().out == ""


# ---- weights that the user puts in ----


class TestReplacedWeights:
    @pytest.fixture
    def models(self):
        X, y = digits()
        model = brief().fit(X, y)
        replaced = copy.deepcopy(model)
        # In the other memory order, to be sure that only the numbers count.
        replaced.coefs_[0] = np.asfortranarray(-model.coefs_[0])
        replaced.intercepts_[1] = np.arange(10.0)
        return model, replaced

    def formula(self, model, X):
        hidden = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
        return softmax(hidden @ model.coefs_[1] + model.intercepts_[1], axis=1)

    def test_predict_uses_them(self, models):
        X, _ = digits()
        model, replaced = models
        P = replaced.predict_proba(X)
        assert_allclose(P, self.formula(replaced, X), atol=1e-13)
        assert abs(P - model.predict_proba(X)).max() > 0.1

    def test_pickling_keeps_them(self, models):
        X, _ = digits()
        loaded = pickle.loads(pickle.dumps(models[1]))
        assert_array_equal(loaded.predict_proba(X), models[1].predict_proba(X))

    def test_partial_fit_goes_on_from_them(self, models):
        X, y = digits()
        replaced = models[1].set_params(learning_rate_init=1e-12, batch_size="full")
        before = [W.copy() for W in replaced.coefs_]
        replaced.partial_fit(X, y)
        for now, then in zip(replaced.coefs_, before, strict=True):
            # One step of Adam at a rate of 1e-12 moves no weight further.
            assert_allclose(now, then, rtol=0, atol=1.1e-12)

    def test_warm_start_goes_on_from_them(self, models):
        X, y = digits()
        replaced = models[1].set_params(learning_rate_init=1e-12, warm_start=True)
        before = self.formula(replaced, X)
        # Four steps of at most 1e-12 on every weight.
        assert_allclose(replaced.fit(X, y).predict_proba(X), before, atol=1e-9)


def test_an_object_brings_its_own_settings():
    X, y = digits()
    # The flat beta_1 belongs to solvers that are given by name.
    given = brief(solver=AdamW(beta_1=0.5, weight_decay=0.1), beta_1=0.9).fit(X, y)
    again = brief(solver=AdamW(beta_1=0.5, weight_decay=0.1), beta_1=0.1).fit(X, y)
    named = brief(solver="adamw", beta_1=0.5).fit(X, y)
    assert_same_weights(given, again)
    assert abs(given.coefs_[0] - named.coefs_[0]).max() > 1e-6
    assert_same_weights(brief(solver=AdamW(beta_1=0.5)).fit(X, y), named)
