"""Where the estimators mean to differ from scikit-learn's, and that scikit-learn's do not.

Every test runs on both. It must hold on ours; on scikit-learn's it must fail, or else it would
test nothing. Where the installed scikit-learn has caught up, that half is skipped. A test names
the section of docs/reference/differences.md that it holds to, and every section has a test.
"""

import io
import pickle
import re
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}"
)


PAGE = Path(__file__).parent.parent / "docs/reference/differences.md"
# The tests of each section of the page, by its heading.
TESTS = {}


def section(heading):
    """A decorator that notes which section of the page a test holds to."""

    def note(test):
        TESTS.setdefault(heading, []).append(test.__name__)
        return test

    return note


def sections(text):
    """The headings of a page that have no subsections."""
    headings = re.findall(r"^(#+) (.*)$", text, re.MULTILINE)
    following = [level for level, _ in headings[1:]] + ["#"]
    return [heading for (level, heading), after in zip(headings, following) if level >= after]


def maker(cls):
    """A function that makes the estimator, small and seeded unless told otherwise."""

    def make(**parameters):
        settings = {"hidden_layer_sizes": (10,), "random_state": 0, "max_iter": 5}
        return cls(**settings | parameters)

    make.is_ours = cls.__module__.startswith("sknumpy_mlp")
    return make


@pytest.fixture(params=[ScratchMLPClassifier, MLPClassifier], ids=["ours", "scikit-learn"])
def estimator(request):
    return maker(request.param)


@pytest.fixture(params=[ScratchMLPRegressor, MLPRegressor], ids=["ours", "scikit-learn"])
def regressor(request):
    return maker(request.param)


def expect(estimator, holds):
    """The property holds on ours, and does not on scikit-learn's."""
    if estimator.is_ours:
        assert holds
    elif holds:
        pytest.skip("the installed scikit-learn holds to this too: nothing to compare")


def raises(action, *kinds):
    """The exception of one of these kinds that the action raises, or None."""
    try:
        action()
    except kinds as error:
        return error
    return None


def digits(n_samples=500, scale=1 / 16, dtype=np.float64):
    X, y = load_digits(return_X_y=True)
    return (scale * X[:n_samples]).astype(dtype), y[:n_samples]


@section("Sample weights count between batches")
def test_weights_constant_within_a_batch_count(estimator):
    X, y = digits(1000)
    settings = {"shuffle": False, "batch_size": 100, "alpha": 0}
    weights = np.where(np.arange(1000) < 800, 1000.0, 1.0)
    weighted = estimator(**settings).fit(X, y, sample_weight=weights)
    plain = estimator(**settings).fit(X, y)
    expect(estimator, abs(weighted.coefs_[0] - plain.coefs_[0]).max() > 1e-3)


@section("Batches with zero weight are skipped")
def test_a_batch_without_weight_is_passed_over(estimator):
    X, y = digits()
    model = estimator(shuffle=False, batch_size=100)
    weights = np.where(np.arange(500) < 400, 0.0, 1.0)
    failure = raises(lambda: model.fit(X, y, sample_weight=weights), ZeroDivisionError)
    expect(estimator, failure is None)


@section("Early stopping splits by class")
def test_early_stopping_stratifies_several_classes(estimator):
    # Without information every row is predicted alike: accuracy is the share of one class.
    X, y = np.zeros((60, 1)), np.repeat([0, 1, 2], 20)
    scores = [
        estimator(early_stopping=True, random_state=seed).fit(X, y).validation_scores_
        for seed in range(5)
    ]
    expect(estimator, np.allclose(scores, 1 / 3))


@section("Early stopping splits by class")
@pytest.mark.filterwarnings("ignore:early_stopping splits without stratification")
def test_early_stopping_takes_a_class_of_one_member(estimator):
    X, _ = digits(200)
    model = estimator(early_stopping=True)
    expect(estimator, raises(lambda: model.fit(X, np.arange(200) == 7), ValueError) is None)


@section("Divergence always raises an informative error")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_divergence_is_told_with_early_stopping_too(estimator):
    X, y = digits()
    model = estimator(solver="sgd", learning_rate_init=1e8, early_stopping=True, max_iter=50)
    failure = raises(lambda: model.fit(X, y), ValueError)
    expect(estimator, "non-finite parameter weights" in str(failure))


@section("The number type of a parameter does not matter")
def test_an_integer_beyond_float64_is_refused(estimator):
    X, y = digits()
    model = estimator(max_iter=10**400, tol=1e9, n_iter_no_change=1)
    failure = raises(lambda: model.fit(X, y), ValueError)
    expect(estimator, failure is not None and "max_iter must be an integer >= 1" in str(failure))


@section("NumPy's error handling does not reach into a fit")
def test_errors_of_numpy_that_a_user_raises_do_not_end_a_fit(estimator):
    X, y = digits(150, scale=1000)
    with np.errstate(all="raise"):
        failure = raises(lambda: estimator().fit(X, y).predict_proba(X), FloatingPointError)
    expect(estimator, failure is None)


@section("A warm start resets the patience")
@pytest.mark.parametrize("early_stopping", [True, False], ids=["early stopping", "loss"])
def test_every_warm_fit_has_all_its_patience(estimator, early_stopping):
    X, y = digits(300)
    settings = {"warm_start": True, "early_stopping": early_stopping, "n_iter_no_change": 3}
    model = estimator(**settings, max_iter=100, learning_rate_init=0.01)
    epochs = [model.fit(X, y).n_iter_ for _ in range(5)]
    expect(estimator, min(epochs) > 3)


@section("`partial_fit` uses a new row order in every call")
def test_partial_fit_shuffles_anew_in_every_call(estimator):
    X, y = digits(50)
    model = estimator(hidden_layer_sizes=(), solver="sgd", momentum=0, batch_size=1)
    after = []
    for _ in range(5):
        model.partial_fit(X, y, classes=np.arange(10))
        after.append(model.coefs_[0].copy())
        # From the same weights, only the order of the rows makes a difference.
        model.coefs_[0][:] = 0
        model.intercepts_[0][:] = 0
    expect(estimator, not any(np.array_equal(after[1], later) for later in after[2:]))


@section("`fit` frees the optimizer's memory")
def test_a_fitted_model_is_hardly_larger_than_its_weights(estimator):
    X, y = digits()
    model = estimator(hidden_layer_sizes=(500,)).fit(X, y)
    weights = sum(array.nbytes for array in model.coefs_ + model.intercepts_)
    expect(estimator, len(pickle.dumps(model)) <= 1.1 * weights + 8192)


@section("`predict_log_proba` is never `-inf`")
# Unscaled on purpose.
@pytest.mark.filterwarnings("ignore:X should be scaled")
def test_log_probabilities_are_finite(estimator):
    X, y = digits(scale=100)
    model = estimator().fit(X, y)
    with np.errstate(divide="ignore"):
        expect(estimator, np.isfinite(model.predict_log_proba(X)).all())


@section("Ctrl-C ends the program that fits")
@pytest.mark.filterwarnings("ignore:Training interrupted by user")
def test_ctrl_c_ends_the_program_that_fits(estimator, monkeypatch):
    class Interrupted(io.StringIO):
        def write(self, text):
            raise KeyboardInterrupt

    X, y = digits()
    model = estimator(verbose=True)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Interrupted())
        failure = raises(lambda: model.fit(X, y), KeyboardInterrupt)
    expect(estimator, failure is not None and not hasattr(model, "coefs_"))


@section("Weights are checked")
def test_negative_weights_are_refused(estimator):
    X, y = digits()
    weights = np.where(np.arange(500) == 3, -1.0, 1.0)
    failure = raises(lambda: estimator().fit(X, y, sample_weight=weights), ValueError)
    expect(estimator, "sample_weight" in str(failure))


@section("Memory-mapped models can be trained further")
def test_a_memory_mapped_model_goes_on_training(estimator, tmp_path):
    X, y = digits()
    joblib.dump(estimator().fit(X, y), tmp_path / "model")
    model = joblib.load(tmp_path / "model", mmap_mode="r")
    expect(estimator, raises(lambda: model.partial_fit(X, y), ValueError) is None)


@section("The reported loss is exact")
# Unscaled on purpose.
@pytest.mark.filterwarnings("ignore:X should be scaled")
def test_the_loss_is_right_where_the_network_is_sure(estimator):
    X, y = digits(scale=100)
    # The rate is too small to move a weight: the loss is that of the weights that come out.
    model = estimator(max_iter=1, learning_rate_init=1e-20, batch_size=500, alpha=0).fit(X, y)
    hidden = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
    log_p = log_softmax(hidden @ model.coefs_[1] + model.intercepts_[1], axis=1)
    # 500 terms, each rounded to some 1e-16.
    expect(estimator, np.isclose(model.loss_, -log_p[np.arange(500), y].mean(), rtol=1e-12))


@section("The squared error of several columns is summed")
def test_the_loss_of_several_columns_belongs_to_its_gradient(regressor):
    # Without information a step moves the biases only, by the rate times the gradient.
    X, Y = np.zeros((20, 1)), np.random.RandomState(0).standard_normal((20, 3))
    rate = 1e-4
    model = regressor(hidden_layer_sizes=(), solver="sgd", momentum=0, learning_rate_init=rate)
    model.set_params(alpha=0, batch_size=20).partial_fit(X, Y)
    before = model.intercepts_[0].copy()
    moved = model.partial_fit(X, Y).intercepts_[0] - before
    # Every entry is the loss before the step.
    _, loss_before, loss_after = model.partial_fit(X, Y).loss_curve_
    fall = loss_before - loss_after
    # The loss falls by the rate times the squared gradient, up to a share of the rate.
    expect(regressor, np.isclose(fall, moved @ moved / rate, rtol=1e-3))


@section("Negative counts are rejected")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_counts_below_zero_are_refused(regressor):
    X, y = digits()
    failure = raises(lambda: regressor(loss="poisson").fit(X, y - 3), ValueError)
    expect(regressor, "y must be >= 0" in str(failure))


@section("Targets that are too large for the network are rejected")
def test_a_target_too_large_for_the_network_is_told_in_words(regressor):
    X, y = digits(dtype=np.float32)
    failure = raises(lambda: regressor().fit(X, 1e39 * y), ValueError, OverflowError)
    expect(regressor, "y must hold no value too large for float32" in str(failure))


@section("The dtype of the weights determines the output dtype")
def test_lbfgs_keeps_float32(estimator):
    X, y = digits(dtype=np.float32)
    model = estimator(solver="lbfgs").fit(X, y)
    expect(estimator, all(W.dtype == np.float32 for W in model.coefs_ + model.intercepts_))


@section("`partial_fit` accepts rows that lack a class, also with `warm_start=True`")
def test_a_warm_start_lets_partial_fit_miss_a_class(estimator):
    X, y = digits()
    model = estimator(warm_start=True).fit(X, y)
    expect(estimator, raises(lambda: model.partial_fit(X[:3], y[:3]), ValueError) is None)


@section("A warm start with another shape is an error")
def test_a_warm_start_in_another_shape_names_both(estimator):
    X, y = digits()
    model = estimator(warm_start=True).fit(X, y).set_params(hidden_layer_sizes=(20,))
    message = str(raises(lambda: model.fit(X, y), ValueError))
    expect(estimator, "[64, 10, 10]" in message and "[64, 20, 10]" in message)


@section("The dtype of the weights determines the output dtype")
def test_the_weights_decide_the_dtype_of_probabilities(estimator):
    X, y = digits()
    model = estimator().fit(X.astype(np.float32), y)
    expect(estimator, model.predict_proba(X).dtype == np.float32)


@section("Predictions that overflow raise an error")
# NumPy warns of theirs.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_predictions_that_overflow_are_refused(estimator):
    X, y = digits()
    model = estimator(max_iter=2, activation="identity").fit(X, y)
    signs = np.where(np.arange(X.shape[1]) % 2, 1, -1)
    expect(estimator, raises(lambda: model.predict(1.5e308 * signs[np.newaxis]), ValueError))


@section("There is a `decision_function`")
def test_there_is_a_decision_function(estimator):
    expect(estimator, hasattr(estimator(), "decision_function"))


@section("`random_state=None` leaves NumPy's global stream alone")
def test_without_a_seed_the_global_stream_is_not_read(estimator):
    X, y = digits()
    fits = []
    for _ in range(2):
        np.random.seed(0)  # noqa: NPY002
        fits.append(estimator(random_state=None, max_iter=1).fit(X, y))
    expect(estimator, abs(fits[0].coefs_[0] - fits[1].coefs_[0]).max() > 1e-3)


@section("`fit` frees the optimizer's memory")
def test_partial_fit_does_not_go_on_with_the_moments_of_fit(estimator):
    X, y = digits()
    settings = {"shuffle": False, "batch_size": 500}
    kept = estimator(**settings).fit(X, y)
    saved = pickle.loads(pickle.dumps(kept))
    assert np.array_equal(saved.partial_fit(X, y).coefs_[0], kept.partial_fit(X, y).coefs_[0])
    # A step of a new Adam is as long as the rate, whatever the gradient; later ones are not.
    again = estimator(**settings).fit(X, y)
    moved = abs(kept.intercepts_[1] - again.intercepts_[1])
    expect(estimator, np.allclose(moved, 1e-3, rtol=1e-3))


@section("A failed call changes nothing")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_failed_fit_leaves_the_estimator_as_it_was(estimator):
    X, y = digits()
    model = estimator(solver="sgd").fit(X, y)
    before = model.predict_proba(X)
    model.set_params(learning_rate_init=1e300, batch_size=20)
    assert raises(lambda: model.fit(X, y), ValueError) is not None
    after = raises(lambda: model.predict_proba(X), ValueError)
    expect(estimator, after is None and np.array_equal(model.predict_proba(X), before))


@section("Curves do not grow with the number of calls")
def test_the_loss_curve_is_bounded(estimator):
    X, y = digits(20)
    model = estimator(batch_size=20).partial_fit(X, y, classes=np.arange(10))
    model.loss_curve_ = [0.5] * 10_000
    expect(estimator, len(model.partial_fit(X, y).loss_curve_) == 1_001)


@section("A changed solver or learning rate takes effect in `partial_fit`")
def test_a_changed_solver_takes_effect_in_partial_fit(estimator):
    X, y = digits()
    model = estimator(shuffle=False).partial_fit(X, y, classes=np.arange(10))
    model.set_params(solver="sgd", momentum=0, learning_rate_init=1e-12)
    before = model.coefs_[0].copy()
    model.partial_fit(X, y)
    # Gradients are small, and so are three steps of 1e-12 of them; Adam went on with 1e-3.
    expect(estimator, abs(model.coefs_[0] - before).max() < 1e-10)


@section("Parameters that accept more")
def test_patience_can_be_switched_off_without_a_warning(estimator):
    X, y = digits()
    model = estimator(n_iter_no_change=None)
    expect(estimator, raises(lambda: model.fit(X, y), ValueError) is None)


@section("Parameters that accept more")
def test_partial_fit_takes_held_out_rows(estimator):
    X, y = digits()

    def watch():
        model = estimator().partial_fit(X, y, classes=np.arange(10), X_val=X, y_val=y)
        assert model.validation_scores_ == [model.score(X, y)]

    expect(estimator, raises(watch, TypeError) is None)


@section("Warnings")
def test_partial_fit_warns_once_of_too_large_a_batch(estimator):
    X, y = digits(50)
    model = estimator(batch_size=51)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            model.partial_fit(X, y, classes=np.arange(10))
    assert caught
    expect(estimator, sum("batch_size" in str(each.message) for each in caught) == 1)


@section("Warnings")
def test_unscaled_data_are_reported(estimator):
    X, y = digits(scale=100)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator(n_iter_no_change=10**6).fit(X, y)
    expect(estimator, any("should be scaled" in str(each.message) for each in caught))


@section("Error messages")
def test_keywords_of_other_libraries_are_answered(estimator):
    X, y = digits()
    failure = raises(lambda: estimator().fit(X, y, validation_data=(X, y)), TypeError)
    expect(estimator, "X_val and y_val" in str(failure))


@section("Error messages")
def test_text_and_gaps_lead_to_the_recipe(estimator):
    for wrong in (np.nan, "red"):
        failure = raises(lambda: estimator().fit([[wrong], [1.0]], [0, 1]), ValueError)  # noqa: B023
        expect(estimator, "make_tabular_mlp" in str(failure))


@section("Error messages")
def test_missing_labels_are_counted(estimator):
    X, y = digits()
    gaps = np.where(np.arange(500) == 7, None, y.astype(str))
    failure = raises(lambda: estimator().fit(X, gaps), ValueError, TypeError)
    expect(estimator, "y must have no missing values, got 1" in str(failure))


@section("Error messages")
@pytest.mark.parametrize("which", ["X", "y"])
def test_masked_values_are_refused(estimator, which):
    X, y = digits()
    given = {"X": X, "y": y}
    given[which] = np.ma.masked_equal(given[which], given[which].max())
    expect(estimator, raises(lambda: estimator().fit(**given), ValueError))


@section("Error messages")
def test_a_parameter_of_a_name_is_answered_with_an_object(estimator):
    failure = raises(lambda: estimator().set_params(solver__rho=0.9), ValueError, AttributeError)
    expect(estimator, "solver=optimizers.RMSprop(rho=...)" in str(failure))


@section("Deliberately kept")
def test_the_patience_is_the_number_of_epochs_without_improvement_that_are_allowed(estimator):
    """On scikit-learn's it holds too."""
    X, y = digits()
    model = estimator(n_iter_no_change=3, learning_rate_init=1e-12, max_iter=20).fit(X, y)
    # The first epoch is the best, three are allowed, and the next one ends the fit.
    assert model.n_iter_ == 5


@section("Deliberately kept")
def test_alpha_is_divided_by_the_rows_of_a_batch(estimator):
    """On scikit-learn's it holds too."""
    settings = {"hidden_layer_sizes": (), "solver": "sgd", "momentum": 0, "shuffle": False}
    shrunk = []
    for batch_size in (50, 100):
        model = estimator(**settings, batch_size=batch_size, max_iter=1, n_iter_no_change=10)
        model.set_params(learning_rate_init=1e-20).fit(np.zeros((100, 3)), np.arange(100) % 2)
        model.set_params(learning_rate_init=0.1, alpha=1.0, warm_start=True)
        before = model.coefs_[0].copy()
        model.fit(np.zeros((100, 3)), np.arange(100) % 2)
        shrunk.append(model.coefs_[0] / before)
    # Rows of zeros have no gradient: two steps of a fiftieth, or one of a hundredth.
    np.testing.assert_allclose(shrunk[0], (1 - 0.1 / 50) ** 2, rtol=1e-12)
    np.testing.assert_allclose(shrunk[1], 1 - 0.1 / 100, rtol=1e-12)


def test_every_section_of_the_page_has_a_test():
    headings = sections(PAGE.read_text(encoding="utf-8"))
    untested = [each for each in headings if each not in TESTS]
    assert not untested, f"mark a test of {PAGE.name} with @section({untested[0]!r})"
    unknown = [each for each in TESTS if each not in headings]
    assert not unknown, f"{PAGE.name} has no section {unknown[0]!r}"
