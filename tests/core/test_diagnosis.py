"""The looks at data and schedules that end in a warning: what they say, and what they pass over."""

import numpy as np
import pytest
from scipy import sparse

from sknumpy_mlp.core.diagnosis import scale_advice, schedule_advice
from sknumpy_mlp.losses import Poisson
from sknumpy_mlp.optimizers import Adam
from sknumpy_mlp.schedules import Clock, Schedule, Warmup

RNG = np.random.RandomState(0)


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
    remedy = "StandardScaler(with_mean=False)" if sparse.issparse(form(X)) else "StandardScaler()"
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
    assert reported == ([] if name in ("constant", "invscaling", "adaptive") else [4])


def test_the_factor_at_the_end_of_a_schedule_is_reported():
    plan = PlanOf(Warmup(then="exponential"))
    assert schedule_advice(plan, Clock(fraction=1.0, epochs=4)) == (
        "The schedule warmup has reached its end and stays at its last factor, 0.01: it planned "
        "for max_iter=3 epochs, and with partial_fit an epoch is a call. Raise max_iter to the "
        "number of planned calls."
    )


def test_an_exponential_link_says_so():
    """Its targets are passed over: the estimator reads this name."""
    assert Poisson.link.out_activation == "exp"
