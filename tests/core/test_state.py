"""What training keeps from call to call: weights of rows, moments, the clock."""

from dataclasses import fields

import numpy as np

from sknumpy_mlp.core.state import Record, TrainingState
from sknumpy_mlp.optimizers import Adam

from .runs import data, prepare


def counted(state, weights, subset=None):
    weights = np.array(weights)
    state.count_weights(weights, len(weights), subset)
    return state.relative_weights(weights, len(weights))


def test_relative_weights_divide_by_the_running_mean_of_the_rows_used():
    state = TrainingState(np.random.RandomState(0))
    assert state.mean_weight == 1.0
    np.testing.assert_array_equal(counted(state, [1.0, 3.0]), [0.5, 1.5])
    # Now four rows with a sum of 4 + 12.
    np.testing.assert_array_equal(counted(state, [4.0, 8.0]), [1.0, 2.0])
    assert state.mean_weight == 4.0
    state = TrainingState(np.random.RandomState(0))
    got = counted(state, [1.0, 100.0, 3.0], np.array([0, 2]))
    np.testing.assert_array_equal(got, [0.5, 50.0, 1.5])


def test_rows_without_weights_are_divided_by_the_running_mean_too():
    state = TrainingState(np.random.RandomState(0))
    counted(state, [3.0, 5.0])
    state.count_weights(None, 2)
    # Four rows with a sum of 8 + 2.
    np.testing.assert_array_equal(state.relative_weights(None, 2), [0.4, 0.4])
    plain = TrainingState(np.random.RandomState(0))
    plain.count_weights(None, 2)
    assert plain.relative_weights(None, 2) is None


def test_a_copy_of_a_record_does_not_change_with_it():
    record = Record(loss_curve=[0.5], order=np.arange(3))
    lists = [f.name for f in fields(record) if isinstance(getattr(record, f.name), list)]
    before = {name: [*getattr(record, name)] for name in lists}
    copy = record.copy()
    for name in lists:
        getattr(record, name).append(7)
    record.order[:] = 9
    # The temperatures are set once, when training has ended.
    assert {name: getattr(copy, name) for name in lists if name != "temperatures"} == {
        name: value for name, value in before.items() if name != "temperatures"
    }
    np.testing.assert_array_equal(copy.order, np.arange(3))


def test_a_copy_of_the_state_is_independent_of_it_but_for_the_stream():
    X, y = data()
    training = prepare(X, y, (4,), 8, max_iter=2)
    training.train(Adam())
    state = training.state
    copy = state.copy()
    theta = training.network.theta.copy()
    before = {f.name: getattr(copy, f.name) for f in fields(copy)}
    moments = {name: np.copy(value) for name, value in copy.moments.items()}
    clock = copy.copy().clock
    training.train(Adam())
    assert not np.array_equal(training.network.theta, theta)
    for name, value in moments.items():
        np.testing.assert_array_equal(copy.moments[name], value)
        assert not np.array_equal(state.moments[name], value)
    assert copy.clock == clock != state.clock
    assert copy.samples_seen == before["samples_seen"] != state.samples_seen
    assert copy.random_state is state.random_state


def test_the_copy_of_an_unused_state_is_unused():
    copy = TrainingState(np.random.RandomState(0)).copy()
    assert copy.moments is None
    assert copy.best == []
