"""Keywords of other libraries in `fit` and `partial_fit`: each is answered with what to write."""

import inspect
import re

import pytest
from sklearn.utils.metadata_routing import get_routing_for_object

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp._keywords import ANSWERS

from .common import brief, digits, refusal, state_of

X, Y = digits(n_samples=60)
ESTIMATORS = [ScratchMLPClassifier, ScratchMLPRegressor]


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
            *("X_val", "y_val", "sample_weight_val"),
        ]
        requests = get_routing_for_object(cls()).fit.requests
        assert {"sample_weight", "X_val", "y_val"} <= requests.keys()


def test_upper_case_and_what_only_fit_takes_are_answered():
    model = ScratchMLPClassifier((4,), max_iter=1)
    with pytest.raises(TypeError, match="did you mean 'X_val'"):
        model.fit([[0.0]], [0], x_val=1)
    with pytest.raises(TypeError, match=r"only fit\(\) takes resume_from"):
        model.partial_fit([[0.0]], [0], resume_from=1)


def test_a_missing_target_is_named_without_a_private_class():
    with pytest.raises(TypeError, match=r"^fit\(\) misses the argument 'y'$"):
        ScratchMLPClassifier().fit([[0.0]])
