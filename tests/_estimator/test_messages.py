"""Mistakes of new users: each is answered with what to write instead, and changes nothing."""

import inspect
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.metadata_routing import get_routing_for_object

from sknumpy_mlp import (
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    activations,
    initializers,
    losses,
    optimizers,
    schedules,
)
from sknumpy_mlp._keywords import ANSWERS
from sknumpy_mlp.callbacks import Checkpoint
from sknumpy_mlp.schedules import Schedule

from ..common import assert_same_weights, digits, label, state_of
from ..core.families import families

X, Y = digits(n_samples=60)
ESTIMATORS = [ScratchMLPClassifier, ScratchMLPRegressor]
BRIEF = {"max_iter": 2, "n_iter_no_change": None, "random_state": 0}


def brief(cls=ScratchMLPClassifier, **parameters):
    return cls(**{"hidden_layer_sizes": (4,)} | BRIEF | parameters)


def refusal(action, *kinds):
    """The message of the exception of one of these kinds that the action must raise."""
    with pytest.raises(kinds or ValueError) as caught:
        action()
    return str(caught.value)


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
        (said,) = reports(lambda: brief().fit(form(X), y))
        assert said.startswith(
            "X should be scaled: the root mean square of column 23 is about 1000"
        )

    def test_the_column_is_named_where_there_are_names(self):
        X, y = load_breast_cancer(return_X_y=True, as_frame=True)
        (said,) = reports(lambda: brief().fit(X, y))
        assert "the root mean square of column 'worst area' is about 1000" in said

    def test_unscaled_targets_are_reported(self):
        X, y = load_diabetes(return_X_y=True)
        (said,) = reports(lambda: brief(ScratchMLPRegressor).fit(X, y))
        assert said.startswith("y should be scaled: its root mean square is about 200, more than")
        (said,) = reports(lambda: brief(ScratchMLPRegressor).fit(1e5 * X, y))
        assert "X should be scaled" in said and "y should be scaled" in said

    def test_targets_of_an_exponential_link_need_no_scale(self):
        X, y = load_diabetes(return_X_y=True)
        assert not reports(lambda: brief(ScratchMLPRegressor, loss="poisson").fit(X, y))

    def test_labels_are_no_sizes(self):
        X, y = digits(n_samples=250)
        assert not reports(lambda: brief().fit(X, 1000 * y))

    def test_few_rows_are_passed_over(self):
        X, y = load_wine(return_X_y=True)
        assert len(X) < 200 and np.sqrt((X**2).mean(axis=0)).max() > 300
        assert not reports(lambda: brief().fit(X, y))
        (said,) = reports(lambda: brief().fit(np.r_[X, X], np.r_[y, y]))
        assert "column 12 is about 800" in said

    def test_the_remedies_are(self, cancer):
        network = brief(ScratchMLPRegressor)
        X, y = cancer[0], cancer[0][:, 3]
        model = make_pipeline(StandardScaler(), network)
        scaled = TransformedTargetRegressor(model, transformer=StandardScaler())
        assert not reports(lambda: scaled.fit(X, y))

    def test_only_solvers_that_take_steps_are_concerned(self, cancer):
        model = brief(solver="lbfgs", max_iter=1)
        assert not [said for said in reports(lambda: model.fit(*cancer)) if "scaled" in said]

    def test_only_a_fit_that_begins_is_reported(self, cancer, tmp_path):
        X, y = cancer
        model = brief(warm_start=True)
        assert len(reports(lambda: model.fit(X, y))) == 1
        assert not reports(lambda: model.fit(X, y))
        assert not reports(lambda: brief().partial_fit(X, y, classes=[0, 1]))

    def test_a_fit_that_is_resumed_is_not_reported(self, cancer, tmp_path):
        pytest.importorskip("sklearn.callback", reason="this scikit-learn has no callbacks")
        path = tmp_path / "checkpoint"
        model = brief().set_callbacks(Checkpoint(path))
        assert len(reports(lambda: model.fit(*cancer))) == 1
        longer = brief(max_iter=4)
        assert not reports(lambda: longer.fit(*cancer, resume_from=path))
        assert longer.n_iter_ == 4

    def test_it_draws_nothing(self, cancer):
        X, y = cancer
        streams = [np.random.RandomState(3) for _ in range(2)]
        looked, unlooked = (brief(random_state=stream, max_iter=1) for stream in streams)
        assert reports(lambda: looked.fit(X, y))
        assert not reports(lambda: unlooked.partial_fit(X, y, classes=[0, 1]))
        assert_same_weights(looked, unlooked)
        assert len({stream.randint(2**31) for stream in streams}) == 1

    def test_it_is_shown_once_for_a_grid(self, cancer):
        X, y = cancer
        search = GridSearchCV(brief(), {"alpha": [0.0, 0.1, 1.0]}, cv=3)
        said = reports(lambda: search.fit(X, y))
        assert len(said) == 10 and len(set(said)) == 1

    def test_as_an_error_it_leaves_nothing_behind(self, cancer):
        model = brief()
        before = state_of(model)
        assert "should be scaled" in refusal(lambda: model.fit(*cancer), UserWarning)
        assert state_of(model) == before


class TestScheduleOfPartialFit:
    def calls(self, schedule, n_calls, **parameters):
        """The warnings of each call of partial_fit."""
        model = brief(learning_rate=schedule, **parameters)
        each = lambda: model.partial_fit(X, Y, classes=np.arange(10))  # noqa: E731
        return [reports(each) for _ in range(n_calls)]

    @pytest.mark.parametrize("name", sorted(Schedule.named()))
    def test_the_end_of_a_schedule_is_reported_once(self, name):
        said = self.calls(name, 6, max_iter=3)
        is_endless = name in ("constant", "invscaling", "adaptive")
        assert [len(each) for each in said] == [0, 0, 0, 0 if is_endless else 1, 0, 0]

    def test_what_is_said_and_to_do(self):
        *_, (said,) = self.calls(lambda t: 1 - t / 2, 3)
        assert said == (
            "The schedule FunctionOfFraction has reached its end and stays at its last factor, "
            "0.5: it planned for max_iter=2 epochs, and with partial_fit an epoch is a call. Raise "
            "max_iter to the number of planned calls."
        )

    def test_as_an_error_it_leaves_the_estimator_as_it_was(self):
        model = brief(learning_rate="cosine")
        for _ in range(2):
            model.partial_fit(X, Y, classes=np.arange(10))
        before = state_of(model)
        assert "max_iter=2" in refusal(lambda: model.partial_fit(X, Y), UserWarning)
        assert state_of(model) == before
        assert not reports(lambda: model.set_params(max_iter=9).partial_fit(X, Y))

    def test_fit_knows_its_end(self):
        assert not reports(lambda: brief(learning_rate="cosine").fit(X, Y))


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


class TestKeywordsOfFit:
    @pytest.mark.parametrize(
        ("word", "answer"),
        [
            ("validation_data", "X_val and y_val of fit() are rows to validate on"),
            ("eval_set", "X_val and y_val of fit() are rows to validate on"),
            (
                "epochs",
                "max_iter of the estimator is the number of epochs of fit(); partial_fit() ",
            ),
            ("batch_size", "it is a parameter of the estimator: ScratchMLPClassifier(batch_size="),
            ("verbose", "it is a parameter of the estimator: ScratchMLPClassifier(verbose=...)"),
            ("class_weight", "it is a parameter of the estimator: ScratchMLPClassifier(class_w"),
            ("callbacks", "set_callbacks() of the estimator sets callbacks"),
            ("validation_split", "early_stopping=True and validation_fraction of the estimator"),
            ("sample_weights", "did you mean 'sample_weight'?"),
        ],
    )
    def test_those_of_other_libraries_are_answered(self, word, answer):
        model = brief()
        before = state_of(model)
        message = refusal(lambda: model.fit(X, Y, **{word: 1}), TypeError)
        assert message.startswith(f"fit() got an unexpected keyword argument {word!r}; {answer}")
        assert state_of(model) == before

    @pytest.mark.parametrize("cls", ESTIMATORS)
    @pytest.mark.parametrize("word", sorted(ANSWERS))
    def test_every_answer_is_given_by_both_and_in_both_methods(self, cls, word):
        model = brief(cls)
        for method in (model.fit, model.partial_fit):
            if word in inspect.signature(method).parameters:
                continue
            message = refusal(lambda: method(X, Y, **{word: 1}), TypeError)  # noqa: B023
            start = f"{method.__name__}() got an unexpected keyword argument {word!r}; "
            assert message.startswith(start)
            if word not in model.get_params():
                assert message == start + ANSWERS[word]

    def test_answers_name_what_is_there(self):
        known = {*brief().get_params(), *brief(ScratchMLPRegressor).get_params(), *dir(brief())}
        known |= {*inspect.signature(brief().fit).parameters, "make_tabular_mlp"}
        if not hasattr(brief(), "set_callbacks"):
            known.add("set_callbacks")
        for answer in set(ANSWERS.values()):
            named = re.findall(r"\w+(?==True|\(\)| of the est)|\w*_\w+", answer)
            assert named and set(named) <= known, answer

    def test_an_unknown_one_is_refused_plainly(self):
        said = refusal(lambda: brief().fit(X, Y, nonsense=1), TypeError)
        assert said == "fit() got an unexpected keyword argument 'nonsense'"

    @pytest.mark.parametrize("cls", ESTIMATORS)
    def test_signatures_and_routing_stay(self, cls):
        assert list(inspect.signature(cls.fit).parameters) == [
            *("self", "X", "y", "sample_weight"),
            *("X_val", "y_val", "sample_weight_val", "resume_from"),
        ]
        kinds = {each.kind.name for each in inspect.signature(cls.fit).parameters.values()}
        assert kinds == {"POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY"}
        with_classes = ["classes"] if cls is ScratchMLPClassifier else []
        assert list(inspect.signature(cls.partial_fit).parameters) == [
            *("self", "X", "y", "sample_weight"),
            *with_classes,
        ]
        requests = get_routing_for_object(cls()).fit.requests
        assert {"sample_weight", "X_val", "y_val"} <= requests.keys()


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
        assert self.ADVICE in said
        assert said.startswith(("Input X contains NaN.\n", "X must hold numbers: "))
        assert state_of(model) == before
        numbers = self.NUMBERS
        if isinstance(table, pd.DataFrame):
            numbers = pd.DataFrame(numbers, columns=table.columns)
        model.fit(numbers, y)
        assert self.ADVICE in refusal(lambda: model.predict(table))

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
