"""Forward passes kept between predictions: never those of other parameters, one per thread."""

import copy
import pickle
import threading

import numpy as np
import pytest

from sknumpy_mlp._estimator.passes import ForwardPasses

from ..common import brief, digits


def test_a_pass_is_taken_by_one_only_and_given_back():
    W, passes = [np.ones(2)], ForwardPasses()
    assert passes.take(W) is None
    passes.give_back(W, "pass")
    assert passes.take(W) == "pass"
    assert passes.take(W) is None


@pytest.mark.parametrize("others", [[np.ones(2)], [], [np.ones(2), np.ones(2)]])
def test_a_pass_of_other_arrays_is_not_taken(others):
    passes = ForwardPasses()
    passes.give_back([np.ones(2)], "pass")
    assert passes.take(others) is None


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_a_copy_has_no_passes(way):
    W, passes = [np.ones(2)], ForwardPasses()
    passes.give_back(W, "pass")
    assert way(passes).take(W) is None
    assert passes.take(W) == "pass"


def in_place(model):
    model.coefs_[0][:] *= 2


def exchanged(model):
    model.coefs_[0] = model.coefs_[0] * 2


def of_another_order(model):
    model.coefs_[0] = np.asfortranarray(model.coefs_[0] * 2)


def of_another_order_and_then_in_place(model):
    model.coefs_[0] = np.asfortranarray(model.coefs_[0])
    model.predict_proba(digits()[0])
    model.coefs_[0] *= 2


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize(
    "change", [in_place, exchanged, of_another_order, of_another_order_and_then_in_place]
)
def test_predictions_follow_parameters_that_users_change(change, members):
    X, y = digits()
    model = brief(members=members).fit(X, y)
    before = model.predict_proba(X)
    expected = copy.deepcopy(model)
    expected.coefs_[0] = expected.coefs_[0] * 2
    change(model)
    # Products with a matrix in column order have other roundings.
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X), rtol=1e-12)
    assert not np.allclose(model.predict_proba(X), before)


def test_threads_that_predict_at_once_do_not_mix_their_rows():
    X, y = digits()
    model = brief().fit(X, y)
    # One row by one row, as a server does.
    alone = [model.predict_proba(X[k : k + 1]) for k in range(8)]
    wrong = []

    def work(k):
        for _ in range(300):
            if not np.array_equal(model.predict_proba(X[k : k + 1]), alone[k]):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.intercepts_.__setitem__(0, np.ones(1)),
        lambda model: model.intercepts_.__setitem__(0, np.ones(9)),
        lambda model: model.intercepts_.append(np.ones(10)),
        lambda model: model.coefs_.__setitem__(1, model.coefs_[1][:5]),
        lambda model: model.coefs_.__setitem__(0, np.vstack([model.coefs_[0]] * 2)),
        lambda model: model.coefs_.__setitem__(0, model.coefs_[0][:, :4]),
        lambda model: setattr(model, "feature_scale_", np.ones(1)),
    ],
)
@pytest.mark.parametrize("use", ["predict", "summary", "fit"])
def test_parameters_that_do_not_fit_together_are_refused(change, use):
    X, y = digits()
    model = brief(feature_scale=True, warm_start=True).fit(X, y)
    change(model)
    given = {"predict": (X,), "summary": (), "fit": (X, y)}[use]
    with pytest.raises(ValueError, match=r"coefs_ and intercepts_ must be of shapes"):
        getattr(model, use)(*given)


def test_a_model_from_a_file_has_no_passes_and_predicts():
    X, y = digits()
    model = brief().fit(X, y)
    expected = model.predict_proba(X)
    state = model.__getstate__()
    assert "_passes" not in state
    old = brief()
    old.__setstate__(state)
    np.testing.assert_array_equal(old.predict_proba(X), expected)
