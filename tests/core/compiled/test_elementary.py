"""Elementary functions for compiled loops: errors, special values, and that they stay packed."""

import inspect
import re
from types import FunctionType

import numpy as np
import pytest
from scipy import special

numba = pytest.importorskip("numba", reason="Only Numba compiles these functions.")
mpmath = pytest.importorskip("mpmath", reason="The errors are those against mpmath.")

from sknumpy_mlp.core.compiled import elementary  # noqa: E402

LN2 = float(np.log(2.0))
# Of each function what NumPy or SciPy have, the same of mpmath, a range that holds all arguments
# whose results are neither 0, 1 nor infinite, and where pieces of the approximation meet.
FUNCTIONS = {
    "exp": (np.exp, mpmath.exp, (-746.0, 710.0), LN2 / 2 * np.arange(-2150, 2049)),
    "expm1": (np.expm1, mpmath.expm1, (-40.0, 710.0), LN2 / 2 * np.arange(-120, 2049)),
    "log": (np.log, mpmath.log, (0.0, 4.0), np.sqrt(2.0) * 2.0 ** np.arange(-1074, 1023)),
    "log1p": (
        np.log1p,
        mpmath.log1p,
        (-1.0, 4.0),
        np.r_[np.sqrt(2.0) * 2.0 ** np.arange(-60, 1023) - 1.0, 1e20, -(0.5 ** np.arange(60))],
    ),
    "tanh": (np.tanh, mpmath.tanh, (-20.0, 20.0), np.r_[0.625, LN2 / 4 * np.arange(120)]),
    "logistic": (
        special.expit,
        lambda x: 1 / (1 + mpmath.exp(-x)),
        (-746.0, 40.0),
        LN2 / 2 * np.arange(-2150, 120),
    ),
    "ndtr": (
        special.ndtr,
        lambda x: mpmath.erfc(min(-x / mpmath.sqrt(2), 50)) / 2,
        (-38.5, 8.5),
        np.r_[4.0, -np.sqrt(LN2 * np.arange(2150))],
    ),
    "normal_density": (
        lambda x: np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi),
        lambda x: mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi),
        (-38.7, 38.7),
        np.sqrt(LN2 * np.arange(2150)),
    ),
}
NAMES = list(FUNCTIONS)
DTYPES = {"32": np.float32, "64": np.float64}


def compile_all():
    """What a generated module makes of the file: every function compiled, one calling another."""
    namespace = dict(vars(elementary))
    for name, function in vars(elementary).items():
        if inspect.isfunction(function) and re.search("_(32|64)$", name):
            copy = FunctionType(function.__code__, namespace, name)
            namespace[name] = numba.njit(error_model="numpy", forceinline=True)(copy)
    return namespace


COMPILED = compile_all()
LOOPS = {}


def loop(name, bits):
    """The compiled loop that fills one array with a function of the other."""
    if (name, bits) not in LOOPS:
        function = COMPILED[f"{name}_{bits}"]

        @numba.njit(error_model="numpy")
        def fill(x, y):
            for i in range(x.size):
                y[i] = function(x[i])

        LOOPS[name, bits] = fill
        fill(np.ones(1, DTYPES[bits]), np.ones(1, DTYPES[bits]))
    return LOOPS[name, bits]


def evaluate(name, bits, x):
    y = np.empty_like(x)
    loop(name, bits)(x, y)
    return y


def neighbours(points, dtype, count=4):
    """Each point, the `count` numbers to either side, and all of them with the other sign."""
    x = np.asarray(points, dtype=dtype)
    integer = {4: np.int32, 8: np.int64}[x.itemsize]
    x = (x.view(integer)[:, None] + np.arange(-count, count + 1, dtype=integer)).view(dtype)
    x = x[np.isfinite(x)].ravel()
    return np.concatenate([x, -x])


def samples(name, dtype, n, rng):
    """Random arguments of all magnitudes, and evenly from the whole and the middle of the range."""
    low, high = FUNCTIONS[name][2]
    tiny = np.log10(float(np.finfo(dtype).smallest_subnormal))
    huge = np.log10(float(np.finfo(dtype).max))
    x = np.concatenate(
        [
            10.0 ** rng.uniform(tiny, huge, n // 4) * rng.choice([-1.0, 1.0], n // 4),
            10.0 ** rng.uniform(-8, 3, n // 4) * rng.choice([-1.0, 1.0], n // 4),
            rng.uniform(low, high, n // 4),
            rng.uniform(max(low, -2.5), min(high, 2.5), n // 4),
        ]
    ).astype(dtype)
    # Evenly distributed numbers end in zeros where they are small.
    integer = {4: np.int32, 8: np.int64}[x.itemsize]
    return (x.view(integer) ^ rng.integers(0, 8, x.size, dtype=integer)).view(dtype)


def special_values(dtype):
    info = np.finfo(dtype)
    x = [0.0, np.inf, np.nan, info.smallest_subnormal, info.tiny, info.max, info.eps, 1.0, 0.5]
    return np.array([*x, *(-v for v in x)], dtype)


def errors_by_mpmath(name, x, y):
    """Errors of finite results in units in the last place of a ``float64``."""
    errors = np.empty(len(x))
    with mpmath.workdps(50):
        for i, (argument, result) in enumerate(zip(x.tolist(), y.tolist())):
            exact = FUNCTIONS[name][1](mpmath.mpf(argument))
            unit = max(mpmath.frexp(exact)[1] - 53, -1074) if exact else -1074
            errors[i] = abs(mpmath.ldexp(mpmath.mpf(result) - exact, -unit))
    return errors


def errors_of_float32(exact, y):
    """Errors of finite ``float32`` results in units in the last place, by those of ``float64``."""
    unit = np.maximum(np.frexp(exact)[1] - 24, -149)
    return np.abs(np.ldexp(y.astype(np.float64) - exact, -unit))


def assert_same_where_special(x, y, reference):
    """NaN, infinities and signed zeros are where the reference has them, which is of `x`'s type."""
    __tracebackhide__ = True
    for differ in (
        np.isnan(y) != np.isnan(reference),
        (np.isinf(y) | np.isinf(reference)) & (y != reference),
        (reference == 0.0) & (y == 0.0) & (np.signbit(y) != np.signbit(reference)),
    ):
        assert not differ.any(), (x[differ][:5], y[differ][:5], reference[differ][:5])


def assert_float32_accurate(name, x):
    __tracebackhide__ = True
    y = evaluate(name, "32", x)
    with np.errstate(all="ignore"):
        exact = FUNCTIONS[name][0](x.astype(np.float64))
        reference = exact.astype(np.float32)
    assert_same_where_special(x, y, reference)
    finite = np.isfinite(reference)
    errors = errors_of_float32(exact[finite], y[finite])
    assert errors.max() <= 2.0, (errors.max(), x[finite][errors.argmax()])


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_accurate_at_every_997th_pattern_of_bits(name):
    assert_float32_accurate(name, np.arange(498, 2**32, 997).astype(np.uint32).view(np.float32))


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_accurate_at_samples_and_where_pieces_meet(name):
    with np.errstate(over="ignore"):
        meeting = neighbours(np.asarray(FUNCTIONS[name][3]), np.float32)
    x = samples(name, np.float32, 200_000, np.random.default_rng(0))
    assert_float32_accurate(name, np.concatenate([x, meeting, special_values(np.float32)]))


@pytest.mark.parametrize("name", NAMES)
def test_float64_is_accurate_at_samples_and_where_pieces_meet(name):
    rng = np.random.default_rng(1)
    meeting = neighbours(FUNCTIONS[name][3], np.float64)
    x = samples(name, np.float64, 4_000, rng)
    x = np.concatenate([x, rng.choice(meeting, 2_000), special_values(np.float64)])
    y = evaluate(name, "64", x)
    with np.errstate(all="ignore"):
        reference = FUNCTIONS[name][0](x)
    assert_same_where_special(x, y, reference)
    finite = np.isfinite(reference)
    errors = errors_by_mpmath(name, x[finite], y[finite])
    assert errors.max() <= 2.0, (errors.max(), x[finite][errors.argmax()])


@pytest.mark.parametrize(
    "name, argument, result",
    [
        ("exp", 0.0, 1.0),
        ("exp", -np.inf, 0.0),
        ("expm1", -np.inf, -1.0),
        ("expm1", -0.0, -0.0),
        ("log", 1.0, 0.0),
        ("log", -0.0, -np.inf),
        ("log", -1.0, np.nan),
        ("log", -np.inf, np.nan),
        ("log1p", -0.0, -0.0),
        ("log1p", -1.0, -np.inf),
        ("log1p", -1.5, np.nan),
        ("tanh", -0.0, -0.0),
        ("tanh", -np.inf, -1.0),
        ("logistic", 0.0, 0.5),
        ("logistic", -np.inf, 0.0),
        ("ndtr", -0.0, 0.5),
        ("ndtr", -np.inf, 0.0),
        ("ndtr", np.inf, 1.0),
        ("normal_density", -np.inf, 0.0),
    ],
)
@pytest.mark.parametrize("bits", DTYPES)
def test_exact_values(name, argument, result, bits):
    y = evaluate(name, bits, np.full(40, argument, DTYPES[bits]))
    np.testing.assert_array_equal(y, result)
    np.testing.assert_array_equal(np.signbit(y) & (y == 0), np.signbit(result) and result == 0)


@pytest.mark.parametrize("bits", DTYPES)
@pytest.mark.parametrize("name", ["exp", "expm1"])
def test_overflow_begins_where_that_of_numpy_does(name, bits):
    dtype = DTYPES[bits]
    x = neighbours([np.log(np.finfo(dtype).max)], dtype, 50)
    with np.errstate(over="ignore"):
        reference = FUNCTIONS[name][0](x)
    assert 0 < np.isinf(reference).sum() < 101
    np.testing.assert_array_equal(np.isinf(evaluate(name, bits, x)), np.isinf(reference))


@pytest.mark.parametrize("name", ["exp", "logistic", "ndtr", "normal_density"])
def test_float64_results_fade_through_subnormal_numbers(name):
    # SciPy's ndtr is zero from 37.5 on.
    ends = {"exp": (-745.0, -708.0), "logistic": (-745.0, -708.0)}
    x = np.random.default_rng(2).uniform(*ends.get(name, (-38.4, -37.5)), 1_000)
    y = evaluate(name, "64", x)
    assert ((y > 0.0) & (y < np.finfo(np.float64).tiny)).sum() > 500
    assert errors_by_mpmath(name, x, y).max() <= 2.0


@pytest.mark.parametrize("bits", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_loops_are_packed_and_call_nothing(name, bits):
    (llvm,) = loop(name, bits).inspect_llvm().values()
    kind = {"32": "float", "64": "double"}[bits]
    assert re.search(rf"fmul <\d+ x {kind}>", llvm)
    for result, function in re.findall(r"call ([^@\n]*)@([\w.]+)", llvm):
        # Numba calls for its own housekeeping; the absolute value is one instruction.
        assert function.startswith("llvm.fabs.") or not re.search("float|double", result)
        assert not [ours for ours in vars(elementary) if ours.endswith(bits) and ours in function]


@pytest.mark.parametrize("name", NAMES)
def test_float32_never_becomes_float64(name):
    (llvm,) = loop(name, "32").inspect_llvm().values()
    assert "double" not in llvm
