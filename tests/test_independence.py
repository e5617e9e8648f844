"""What one call, one estimator or one thread does stays out of the others."""

import copy
import os
import threading

import numpy as np
import pytest

from sknumpy_mlp import ScratchMLPClassifier, activations, losses, schedules
from sknumpy_mlp._estimator.threads import _OneThread
from sknumpy_mlp._family import real

from .common import digits

X, y = digits(n_samples=100)
QUICK = {"hidden_layer_sizes": (6,), "max_iter": 3, "n_iter_no_change": None, "random_state": 0}


class TemperedSoftmax(losses.links.Softmax):
    """Softmax of scores divided by a temperature."""

    def __init__(self, temperature):
        self.temperature = temperature

    def probabilities(self, Z):
        return super().probabilities(Z / self.temperature)


class Tempered(losses.SoftmaxCrossEntropy):
    """Cross-entropy whose predictions are tempered."""

    rules = {"temperature": real(0, closed="neither")}

    def __init__(self, temperature=1.0):
        self.temperature = temperature

    @property
    def link(self):
        return TemperedSoftmax(self.temperature)


@pytest.mark.parametrize(
    ("parts", "change"),
    [
        ({"activation": activations.LeakyReLU()}, {"activation__negative_slope": 0.9}),
        ({"loss": Tempered()}, {"loss__temperature": 9.0}),
    ],
)
def test_a_part_changed_after_fit_leaves_predictions_alone(parts, change):
    clf = ScratchMLPClassifier(**QUICK, **parts).fit(X, y)
    before = clf.predict_proba(X)
    clf.set_params(**change)
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    assert np.abs(clf.fit(X, y).predict_proba(X) - before).max() > 1e-4


def test_a_shallow_copy_with_other_weights_predicts_by_its_own():
    one = ScratchMLPClassifier(**QUICK).fit(X, y)
    other = copy.copy(one)
    other.coefs_ = [np.zeros_like(W) for W in one.coefs_]
    expected = one.predict_proba(X[:1]), other.predict_proba(X[:1])
    wrong = []

    def predict(clf, probabilities):
        for _ in range(300):
            if not np.array_equal(clf.predict_proba(X[:1]), probabilities):
                wrong.append(clf)

    threads = [threading.Thread(target=predict, args=p) for p in zip((one, other), expected)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not np.array_equal(*expected)


def test_alpha_is_divided_by_the_mean_weight_of_all_calls():
    settings = QUICK | {"solver": "sgd", "alpha": 100.0, "learning_rate_init": 0.1, "momentum": 0.0}

    def norm_after(weights):
        clf = ScratchMLPClassifier(**settings)
        for weight in weights:
            given = None if weight is None else np.full(len(y), weight)
            clf.partial_fit(X, y, sample_weight=given, classes=np.arange(10))
        return np.linalg.norm(clf.coefs_[0])

    # A weight of one is no weight.
    assert norm_after([1.0] * 10) == pytest.approx(norm_after([None] * 10), rel=1e-12)
    # Weights of a thousand leave little of alpha; calls without weights bring it back.
    assert norm_after([1000.0] * 10) > 2 * norm_after([None] * 10)
    assert norm_after([3.0] + [None] * 30) < norm_after([3.0] * 31)


def test_rows_without_weight_weigh_one_in_the_running_mean():
    both = ScratchMLPClassifier(**QUICK).partial_fit(X, y, classes=np.arange(10))
    both.partial_fit(X, y, sample_weight=np.full(len(y), 3.0))
    assert both._training.mean_weight == 2.0
    both.partial_fit(X, y)
    assert both._training.mean_weight == pytest.approx(5 / 3)


def test_a_new_criterion_forgets_the_best_of_the_old_one():
    clf = ScratchMLPClassifier(
        **{**QUICK, "warm_start": True, "early_stopping": True, "solver": "sgd"}
    ).fit(X, y)
    clf.set_params(early_stopping=False).partial_fit(X, y)
    # An accuracy, which is positive, would never be reached by minus a loss.
    assert clf._training.best == [-clf.loss_]


def test_lbfgs_that_diverges_says_so():
    clf = ScratchMLPClassifier((5,), solver="lbfgs", random_state=0)
    with pytest.raises(ValueError, match=r"^Solver produced non-finite .* iterations of lbfgs"):
        clf.fit(X * 1e200, y)


def test_an_infinite_loss_is_divergence_though_weights_are_finite():
    clf = ScratchMLPClassifier(**{**QUICK, "learning_rate_init": 1e-30})
    with pytest.raises(ValueError, match="non-finite"):
        clf.fit(X * 1e307, y)


@pytest.mark.parametrize("dtype", [">f8", np.float16, np.longdouble, np.int64])
def test_weights_of_any_number_type_are_computed_in_float64(dtype):
    clf = ScratchMLPClassifier(**QUICK).fit(X, y)
    clf.coefs_ = [(10 * W).astype(dtype) for W in clf.coefs_]
    expected = copy.deepcopy(clf)
    expected.coefs_ = [W.astype(float) for W in clf.coefs_]
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))
    clf.partial_fit(X, y)
    assert {W.dtype for W in clf.coefs_} == {np.dtype(float)}


def test_pruned_units_are_predicted_without_and_summed_up():
    clf = ScratchMLPClassifier(**QUICK).fit(X, y)
    dead = copy.deepcopy(clf)
    dead.coefs_[1][-1] = 0
    clf.coefs_ = [clf.coefs_[0][:, :-1], clf.coefs_[1][:-1]]
    clf.intercepts_ = [clf.intercepts_[0][:-1], clf.intercepts_[1]]
    np.testing.assert_allclose(clf.predict_proba(X), dead.predict_proba(X), rtol=1e-12)
    # 64 x 5 + 5 + 5 x 10 + 10
    assert clf.summary().splitlines()[-1].split() == ["total", "385"]


@pytest.mark.parametrize("factor", [None, -1.0, float("nan"), "a"])
def test_a_schedule_must_give_a_factor(factor):
    class Odd(schedules.Schedule):
        def __call__(self, t):
            return factor

    with pytest.raises(
        ValueError, match=r"learning_rate must return a factor >= 0 .* Odd\(\) returned"
    ):
        ScratchMLPClassifier(**QUICK, learning_rate=Odd()).fit(X, y)


@pytest.mark.parametrize("dtype", ["M8[s]", "m8[s]"])
def test_dates_are_no_numbers(dtype):
    dates = (100 * X).astype("i8").astype(dtype)
    with pytest.raises((TypeError, ValueError)):
        ScratchMLPClassifier(**QUICK).fit(dates, y)
    with pytest.raises((TypeError, ValueError)):
        ScratchMLPClassifier(**QUICK).fit(X, y).predict(dates)


def test_several_labels_are_coded_by_0_and_1():
    Y = np.column_stack([y % 2, y > 4]).astype(int)
    with pytest.raises(ValueError, match=r"y must be a matrix of 0 and 1 .* got \[-1  1\]"):
        ScratchMLPClassifier(**QUICK).fit(X, 2 * Y - 1)


class Library:
    """Counts threads; fails to set them when it is told to."""

    def __init__(self, fails=False):
        self.num_threads = 2
        self.fails = fails

    def set_num_threads(self, n_threads):
        if self.fails:
            raise KeyboardInterrupt
        self.num_threads = n_threads


def test_threads_come_back_when_setting_them_fails():
    one = _OneThread()
    one._libraries = [Library(), Library(fails=True)]
    with pytest.raises(KeyboardInterrupt), one:
        pass
    assert one._libraries[0].num_threads == 2
    one._libraries[1].fails = False
    with one:
        assert [library.num_threads for library in one._libraries] == [1, 1]
    assert [library.num_threads for library in one._libraries] == [2, 2]


def test_threads_that_somebody_else_set_meanwhile_stay():
    one = _OneThread()
    one._libraries = [Library()]
    with one:
        one._libraries[0].num_threads = 4
    assert one._libraries[0].num_threads == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_does_not_wait_for_its_parent_s_fits():
    one = _OneThread()
    one._libraries = [Library()]
    with one:
        child = copy.copy(one)
        child.forget()
        assert child._inside == 0
        assert child._libraries[0].num_threads == 2
