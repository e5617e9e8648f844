import mpmath as mp
import numpy as np
import pytest

from sknumpy_mlp.activations import GELU, Activation, LeakyReLU, ReLU

from .families import all_examples

ACTIVATIONS = all_examples(Activation, named=True)
DTYPES = [np.float64, np.float32]


def selu(z):
    # The two constants in closed form, from the paper's appendix, not rounded.
    e, root = mp.e, mp.erfc(1 / mp.sqrt(2))
    a = -mp.sqrt(2 / mp.pi) / (root * mp.sqrt(e) - 1)
    bracket = 2 * mp.erfc(mp.sqrt(2)) * e**2 + mp.pi * root**2 * e
    bracket += -2 * (2 + mp.pi) * root * mp.sqrt(e) + mp.pi + 2
    scale = (1 - root * mp.sqrt(e)) * mp.sqrt(2 * mp.pi) / mp.sqrt(bracket)
    return scale * (z if z > 0 else a * mp.expm1(z))


# A new activation needs its formula here, in any precision.
EXACT = {
    "identity": lambda z, f: z,
    "logistic": lambda z, f: 1 / (1 + mp.exp(-z)),
    "tanh": lambda z, f: mp.tanh(z),
    "relu": lambda z, f: max(z, mp.mpf(0)),
    "leaky_relu": lambda z, f: z if z > 0 else mp.mpf(f.negative_slope) * z,
    "elu": lambda z, f: z if z > 0 else mp.mpf(f.alpha) * mp.expm1(z),
    "selu": lambda z, f: selu(z),
    "gelu": lambda z, f: z * mp.ncdf(z),
    "silu": lambda z, f: z / (1 + mp.exp(-z)),
    "mish": lambda z, f: z * mp.tanh(mp.log1p(mp.exp(z))),
    "softplus": lambda z, f: mp.log1p(mp.exp(z)),
}


def wide_inputs(dtype):
    """From -1e4 to 1e4, dense around 0, without 0 itself."""
    positive = np.concatenate([np.logspace(-6, 4, 61), np.linspace(0.3, 40, 60)])
    return np.concatenate([-positive[::-1], positive]).astype(dtype)


def forward(activation, Z):
    """``f(Z)`` in a new array; Z is kept."""
    A = np.empty_like(Z)
    activation.forward(Z.copy(order="K"), out=A)
    return A


def backward(activation, Z, dA):
    """``dZ`` in a new array; nothing is overwritten."""
    kept = Z.copy(order="K") if activation.reads == "input" else forward(activation, Z)
    dZ = dA.copy(order="K")
    activation.backward(kept, dZ, activation.scratch(Z.shape, Z.dtype))
    return dZ


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_forward_is_exact_to_rounding_without_overflow_or_nan(activation, dtype):
    z = np.concatenate([wide_inputs(dtype), np.zeros(1, dtype)])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        A = forward(activation, z[np.newaxis])[0]
    with mp.workdps(40):
        exact = [float(EXACT[activation.name](mp.mpf(float(each)), activation)) for each in z]
    assert A.dtype == dtype
    info = np.finfo(dtype)
    # A few roundings; far in the tail, exp(-z^2 / 2) multiplies the rounding of its argument,
    # which is at most 745. Below the smallest normal number digits are lost.
    relative = np.where(np.abs(exact) < info.eps, 1000, 40) * info.eps
    assert (np.abs(A - exact) <= relative * np.abs(exact) + info.tiny).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_backward_is_the_exact_derivative_without_overflow_or_nan(activation, dtype):
    z = wide_inputs(dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        slope = backward(activation, z[np.newaxis], np.ones((1, len(z)), dtype))[0]
    with mp.workdps(40):
        exact = [
            float(mp.diff(lambda z: EXACT[activation.name](z, activation), mp.mpf(float(each))))
            for each in z
        ]
    assert slope.dtype == dtype
    # Where f' is a difference, such as 1 - a^2, it has the rounding of its terms; in z (1 - s(z))
    # that of s is multiplied by z, up to 40, beyond which 1 - s is 0.
    np.testing.assert_allclose(slope, exact, rtol=0, atol=40 * np.finfo(dtype).eps)


@pytest.mark.parametrize("scale", [1e-3, 1, 10, 1000])
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_backward_matches_finite_differences(activation, scale):
    rng = np.random.RandomState(0)
    Z, dA = scale * rng.standard_normal((20, 7)), rng.standard_normal((20, 7))
    # Relative to z, so that no step crosses the kink at 0 and f keeps its digits.
    h = 1e-5 * np.abs(Z)
    numeric = (forward(activation, Z + h) - forward(activation, Z - h)) / (2 * h)
    # Rounding in f over h, and h^2 f''' / 6 for the rest.
    np.testing.assert_allclose(backward(activation, Z, dA), dA * numeric, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_in_place_and_reads_are_kept_as_promised(activation, order):
    assert activation.reads in ("input", "output")
    Z = np.asarray(np.random.RandomState(0).standard_normal((5, 4)), order=order)
    given, A = Z.copy(order="K"), np.full_like(Z, np.nan)
    activation.forward(given, out=A)
    if activation.reads == "input":
        np.testing.assert_array_equal(given, Z)
    if activation.in_place:
        over = Z.copy(order="K")
        activation.forward(over, out=over)
        np.testing.assert_array_equal(over, A)
    # An in-place activation whose derivative reads the input would find it overwritten.
    assert not (activation.in_place and activation.reads == "input")


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_memory_order_does_not_matter(activation):
    rng = np.random.RandomState(0)
    Z, dA = rng.standard_normal((6, 5)), rng.standard_normal((6, 5))
    columns, columns_dA = np.asfortranarray(Z), np.asfortranarray(dA)
    # The vector code of NumPy and SciPy may round the same number otherwise at another stride.
    close = {"rtol": 1e-14, "atol": 1e-15}
    np.testing.assert_allclose(forward(activation, columns), forward(activation, Z), **close)
    np.testing.assert_allclose(
        backward(activation, columns, columns_dA), backward(activation, Z, dA), **close
    )


def test_relu_and_leaky_relu_have_the_left_slope_at_zero():
    zero, one = np.zeros((1, 1)), np.ones((1, 1))
    assert backward(ReLU(), zero, one) == 0
    assert backward(LeakyReLU(negative_slope=0.25), zero, one) == 0.25


@pytest.mark.parametrize("dtype", DTYPES)
def test_gelu_and_its_slope_vanish_at_the_largest_negative_number(dtype):
    Z = np.full((1, 1), -np.finfo(dtype).max, dtype)
    assert forward(GELU(), Z) == 0
    assert backward(GELU(), Z, np.ones((1, 1), dtype)) == 0


@pytest.mark.parametrize("name", Activation.named())
def test_the_bound_of_initial_weights_is_scikit_learn_s(name):
    """Its MLPs take 2 for the logistic function and 6 for all others."""
    assert Activation.named()[name].glorot_factor == (2 if name == "logistic" else 6)
