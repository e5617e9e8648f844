"""Keywords of other libraries, answered with what does the same here.

Contract: nothing here changes what a call does; an unknown keyword is refused with an answer. The
words of `WORDS` occur in messages only. To answer another word, add it there.
"""

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

# What a decorator returns has the type of what it decorates.
Method = TypeVar("Method", bound=Callable[..., Any])

# Keywords of `fit` in other libraries, by what does the same here.
WORDS = {
    "X_val and y_val of fit() are rows to validate on": "validation_data eval_set val_data "
    "valid_sets X_valid y_valid X_test y_test",
    "sample_weight_val of fit() are the weights of X_val": "sample_weight_eval_set "
    "eval_sample_weight",
    "early_stopping=True and validation_fraction of the estimator hold rows out": "test_size "
    "validation_split",
    "max_iter of the estimator is the number of epochs of fit(); partial_fit() is one": "epochs "
    "n_epochs num_epochs nb_epoch max_epochs n_iter",
    "set_callbacks() of the estimator sets callbacks, with scikit-learn 1.9 or later": "callbacks "
    "callback",
    "early_stopping=True and n_iter_no_change of the estimator stop early": "early_stopping_rounds "
    "patience",
    "learning_rate_init of the estimator is the learning rate": "lr eta",
    "solver of the estimator is the optimizer": "optimizer",
    "scoring of the estimator scores rows that are held out": "eval_metric metric metrics",
    "sample_weight are the weights of rows": "weights class_weight class_weights",
    "warm_start=True or from_weights() of the estimator start from given weights": "coef_init "
    "intercept_init init_model",
    "make_tabular_mlp() takes columns of categories": "cat_features categorical_feature",
    "only partial_fit() of a classifier takes classes": "classes",
}
ANSWERS = {word: answer for answer, words in WORDS.items() for word in words.split()}


def with_known_keywords(method: Method) -> Method:
    """Decorate a method so that an unknown keyword is answered with what does the same here."""
    parameters = inspect.signature(method).parameters
    names = list(parameters)
    required = [name for name in names[1:] if parameters[name].default is inspect.Parameter.empty]

    @functools.wraps(method)
    def checked(self, *args, **kwargs):
        for word in kwargs:
            if word not in names:
                raise TypeError(
                    f"{method.__name__}() got an unexpected keyword argument {word!r}"
                    + _answer(self, word, names)
                )
        given = [*names[1 : len(args) + 1], *kwargs]
        missing = [name for name in required if name not in given]
        if missing:
            raise TypeError(f"{method.__name__}() misses the argument {missing[0]!r}")
        return method(self, *args, **kwargs)

    return cast(Method, checked)


def _answer(estimator, word, names):
    """What to add to the message of an unknown keyword: words after a semicolon, or nothing."""
    if word in estimator._get_param_names():
        return f"; it is a parameter of the estimator: {type(estimator).__name__}({word}=...)"
    if word in ANSWERS:
        return f"; {ANSWERS[word]}"
    if word in inspect.signature(type(estimator).fit).parameters:
        return f"; only fit() takes {word}"
    plain = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower(), plain, 1)
    return f"; did you mean {plain[close[0]]!r}?" if close else ""
