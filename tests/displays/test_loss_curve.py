"""`LossCurveDisplay`: what is drawn is what the fit kept, at the epochs where it happened."""

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp.displays import LossCurveDisplay

from .pictures import fitted, iris, message_without_matplotlib, plt


def points(line):
    return [list(each) for each in line.get_data()]


def test_both_curves_and_the_best_epoch_are_those_of_the_fit():
    model = fitted(ScratchMLPClassifier, *iris(), early_stopping=True, scoring="loss")
    display = LossCurveDisplay.from_estimator(model)
    (line,), (held_out,), (mark,) = (
        display.lines_,
        display.held_out_lines_,
        display.best_epoch_lines_,
    )
    epochs = list(range(1, model.n_iter_ + 1))
    assert points(line) == [epochs, model.loss_curve_]
    assert points(held_out) == [epochs, model.validation_loss_curve_]
    best = model.best_iter_
    assert points(mark) == [[best], [min(model.validation_loss_curve_)]]
    assert line.get_color() == held_out.get_color() == mark.get_color()
    assert display.ax_.get_xlabel() == "Epoch" and display.ax_.get_ylabel() == "Loss"
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    name = "ScratchMLPClassifier"
    assert legend == [f"{name}, training", f"{name}, held out", "Best epoch"]


def test_a_fit_without_held_out_rows_has_one_curve():
    display = LossCurveDisplay.from_estimator(fitted(ScratchMLPClassifier, *iris()), name="it")
    assert len(display.ax_.lines) == 1
    assert display.held_out_lines_ == display.best_epoch_lines_ == [None]
    assert display.lines_[0].get_label() == display.name == "it"


def test_the_best_epoch_of_every_member_is_marked():
    model = fitted(
        ScratchMLPClassifier, *iris(), early_stopping=True, members=3, learning_rate_init=0.3
    )
    (mark,) = LossCurveDisplay.from_estimator(model).best_epoch_lines_
    assert points(mark)[0] == list(model.best_iter_)
    assert points(mark)[1] == [model.validation_loss_curve_[best - 1] for best in model.best_iter_]


def test_the_best_epoch_of_a_warm_start_is_counted_behind_the_first_fit():
    X, y = iris()
    model = fitted(ScratchMLPClassifier, X, y, warm_start=True, early_stopping=True)
    model.set_params(max_iter=4).fit(X, y)
    (mark,) = LossCurveDisplay.from_estimator(model).best_epoch_lines_
    assert points(mark)[0] == [6 + model.best_iter_]


def test_held_out_losses_that_begin_later_belong_to_the_last_epochs():
    X, y = iris()
    model = fitted(ScratchMLPClassifier, X, y, warm_start=True)
    model.set_params(max_iter=4, early_stopping=True).fit(X, y)
    display = LossCurveDisplay.from_estimator(model)
    assert points(display.lines_[0])[0] == list(range(1, 11))
    assert points(display.held_out_lines_[0]) == [[7, 8, 9, 10], model.validation_loss_curve_]
    (best,), (value,) = points(display.best_epoch_lines_[0])
    assert value == model.validation_loss_curve_[best - 7]


def test_several_fits_have_a_colour_and_a_name_each():
    X, y = iris()
    several = cross_validate(
        ScratchMLPClassifier((5,), max_iter=5, n_iter_no_change=None),
        X,
        y,
        return_estimator=True,
        cv=3,
    )["estimator"]
    display = LossCurveDisplay.from_estimators(several, log_scale=True)
    assert [line.get_label() for line in display.lines_] == [
        f"ScratchMLPClassifier {number}" for number in range(3)
    ]
    assert len({line.get_color() for line in display.lines_}) == 3
    assert display.ax_.get_yscale() == "log"
    named = LossCurveDisplay.from_estimators(dict(zip("abc", several)), name=None)
    assert named.name == ["a", "b", "c"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learns_network_can_be_drawn_beside_ours():
    X, y = iris()
    theirs = MLPClassifier(max_iter=20, random_state=0).fit(X[::2], y[::2])
    ours = ScratchMLPClassifier(max_iter=20, random_state=0, engine="numpy").fit(X[::2], y[::2])
    display = LossCurveDisplay.from_estimators([theirs, ours])
    a, b = (points(line) for line in display.lines_)
    # The parity that tests/test_parity.py promises.
    np.testing.assert_allclose(a, b, rtol=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_network_is_found_inside_other_estimators():
    X, y = iris()
    network = ScratchMLPRegressor(hidden_layer_sizes=(3,), max_iter=3, random_state=0)
    target = TransformedTargetRegressor(network, transformer=StandardScaler())
    search = GridSearchCV(make_pipeline(StandardScaler(), target), {}, cv=2).fit(X, y)
    inner = search.best_estimator_[-1].regressor_
    (line,) = LossCurveDisplay.from_estimator(search).lines_
    assert points(line)[1] == inner.loss_curve_


def test_styles_go_to_both_curves_and_to_one_alone():
    losses = np.array([3.0, 2.0, 1.0])
    display = LossCurveDisplay(losses=losses, held_out_losses=losses + 1, best_epochs=2)
    _, ax = plt.subplots()
    shown = display.plot(
        ax, curve_kwargs={"c": "k", "lw": 3}, held_out_kwargs={"ls": ":"}, best_epoch_kw={"ms": 11}
    )
    assert shown is display and display.ax_ is ax and display.figure_ is ax.figure
    line, held_out = display.lines_[0], display.held_out_lines_[0]
    assert (line.get_linestyle(), held_out.get_linestyle()) == ("-", ":")
    assert line.get_color() == held_out.get_color() == "k"
    assert line.get_linewidth() == held_out.get_linewidth() == 3
    assert display.best_epoch_lines_[0].get_markersize() == 11
    assert display.plot(plot_best_epoch=False).best_epoch_lines_ == [None]
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == [
        "Training",
        "Held out",
    ]
    two = LossCurveDisplay(losses=[losses, losses[:2]]).plot(curve_kwargs=[{"c": "r"}, {"c": "b"}])
    assert [line.get_color() for line in two.lines_] == ["r", "b"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": ["a"]}, r"name must have one entry for each of 2 fits, got \['a'\]"),
        ({"curve_kwargs": [{}, {}, {}]}, "curve_kwargs must have one entry for each of 2 fits"),
    ],
)
def test_lists_have_one_entry_for_each_fit(arguments, said):
    display = LossCurveDisplay(losses=[np.ones(3), np.ones(2)])
    with pytest.raises(ValueError, match=said):
        display.plot(**arguments)
    assert plt.get_fignums() == []


def test_what_has_no_epochs_is_refused_in_words():
    X, y = iris()
    model = fitted(ScratchMLPClassifier, X, y, solver="lbfgs", max_iter=200, tol=1.0)
    with pytest.raises(ValueError, match=r'loss_curve_, got ScratchMLPClassifier.*solver="lbfgs"'):
        LossCurveDisplay.from_estimator(model)
    with pytest.raises(ValueError, match="estimators must have at least one estimator"):
        LossCurveDisplay.from_estimators([])


@pytest.mark.parametrize(
    ("call", "caller"),
    [
        ("LossCurveDisplay.from_estimator(model)", "LossCurveDisplay.from_estimator"),
        ("LossCurveDisplay.from_estimators([model])", "LossCurveDisplay.from_estimators"),
        ("LossCurveDisplay(losses=np.ones(2)).plot()", "LossCurveDisplay.plot"),
    ],
)
def test_without_matplotlib_the_error_names_the_extra(call, caller):
    said = message_without_matplotlib(call)
    assert said == f'{caller} needs matplotlib: pip install "sknumpy_mlp[plot]"\n'
