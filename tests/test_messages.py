"""Mistakes of new users: each is answered with what to write instead, and changes nothing."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.model_selection import GridSearchCV

from sknumpy_mlp import (
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    activations,
    initializers,
    losses,
    optimizers,
    schedules,
)

from .common import brief, digits, label, refusal, state_of
from .families import families

X, Y = digits(n_samples=60)
ESTIMATORS = [ScratchMLPClassifier, ScratchMLPRegressor]


class TestParametersOfParts:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (
                {"solver": "rmsprop", "solver__rho": 0.9},
                "solver__rho needs an object whose rho can be set, got 'rmsprop'; pass "
                "solver=optimizers.RMSprop(rho=...)",
            ),
            (
                {"solver__rho": 0.9},
                "solver__rho needs an object whose rho can be set, got 'adam', which has "
                "['beta_1', 'beta_2', 'epsilon']; pass solver=optimizers.RMSprop(rho=...)",
            ),
            (
                {"solver": "sgd", "solver__momentum": 0.5},
                "got 'sgd'; pass solver=optimizers.SGD(momentum=...), or set momentum of the "
                "estimator",
            ),
            ({"solver__nonsense": 1}, "got 'adam', which has ['beta_1', 'beta_2', 'epsilon']"),
            (
                {"solver": optimizers.RMSprop, "solver__rho": 0.9},
                "got <class 'sknumpy_mlp.optimizers.RMSprop'>; pass solver=optimizers.RMSprop(rho",
            ),
            (
                {"loss": "huber", "loss__delta": 2.0},
                "loss__delta needs an object whose delta can be set, got 'huber'; pass "
                "loss=losses.Huber(delta=...)",
            ),
            (
                {"activation": "leaky_relu", "activation__negative_slope": 0.1},
                "got 'leaky_relu'; pass activation=activations.LeakyReLU(negative_slope=...)",
            ),
            (
                {"activation__negative_slope": 0.1},
                "got 'relu', which has no parameters; pass activation=activations.LeakyReLU(",
            ),
            (
                {"learning_rate": "warmup", "learning_rate__then": "cosine"},
                "got 'warmup'; pass learning_rate=schedules.Warmup(then=...)",
            ),
            (
                {"learning_rate": schedules.Warmup(), "learning_rate__then__final": 0.1},
                "then__final needs an object whose final can be set, got 'constant', which has no "
                "parameters; pass then=schedules.",
            ),
            (
                {"init__scale": 0.1},
                "init__scale needs an object whose scale can be set, got 'auto', which has no "
                "parameters; pass init=initializers.Normal(scale=...)",
            ),
            (
                {"activation": ["relu", "tanh"], "activation__negative_slope": 1},
                "got ['relu', 'tanh']; pass activation=activations.LeakyReLU(negative_slope=...)",
            ),
        ],
        ids=label,
    )
    @pytest.mark.parametrize("cls", ESTIMATORS)
    def test_a_name_has_none_to_set(self, cls, given, message):
        assert message in refusal(lambda: brief(cls).set_params(**given))

    def test_nothing_is_set_where_one_cannot_be(self):
        model = brief()
        before = state_of(model)
        refusal(lambda: model.set_params(alpha=7.0, loss="squared_error", solver__rho=0.9))
        assert state_of(model) == before

    def test_a_grid_says_so(self):
        search = GridSearchCV(brief(solver="rmsprop"), {"solver__rho": [0.5, 0.9]}, cv=2)
        assert "pass solver=optimizers.RMSprop(rho=...)" in refusal(lambda: search.fit(X, Y))

    def test_an_object_and_its_parameter_can_be_set_together(self):
        model = brief().set_params(solver__rho=0.5, solver=optimizers.RMSprop())
        assert model.solver.rho == 0.5
        model.set_params(solver__rho=0.25, alpha=0.0)
        assert (model.solver.rho, model.alpha) == (0.25, 0.0)

    def test_unknown_names_are_refused_as_by_scikit_learn(self):
        for key in ("nonsense", "nonsense__rho"):
            assert "Invalid parameter 'nonsense'" in refusal(lambda: brief().set_params(**{key: 1}))  # noqa: B023


class TestNames:
    @pytest.mark.parametrize(
        ("parameter", "value", "advice"),
        [
            ("learning_rate", 0.01, "; the learning rate itself is learning_rate_init=0.01"),
            ("learning_rate", 1, "; the learning rate itself is learning_rate_init=1"),
            ("solver", "Adam", "; did you mean 'adam'?"),
            ("solver", "rms-prop", "; did you mean 'rmsprop'?"),
            ("solver", optimizers.Adam, "the class Adam; call it to make an object: Adam()"),
            ("solver", None, "got None"),
            ("activation", "sigmoid", "; did you mean 'logistic'?"),
            ("activation", "leaky-relu", "; did you mean 'leaky_relu'?"),
            ("init", "xavier", "; did you mean 'glorot_uniform'?"),
            ("init", "kaiming normal", "; did you mean 'he_normal'?"),
            ("loss", "mse", "; did you mean 'squared_error'?"),
            ("loss", "MSE", "; did you mean 'squared_error'?"),
        ],
        ids=label,
    )
    @pytest.mark.parametrize("cls", ESTIMATORS)
    def test_a_near_name_is_offered(self, cls, parameter, value, advice):
        message = refusal(lambda: brief(cls, **{parameter: value}).fit(X, Y))
        assert re.match(rf"{parameter} must be an? \w+ or one of \['", message)
        assert message.endswith(advice)

    @pytest.mark.parametrize(
        ("family", "word", "name"),
        [
            (family, word, name)
            for family in families()
            for name, member in family.named().items()
            for word in member.known_as
        ],
    )
    def test_words_of_other_libraries_lead_to_one_name(self, family, word, name):
        assert word not in family.named()
        message = refusal(lambda: family.resolve(word.title().replace("_", "-"), "parameter"))
        assert message.endswith(f"; did you mean {name!r}?")
        assert sum(word in member.known_as for member in family.named().values()) == 1

    def test_the_losses_to_choose_from_serve_the_estimator(self):
        for_classes = "loss must be a Loss or one of ['binary_log_loss', 'log_loss', "
        for_classes += "'squared_error'], got "
        for_numbers = "loss must be a Loss or one of ['absolute_error', 'huber', 'pinball', "
        for_numbers += "'poisson', 'squared_error'], got "
        for word, classes_mean, numbers_mean in (
            ("mse", "; did you mean 'squared_error'?", "; did you mean 'squared_error'?"),
            ("mae", "", "; did you mean 'absolute_error'?"),
            ("cross_entropy", "; did you mean 'log_loss'?", ""),
            ("nonsense", "", ""),
        ):
            said = refusal(lambda: brief(loss=word).fit(X, Y))  # noqa: B023
            assert said == f"{for_classes}{word!r}{classes_mean}"
            said = refusal(lambda: brief(ScratchMLPRegressor, loss=word).fit(X, Y))  # noqa: B023
            assert said == f"{for_numbers}{word!r}{numbers_mean}"

    def test_parts_take_arguments_by_keyword(self):
        assert refusal(lambda: optimizers.Adam(0.01), TypeError) == (
            "Adam takes its parameters by keyword, ['beta_1', 'beta_2', 'epsilon'], got (0.01,); "
            "the learning rate is learning_rate_init of the estimator"
        )
        for name in ("lr", "learning_rate"):
            assert refusal(lambda: optimizers.SGD(**{name: 0.1}), TypeError) == (  # noqa: B023
                f"SGD has no parameter '{name}'; it has ['momentum', 'nesterovs_momentum']; the "
                "learning rate is learning_rate_init of the estimator"
            )
        for part in (activations.LeakyReLU, initializers.Normal, losses.Huber, schedules.Cosine):
            message = refusal(lambda: part(0.5), TypeError)  # noqa: B023
            assert message.startswith(f"{part.__name__} takes its parameters by keyword, ['")

    def test_a_named_part_gets_no_argument_that_it_does_not_ask_for(self):
        class Shrinking(optimizers.SGD):
            name = "shrinking"

            def __init__(self, *, momentum=0.9, nesterovs_momentum=True, alpha=0.5):
                super().__init__(momentum=momentum, nesterovs_momentum=nesterovs_momentum)
                self.alpha = alpha

            def update(self, rate, t, theta, grad, *rest):
                seen.append((self.alpha, self.momentum))
                super().update(rate, t, theta, grad, *rest)

        seen = []
        try:
            brief(solver="shrinking", alpha=3.0, momentum=0.7).fit(X, Y)
        finally:
            Shrinking.name = None
        assert set(seen) == {(0.5, 0.7)}


class TestPlaces:
    @pytest.mark.parametrize(
        ("model", "message"),
        [
            (
                ScratchMLPClassifier(64, 32),
                "got 32; hidden_layer_sizes takes all layers: hidden_layer_sizes=(64, 32)",
            ),
            (
                ScratchMLPClassifier((64,), (32, 16)),
                "got (32, 16); hidden_layer_sizes takes all layers: "
                "hidden_layer_sizes=(64, 32, 16)",
            ),
            (ScratchMLPClassifier(activation=[np.int64(8)]), "hidden_layer_sizes=(8,)"),
            (
                ScratchMLPRegressor("huber", 64, 32),
                "got 32; hidden_layer_sizes takes all layers: hidden_layer_sizes=(64, 32)",
            ),
            (
                ScratchMLPRegressor((50,)),
                "got (50,); loss is the first argument of ScratchMLPRegressor: give the layers by "
                "keyword, hidden_layer_sizes=(50,)",
            ),
            (
                ScratchMLPRegressor(50),
                "got 50; loss is the first argument of ScratchMLPRegressor: ",
            ),
            (ScratchMLPRegressor(64, 32), "by keyword, hidden_layer_sizes=(64, 32)"),
            (ScratchMLPRegressor(64, 32, 16), "by keyword, hidden_layer_sizes=(64, 32, 16)"),
            (
                ScratchMLPRegressor((50,), "tanh"),
                "by keyword, hidden_layer_sizes=(50,), activation='tanh'",
            ),
        ],
        ids=str,
    )
    def test_sizes_of_layers_in_another_place_are_told_theirs(self, model, message):
        said = refusal(lambda: model.fit(X, Y))
        assert re.match(r"(loss|activation) must be an? \w+ or one of \['", said)
        # numpy's integers have a repr of their own.
        assert message in re.sub(r"np\.int64\((\d+)\)", r"\1", said)


class TestTables:
    """Strings and missing values lead to the recipe that takes them."""

    NUMBERS = np.arange(40.0).reshape(20, 2) / 40
    KINDS = ["gaps", "sparse gaps", "frame", "objects", "text", "None", "pandas.NA"]
    ADVICE = "\nmake_tabular_mlp() makes a model that takes columns of strings and missing values."

    def tables(self):
        gaps = self.NUMBERS.copy()
        gaps[3, 1] = np.nan
        frame = pd.DataFrame({"age": self.NUMBERS[:, 0], "city": ["Graz", "Linz"] * 10})
        made = [
            gaps,
            sparse.csr_array(gaps),
            frame,
            frame.to_numpy(dtype=object),
            np.array([["a", "b"]] * 20),
            np.where(np.isnan(gaps), None, gaps),
            frame.assign(city=pd.array([1, None] * 10, dtype="Int64")),
        ]
        return dict(zip(self.KINDS, made, strict=True))

    @pytest.mark.parametrize("cls", ESTIMATORS)
    @pytest.mark.parametrize("kind", KINDS)
    def test_they_are_told_in_fit_and_in_predict(self, cls, kind):
        y = np.arange(20) % 2
        table = self.tables()[kind]
        model = brief(cls)
        before = state_of(model)
        said = refusal(lambda: model.fit(table, y))
        # The recipe takes no sparse matrices.
        assert (self.ADVICE in said) is not sparse.issparse(table)
        assert said.startswith(("Input X contains NaN.\n", "X must hold numbers: "))
        assert state_of(model) == before
        numbers = self.NUMBERS
        if isinstance(table, pd.DataFrame):
            numbers = pd.DataFrame(numbers, columns=table.columns)
        model.fit(numbers, y)
        said = refusal(lambda: model.predict(table))
        assert (self.ADVICE in said) is not sparse.issparse(table)

    def test_categories_of_a_frame_are_told_too(self):
        frame = pd.DataFrame({"age": self.NUMBERS[:, 0], "c": pd.Categorical(["u", "v"] * 10)})
        said = refusal(lambda: brief().fit(frame, np.arange(20) % 2))
        assert said.startswith("X must hold numbers") and self.ADVICE.strip("\n.") in said

    def test_other_mistakes_do_not_lead_there(self):
        y = np.arange(20) % 2
        infinite = self.NUMBERS.copy()
        infinite[0, 0] = np.inf
        for wrong in (infinite, self.NUMBERS[0], self.NUMBERS[:5], self.NUMBERS + 1j, None):
            said = refusal(lambda: brief().fit(wrong, y), ValueError, TypeError)  # noqa: B023
            assert "make_tabular_mlp" not in said
        assert "make_tabular_mlp" not in refusal(lambda: brief().fit(self.NUMBERS, y * np.nan))


class TestTargets:
    X = np.arange(40.0).reshape(20, 2) / 40

    @pytest.mark.parametrize("form", [list, np.array, pd.Series], ids=lambda f: f.__name__)
    @pytest.mark.parametrize("gap", [None, np.nan, pd.NA], ids=str)
    def test_missing_labels_are_told(self, form, gap):
        y = ["a", "b"] * 10
        y[5] = y[9] = gap
        y = pd.Series(y, dtype=object) if form is pd.Series else form(y)
        if form is np.array and gap is np.nan:
            y = np.array(y.tolist(), dtype=object)
            y[5] = y[9] = gap
        for method in ("fit", "partial_fit"):
            model = brief()
            before = state_of(model)
            known = {"classes": ["a", "b"]} if method == "partial_fit" else {}
            said = refusal(lambda: getattr(model, method)(self.X, y, **known))  # noqa: B023
            first = f"y must have no missing values, got 2; the first is {gap} in row 5"
            assert said == first or said.startswith("Input y contains NaN")
            assert state_of(model) == before

    @pytest.mark.parametrize("gap", [None, np.nan, pd.NA], ids=str)
    @pytest.mark.parametrize("n_columns", [0, 2])
    def test_missing_numbers_among_objects_are_told(self, gap, n_columns):
        y = np.arange(20.0).astype(object)
        y = np.column_stack([y] * n_columns) if n_columns else y
        y[4] = gap
        model = brief(ScratchMLPRegressor)
        said = refusal(lambda: model.fit(self.X, y))
        n_missing = max(n_columns, 1)
        first = f"y must have no missing values, got {n_missing}; the first is "
        assert re.fullmatch(rf"{first}(nan|None|<NA>) in row 4", said) or "Input y" in said
        assert not hasattr(model, "coefs_")

    def test_infinity_among_objects_is_told(self):
        y = np.array([*range(19), np.inf], dtype=object)
        said = refusal(lambda: brief(ScratchMLPRegressor).fit(self.X, y))
        assert said == "y must hold finite numbers, got inf"

    def test_none_in_a_list_of_numbers_is_told(self):
        y = [None, *range(19)]
        said = refusal(lambda: brief(ScratchMLPRegressor).fit(self.X, y))
        assert said == "y must have no missing values, got 1; the first is None in row 0"

    def test_nullable_numbers_of_pandas_are_told(self):
        y = pd.Series([1, None] * 10, dtype="Int64")
        for cls in ESTIMATORS:
            said = refusal(lambda: brief(cls).fit(self.X, y))  # noqa: B023
            assert said.startswith(("y must have no missing values", "Input y contains NaN"))

    def test_missing_values_of_held_out_rows_are_told(self):
        y = np.array(["a", "b"] * 10, dtype=object)
        gap = np.where(np.arange(20) == 5, None, y)
        said = refusal(lambda: brief().fit(self.X, y, X_val=self.X, y_val=gap))
        assert "X_val and y_val must be as X and y are: y must have no missing values" in said

    @pytest.mark.parametrize("cls", ESTIMATORS)
    def test_a_sparse_vector_is_refused(self, cls):
        try:
            y = sparse.coo_array(np.arange(20) % 2)
        except ValueError:
            pytest.skip("this SciPy has no sparse vectors")
        if y.ndim != 1:
            pytest.skip("this SciPy has no sparse vectors")
        model = brief(cls)
        said = refusal(lambda: model.fit(self.X, y))
        assert said == (
            "y must be a dense vector or a matrix, got a coo_array of one dimension; y.toarray() "
            "makes it dense"
        )
        assert not hasattr(model, "coefs_")

    def test_labels_lead_from_the_regressor_to_the_classifier(self):
        y = np.array(["a", "b"] * 10, dtype=object)
        said = refusal(lambda: brief(ScratchMLPRegressor).fit(self.X, y))
        assert said == (
            "y must hold numbers: could not convert string to float: 'a'; "
            "ScratchMLPClassifier takes labels"
        )


@pytest.mark.parametrize("key", ["alpha__x", "shuffle__", "max_iter__a__b"])
def test_parameters_of_a_number_cannot_be_set(key):
    name = key.partition("__")[0]
    with pytest.raises(ValueError, match=f"{name} has no parameters of its own, got {key}=1"):
        ScratchMLPClassifier().set_params(**{key: 1})


@pytest.mark.parametrize("link", [losses.links.Softmax, "softmax", None])
def test_a_link_is_an_object(link):
    loss = type("Mine", (losses.SoftmaxCrossEntropy,), {"link": link})()
    with pytest.raises(ValueError, match=r"link of Mine.* must be a Link"):
        ScratchMLPClassifier(loss=loss).fit(np.eye(4), [0, 1, 2, 0])
