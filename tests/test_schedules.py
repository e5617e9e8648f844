import math
import pickle

import mpmath as mp
import numpy as np
import pytest

from sknumpy_mlp import schedules
from sknumpy_mlp.schedules import (
    Adaptive,
    Clock,
    Cosine,
    CosLog4,
    Exponential,
    InvScaling,
    OneCycle,
    Schedule,
    Step,
    Warmup,
)

from .common import brief, digits
from .families import all_examples, default, half

GRID = np.linspace(0, 1, 1001)
NAMED = all_examples(Schedule, named=True)
# What their docstrings say: the factor never rises.
FALLING = ["constant", "invscaling", "adaptive", "step", "exponential", "cosine"]


def one_cycle(t, s):
    if t < s.peak:
        return s.start + (1 - s.start) * mp.sin(mp.pi * t / s.peak / 2) ** 2
    return s.final + (1 - s.final) * mp.cos(mp.pi * (t - s.peak) / (1 - s.peak) / 2) ** 2


# A new schedule needs its factor here, in any precision: of a clock and the schedule.
EXACT = {
    "constant": lambda clock, s: 1,
    "invscaling": lambda clock, s: mp.mpf(clock.samples_seen + 1) ** -s.power_t,
    "adaptive": lambda clock, s: mp.mpf(5) ** -clock.plateaus,
    "step": lambda clock, s: dict(zip([0, *s.boundaries], s.factors))[
        max(start for start in [0, *s.boundaries] if start <= clock.fraction)
    ],
    "exponential": lambda clock, s: mp.exp(clock.fraction * mp.log(s.final)),
    "cosine": lambda clock, s: 1 - (1 - s.final) * mp.sin(mp.pi * clock.fraction / 2) ** 2,
    "coslog4": lambda clock, s: mp.sin(mp.pi * mp.log(1 + 15 * clock.fraction, 2)) ** 2,
    "one_cycle": lambda clock, s: one_cycle(mp.mpf(clock.fraction), s),
    "warmup": lambda clock, s: min(1, mp.mpf(clock.fraction) / s.fraction),
}


def clock_at(t):
    """A clock after the fraction t of 50 epochs of 100 rows that stalled every 10 epochs."""
    epochs = int(50 * t)
    return Clock(fraction=t, epochs=epochs, samples_seen=100 * epochs, plateaus=epochs // 10)


def factors(schedule, grid=GRID):
    return np.array([schedule.at(clock_at(float(t))) for t in grid])


@pytest.mark.parametrize("schedule", NAMED, ids=repr)
def test_factor_is_exact_to_rounding(schedule):
    for clock in map(clock_at, GRID):
        exact = EXACT[schedule.name](clock, schedule)
        # Cosines near zero lose the digits of 1 that they are taken from.
        np.testing.assert_allclose(schedule.at(clock), float(exact), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("schedule", NAMED, ids=repr)
def test_factor_stays_between_0_and_1(schedule):
    values = factors(schedule)
    assert np.isfinite(values).all()
    assert values.min() >= 0
    # cos and log2 may round up in the last place.
    assert values.max() <= 1 + 1e-15


@pytest.mark.parametrize("schedule", [s for s in NAMED if s.name in FALLING], ids=repr)
def test_factor_never_rises_where_that_is_promised(schedule):
    values = factors(schedule)
    assert values[0] == 1
    assert (np.diff(values) <= 0).all()


@pytest.mark.parametrize("schedule", [s for s in NAMED if not s.every_step], ids=repr)
def test_a_schedule_of_whole_epochs_does_not_depend_on_the_fraction(schedule):
    for clock in map(clock_at, GRID[::100]):
        within = Clock(0.123, clock.epochs, clock.samples_seen, clock.plateaus)
        assert schedule.at(clock) == schedule.at(within)


@pytest.mark.parametrize("schedule", [s for s in NAMED if s.every_step], ids=repr)
def test_a_schedule_of_the_fraction_is_called_with_it(schedule):
    for t in (0.0, 0.3, 1.0):
        assert schedule(t) == schedule.at(Clock(fraction=t))


@pytest.mark.parametrize("schedule", NAMED, ids=repr)
def test_reading_a_factor_changes_neither_schedule_nor_clock(schedule):
    clock, before = clock_at(0.5), pickle.dumps(schedule)
    first = schedule.at(clock)
    assert schedule.at(clock) == first
    assert clock == clock_at(0.5)
    assert pickle.dumps(schedule) == before


@pytest.mark.parametrize("power_t", [0.0, 0.5, 2.0])
def test_invscaling_divides_by_a_power_of_the_rows_seen(power_t):
    schedule = InvScaling(power_t=power_t)
    assert schedule.at(Clock()) == 1
    for rows in (1, 10, 12345):
        exact = mp.mpf(rows + 1) ** -power_t
        np.testing.assert_allclose(schedule.at(Clock(samples_seen=rows)), float(exact), rtol=1e-14)


def test_adaptive_divides_by_five_at_every_plateau_and_stops_at_a_millionth():
    assert [Adaptive().at(Clock(plateaus=k)) for k in range(3)] == [1, 1 / 5, 1 / 25]
    assert Adaptive().survives_plateau(1.1e-6)
    assert not Adaptive().survives_plateau(1e-6)


@pytest.mark.parametrize("schedule", NAMED, ids=repr)
def test_only_adaptive_survives_a_plateau(schedule):
    assert schedule.survives_plateau(0.1) == isinstance(schedule, Adaptive)


def test_step_takes_its_new_factor_from_each_boundary_on():
    step = Step(boundaries=[0.2, 0.6], factors=[1.0, 2.0, 0.0])
    before = np.nextafter([0.2, 0.6], 0)
    assert [step(0.0), step(before[0]), step(0.2)] == [1, 1, 2]
    assert [step(before[1]), step(0.6), step(1.0)] == [2, 0, 0]
    assert Step(boundaries=[], factors=[0.5])(0.3) == 0.5


@pytest.mark.parametrize(
    ("boundaries", "factors_", "message"),
    [
        ([0.5, 0.5], [1, 1, 1], r"boundaries of Step must increase within \(0, 1\), got \[0.5, 0"),
        ([0.0], [1, 1], r"boundaries of Step must increase within \(0, 1\), got \[0.0\]"),
        ([1.0], [1, 1], r"boundaries of Step must increase within \(0, 1\), got \[1.0\]"),
        ([float("nan")], [1, 1], r"boundaries of Step must .*, got \[nan\]"),
        ([0.5], [1.0], r"factors of Step must have one more entry than boundaries, got \[1.0\]"),
        ([0.5], [1.0, -1.0], r"factors of Step must be .*got -1.0"),
    ],
)
def test_step_refuses_boundaries_and_factors_that_do_not_fit(boundaries, factors_, message):
    with pytest.raises(ValueError, match=message):
        Schedule.resolve(Step(boundaries=boundaries, factors=factors_), "learning_rate")


@pytest.mark.parametrize("final", [0.001, 0.01, 1.0])
def test_exponential_falls_by_the_same_share_in_every_step(final):
    schedule = Exponential(final=final)
    assert schedule(0.0) == 1
    assert schedule(1.0) == final
    # PyTorch's ExponentialLR over n steps: the rate times gamma, gamma^n = final.
    n_steps, rate = 200, 1.0
    for step in range(n_steps):
        # The product collects one rounding a step.
        np.testing.assert_allclose(schedule(step / n_steps), rate, rtol=n_steps * 2.3e-16)
        rate *= final ** (1 / n_steps)


@pytest.mark.parametrize("final", [0.0, 0.1, 1.0])
def test_cosine_is_the_annealing_of_sgdr(final):
    schedule = Cosine(final=final)
    assert schedule(0.0) == 1
    assert schedule(1.0) == final
    # PyTorch's CosineAnnealingLR with T_max steps.
    T_max = 40
    for step in range(T_max + 1):
        expected = final + (1 - final) * (1 + math.cos(math.pi * step / T_max)) / 2
        assert schedule(step / T_max) == pytest.approx(expected, rel=1e-14, abs=1e-16)


def test_coslog4_is_its_formula():
    with mp.workdps(30):
        exact = [(1 - mp.cos(2 * mp.pi * mp.log(1 + 15 * mp.mpf(t), 2))) / 2 for t in GRID]
    # 1 - cos has the rounding of cos, whose argument goes up to 8 pi.
    np.testing.assert_allclose(factors(CosLog4()), np.array(exact, float), rtol=0, atol=1e-14)


def test_coslog4_has_four_waves_whose_length_doubles():
    for wave in range(4):
        low, top, end = (2.0**k - 1 for k in (wave, wave + 0.5, wave + 1))
        # Zero where the logarithm is whole, one where it is half.
        assert CosLog4()(low / 15) == pytest.approx(0, abs=1e-14)
        assert CosLog4()(top / 15) == pytest.approx(1, abs=1e-14)
        assert CosLog4()(end / 15) == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize(
    ("peak", "start", "final"), [(0.3, 0.04, 4e-6), (0.5, 0.0, 0.0), (0.1, 1.0, 0.5)]
)
def test_one_cycle_rises_and_falls_along_pytorch_s_cosines(peak, start, final):
    schedule = OneCycle(peak=peak, start=start, final=final)

    def anneal(begin, end, share):
        return end + (begin - end) / 2 * (1 + math.cos(math.pi * share))

    for t in GRID:
        rising = anneal(start, 1.0, t / peak)
        falling = anneal(1.0, final, (t - peak) / (1 - peak))
        expected = rising if t < peak else falling
        assert schedule(t) == pytest.approx(expected, rel=1e-13, abs=1e-15)
    assert schedule(0.0) == pytest.approx(start, abs=1e-16)
    assert schedule(peak) == 1
    assert schedule(1.0) == pytest.approx(final, abs=1e-16)
    values = factors(schedule)
    assert (np.diff(values[GRID < peak]) >= 0).all()
    assert (np.diff(values[GRID >= peak]) <= 0).all()


def test_the_defaults_of_one_cycle_are_pytorch_s():
    # max_lr / div_factor and max_lr / div_factor / final_div_factor.
    given = OneCycle().get_params()
    assert given == {"peak": 0.3, "start": 1 / 25, "final": pytest.approx(1 / 25 / 1e4)}


def test_one_cycle_of_a_hundred_steps_is_a_step_later_than_pytorch_s():
    """PyTorch's has its peak at step 29 and the last factor 4e-6."""
    steps = factors(OneCycle(), np.arange(100) / 100)
    assert steps.argmax() == 30
    assert steps[-1] == pytest.approx(np.sin(np.pi / 2 * 0.01 / 0.7) ** 2 + 4e-6, rel=1e-2)


@pytest.mark.parametrize("then", [*Schedule.named(), half])
@pytest.mark.parametrize("fraction", [0.05, 0.5])
def test_warmup_rises_along_a_line_and_then_gives_the_rest_to_the_other(fraction, then):
    warmup, other = Warmup(fraction=fraction, then=then), Schedule.resolve(then, "then")
    start = other.at(Clock(fraction=0.0))
    for t in GRID[GRID < fraction]:
        assert warmup.at(Clock(fraction=t)) == pytest.approx(start * t / fraction, rel=1e-14)
    for t in GRID[GRID >= fraction]:
        clock = Clock(t, epochs=7, samples_seen=700, plateaus=2)
        rest = Clock((t - fraction) / (1 - fraction), 7, 700, 2)
        assert warmup.at(clock) == pytest.approx(other.at(rest), rel=1e-14)


@pytest.mark.parametrize("then", Schedule.named())
def test_warmup_is_continuous_where_it_ends(then):
    warmup = Warmup(fraction=0.25, then=then)
    # A step of 1e-9 moves no schedule by more than 1e-7.
    assert warmup(0.25 - 1e-9) == pytest.approx(warmup(0.25), abs=1e-7)
    assert warmup(0.25 + 1e-9) == pytest.approx(warmup(0.25), abs=1e-7)


@pytest.mark.parametrize("then", Schedule.named())
def test_warmup_survives_a_plateau_where_the_other_does(then):
    expected = Schedule.resolve(then, "then").survives_plateau(0.1)
    assert Warmup(then=then).survives_plateau(0.1) == expected


@pytest.mark.parametrize(
    ("warmup", "message"),
    [
        (Warmup(fraction=0.0), r"fraction of Warmup must be a number in \(0, 1\), got 0.0"),
        (Warmup(fraction=1.0), r"fraction of Warmup must be a number in \(0, 1\), got 1.0"),
        (Warmup(then="no"), r"then of Warmup must be a Schedule or one of \[.*\], got 'no'"),
        (Warmup(then=Cosine(final=2.0)), r"final of Cosine must be a number in \[0, 1\], got 2.0"),
    ],
    ids=repr,
)
def test_warmup_refuses_bad_parameters_by_name(warmup, message):
    with pytest.raises(ValueError, match=message):
        Schedule.resolve(warmup, "learning_rate")


def test_a_function_of_the_fraction_is_a_schedule():
    schedule = Schedule.resolve(lambda t: 1 - t**2, "learning_rate")
    assert schedule.every_step
    assert schedule.at(Clock(fraction=0.5)) == 0.75
    assert type(Schedule.resolve(lambda t: np.float32(0.5), "learning_rate")(0.0)) is float


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "fast", None])
def test_a_function_that_gives_no_factor_is_told_so(value):
    schedule = Schedule.resolve(lambda t: value, "learning_rate")
    message = r"value of the learning_rate function must be a number in \[0, inf\), got "
    with pytest.raises(ValueError, match=message):
        schedule(0.5)


@pytest.mark.parametrize("value", [Cosine, "no", 0.5])
def test_neither_a_class_nor_a_number_is_a_schedule(value):
    message = r"learning_rate must be a Schedule or one of \['adaptive', .*\], got "
    with pytest.raises(ValueError, match=message):
        Schedule.resolve(value, "learning_rate")


def test_scikit_learn_s_own_schedules_are_for_sgd_only_and_no_others():
    sgd_only = {name for name, cls in Schedule.named().items() if cls.sgd_only}
    assert sgd_only == {"constant", "invscaling", "adaptive"}
    assert not default(schedules.FunctionOfFraction).sgd_only


@pytest.mark.parametrize("factor", [None, -1.0, math.nan, "a", math.inf, 1j, 10**400])
def test_a_schedule_must_give_a_factor(factor):
    X, y = digits()

    class Odd(schedules.Schedule):
        def __call__(self, t):
            return factor

    with pytest.raises(
        ValueError, match=r"learning_rate must return a factor >= 0 .* Odd\(\) returned"
    ):
        brief(learning_rate=Odd()).fit(X, y)


@pytest.mark.parametrize("power", [500.0, 1e308, 10**8, 10**300], ids="{:g}".format)
def test_a_factor_too_small_for_a_float_is_zero(power):
    """An integer power of an integer would be computed digit by digit."""
    assert InvScaling(power_t=power).at(Clock(samples_seen=200)) == 0.0
    assert InvScaling(power_t=power).at(Clock(samples_seen=0)) == 1.0
    X, y = digits()
    settings = {"solver": "sgd", "momentum": 0.0, "learning_rate": "invscaling", "power_t": power}
    model = brief(**settings, max_iter=4).fit(X, y)
    # The first epoch has a factor of one, and the others change nothing.
    expected = brief(**settings, max_iter=1).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], expected.coefs_[0])


@pytest.mark.parametrize("factor", [np.float16(0.5), np.longdouble(0.5), np.float32(0.5)])
def test_a_factor_of_any_number_type_is_that_number(factor):
    X, y = digits()
    model = brief(learning_rate=lambda t: factor).fit(X, y)
    expected = brief(learning_rate=lambda t: 0.5).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], expected.coefs_[0])


@pytest.mark.parametrize("wrong", [10**400, None, "a", -1, math.nan, math.inf, 1j])
def test_what_a_function_returns_must_be_a_factor(wrong):
    X, y = digits()
    with pytest.raises(ValueError, match="the value of the learning_rate function must be a numb"):
        brief(learning_rate=lambda t: wrong).fit(X, y)


def test_a_clock_begins_at_zero():
    clock = schedules.Clock()
    assert (clock.fraction, clock.epochs, clock.samples_seen, clock.plateaus) == (0, 0, 0, 0)
