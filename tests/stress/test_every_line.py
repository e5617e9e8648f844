"""Ctrl-C at every line of the code that must not be done by half.

A tracer sends a real signal before the n-th line of a call, for every n. Afterwards the estimator
is what it was, or has complete epochs; BLAS has its threads, and Ctrl-C its handler.
"""

import copy
import signal
import sys
from functools import partial

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from sknumpy_mlp._estimator import base, files, fitted, rollback, tasks, threads
from sknumpy_mlp.callbacks import Checkpoint
from sknumpy_mlp.core import interrupts, stopping, temperature, training

from ..common import brief, digits, state_of
from ..recorder import HAS_CALLBACKS, needs_callbacks
from . import cases

pytestmark = pytest.mark.usefixtures("usual_handler")

DELICATE = [base, fitted, rollback, tasks, threads, interrupts, stopping, temperature, training]
UNDOING = [rollback, threads, interrupts]
BLAS = ThreadpoolController().select(user_api="blas").lib_controllers
X, y = digits(n_samples=60)
EPOCHS = 3


class Press:
    """A tracer that presses Ctrl-C before the n-th line of some modules; never for n = 0."""

    def __init__(self, modules, n):
        self.files = {module.__file__ for module in modules}
        self.n, self.lines = n, 0

    def __call__(self, frame, event, argument):
        if frame.f_code.co_filename not in self.files:
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.n:
                signal.raise_signal(signal.SIGINT)
        return self

    def during(self, call):
        """The error of a call, if any."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            call()
        except BaseException as error:
            return error
        finally:
            sys.settrace(before)


def pressed(modules, start, call):
    """Copies of a model after a call that was interrupted at a line, and the line.

    In the short form, some lines are skipped, but not the last ones, which undo or publish.
    """
    model, counted = copy.deepcopy(start), Press(modules, 0)
    assert counted.during(partial(call, model)) is None
    assert counted.lines > 50
    step = max(1, counted.lines // cases(60, counted.lines))
    for n in range(1, counted.lines + 1):
        if n % step == 0 or n > counted.lines - 60:
            model = copy.deepcopy(start)
            error = Press(modules, n).during(partial(call, model))
            assert type(error) is KeyboardInterrupt, (n, error)
            assert_nothing_is_left()
            yield model


def assert_nothing_is_left():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not threads._threads._is_one
    assert [library.num_threads for library in BLAS] == N_THREADS


N_THREADS = [library.num_threads for library in BLAS]


def heard(model):
    """The model with a callback, which makes the longest way through the code."""
    return model.set_callbacks(Silent()) if HAS_CALLBACKS else model


class Silent:
    def setup(self, estimator, context): ...
    def teardown(self, estimator, context): ...
    def on_fit_task_begin(self, estimator, context): ...
    def on_fit_task_end(self, estimator, context): ...


SETTINGS = {
    "early_stopping": True,
    "validation_fraction": 0.3,
    "restore_best": False,
    "temperature_scaling": True,
    "max_iter": EPOCHS,
    "dropout": 0.2,
}


def kept(model):
    """All that an epoch leaves; the temperature is fitted at the end."""
    names = ("coefs_", "intercepts_", "_training", "n_iter_", "t_", "loss_curve_", "classes_")
    held = {name: vars(model)[name] for name in names if name in vars(model)}
    twin = copy.copy(model)
    vars(twin).clear()
    vars(twin).update(held)
    if "_training" in held:
        # A fraction of `max_iter`, which the fits below differ in.
        twin._training = copy.deepcopy(model._training)
        twin._training.clock.fraction = 0.0
    return state_of(twin)


@pytest.mark.filterwarnings("ignore:early_stopping splits without")
@pytest.mark.parametrize("is_first", [True, False])
def test_a_warm_fit_keeps_every_complete_epoch(is_first):
    start = brief(**SETTINGS, warm_start=True)
    if not is_first:
        start.fit(X, y)
    states = [kept(start)]
    for epochs in range(1, EPOCHS + 1):
        states.append(kept(copy.deepcopy(start).set_params(max_iter=epochs).fit(X, y)))
    heard(start)
    found = []
    for model in pressed(DELICATE, start, lambda model: model.fit(X, y)):
        found.append(states.index(kept(model)))
    # Later lines never keep fewer epochs, and all numbers of epochs occur.
    assert found == sorted(found)
    assert set(found) == set(range(EPOCHS + 1))


@pytest.mark.filterwarnings("ignore:early_stopping splits without")
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_any_other_call_is_complete_or_changes_nothing(method):
    settings = SETTINGS if method == "fit" else {"dropout": 0.2, "max_iter": EPOCHS}
    start = heard(brief(**settings).fit(X, y))
    call = lambda model: getattr(model, method)(X, y)  # noqa: E731
    states = [comparable(start), comparable(call(copy.deepcopy(start)))]
    found = []
    for model in pressed(DELICATE, start, call):
        found.append(states.index(comparable(model)))
    assert found == sorted(found)
    assert found[0] == 0


def comparable(model):
    """The state without callbacks, which a copy does not share."""
    twin = copy.copy(model)
    vars(twin).pop("_skl_callbacks", None)
    return state_of(twin)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize("warm_start", [False, True])
def test_what_fails_is_undone_to_the_end(error, warm_start):
    def fails(fraction):
        raise error

    stream = np.random.RandomState(3)
    start = brief(warm_start=warm_start, random_state=stream).fit(X, y)
    start.set_params(learning_rate=fails)
    before = state_of(start)
    # One estimator throughout: every round begins with what the one before has undone.
    for n in lines_of_undoing(lambda: start.fit(X, y)):
        raised = Press(UNDOING, n).during(lambda: start.fit(X, y))
        assert isinstance(raised, (error, KeyboardInterrupt))
        assert_nothing_is_left()
        assert state_of(start) == before


def lines_of_undoing(call):
    counted = Press(UNDOING, 0)
    counted.during(call)
    assert counted.lines > 30
    return range(1, counted.lines + 1)


# Between opening a file and the `with` that closes it, an interrupt leaves that to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@needs_callbacks
def test_a_checkpoint_is_whole_and_alone(tmp_path):
    path = tmp_path / "fit.joblib"
    start = brief(max_iter=2).set_callbacks(Checkpoint(path))
    for model in pressed([files], start, lambda model: model.fit(X, y)):
        assert not hasattr(model, "coefs_")
        assert [each.name for each in tmp_path.iterdir()] == ["fit.joblib"]
        assert files.read(path, "path").n_iter_ in (1, 2)
