"""What is said of unscaled data, spent schedules, divergence and fits that did not converge."""

import re
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp.callbacks import Checkpoint
from sknumpy_mlp.core.diagnosis import DivergedError, scale_advice, schedule_advice
from sknumpy_mlp.losses import Poisson
from sknumpy_mlp.optimizers import SGD, Adam, AdamW
from sknumpy_mlp.schedules import Clock, Schedule, Warmup

from ..common import assert_same_weights, brief, digits, halves, refusal, state_of
from .runs import PLAIN, data, prepare

RNG = np.random.RandomState(0)
# Schedules that do not read the fraction of training done, or end with their largest factor.
ENDLESS = ("constant", "invscaling", "adaptive", "warmup")


class PlanOf:
    """As much of a plan as the look at a schedule reads."""

    optimizer = Adam()
    max_iter = 3

    def __init__(self, schedule):
        self.schedule = schedule


def unit_columns(n_samples=300, n_columns=4):
    """Columns of random signs: the root mean square of each is exactly one."""
    return RNG.choice([-1.0, 1.0], (n_samples, n_columns))


FORMS = [np.asarray, np.asfortranarray, sparse.csr_array, sparse.csr_matrix]


@pytest.mark.parametrize("form", FORMS)
def test_the_column_with_the_largest_root_mean_square_is_named(form):
    X = unit_columns() * [1, 400, 810, 500]
    message = scale_advice(form(X))
    assert message.startswith(
        "X should be scaled: the root mean square of column 2 is about 800, more than 300. "
    )
    remedy = "MaxAbsScaler()" if sparse.issparse(form(X)) else "StandardScaler()"
    assert f"use make_pipeline({remedy}, network)." in message
    named = scale_advice(form(X), names=np.array(["a", "b", "worst area", "d"], dtype=object))
    assert "column 'worst area' is about 800" in named


@pytest.mark.parametrize("form", FORMS)
def test_columns_up_to_300_and_targets_up_to_100_are_passed_over(form):
    X = unit_columns()
    assert scale_advice(form(300 * X), 100 * X[:, 0]) == ""
    assert scale_advice(form(300.1 * X)).startswith("X should")
    assert scale_advice(form(X), 100.1 * X[:, 0]).startswith("y should be scaled: its root mean")


def test_zeros_of_a_sparse_column_count():
    X = np.zeros((400, 2))
    X[::4, 1] = 500
    # The root of a quarter is a half.
    assert scale_advice(sparse.csr_array(X)) == scale_advice(X) == ""
    X[::2, 1] = 500
    assert "column 1 is about 400" in scale_advice(sparse.csr_array(X))
    assert scale_advice(sparse.csr_array((400, 2))) == ""


def test_a_target_is_described_with_its_column_and_remedy():
    X = unit_columns()
    message = scale_advice(X, 171 * X[:, 0])
    assert message == (
        "y should be scaled: its root mean square is about 200, more than 100. Use "
        "TransformedTargetRegressor(network, transformer=StandardScaler()), which converts "
        "predictions back."
    )
    assert "the root mean square of column 2 is about 300, more" in scale_advice(
        X, X * [1, 2, 300, 4]
    )


def test_inputs_and_targets_are_described_together():
    X = 1000 * unit_columns()
    both = scale_advice(X, X[:, 0])
    assert both == f"{scale_advice(X)} {scale_advice(X / 1000, X[:, 0])}"


def test_fewer_than_200_rows_are_passed_over():
    X = 1e6 * unit_columns(200)
    assert scale_advice(X[1:], X[1:, 0]) == ""
    assert scale_advice(X) != ""


def test_at_most_1000_rows_are_looked_at_and_they_are_spread_over_all():
    class Counted(np.ndarray):
        looked_at = ()

        def __getitem__(self, key):
            part = super().__getitem__(key)
            if isinstance(key, slice):
                Counted.looked_at = *Counted.looked_at, range(len(self))[key]
            return part

    for n_samples in (999, 1000, 1001, 1999, 25_000):
        Counted.looked_at = ()
        scale_advice(np.zeros((n_samples, 1)).view(Counted))
        (rows,) = Counted.looked_at
        assert 500 <= len(rows) <= 1000
        assert n_samples - rows[-1] <= rows.step


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, bool, np.float32, np.longdouble])
def test_numbers_of_every_type_are_measured(dtype):
    X = np.full((250, 2), 200).astype(dtype)
    assert scale_advice(X) == scale_advice(sparse.csr_array(X)) == ""
    is_bool = dtype is bool
    assert ("about 200" in scale_advice(X / 1, X[:, 0])) is not is_bool
    if np.dtype(dtype).itemsize > 1:
        assert "about 20000" in scale_advice(np.full((250, 2), 20_000, dtype))


def test_squares_of_large_numbers_do_not_overflow():
    assert "about 1e+200," in scale_advice(np.full((200, 2), 1e200))
    assert "about 1e+200," in scale_advice(sparse.csr_array(np.full((200, 2), 1e200)))


def test_parts_of_the_same_rows_get_the_same_text():
    X = 1000 * (1 + 0.2 * RNG.standard_normal((900, 3)))
    assert len({scale_advice(X[np.arange(900) % 5 != fold, :1]) for fold in range(5)}) == 1


def test_data_are_not_changed():
    X = 1000 * unit_columns()
    for form in FORMS:
        given = form(X.copy())
        scale_advice(given, given[:, 0] if isinstance(given, np.ndarray) else None)
        assert abs(given - X).max() == 0


@pytest.mark.parametrize("name", sorted(Schedule.named()))
def test_a_schedule_that_reads_the_fraction_is_reported_in_the_first_call_beyond_its_end(name):
    plan = PlanOf(Schedule.named()[name]())
    said = [schedule_advice(plan, Clock(fraction=1.0, epochs=epochs)) for epochs in range(1, 8)]
    reported = [epochs for epochs, words in enumerate(said, 1) if words]
    assert reported == ([] if name in ENDLESS else [4])


def test_the_factor_at_the_end_of_a_schedule_is_reported():
    plan = PlanOf(Warmup(then="exponential"))
    assert schedule_advice(plan, Clock(fraction=1.0, epochs=4)) == (
        "The schedule in learning_rate has reached its end and stays at its last factor, 0.01: it "
        "planned for max_iter=3 epochs, and with partial_fit an epoch is a call. Raise max_iter to "
        "the number of planned calls."
    )


def test_targets_that_must_not_be_negative_are_passed_over():
    """The estimator reads this: counts are not standardized."""
    assert Poisson.nonnegative


X, Y = digits(n_samples=60)


def two_epochs(cls=ScratchMLPClassifier, **parameters):
    settings = {"hidden_layer_sizes": (4,), "max_iter": 2, "n_iter_no_change": None}
    return cls(**settings | {"random_state": 0} | parameters)


def reports(action):
    """The messages of all warnings that the action raises."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action()
    assert all(each.category is UserWarning for each in caught)
    return [str(each.message) for each in caught]


class TestScale:
    @pytest.fixture
    def cancer(self):
        return load_breast_cancer(return_X_y=True)

    @pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, sparse.csc_matrix])
    def test_unscaled_inputs_are_reported(self, cancer, form):
        X, y = cancer
        (said,) = reports(lambda: two_epochs().fit(form(X), y))
        assert said.startswith(
            "X should be scaled: the root mean square of column 23 is about 1000"
        )

    def test_the_column_is_named_where_there_are_names(self):
        X, y = load_breast_cancer(return_X_y=True, as_frame=True)
        (said,) = reports(lambda: two_epochs().fit(X, y))
        assert "the root mean square of column 'worst area' is about 1000" in said

    def test_unscaled_targets_are_reported(self):
        X, y = load_diabetes(return_X_y=True)
        (said,) = reports(lambda: two_epochs(ScratchMLPRegressor).fit(X, y))
        assert said.startswith("y should be scaled: its root mean square is about 200, more than")
        (said,) = reports(lambda: two_epochs(ScratchMLPRegressor).fit(1e5 * X, y))
        assert "X should be scaled" in said and "y should be scaled" in said

    def test_targets_of_an_exponential_link_need_no_scale(self):
        X, y = load_diabetes(return_X_y=True)
        assert not reports(lambda: two_epochs(ScratchMLPRegressor, loss="poisson").fit(X, y))

    def test_labels_are_no_sizes(self):
        X, y = digits(n_samples=250)
        assert not reports(lambda: two_epochs().fit(X, 1000 * y))

    def test_few_rows_are_passed_over(self):
        X, y = load_wine(return_X_y=True)
        assert len(X) < 200 and np.sqrt((X**2).mean(axis=0)).max() > 300
        assert not reports(lambda: two_epochs().fit(X, y))
        (said,) = reports(lambda: two_epochs().fit(np.r_[X, X], np.r_[y, y]))
        assert "column 12 is about 800" in said

    def test_the_remedies_are(self, cancer):
        network = two_epochs(ScratchMLPRegressor)
        X, y = cancer[0], cancer[0][:, 3]
        model = make_pipeline(StandardScaler(), network)
        scaled = TransformedTargetRegressor(model, transformer=StandardScaler())
        assert not reports(lambda: scaled.fit(X, y))

    def test_only_solvers_that_take_steps_are_concerned(self, cancer):
        model = two_epochs(solver="lbfgs", max_iter=1)
        assert not [said for said in reports(lambda: model.fit(*cancer)) if "scaled" in said]

    def test_only_a_fit_that_begins_is_reported(self, cancer, tmp_path):
        X, y = cancer
        model = two_epochs(warm_start=True)
        assert len(reports(lambda: model.fit(X, y))) == 1
        assert not reports(lambda: model.fit(X, y))
        assert not reports(lambda: two_epochs().partial_fit(X, y, classes=[0, 1]))

    def test_a_fit_that_is_resumed_is_not_reported(self, cancer, tmp_path):
        pytest.importorskip("sklearn.callback", reason="this scikit-learn has no callbacks")
        path = tmp_path / "checkpoint"
        model = two_epochs().set_callbacks(Checkpoint(path))
        assert len(reports(lambda: model.fit(*cancer))) == 1
        longer = two_epochs(max_iter=4)
        assert not reports(lambda: longer.fit(*cancer, resume_from=path))
        assert longer.n_iter_ == 4

    def test_it_draws_nothing(self, cancer):
        X, y = cancer
        streams = [np.random.RandomState(3) for _ in range(2)]
        looked, unlooked = (two_epochs(random_state=stream, max_iter=1) for stream in streams)
        assert reports(lambda: looked.fit(X, y))
        assert not reports(lambda: unlooked.partial_fit(X, y, classes=[0, 1]))
        assert_same_weights(looked, unlooked)
        assert len({stream.randint(2**31) for stream in streams}) == 1

    def test_its_text_is_the_same_in_a_whole_grid(self, cancer):
        X, y = cancer
        search = GridSearchCV(two_epochs(), {"alpha": [0.0, 0.1, 1.0]}, cv=3)
        said = reports(lambda: search.fit(X, y))
        assert len(said) == 10 and len(set(said)) == 1

    def test_as_an_error_it_leaves_nothing_behind(self, cancer):
        model = two_epochs()
        before = state_of(model)
        assert "should be scaled" in refusal(lambda: model.fit(*cancer), UserWarning)
        assert state_of(model) == before


class TestScheduleOfPartialFit:
    def calls(self, schedule, n_calls, **parameters):
        """The warnings of each call of partial_fit."""
        model = two_epochs(learning_rate=schedule, **parameters)
        each = lambda: model.partial_fit(X, Y, classes=np.arange(10))  # noqa: E731
        return [reports(each) for _ in range(n_calls)]

    @pytest.mark.parametrize("name", sorted(Schedule.named()))
    def test_the_end_of_a_schedule_is_reported_once(self, name):
        said = self.calls(name, 6, max_iter=3)
        assert [len(each) for each in said] == [0, 0, 0, 0 if name in ENDLESS else 1, 0, 0]

    def test_what_is_said_and_to_do(self):
        *_, (said,) = self.calls(lambda t: 1 - t / 2, 3)
        assert said == (
            "The schedule in learning_rate has reached its end and stays at its last factor, 0.5: "
            "it planned for max_iter=2 epochs, and with partial_fit an epoch is a call. Raise "
            "max_iter to the number of planned calls."
        )

    def test_as_an_error_it_leaves_the_estimator_as_it_was(self):
        model = two_epochs(learning_rate="cosine")
        for _ in range(2):
            model.partial_fit(X, Y, classes=np.arange(10))
        before = state_of(model)
        assert "max_iter=2" in refusal(lambda: model.partial_fit(X, Y), UserWarning)
        assert state_of(model) == before
        assert not reports(lambda: model.set_params(max_iter=9).partial_fit(X, Y))

    def test_fit_knows_its_end(self):
        assert not reports(lambda: two_epochs(learning_rate="cosine").fit(X, Y))


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_divergence_is_told_with_epoch_rate_largest_input_and_advice(form):
    X, y = data()
    X[3, 1] = -12345.0
    training = prepare(form(X), y, (4,), max_iter=20, learning_rate_init=1e300, alpha=1.0)
    with pytest.raises(DivergedError) as caught:
        training.train(SGD())
    assert str(caught.value).startswith(
        "Solver produced non-finite parameter weights. The input data may contain large values "
        "and need to be preprocessed."
    )
    epoch = training.state.clock.epochs + 1
    for part in (
        f"epoch {epoch} ",
        "learning rate of 1e+300",
        "largest absolute input is 12345",
        "Scale the input",
        "lower learning_rate_init",
    ):
        assert part in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert not np.isfinite(training.network.theta).all()


def test_divergence_ends_training_with_the_epoch_in_which_it_happens():
    X, y = data()
    epochs = []

    def rate(t):
        epochs.append(t)
        return 1.0 if t < 0.5 else 1e308

    schedule = Schedule.resolve(rate, "learning_rate")
    training = prepare(X, y, schedule=schedule, max_iter=10, learning_rate_init=10.0, alpha=1.0)
    with np.errstate(over="ignore"), pytest.raises(DivergedError, match=r"in epoch [678] at"):
        training.train(PLAIN)


def test_the_convergence_warning_names_the_score_and_what_to_do():
    X, y, X_val, y_val = halves()
    with pytest.warns(ConvergenceWarning) as caught:
        brief(early_stopping=True, max_iter=2, n_iter_no_change=10).fit(
            100 * X, y, X_val=100 * X_val, y_val=y_val
        )
    message = str(caught[0].message)
    assert "the validation score went from" in message
    for part in ("Raise max_iter", "n_iter_no_change=None", "largest absolute input is 100"):
        assert part in message
    with pytest.warns(ConvergenceWarning) as caught:
        brief(max_iter=2, n_iter_no_change=10).fit(X, y)
    message = str(caught[0].message)
    assert "the training loss went from" in message
    assert "largest absolute input" not in message


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        (
            {"alpha": 1e30},
            r"The penalty of alpha=1e\+30 outweighs the loss: lower it or lower learn",
        ),
        ({"solver": "lbfgs", "alpha": 1e308}, r"alpha=1e\+308 outweighs the loss: lower it\."),
        ({"solver": AdamW(weight_decay=1e30)}, "the weight decay of AdamW.* outweighs the loss"),
        ({"learning_rate_init": 1e30}, "Lower learning_rate_init, or start from smaller weights"),
    ],
    ids=str,
)
def test_a_fit_that_diverges_on_small_inputs_is_not_told_to_scale_them(settings, advice):
    X, y = digits("binary")
    network = brief(**{"solver": "sgd", "activation": "identity", "max_iter": 100} | settings)
    message = refusal(lambda: network.fit(X, y), DivergedError)
    assert re.search(advice, message)
    assert "Scale" not in message and "preprocessed" not in message


def test_a_penalty_over_a_small_mean_weight_is_named_with_it():
    X, y = digits("binary")
    network = brief(solver="sgd", max_iter=100)
    message = refusal(lambda: network.fit(X, y, sample_weight=1e-300), DivergedError)
    assert "alpha=0.0001 (over the mean weight 1e-300) outweighs the loss" in message


def test_large_targets_are_to_be_scaled_and_small_inputs_are_not():
    X, y = digits()
    network = brief(ScratchMLPRegressor, solver="sgd", max_iter=100)
    message = refusal(lambda: network.fit(X, 1e100 * y), DivergedError)
    assert "Scale the target (StandardScaler, MinMaxScaler) or lower learning_rate_init" in message
