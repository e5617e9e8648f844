"""The table in docs/state.md, cell by cell: each is measured, and must be what the page says.

A row makes a history and then a call. A column measures one thing that the call found, by what
it does to the next step: nothing here reads the estimator's private state.
"""

import contextlib
import copy
import io
import pickle
import re
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.utils.fixes import parse_version

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp.optimizers import Optimizer

from .common import assert_same_weights, state_of

# Fits are short on purpose, and calls more than a schedule has planned for.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:The schedule .* has reached its end"),
]

PAGE = Path(__file__).parent.parent / "docs/state.md"
SEED = 3
N = 8
X = np.eye(N)
ESTIMATORS = {"classifier": ScratchMLPClassifier, "regressor": ScratchMLPRegressor}
TARGETS = {ScratchMLPClassifier: np.arange(N) % 2, ScratchMLPRegressor: np.arange(N) % 2 * 6.0 - 3}


def table():
    """The cells of the page, by row and column."""
    lines = re.findall(r"^\| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    (_, *columns), _, *rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return {row: dict(zip(columns, cells, strict=True)) for row, *cells in rows}


class Rate:
    """A learning-rate function that records when it is asked, and presses Ctrl-C."""

    def __init__(self, *factors):
        self.reset(*factors)

    def reset(self, *factors, interrupt_at=None):
        self.factors, self.interrupt_at, self.times = factors or (1.0,), interrupt_at, []

    def __call__(self, t):
        self.times.append(t)
        if len(self.times) == self.interrupt_at:
            raise KeyboardInterrupt
        return self.factors[(len(self.times) - 1) % len(self.factors)]


# ---- calls ----


def by_fit(model, target, epochs=1, **given):
    return model.set_params(max_iter=epochs).fit(X, target, **given)


def by_partial_fit(model, target, epochs=1, X_val=None, y_val=None, **given):
    classes = {"classes": [0, 1]} if isinstance(model, ScratchMLPClassifier) else {}
    for _ in range(epochs):
        model.partial_fit(X, target, **given, **classes)
    return model


def weights_of(model):
    return np.concatenate([a.ravel() for a in model.coefs_ + model.intercepts_])


def started(model, call, target):
    """The weights that a call starts from: those after a call that takes no step."""
    twin = copy.deepcopy(model).set_params(momentum=0.0)
    twin.learning_rate.reset(0.0)
    return weights_of(call(twin, target))


# ---- columns ----


class Column:
    """What is measured: `measure` makes the call and observes; `word` says what that means."""

    # Of the estimator, the history, and the call that an interrupt ends.
    parameters = {}
    factors = (1.0,)
    epochs = 2
    validates = False
    call_factors = (1.0,)
    call_weight = 1.0
    flips = False

    def make(self, estimator, **parameters):
        settings = {
            "hidden_layer_sizes": (),
            "solver": "sgd",
            "momentum": 0.0,
            "alpha": 0.0,
            "shuffle": False,
            "batch_size": 4,
            "n_iter_no_change": None,
            "learning_rate": Rate(*self.factors),
            "learning_rate_init": 0.1,
            "random_state": SEED,
        }
        return estimator(**settings | self.parameters | parameters)

    def target(self, model):
        return TARGETS[type(model)]

    def other_target(self, model):
        target = TARGETS[type(model)]
        return target[::-1].copy() if self.flips else target

    def given(self, model):
        return {"X_val": X, "y_val": self.target(model)} if self.validates else {}

    def history(self, model, call):
        return call(model, self.target(model), self.epochs, **self.given(model))

    def measure(self, model, call):
        raise NotImplementedError

    def word(self, measured, before, call, past):
        raise NotImplementedError

    def signature(self, model):
        """What a `partial_fit` that follows finds, on a copy."""
        return self.measure(copy.deepcopy(model), by_partial_fit)


class Weights(Column):
    """A call that takes no step leaves the weights that it started from."""

    def measure(self, model, call):
        return started(model, call, self.target(model)).tolist()

    def word(self, measured, before, call, past):
        if measured == weights_of(before).tolist():
            return "continues"
        fresh = self.make(type(before))
        assert measured == started(fresh, call, self.target(before)).tolist()
        return "new"


class Moments(Column):
    """Where the rate is zero, only a velocity that was there before moves the weights."""

    parameters = {"momentum": 0.9}

    def measure(self, model, call):
        start = started(model, call, self.target(model))
        model.learning_rate.reset(0.0)
        return (weights_of(call(model, self.target(model))) - start).tolist()

    def word(self, measured, before, call, past):
        return "continues" if np.any(measured) else "new"


class Clock(Column):
    """The schedule is asked for the rate of the first step: at which fraction of ten epochs?"""

    def measure(self, model, call):
        model.set_params(max_iter=10).learning_rate.reset()
        call(model, self.target(model), 10)
        return model.learning_rate.times[0]

    def word(self, measured, before, call, past):
        return {0.0: "new", 0.2: "continues"}[measured]


class Stream(Column):
    """The order of the rows: every step is ten times the one before, and moves its row's weight."""

    parameters = {"batch_size": 1, "shuffle": True, "learning_rate_init": 1e-12}
    factors = call_factors = tuple(10.0**k for k in range(N))

    def measure(self, model, call):
        start = started(model, call, self.target(model))
        model.learning_rate.reset(*self.factors)
        moved = weights_of(call(model, self.target(model))) - start
        return np.argsort(abs(moved[:N])).tolist()

    def order(self, n_drawn, n_shuffled):
        """The rows of the next epoch, by NumPy alone, after so many draws and epochs."""
        stream = np.random.RandomState(SEED)
        stream.uniform(size=n_drawn)
        for _ in range(n_shuffled + 1):
            order = np.arange(N)
            stream.shuffle(order)
        return order.tolist()

    def word(self, measured, before, call, past):
        # A cold fit draws eight weights and a bias first; a warm one has no need to.
        if measured == self.order(N + 1, self.epochs):
            return "continues"
        assert measured == self.order(0 if before.warm_start else N + 1, 0)
        return "new"


class MeanWeight(Column):
    """Rows that weigh three: how much longer is the step than that of rows that weigh one?"""

    factors = call_factors = (1e-6,)
    call_weight = 5.0

    def measure(self, model, call):
        target = self.target(model)
        start = started(model, call, target)
        plain = weights_of(call(copy.deepcopy(model), target)) - start
        weighted = weights_of(call(model, target, sample_weight=np.full(N, 3.0))) - start
        # The second step of the two in an epoch feels the first: a millionth.
        return np.unique((weighted / plain).round(4)).tolist()

    def word(self, measured, before, call, past):
        n_seen = N * (self.epochs if past is by_partial_fit else 1)
        mean = (n_seen + 3 * N) / (n_seen + N)
        return {1.0: "new", round(3 / mean, 4): "continues"}[measured[0]]


class Counter(Column):
    def measure(self, model, call):
        return getattr(call(model, self.target(model)), self.name)

    def word(self, measured, before, call, past):
        # One epoch after two.
        return {self.one: "new", 3 * self.one: "continues"}[measured]

    def signature(self, model):
        return getattr(model, self.name)


class Iterations(Counter):
    """Epochs."""

    name, one = "n_iter_", 1


class Rows(Counter):
    """Rows seen."""

    name, one = "t_", N


class Curve(Column):
    names = ("loss_curve_",)

    def measure(self, model, call):
        call(model, self.target(model), **self.given(model))
        return self.signature(model)

    def word(self, measured, before, call, past):
        earlier = self.signature(before)
        if measured == [None, None]:
            return "none"
        if [len(curve) for curve in measured] == [1] * len(measured):
            return "new"
        assert all(
            curve[:-1] == begun and len(begun) == 2
            for curve, begun in zip(measured, earlier, strict=True)
        )
        return "continues"

    def signature(self, model):
        return [getattr(model, name) for name in self.names]


class ValidationCurves(Curve):
    """Of the rows themselves, given to every fit."""

    names = ("validation_loss_curve_", "validation_scores_")
    validates = True


def epochs_to_plateau(model, call, target, limit):
    """After how many epochs the model says that it has stalled; None within the limit."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        call(model.set_params(verbose=True), target, limit)
    before, found, _ = said.getvalue().partition("did not improve")
    assert 1 <= before.count("Iteration") <= limit
    return before.count("Iteration") if found else None


class Patience(Column):
    """Nothing improves by so much: the first epoch is the best, four more are accepted."""

    parameters = {"tol": 1e6, "n_iter_no_change": 4}

    def measure(self, model, call):
        return epochs_to_plateau(model, call, self.target(model), 10)

    def word(self, measured, before, call, past):
        return {6: "new", 4: "continues"}[measured]


class Best(Column):
    """After a low loss, other targets at a small rate: better each epoch, but than what?"""

    parameters = {"tol": 1e-9, "n_iter_no_change": 1}
    factors = (10.0,)
    call_factors = (0.1,)
    epochs = 30
    flips = True

    def measure(self, model, call):
        model.learning_rate.reset(*self.call_factors)
        return epochs_to_plateau(model, call, self.other_target(model), 6)

    def word(self, measured, before, call, past):
        return {None: "new", 2: "continues"}[measured]


COLUMNS = {
    "weights": Weights(),
    "moments": Moments(),
    "clock": Clock(),
    "random stream": Stream(),
    "mean weight": MeanWeight(),
    "`n_iter_`": Iterations(),
    "`t_`": Rows(),
    "`loss_curve_`": Curve(),
    "validation curves": ValidationCurves(),
    "patience": Patience(),
    "best": Best(),
}


# ---- rows: calls ----

# History, call, warm_start.
CALLS = {
    "`fit`": (by_fit, by_fit, False),
    "`fit` after `partial_fit`": (by_partial_fit, by_fit, False),
    "warm `fit`": (by_fit, by_fit, True),
    "warm `fit` after `partial_fit`": (by_partial_fit, by_fit, True),
    "`partial_fit`": (by_partial_fit, by_partial_fit, False),
    "`partial_fit` after `fit`": (by_fit, by_partial_fit, False),
    "`partial_fit` after warm `fit`": (by_fit, by_partial_fit, True),
}


@pytest.fixture(params=ESTIMATORS)
def estimator(request):
    return ESTIMATORS[request.param]


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("row", CALLS)
def test_a_call_finds_what_the_table_says(row, name, estimator):
    past, call, warm_start = CALLS[row]
    column = COLUMNS[name]
    model = column.history(column.make(estimator, warm_start=warm_start), past)
    before = copy.deepcopy(model)
    measured = column.measure(model, call)
    assert column.word(measured, before, call, past) == table()[row][name]


# ---- rows: loading ----


def forgetful(model):
    """A model that has lost everything but the shape of its weights."""
    coefs, intercepts = ([2 * a for a in arrays] for arrays in (model.coefs_, model.intercepts_))
    given = [[0, 1]] if isinstance(model, ScratchMLPClassifier) else []
    parameters = copy.deepcopy(model).get_params()
    lost = type(model).from_weights(coefs, intercepts, *given, **parameters)
    lost.loss_curve_ = lost.validation_loss_curve_ = lost.validation_scores_ = None
    return lost


def remembering(column, estimator):
    """A model of which every column has something to say."""
    model = column.history(column.make(estimator, warm_start=True), by_fit)
    assert column.signature(model) != column.signature(forgetful(model))
    return model


def through_a_file(model, path, mmap_mode=None):
    joblib.dump(model, path)
    return joblib.load(path, mmap_mode=mmap_mode)


WAYS = {
    "pickle": lambda model, path: pickle.loads(pickle.dumps(model)),
    "joblib": through_a_file,
    "mapped": lambda model, path: through_a_file(model, path, mmap_mode="r"),
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("way", WAYS)
def test_loading_keeps_what_the_table_says(way, name, estimator, tmp_path):
    column = COLUMNS[name]
    model = remembering(column, estimator)
    expected = column.signature(model)
    loaded = WAYS[way](model, tmp_path / "model")
    word = "kept" if column.signature(loaded) == expected else "lost"
    assert word == table()["loading from disk"][name]


# ---- rows: Ctrl-C ----


class Pressed(io.StringIO):
    """An output at whose so-manieth line Ctrl-C is pressed."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def write(self, text):
        self.at -= text.count("\n")
        if self.at <= 0:
            raise KeyboardInterrupt
        return super().write(text)


def call_with_ctrl_c(column, model, call, whole_epochs):
    """A call that an interrupt ends in the second step after so many epochs."""
    n_batches = N // model.batch_size
    model.learning_rate.reset(*column.call_factors, interrupt_at=whole_epochs * n_batches + 2)
    with pytest.raises(KeyboardInterrupt):
        whole_call(column, model, call, 6)


def whole_call(column, model, call, epochs):
    weights = np.full(N, column.call_weight)
    target = column.other_target(model)
    return call(model, target, epochs, sample_weight=weights, **column.given(model))


def lbfgs_with_ctrl_c(column, model):
    stepping = {name: getattr(model, name) for name in ("solver", "learning_rate", "tol")}
    # One iteration says its loss once or more; the second is under way.
    out = contextlib.redirect_stdout(Pressed(3))
    model.set_params(solver="lbfgs", learning_rate="constant", verbose=True, max_iter=20, tol=1e-9)
    with pytest.raises(KeyboardInterrupt), out:
        model.fit(X, column.other_target(model))
    model.set_params(**stepping, verbose=False)


# Call, warm_start, whole epochs.
INTERRUPTED = {
    "Ctrl-C in `fit`": (by_fit, False, 3),
    "Ctrl-C in warm `fit`": (by_fit, True, 3),
    "Ctrl-C in warm `fit`, first epoch": (by_fit, True, 0),
    "Ctrl-C in warm `fit`, lbfgs": ("lbfgs", True, 0),
    "Ctrl-C in `partial_fit`": (by_partial_fit, False, 0),
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("row", INTERRUPTED)
def test_an_interrupt_leaves_what_the_table_says(row, name, estimator):
    call, warm_start, whole_epochs = INTERRUPTED[row]
    column = COLUMNS[name]
    model = remembering(column, estimator).set_params(warm_start=warm_start)
    before = column.signature(model)
    if call == "lbfgs":
        lbfgs_with_ctrl_c(column, model)
        reference = None
    else:
        reference = copy.deepcopy(model)
        reference.learning_rate.reset(*column.call_factors)
        reference = column.signature(whole_call(column, reference, call, whole_epochs or 1))
        # A best value that goes on is the same with and without the call.
        assert before != reference or (call is by_partial_fit and name == "best")
        call_with_ctrl_c(column, model, call, whole_epochs)
    after = column.signature(model)
    word = "kept" if after == before else "last epoch" if after == reference else "neither"
    assert word == table()[row][name]


# ---- the table itself ----


def test_the_table_has_a_test_for_every_cell():
    rows = [*CALLS, "loading from disk", *INTERRUPTED]
    assert list(table()) == rows
    for cells in table().values():
        assert list(cells) == list(COLUMNS)


def test_the_page_explains_its_words_and_columns():
    explained = set(re.findall(r"\*\*(.+?)\*\*", PAGE.read_text()))
    assert {word for cells in table().values() for word in cells.values()} <= explained
    # The curve of the loss needs no explanation.
    assert {*COLUMNS} - {"`loss_curve_`"} <= explained


# ---- what the page says below its table ----

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


def test_invscaling_begins_with_a_new_clock_but_goes_on_with_the_rows():
    y = TARGETS[ScratchMLPRegressor]
    column = Weights()

    def rates(model, call):
        """Lengths of the first two epochs' steps, over those at a constant rate."""
        lengths = {}
        for schedule in ("constant", "invscaling"):
            twin = copy.deepcopy(model).set_params(learning_rate=schedule)
            path = [weights_of(call(copy.deepcopy(twin), y, n)) for n in (1, 2)]
            lengths[schedule] = [
                np.linalg.norm(path[0] - weights_of(model)),
                np.linalg.norm(path[1] - path[0]),
            ]
        return np.divide(lengths["invscaling"], lengths["constant"])

    # So slow that a gradient is the same in both epochs, to a millionth.
    parameters = {"batch_size": N, "learning_rate_init": 1e-6}
    warm = column.make(ScratchMLPRegressor, warm_start=True, **parameters)
    warm.set_params(learning_rate="constant").fit(X, y)
    by_fit(warm, y, 2)
    seen = warm.t_
    np.testing.assert_allclose(rates(warm, by_fit), [1, (seen + N + 1) ** -0.5], rtol=1e-5)
    cold = copy.deepcopy(warm).set_params(warm_start=False)
    by_fit(cold, y, 2)
    np.testing.assert_allclose(rates(cold, by_partial_fit), [1, (2 * N + N + 1) ** -0.5], rtol=1e-5)


def test_a_stream_of_the_users_goes_on_in_every_fit(estimator):
    column = COLUMNS["random stream"]
    stream = np.random.RandomState(SEED)
    model = column.make(estimator, random_state=stream, warm_start=True)
    column.history(model, by_fit)
    assert column.measure(model, by_fit) == column.order(N + 1, column.epochs)


def test_best_values_are_those_of_the_last_fit_and_the_least_loss_of_all(estimator):
    target = TARGETS[estimator]
    model = network(estimator, warm_start=True, scoring="loss", learning_rate_init=0.1)
    model.fit(X, target, X_val=X, y_val=target)
    least = min(model.loss_curve_)
    model.fit(X, target[::-1].copy(), X_val=X, y_val=target)
    assert model.best_loss_ == min(model.loss_curve_) <= least
    assert model.best_iter_ == 1 + int(np.argmax(model.validation_scores_[3:]))
    assert model.best_validation_score_ == max(model.validation_scores_[3:])
    assert model.best_validation_score_ < max(model.validation_scores_)


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


@pytest.mark.parametrize(
    "past, call, warm_start, factor",
    [
        (by_fit, by_fit, False, 1.0),
        (by_fit, by_fit, True, 1.0),
        (by_partial_fit, by_partial_fit, False, 0.2),
        (by_fit, by_partial_fit, False, 1.0),
        (by_fit, by_partial_fit, True, 0.2),
    ],
)
def test_the_falls_of_the_adaptive_rate_are_part_of_the_clock(past, call, warm_start, factor):
    y = TARGETS[ScratchMLPRegressor]
    # The first epoch is the best, one more is accepted, the third is a stall.
    settings = {"tol": 1e6, "n_iter_no_change": 1, "learning_rate": "adaptive", "batch_size": N}
    model = Column().make(ScratchMLPRegressor, **settings, warm_start=warm_start)
    past(model, y, 3)
    # The length of the next step over that at the full rate.
    start = call(copy.deepcopy(model).set_params(learning_rate_init=1e-300), y)
    full = call(copy.deepcopy(model).set_params(learning_rate="constant"), y)
    length = np.linalg.norm(weights_of(call(model, y)) - weights_of(start))
    assert length / np.linalg.norm(weights_of(full) - weights_of(start)) == pytest.approx(factor)
