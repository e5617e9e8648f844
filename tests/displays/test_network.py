"""`NetworkDisplay`: as many circles and lines as there are units and weights."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.linear_model import LogisticRegression

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp.displays import NetworkDisplay
from sknumpy_mlp.embeddings import PiecewiseLinear
from sknumpy_mlp.losses import Quantiles

from .pictures import fitted, iris, message_without_matplotlib, plt

LEAKY = "LeakyReLU(negative_slope=0.01)"


def circles(display):
    return [len(nodes.get_offsets()) for nodes in display.nodes_]


def lines(display):
    return [len(edges.get_segments()) for edges in display.edges_]


def texts(display):
    return [text.get_text() for text in display.ax_.texts]


def cases():
    """An estimator of each architecture: its data, its parameters, units and labels."""
    X, y = iris()
    several = make_multilabel_classification(n_features=6, n_classes=4, random_state=0)
    classifier, regressor = ScratchMLPClassifier, ScratchMLPRegressor
    softmax, logistic = "softmax", "logistic"
    yield "hidden", classifier, X, y, {}, [4, 5, 3], ["relu", softmax]
    yield "linear", classifier, X, y, {"hidden_layer_sizes": ()}, [4, 3], [softmax]
    deep = {"hidden_layer_sizes": (3, 7, 2), "activation": ["tanh", "leaky_relu", "mish"]}
    yield "deep", classifier, X, y, deep, [4, 3, 7, 2, 3], ["tanh", LEAKY, "mish", softmax]
    yield "binary", classifier, X, y == 1, {}, [4, 5, 1], ["relu", logistic]
    yield "labels", classifier, *several, {}, [6, 5, 4], ["relu", logistic]
    one = {"loss": "binary_log_loss"}
    yield "one versus rest", classifier, X, y, one, [4, 5, 3], ["relu", logistic]
    yield "number", regressor, X, y, {}, [4, 5, 1], ["relu", "identity"]
    yield "numbers", regressor, X, np.c_[y, y], {}, [4, 5, 2], ["relu", "identity"]
    yield "counts", regressor, X, y, {"loss": "poisson"}, [4, 5, 1], ["relu", "exp"]
    bands = {"loss": Quantiles(quantiles=(0.1, 0.9))}
    yield "quantiles", regressor, X, y, bands, [4, 5, 2], ["relu", "cumulative_softplus"]
    yield "members", classifier, X, y, {"members": 3}, [4, 5, 3], ["relu", softmax]
    made = {"embedding": PiecewiseLinear(size=1), "feature_scale": True, "members": 2}
    yield "embedding", classifier, X, y, made, [4, 8, 5, 3], ["embedding", "relu", softmax]


@pytest.mark.parametrize("case", [*cases()], ids=lambda case: case[0])
def test_every_architecture_is_drawn_with_its_units_weights_and_activations(case):
    _, make, X, y, parameters, units, labels = case
    display = NetworkDisplay.from_estimator(fitted(make, X, y, **parameters))
    assert circles(display) == units
    assert display.labels == ["input", *labels]
    expected = [a * b for a, b in pairwise(units)]
    if "embedding" in labels:
        # Each feature leads to itself and to its one function.
        expected[0] = 8
    assert lines(display) == expected
    found = texts(display)[: 2 * len(units)]
    lines_of = {
        LEAKY: "LeakyReLU\n(negative_slope=0.01)",
        "cumulative_softplus": "cumulative\nsoftplus",
    }
    shown = [lines_of.get(label, label) for label in display.labels]
    assert found == [text for pair in zip(map(str, units), shown) for text in pair]
    display.figure_.canvas.draw()


def test_the_first_layer_has_the_weights_that_the_features_get():
    X, y = iris()
    model = fitted(ScratchMLPClassifier, X, y, feature_scale=True, members=2)
    display = NetworkDisplay.from_estimator(model, member=1)
    scale, W = model.feature_scale_[1], model.coefs_[0][1]
    np.testing.assert_allclose(X @ display.weights[0], (X * scale) @ W)
    np.testing.assert_array_equal(display.weights[1], model.coefs_[1][1])


def test_an_embedding_leads_from_each_feature_to_what_changes_with_it():
    X, y = iris()
    # Two values need no function.
    X = np.c_[X[:, :2], X[:, 2] > 3, X[:, 3]]
    model = fitted(ScratchMLPClassifier, X, y, embedding=PiecewiseLinear(size=2), random_state=1)
    display = NetworkDisplay.from_estimator(model)
    connected = np.zeros((4, 10), bool)
    connected[range(4), range(4)] = True
    connected[[0, 0, 1, 1, 3, 3], range(4, 10)] = True
    np.testing.assert_array_equal(display.weights[0], connected)


def test_inputs_and_outputs_are_named():
    data = pytest.importorskip("pandas", reason="pandas is not installed") and load_iris(
        as_frame=True
    )
    model = fitted(ScratchMLPClassifier, data.data, data.target_names[data.target])
    display = NetworkDisplay.from_estimator(model)
    assert display.input_names == list(data.feature_names)
    assert display.output_names == list(data.target_names)
    assert {*data.feature_names, *data.target_names} <= {*texts(display)}
    X, y = iris()
    two = NetworkDisplay.from_estimator(
        fitted(ScratchMLPClassifier, X, np.array(["a", "b"])[y % 2])
    )
    # The one output is the log-odds of the second class.
    assert two.output_names == ["b"] and two.input_names is None
    bands = fitted(ScratchMLPRegressor, X, y, loss=Quantiles(quantiles=(0.1, 0.9)))
    assert NetworkDisplay.from_estimator(bands).output_names == ["0.1", "0.9"]


def test_many_units_are_elided_and_the_first_and_the_last_are_drawn():
    W = np.arange(1.0, 91.0).reshape(3, 30)
    display = NetworkDisplay(
        weights=[W, W.T], output_names=["a", "b", "c"], input_names=["x", "y", "z"]
    ).plot(max_units=5)
    assert circles(display) == [3, 5, 3] and lines(display) == [15, 15]
    assert "30" in texts(display)
    # The strongest line is the largest weight of those that are drawn, and drawn last.
    (left, right) = display.edges_[0].get_segments()[-1]
    assert tuple(left) == tuple(display.nodes_[0].get_offsets()[-1])
    assert tuple(right) == tuple(display.nodes_[1].get_offsets()[-1])
    places = display.nodes_[1].get_offsets()[:, 1]
    gaps = -np.diff(places)
    # In the middle is room for three dots.
    assert np.argmax(gaps) == 2 and gaps[2] > gaps[0] == gaps[1] == gaps[3]
    assert len(display.nodes_[0].get_offsets()) == 3


def test_signs_have_colours_and_sizes_strengths():
    display = NetworkDisplay(weights=[np.array([[-1.0, 0.5, 2.0]])]).plot()
    small, middle, large = display.edges_[0].get_colors()
    assert tuple(small[:3]) == tuple(large[:3]) != tuple(middle[:3])
    assert small[3] < middle[3] < large[3]
    assert list(np.diff(display.edges_[0].get_linewidths()) > 0) == [True, True]
    zero = NetworkDisplay(weights=[np.zeros((2, 2))]).plot()
    assert (zero.edges_[0].get_colors()[:, 3] == 0.05).all()


def test_members_are_a_stack_with_their_number_in_the_title():
    display = NetworkDisplay(weights=[np.eye(2)], n_members=8, name="ensemble").plot()
    assert display.ax_.get_title() == "ensemble, 8 members"
    single = NetworkDisplay(weights=[np.eye(2)], name="one").plot()
    assert single.ax_.get_title() == "one"
    assert len(display.ax_.collections) == len(single.ax_.collections) + 4


def test_it_draws_on_the_axes_that_are_given():
    _, ax = plt.subplots()
    display = NetworkDisplay(weights=[np.eye(2)])
    assert display.plot(ax, node_kw={"s": 7}, edge_kw={"linewidths": 9}) is display
    assert display.ax_ is ax and display.figure_ is ax.figure
    assert display.nodes_[0].get_sizes() == [7] and display.edges_[0].get_linewidths() == [9]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"weights": []}, r"weights must be matrices .* got \[\]"),
        ({"weights": [np.eye(2), np.eye(3)]}, r"weights must be .* \[\(2, 2\), \(3, 3\)\]"),
        ({"weights": [np.ones(2)]}, "weights must be"),
        ({"weights": [np.eye(2)], "labels": ["a"]}, "labels must be 2 texts, got 1"),
        ({"weights": [np.eye(2)], "input_names": ["a"]}, "input_names must be 2 texts, got 1"),
        ({"weights": [np.eye(2)], "output_names": "abc"}, "output_names must be 2 texts, got 3"),
    ],
)
def test_arrays_and_names_that_do_not_agree_are_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        NetworkDisplay(**arguments).plot()
    assert plt.get_fignums() == []


def test_what_is_not_a_network_of_this_package_is_refused():
    model = LogisticRegression().fit(*[each[:100] for each in iris()])
    with pytest.raises(TypeError, match=r"estimator must be a ScratchMLP.* got LogisticRegression"):
        NetworkDisplay.from_estimator(model)
    with pytest.raises(ValueError, match="max_units must be"):
        NetworkDisplay(weights=[np.eye(2)]).plot(max_units=1)


@pytest.mark.parametrize("call", ["from_estimator(model)", "(weights=[np.eye(2)]).plot()"])
def test_without_matplotlib_the_error_names_the_extra(call):
    said = message_without_matplotlib(f"NetworkDisplay.{call}".replace(".(", "("))
    assert said.endswith('needs matplotlib: pip install "sknumpy_mlp[plot]"\n')
