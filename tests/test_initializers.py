import re

import numpy as np
import pytest

from sknumpy_mlp.activations import Activation, Logistic, ReLU
from sknumpy_mlp.core.network import perceptron
from sknumpy_mlp.initializers import Auto, Initializer, Normal, Uniform, VarianceScaling, Zeros

from .common import brief, digits, state_of
from .families import all_examples, default, members

EXAMPLES = all_examples(Initializer)
SCALING = [default(cls) for cls in members(VarianceScaling)]
FAN_IN, FAN_OUT = 300, 200


# A new initializer that is no `VarianceScaling` needs its variance here.
VARIANCES = {
    Zeros: lambda f: 0,
    Auto: lambda f: 6 / (FAN_IN + FAN_OUT) / 3,
    Uniform: lambda f: (f.high - f.low) ** 2 / 12,
    Normal: lambda f: f.scale**2,
}


def draw(initializer, shape=(FAN_IN, FAN_OUT), activation=None, seed=0):
    stream = np.random.RandomState(seed)
    return initializer.draw(stream, shape, FAN_IN, FAN_OUT, activation or ReLU())


def expected_variance(initializer):
    """The variance in closed form; `VarianceScaling` says its own."""
    if isinstance(initializer, VarianceScaling):
        return initializer.gain / initializer.fan(FAN_IN, FAN_OUT)
    return VARIANCES[type(initializer)](initializer)


def expected_mean(initializer):
    return (initializer.low + initializer.high) / 2 if isinstance(initializer, Uniform) else 0


@pytest.mark.parametrize("initializer", EXAMPLES, ids=repr)
def test_draws_have_the_documented_mean_and_variance(initializer):
    values = draw(initializer)
    assert values.shape == (FAN_IN, FAN_OUT)
    assert values.dtype == np.float64
    variance = expected_variance(initializer)
    # Five standard errors of 60,000 draws; that of a normal sample's variance is sqrt(2 / n).
    tolerance = 5 * np.sqrt(variance / values.size)
    np.testing.assert_allclose(values.mean(), expected_mean(initializer), atol=tolerance)
    np.testing.assert_allclose(values.var(), variance, rtol=5 * np.sqrt(2 / values.size))


@pytest.mark.parametrize("initializer", SCALING, ids=repr)
def test_variance_is_the_one_that_the_docstring_takes_from_the_paper(initializer):
    formula = re.search(r"[Vv]ariance ``(.+?)``", type(initializer).__doc__).group(1)
    fans = {"fan_in": FAN_IN, "fan_out": FAN_OUT}
    np.testing.assert_allclose(eval(formula, fans), expected_variance(initializer), rtol=1e-15)


@pytest.mark.parametrize("initializer", SCALING, ids=repr)
def test_a_uniform_draw_fills_its_bounds_and_a_normal_one_exceeds_them(initializer):
    largest = np.abs(draw(initializer)).max()
    bound = np.sqrt(3 * expected_variance(initializer))
    if initializer.name.endswith("uniform"):
        assert 0.999 * bound < largest <= bound
    else:
        assert initializer.name.endswith("normal")
        # Not truncated: the largest of 60,000 normal draws lies near 4.3 standard deviations.
        assert largest > 2 * bound


@pytest.mark.parametrize("activation", all_examples(Activation, named=True), ids=repr)
def test_auto_has_scikit_learn_s_bound_for_weights_and_biases(activation):
    factor = 2 if isinstance(activation, Logistic) else 6
    bound = np.sqrt(factor / (FAN_IN + FAN_OUT))
    W = draw(Auto(), activation=activation)
    np.testing.assert_array_equal(
        W, np.random.RandomState(0).uniform(-bound, bound, (FAN_IN, FAN_OUT))
    )
    assert Auto().for_biases().draw(
        np.random.RandomState(0), (FAN_OUT,), FAN_IN, FAN_OUT, activation
    ) == pytest.approx(np.random.RandomState(0).uniform(-bound, bound, FAN_OUT), abs=0)


def test_uniform_is_half_open_between_its_bounds():
    values = draw(Uniform(low=-0.25, high=0.75))
    assert -0.25 <= values.min() < -0.249
    assert 0.749 < values.max() < 0.75


@pytest.mark.parametrize("initializer", EXAMPLES, ids=repr)
def test_the_same_stream_gives_the_same_values(initializer):
    np.testing.assert_array_equal(draw(initializer, seed=3), draw(initializer, seed=3))


def started(initializer, seed=0):
    network = perceptron([4, 3, 2], [ReLU()])
    network.allocate(np.float64)
    stream = np.random.RandomState(seed)
    network.draw(initializer, stream)
    return network, stream


def test_the_stream_gives_weights_then_biases_layer_by_layer():
    network, _ = started(Normal(scale=0.5, biases=Uniform(low=-1, high=1)))
    stream = np.random.RandomState(0)
    for layer, fans in zip(network.layers, [(4, 3), (3, 2)]):
        np.testing.assert_array_equal(layer.W, 0.5 * stream.standard_normal(fans))
        np.testing.assert_array_equal(layer.b[0], stream.uniform(-1, 1, fans[1]))


def test_zero_biases_take_nothing_from_the_stream():
    network, after = started(Normal(scale=1.0, biases="zeros"))
    assert not any(b.any() for b in network.parameters()["biases"])
    stream = np.random.RandomState(0)
    stream.standard_normal(4 * 3 + 3 * 2)
    assert after.standard_normal() == stream.standard_normal()


@pytest.mark.parametrize("initializer", EXAMPLES, ids=repr)
def test_biases_same_are_drawn_as_the_weights_are(initializer):
    if "biases" not in initializer.parameter_names():
        # Those without the parameter draw biases as they draw weights.
        assert initializer.biases == "same"
    else:
        initializer.set_params(biases="same")
    assert initializer.for_biases() is initializer


@pytest.mark.parametrize("name", Initializer.named())
def test_biases_take_any_name_or_object(name):
    assert isinstance(Uniform(biases=name).for_biases(), Initializer.named()[name])
    start = Normal(scale=1.0)
    assert Uniform(biases=start).for_biases() is start


def test_by_default_biases_are_zero_unless_the_initializer_is_scikit_learn_s():
    for name, cls in Initializer.named().items():
        network, _ = started(default(cls))
        assert any(b.any() for b in network.parameters()["biases"]) == (name == "auto")


@pytest.mark.parametrize(
    ("initializer", "message"),
    [
        (Uniform(low=1.0, high=0.5), r"low of Uniform must be at most high, got low=1.0, high=0.5"),
        (Uniform(low=float("-inf"), high=0.5), r"low of Uniform must be a number in .*, got -inf"),
        (Uniform(low=0.0, high=float("nan")), r"high of Uniform must be a number in .*, got nan"),
        (Normal(scale=-0.5), r"scale of Normal must be a number in \[0, inf\), got -0.5"),
        (
            Normal(biases="none"),
            r"biases of Normal must be an Initializer or one of \['auto', .*\], got 'none'",
        ),
        (Uniform(biases=Normal(scale=-1)), r"scale of Normal must be .*, got -1"),
    ],
    ids=repr,
)
def test_bad_parameters_are_named_with_rule_and_value(initializer, message):
    with pytest.raises(ValueError, match=message):
        Initializer.resolve(initializer, "init")


class Draws(Initializer):
    """Draws what a function of the shape returns."""

    def __init__(self, *, function):
        self.function = function

    biases = "zeros"

    def draw(self, random_state, shape, fan_in, fan_out, activation):
        return self.function(shape)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda shape: np.full(shape, 1j), "ndarray of shape (64, 8) and dtype complex128"),
        (lambda shape: "a", "str of shape () and dtype <U1"),
        (lambda shape: None, "NoneType of shape () and dtype object"),
        (lambda shape: np.ones(77), "ndarray of shape (77,) and dtype float64"),
        (lambda shape: np.ones((3, *shape)), "ndarray of shape (3, 64, 8) and dtype float64"),
        (lambda shape: np.full(shape, np.nan), "values that are not finite in float64"),
        (lambda shape: np.full(shape, -np.inf), "values that are not finite in float64"),
    ],
)
def test_what_is_drawn_must_be_finite_numbers_of_the_shape(function, words):
    X, y = digits()
    model = brief(init=Draws(function=function))
    before = state_of(model)
    expected = f"init must draw finite real numbers of shape (64, 8), got {words} from Draws("
    with pytest.raises(ValueError, match=re.escape(expected)):
        model.fit(X, y)
    assert state_of(model) == before


@pytest.mark.parametrize(
    "huge", [Normal(scale=1.7e308), Uniform(low=1e300, high=1e301), Uniform(low=-1e308, high=0)]
)
def test_draws_beyond_the_dtype_of_the_network_are_refused(huge):
    X, y = digits(dtype=np.float32)
    with pytest.raises(ValueError, match=r"not finite in float32 from (Normal|Uniform)"):
        brief(init=huge).fit(X, y)


def test_a_number_for_all_weights_is_taken():
    X, y = digits()
    model = brief(init=Draws(function=lambda shape: np.float16(0.25)), learning_rate_init=1e-300)
    assert {*model.fit(X, y).coefs_[0].ravel()} == {0.25}


@pytest.mark.parametrize("low, high", [(-1e308, 1e308), (-(10**400), 0), (0, 10**400)])
def test_bounds_that_are_too_far_apart_are_refused(low, high):
    with pytest.raises(ValueError, match=r"(low|high|high - low) of Uniform must be a number in"):
        Initializer.resolve(Uniform(low=low, high=high), "init")
