"""Ctrl-C at any moment of a fit: what docs/reference/state.md promises below its table."""

import contextlib
import copy

import pytest
import sklearn
from sklearn.utils.fixes import parse_version

from sknumpy_mlp.optimizers import Optimizer

from .common import assert_same_weights, state_of
from .measured import ESTIMATORS, TARGETS, Pressed, Rate, X, by_fit, by_partial_fit

# Fits are short on purpose, and calls more than a schedule has planned for.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:The schedule .* has reached its end"),
]


@pytest.fixture(params=ESTIMATORS)
def estimator(request):
    return ESTIMATORS[request.param]


STEPPING = [name for name, member in Optimizer.named().items() if member.takes_steps]


def network(estimator, **parameters):
    settings = {"hidden_layer_sizes": (5,), "random_state": 0, "n_iter_no_change": None}
    settings |= {"max_iter": 3, "batch_size": 3, "learning_rate_init": 0.01}
    return estimator(**settings | parameters)


class Score:
    """A scorer that presses Ctrl-C when it is asked for the so-manieth time."""

    def __init__(self):
        self.asked, self.interrupt_at = 0, None

    def __call__(self, estimator, X, y):
        self.asked += 1
        if self.asked == self.interrupt_at:
            raise KeyboardInterrupt
        # Better and better, so that the last epoch is always the best one.
        return float(self.asked)


class Presses:
    """A callback that presses Ctrl-C at a moment of the protocol."""

    def __init__(self, moment, task, at):
        self.moment, self.task, self.at = moment, task, at

    def _told(self, moment, context):
        if (moment, context.task_name) == (self.moment, self.task):
            self.at -= 1
            if self.at == 0:
                raise KeyboardInterrupt

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self._told("begin", context)

    def on_fit_task_end(self, estimator, context):
        self._told("end", context)


def in_epoch(model, at):
    model.learning_rate.reset(interrupt_at=3 * (at - 1) + 2)
    return contextlib.nullcontext()


def in_scorer(model, at):
    model.scoring.interrupt_at = model.scoring.asked + at
    return contextlib.nullcontext()


def in_output(model, at):
    # Two lines an epoch: the loss, and the validation score.
    model.set_params(verbose=True)
    return contextlib.redirect_stdout(Pressed(2 * at - 1))


def in_callback(moment):
    def press(model, at):
        if parse_version(sklearn.__version__) < parse_version("1.9"):
            pytest.skip("scikit-learn 1.9 has callbacks")
        model.set_callbacks(Presses(moment, "epoch", at))
        return contextlib.nullcontext()

    return press


MOMENTS = {
    "in an epoch": in_epoch,
    "in a scorer": in_scorer,
    "in the output": in_output,
    "as an epoch begins": in_callback("begin"),
    "as an epoch ends": in_callback("end"),
}


def bare_state(model):
    """The state without what makes the interrupt."""
    twin = copy.deepcopy(model).set_params(
        learning_rate="constant", scoring=None, verbose=False, max_iter=1
    )
    vars(twin).pop("_skl_callbacks", None)
    # Reckoned with `max_iter` before every step.
    twin._training.clock.fraction = 0.0
    return state_of(twin)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", STEPPING)
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_an_interrupted_warm_fit_is_one_that_was_told_to_stop(
    moment, early_stopping, solver, dropout, estimator
):
    target = TARGETS[estimator]
    settings = {"solver": solver, "early_stopping": early_stopping, "dropout": dropout}
    model = network(
        estimator, **settings, warm_start=True, learning_rate=Rate(), scoring=Score()
    ).fit(X, target, X_val=X, y_val=target)
    told = copy.deepcopy(model).set_params(max_iter=2).fit(X, target, X_val=X, y_val=target)
    # In the third epoch: two are whole.
    with MOMENTS[moment](model, 3), pytest.raises(KeyboardInterrupt):
        model.set_params(max_iter=9).fit(X, target, X_val=X, y_val=target)
    assert model.n_iter_ == model.best_iter_ == 2
    assert model.best_validation_score_ == model.validation_scores_[-1]
    assert bare_state(model) == bare_state(told)
    model.set_params(learning_rate="constant", scoring=None, early_stopping=False, verbose=False)
    told.set_params(learning_rate="constant", scoring=None, early_stopping=False)
    if "callback" not in moment and hasattr(model, "set_callbacks"):
        model.set_callbacks()
    assert_same_weights(model.partial_fit(X, target), told.partial_fit(X, target))


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("warm_start", [False, True])
def test_an_interrupt_before_an_epoch_is_whole_changes_nothing(moment, warm_start, estimator):
    target = TARGETS[estimator]
    model = network(
        estimator, warm_start=True, learning_rate=Rate(), scoring=Score(), dropout=0.2
    ).fit(X, target, X_val=X, y_val=target)
    before = bare_state(model.set_params(warm_start=warm_start))
    with MOMENTS[moment](model, 1 if warm_start else 3), pytest.raises(KeyboardInterrupt):
        model.set_params(max_iter=9).fit(X, target, X_val=X, y_val=target)
    assert bare_state(model) == before


@pytest.mark.parametrize("warm_start", [False, True])
def test_an_interrupt_when_all_epochs_are_done_keeps_them_in_a_warm_fit(warm_start, estimator):
    if parse_version(sklearn.__version__) < parse_version("1.9"):
        pytest.skip("scikit-learn 1.9 has callbacks")
    target = TARGETS[estimator]
    model = network(estimator, warm_start=warm_start)
    done = copy.deepcopy(model).fit(X, target)
    model.set_callbacks(Presses("end", "fit", 1))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, target)
    assert hasattr(model, "coefs_") == warm_start
    if warm_start:
        assert bare_state(model) == bare_state(done)


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("solver", STEPPING)
def test_an_interrupted_partial_fit_changes_nothing(solver, warm_start, estimator):
    target = TARGETS[estimator]
    model = network(estimator, solver=solver, warm_start=warm_start, learning_rate=Rate())
    by_partial_fit(model, target, 2)
    before = bare_state(model)
    in_epoch(model, 1)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, target)
    assert bare_state(model) == before
    # Now when the epoch's steps are done.
    model.learning_rate.reset()
    with in_output(model, 1), pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, target)
    assert bare_state(model) == before


@pytest.mark.parametrize("call", [by_fit, by_partial_fit])
def test_an_interrupt_after_the_last_of_all_epochs(call, estimator, monkeypatch):
    target = TARGETS[estimator]
    model = network(estimator, warm_start=True, max_iter=1)
    before = bare_state(call(model, target))
    done = bare_state(call(copy.deepcopy(model), target))

    def pressed(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("sknumpy_mlp.core.training.advice", pressed)
    with pytest.raises(KeyboardInterrupt):
        call(model, target)
    assert before != done
    assert bare_state(model) == (done if call is by_fit else before)


@pytest.mark.parametrize("whole_epochs", [0, 2])
def test_an_interrupted_first_warm_fit_is_fitted_if_an_epoch_is_whole(whole_epochs, estimator):
    target = TARGETS[estimator]
    model = network(estimator, warm_start=True, learning_rate=Rate())
    in_epoch(model, whole_epochs + 1)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(max_iter=9).fit(X, target)
    assert hasattr(model, "n_features_in_") == hasattr(model, "coefs_") == bool(whole_epochs)
    if whole_epochs:
        told = network(estimator, warm_start=True, learning_rate=Rate(), max_iter=whole_epochs)
        assert bare_state(model) == bare_state(told.fit(X, target))
