"""The table in docs/reference/state.md: each cell is measured, and must be what the page says.

A row makes a history and then a call. A column measures one thing that the call found, by what
it does to the next step: nothing here reads the estimator's private state.
"""

import contextlib
import copy
import pickle
import re
from pathlib import Path

import joblib
import numpy as np
import pytest

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor

from .measured import (
    COLUMNS,
    ESTIMATORS,
    SEED,
    TARGETS,
    Column,
    N,
    Pressed,
    Weights,
    X,
    by_fit,
    by_partial_fit,
    weights_of,
)

# Fits are short on purpose, and calls more than a schedule has planned for.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:The schedule .* has reached its end"),
]

PAGE = Path(__file__).parent.parent / "docs/reference/state.md"


def table():
    """The cells of the page, by row and column."""
    lines = re.findall(r"^\| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    (_, *columns), _, *rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return {row: dict(zip(columns, cells, strict=True)) for row, *cells in rows}


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


def network(estimator, **parameters):
    settings = {"hidden_layer_sizes": (5,), "random_state": 0, "n_iter_no_change": None}
    settings |= {"max_iter": 3, "batch_size": 3, "learning_rate_init": 0.01}
    return estimator(**settings | parameters)


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
