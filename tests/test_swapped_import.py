"""What is still visible once the import of MLPClassifier or MLPRegressor is swapped for ours."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import estimator_html_repr

import sknumpy_mlp
from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor, _view

PAGE = Path(__file__).parent.parent / "docs/reference/differences.md"
PAIRS = [(ScratchMLPClassifier, MLPClassifier), (ScratchMLPRegressor, MLPRegressor)]
quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("ours, theirs", PAIRS)
class TestFilters:
    def caught(self, cls, **settings):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.filterwarnings("ignore", **settings)
            cls(max_iter=2, random_state=0).fit(np.eye(4), [0, 1, 0, 1])
        return [each.category for each in caught]

    def test_one_by_the_module_of_scikit_learn_does_not_match_ours(self, ours, theirs):
        assert self.caught(theirs, module="sklearn") == []
        assert self.caught(ours, module="sklearn") == [ConvergenceWarning]

    def test_that_of_the_page_matches_both(self, ours, theirs):
        (code,) = re.findall(r"`(warnings\.filterwarnings\(.*?\))`", PAGE.read_text())
        (module,) = re.findall(r'module="(.*?)"', code)
        assert 'filterwarnings("ignore", category=ConvergenceWarning, module=' in code
        for cls in (ours, theirs):
            assert self.caught(cls, category=ConvergenceWarning, module=module) == []
            assert self.caught(cls, category=ConvergenceWarning) == []


@quiet
class TestDecisionBoundaries:
    @pytest.fixture
    def bands(self):
        X, y = make_moons(60, noise=0.2, random_state=0)

        def draw(cls, **options):
            # The module is needed to draw; its backend must not need a screen.
            matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
            matplotlib.use("agg")
            model = cls((8,), max_iter=20, random_state=0).fit(X, y)
            return DecisionBoundaryDisplay.from_estimator(model, X, grid_resolution=9, **options)

        yield draw
        from matplotlib import pyplot

        pyplot.close("all")

    def test_are_those_of_raw_scores_by_default(self, bands):
        ours, theirs = (bands(cls).response for cls in (ScratchMLPClassifier, MLPClassifier))
        assert theirs.min() >= 0 and theirs.max() <= 1
        assert ours.min() < 0
        # The log-odds of the same probability.
        np.testing.assert_allclose(1 / (1 + np.exp(-ours)), theirs, rtol=0, atol=1e-10)

    def test_are_the_same_for_probabilities(self, bands):
        ours, theirs = (
            bands(cls, response_method="predict_proba").response
            for cls in (ScratchMLPClassifier, MLPClassifier)
        )
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)


@quiet
@pytest.mark.parametrize("alpha", [0.1, 10.0 ** (-0.5), 1.0, 10.0**0.5, 10.0])
def test_lbfgs_ends_where_scikit_learn_ends_if_its_end_can_be_repeated(alpha):
    """The first data set of scikit-learn's gallery of alphas, which trains for long."""
    X, y = make_moons(noise=0.3, random_state=0)
    X, _, y, _ = train_test_split(X, y, test_size=0.4, random_state=42)
    X = StandardScaler().fit_transform(X)
    settings = {"solver": "lbfgs", "alpha": alpha, "hidden_layer_sizes": (10, 10)}
    settings |= {"max_iter": 2000, "random_state": 1}
    theirs = MLPClassifier(**settings).fit(X, y)
    perturbed = [
        clone(theirs).fit(X * (1 + 1e-14 * np.random.RandomState(seed).standard_normal(X.shape)), y)
        for seed in range(3)
    ]
    ours = ScratchMLPClassifier(**settings).fit(X, y)
    if {each.n_iter_ for each in perturbed} == {theirs.n_iter_}:
        assert ours.n_iter_ == theirs.n_iter_
        for mine, other in zip(ours.coefs_, theirs.coefs_):
            # A difference of 1e-16 grows by the condition of the problem.
            np.testing.assert_allclose(mine, other, rtol=0, atol=1e-6)
    else:
        # Another path, into a minimum like those of scikit-learn's own runs, which differ by 1 %.
        assert ours.loss_ <= 1.05 * max(each.loss_ for each in (theirs, *perturbed))


@quiet
class TestNotebook:
    TEMPLATE = "https://example.org/{estimator_module}.{estimator_name}.html"

    @pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
    def test_no_link_is_shown_without_an_address(self, cls):
        assert "href" not in re.sub(r"<style>.*?</style>", "", estimator_html_repr(cls()))

    @pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
    def test_with_an_address_every_paragraph_of_the_docstring_is_a_tooltip(self, cls, monkeypatch):
        monkeypatch.setattr(_view.Documented, "_doc_link_template", self.TEMPLATE)
        model = cls(max_iter=2, early_stopping=True)
        html = estimator_html_repr(model)
        link = self.TEMPLATE.format(estimator_module=cls.__module__, estimator_name=cls.__name__)
        assert f'href="{link}"' in html
        tooltips = html.count('<span class="param-doc-description"')
        if "param-doc-link" not in html:
            pytest.skip("this scikit-learn has no tooltips; 1.8 has")
        # Names that share a heading have no tooltip: scikit-learn looks for one name in a heading.
        shared = re.findall(r"^ *(\w+(?:, \w+)+) :", cls.__doc__, re.MULTILINE)
        shared = {name for heading in shared for name in heading.split(", ")}
        assert tooltips == len(set(model.get_params()) - shared)

        model.fit(np.eye(20), np.arange(20) % 2)
        shown = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
        html = estimator_html_repr(model)
        if "best_iter_" not in html:
            pytest.skip("this scikit-learn shows no fitted attributes; 1.9 does")
        expected = tooltips + len(shown - shared)
        assert html.count('<span class="param-doc-description"') == expected

    def test_the_architecture_is_shown_once_fitted(self):
        X, y = load_iris(return_X_y=True)
        model = make_pipeline(
            MinMaxScaler(),
            ScratchMLPClassifier((1000, 4), activation=["tanh", "relu"], members=2, max_iter=1),
        )
        assert "tanh →" not in estimator_html_repr(model)
        n_parameters = 2 * (4 * 1000 + 1000 + 1000 * 4 + 4 + 4 * 3 + 3)
        expected = f"4 → 1,000 tanh → 4 relu → 3 softmax, 2 members, {n_parameters:,} parameters"
        for shown in (model.fit(X, y), model[-1]):
            assert expected in estimator_html_repr(shown)

    def test_weights_that_do_not_fit_together_are_shown_without_it(self):
        model = ScratchMLPRegressor(max_iter=1).fit(np.eye(3), np.ones(3))
        model.coefs_ = model.coefs_[:1]
        assert "ScratchMLPRegressor" in estimator_html_repr(model)

    def test_all_estimators_have_the_same_address(self):
        public = [getattr(sknumpy_mlp, name) for name in sknumpy_mlp.__all__]
        estimators = [each for each in public if hasattr(each, "fit")]
        assert len(estimators) > 2
        for cls in estimators:
            assert issubclass(cls, _view.Documented) and cls._doc_link_module == "sknumpy_mlp"
            assert cls()._get_doc_link() == ""
