"""Fitted attributes: of weights that are there already, and after a fit."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp.optimizers import LBFGS

from ..common import KINDS, assert_same_weights, brief, digits, halves

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]


def fitted(cls, kind="multiclass", dtype=np.float64, **parameters):
    X, y = digits(kind, dtype=dtype)
    settings = {"hidden_layer_sizes": (7, 5), "max_iter": 4, "random_state": 0}
    return X, y, cls(**settings | parameters).fit(X, y)


def classifier_of(model, **parameters):
    several = model.out_activation_ == "logistic" and model.n_outputs_ > 1
    return ScratchMLPClassifier.from_weights(
        model.coefs_, model.intercepts_, model.classes_, multilabel=several, **parameters
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", [MLPClassifier, ScratchMLPClassifier])
def test_a_classifier_predicts_as_the_one_whose_weights_it_takes(source, kind, activation):
    X, _, model = fitted(source, kind, activation=activation)
    taken = classifier_of(model, activation=activation)
    assert_allclose(taken.predict_proba(X), model.predict_proba(X), rtol=1e-12)
    assert_array_equal(taken.predict(X), model.predict(X))
    assert taken.hidden_layer_sizes == (7, 5)
    for name in ["n_features_in_", "n_layers_", "n_outputs_", "out_activation_"]:
        assert getattr(taken, name) == getattr(model, name)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("source", [MLPRegressor, ScratchMLPRegressor])
def test_a_regressor_predicts_as_the_one_whose_weights_it_takes(source, loss):
    X, _, model = fitted(source, loss=loss)
    taken = ScratchMLPRegressor.from_weights(model.coefs_, model.intercepts_, loss=loss)
    assert_allclose(taken.predict(X), model.predict(X), rtol=1e-12)


@pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_the_arrays_are_copies(cls):
    X, y, model = fitted(cls)
    before = [W.copy() for W in model.coefs_]
    options = {"classes": model.classes_} if cls is ScratchMLPClassifier else {}
    taken = cls.from_weights(model.coefs_, model.intercepts_, **options)
    taken.partial_fit(X, y)
    for mine, kept in zip(model.coefs_, before):
        assert_array_equal(mine, kept)
    assert abs(taken.coefs_[0] - model.coefs_[0]).max() > 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_that_of_the_arrays(dtype):
    X, _, model = fitted(ScratchMLPClassifier, dtype=dtype)
    taken = classifier_of(model)
    assert {W.dtype for W in taken.coefs_ + taken.intercepts_} == {np.dtype(dtype)}
    assert taken.predict_proba(X).dtype == dtype


def test_training_goes_on_from_the_weights():
    X, y, model = fitted(ScratchMLPClassifier, shuffle=False)
    taken = classifier_of(model, shuffle=False)
    # `fit` has freed its moments, so both begin with a new optimizer.
    assert_same_weights(taken.partial_fit(X, y), model.partial_fit(X, y))
    warm = classifier_of(model, shuffle=False, warm_start=True, max_iter=2)
    assert_same_weights(warm.fit(X, y), taken.partial_fit(X, y).partial_fit(X, y), atol=1)
    assert len(warm.loss_curve_) == warm.n_iter_ == 2


def test_it_is_an_estimator_like_any_other():
    X, _, model = fitted(ScratchMLPClassifier)
    taken = classifier_of(model)
    assert_array_equal(pickle.loads(pickle.dumps(taken)).predict(X), taken.predict(X))
    assert not hasattr(clone(taken), "coefs_")
    assert "hidden 2" in taken.summary()
    assert taken.n_iter_ == 0 and np.isnan(taken.loss_)


def test_lists_and_strings_will_do():
    taken = ScratchMLPClassifier.from_weights([[[1.0], [0.0]]], [[-0.5]], ["no", "yes"])
    assert taken.predict([[0.0, 9.0], [1.0, 9.0]]).tolist() == ["no", "yes"]


@pytest.mark.parametrize(
    ("coefs", "intercepts", "options", "message"),
    [
        ([np.ones((3, 2))], [np.ones(3)], {}, "coefs and intercepts must be of shapes"),
        ([np.ones((3, 2)), np.ones((3, 1))], [np.ones(2), np.ones(1)], {}, "must be of shapes"),
        ([np.ones((3, 1))], [], {}, "must be of shapes"),
        ([], [], {}, "must be of shapes"),
        ([np.full((3, 1), np.nan)], [np.ones(1)], {}, "contains NaN"),
        ([np.ones((3, 2))], [np.ones(2)], {}, "must have the units that .* \\[3, 1\\], got"),
        ([np.ones((3, 1))], [np.ones(1)], {"hidden_layer_sizes": (4,)}, "must have the units that"),
        ([np.ones((3, 1))], [np.ones(1)], {"classes": [1, 0]}, "classes must be sorted"),
        ([np.ones((3, 1))], [np.ones(1)], {"solver": "adm"}, "solver must be an Optimizer"),
        ([np.ones((3, 1))], [np.ones(1)], {"feature_scale": True}, "feature_scale must be False"),
        (
            [np.ones((3, 1))],
            [np.ones(1)],
            {"temperature_scaling": True},
            "temperature_scaling must",
        ),
        ([np.ones((3, 1))], [np.ones(1)], {"classes": []}, "classes must be sorted"),
        (
            [np.ones((3, 2))],
            [np.ones(2)],
            {"classes": ["a", "b"], "multilabel": True},
            "classes must be the numbers of the columns",
        ),
    ],
)
def test_what_does_not_fit_together_is_told(coefs, intercepts, options, message):
    with pytest.raises(ValueError, match=message):
        ScratchMLPClassifier.from_weights(coefs, intercepts, **{"classes": [0, 1]} | options)


W, B = [[1.0]], [0.5]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(
            ("coefs", wrong)
            for wrong in (None, 5, [None], ["a"], [[["a"]]], [[[1j]]], [[[np.nan]]])
        ),
        *(
            ("coefs", wrong)
            for wrong in ([[[10**400]]], [[[1.0], [2.0, 3.0]]], [np.zeros((1, 1), "M8[s]")])
        ),
        *(("intercepts", wrong) for wrong in (None, 5, [None], ["a"], [["a"]], [[1j]], [[np.nan]])),
        *(("intercepts", wrong) for wrong in ([[10**400]], [0.5], [[np.inf]], [[{}]], [])),
        *(("classes", wrong) for wrong in (None, 5, [], [1, 0], [[0, 1]], [0, None], [0, np.nan])),
        *(
            ("classes", wrong)
            for wrong in ([0, "a"], [0, 0], [1j, 2j], {}, [np.datetime64("NaT", "s")])
        ),
    ],
    ids=str,
)
def test_what_are_no_weights_or_classes_is_refused_by_name(name, wrong):
    given = {"coefs": [W], "intercepts": [B], "classes": [0, 1]} | {name: wrong}
    with pytest.raises(ValueError, match=rf"\b{name}(\[0\])? .*must "):
        ScratchMLPClassifier.from_weights(**given)
    if name != "classes":
        given.pop("classes")
        with pytest.raises(ValueError, match=rf"\b{name}(\[0\])? .*must "):
            ScratchMLPRegressor.from_weights(**given)


# ---- attributes after a fit ----


def test_warm_starts_lengthen_the_curves_and_count_epochs_anew():
    X, y, X_val, y_val = halves()
    model = brief(warm_start=True, max_iter=3)
    for number in (1, 2):
        model.fit(X, y, X_val=X_val, y_val=y_val)
        assert len(model.validation_scores_) == len(model.validation_loss_curve_) == 3 * number
    assert model.n_iter_ == 3
    assert 1 <= model.best_iter_ <= 3
    assert model.best_validation_score_ == max(model.validation_scores_[3:])


def test_lbfgs_ignores_early_stopping():
    X, y = digits()
    plain = brief(solver="lbfgs").fit(X, y)
    assert_same_weights(brief(solver="lbfgs", early_stopping=True).fit(X, y), plain)


def test_a_solver_without_epochs_leaves_no_curve_of_an_earlier_fit():
    X, y = digits()
    model = brief(early_stopping=True).fit(X, y).set_params(solver=LBFGS()).fit(X, y)
    curves = ("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_")
    assert not any(hasattr(model, name) for name in curves)
    assert not hasattr(model, "partial_fit")


@pytest.mark.parametrize("dtype", [">f8", np.float16, np.longdouble, np.int64])
def test_weights_of_any_number_type_are_computed_in_float64(dtype):
    X, y = digits()
    clf = brief().fit(X, y)
    clf.coefs_ = [(10 * W).astype(dtype) for W in clf.coefs_]
    expected = copy.deepcopy(clf)
    expected.coefs_ = [W.astype(float) for W in clf.coefs_]
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))
    clf.partial_fit(X, y)
    assert {W.dtype for W in clf.coefs_} == {np.dtype(float)}


@pytest.mark.parametrize(
    "change", [lambda arrays: arrays[:1], lambda arrays: [*arrays, arrays[-1]]]
)
def test_arrays_of_another_number_of_layers_are_refused(change):
    X, y = digits()
    model = ScratchMLPClassifier((4,), max_iter=1, n_iter_no_change=None).fit(X, y)
    model.coefs_, model.intercepts_ = change(model.coefs_), change(model.intercepts_)
    with pytest.raises(ValueError, match=r"one array for each layer|of consecutive layers"):
        model.predict(X)


# ---- curves of many calls ----


def test_neither_curves_nor_pickles_grow_with_the_number_of_calls():
    X, y = digits("binary", 20)
    model = brief(hidden_layer_sizes=(2,), batch_size=20)
    losses, sizes = [], []
    for _ in range(1_200):
        losses.append(model.partial_fit(X, y, classes=[0, 1]).loss_)
        sizes.append(len(pickle.dumps(model)))
        assert len(model.loss_curve_) == min(len(losses), 1_001)
    assert model.loss_curve_ == losses[-1_001:]
    # Integers that count rows take a few bytes more as they grow.
    assert sizes[1_000] - sizes[0] > 8_000 and max(sizes[1_000:]) - sizes[1_000] < 50


@pytest.mark.parametrize("call", ["partial_fit", "fit"])
def test_the_best_loss_outlives_its_place_in_the_curve(call):
    X, y = halves("binary")[:2]
    model = brief(warm_start=True).fit(X, y, X_val=X, y_val=y)
    n_kept = {"partial_fit": 1_000, "fit": 10_000}[call]
    for name in ("loss_curve_", "validation_loss_curve_", "validation_scores_"):
        setattr(model, name, [float(number) for number in range(1, 20_001)])
    model.best_loss_ = 1e-9
    getattr(model, call)(X, y, X_val=X, y_val=y)
    epochs = model.n_iter_
    assert model.best_loss_ == 1e-9
    assert model.loss_curve_[:-epochs] == [float(n) for n in range(20_001 - n_kept, 20_001)]
    assert len(model.validation_scores_) == n_kept + epochs
    assert len(model.validation_loss_curve_) == n_kept + epochs


def test_the_best_loss_after_early_stopping_is_that_of_the_curve():
    X, y = halves("binary")[:2]
    model = brief(warm_start=True, early_stopping=True).fit(X, y)
    assert model.best_loss_ is None
    model.loss_curve_[1] = 1e-9
    assert model.set_params(early_stopping=False).fit(X, y).best_loss_ == 1e-9
