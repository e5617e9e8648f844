"""What one call, one estimator or one thread does stays out of the others."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sknumpy_mlp import activations, losses
from sknumpy_mlp._family import real
from sknumpy_mlp.optimizers import Optimizer
from sknumpy_mlp.schedules import Schedule

from .common import assert_same_weights, brief, digits, state_of


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
    X, y = digits()
    clf = brief(**parts).fit(X, y)
    before = clf.predict_proba(X)
    clf.set_params(**change)
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    assert np.abs(clf.fit(X, y).predict_proba(X) - before).max() > 1e-4


def test_a_shallow_copy_with_other_weights_predicts_by_its_own():
    X, y = digits()
    one = brief().fit(X, y)
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


SOLVERS = sorted(Optimizer.named())


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("options", [{}, {"early_stopping": True, "validation_fraction": 0.3}])
def test_the_same_seed_gives_the_same_bits(solver, options):
    X, y = digits()
    one, other = (brief(solver=solver, **options).fit(X, y) for _ in range(2))
    assert state_of(one) == state_of(other)
    # A second fit of the same estimator forgets the first.
    assert state_of(one.fit(X, y)) == state_of(other)
    third = brief(solver=solver, **options, random_state=1).fit(X, y)
    assert abs(third.coefs_[0] - one.coefs_[0]).max() > 1e-3


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_without_a_seed_every_fit_differs_and_the_global_stream_rests(method):
    X, y = digits()
    fits = []
    for _ in range(2):
        # If the stream were read, both fits would be alike; if it were moved, its state would be.
        np.random.seed(0)  # noqa: NPY002
        before = np.random.get_state(legacy=False)  # noqa: NPY002
        model = brief(random_state=None)
        if method == "fit":
            model.set_params(early_stopping=True, validation_fraction=0.3).fit(X, y)
        else:
            model.partial_fit(X, y, classes=np.arange(10)).partial_fit(X, y)
        after = np.random.get_state(legacy=False)  # noqa: NPY002
        np.testing.assert_equal(after, before)
        fits.append(model)
    assert abs(fits[0].coefs_[0] - fits[1].coefs_[0]).max() > 1e-3


def test_a_stream_that_is_given_moves_on_from_fit_to_fit():
    X, y = digits()
    stream = np.random.RandomState(0)
    first, second = (brief(random_state=stream).fit(X, y) for _ in range(2))
    assert_same_weights(first, brief(random_state=0).fit(X, y))
    assert abs(first.coefs_[0] - second.coefs_[0]).max() > 1e-3


def test_fits_in_threads_give_what_fits_in_a_row_give():
    X, y = digits(n_samples=400)
    settings = [
        {"random_state": seed, "solver": solver, "max_iter": 10}
        for seed in range(4)
        for solver in SOLVERS
    ] + [{"learning_rate": schedule} for schedule in sorted(Schedule.named())]

    def fit(parameters):
        model = brief(**parameters).fit(X, y)
        return model.coefs_, model.predict_proba(X)

    in_a_row = [fit(parameters) for parameters in settings]
    with ThreadPoolExecutor(4) as pool:
        in_threads = list(pool.map(fit, settings))
    for (coefs, P), (coefs_there, P_there) in zip(in_a_row, in_threads, strict=True):
        np.testing.assert_array_equal(P, P_there)
        for W, W_there in zip(coefs, coefs_there, strict=True):
            np.testing.assert_array_equal(W, W_there)


def test_one_model_predicts_in_many_threads():
    X, y = digits(n_samples=400)
    model = brief().fit(X, y)
    expected = model.predict_proba(X)
    with ThreadPoolExecutor(4) as pool:
        for P in pool.map(lambda _: model.predict_proba(X), range(40)):
            np.testing.assert_array_equal(P, expected)
