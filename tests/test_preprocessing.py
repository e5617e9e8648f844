"""What all transformers promise: scikit-learn's checks, names of columns, a public address."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency

from sknumpy_mlp import (
    CrossFittedTargetEncoder,
    GaussianImputer,
    RobustSmoothScaler,
    preprocessing,
)

from .common import refusal, state_of
from .test_sklearn_conventions import each_check


class TestChecks:
    @each_check(
        [
            RobustSmoothScaler(),
            RobustSmoothScaler(dtype=np.float64),
            GaussianImputer(),
            CrossFittedTargetEncoder(),
            CrossFittedTargetEncoder(target_type="continuous", cv=2),
        ]
    )
    def test_estimator_passes(self, estimator, check):
        check(estimator)

    @pytest.mark.parametrize(
        "name", ["RobustSmoothScaler", "GaussianImputer", "CrossFittedTargetEncoder"]
    )
    def test_none_fails_and_none_is_skipped_where_the_array_api_is_on(self, name):
        program = (
            "from sklearn.utils.estimator_checks import check_estimator\n"
            f"from sknumpy_mlp import {name}\n"
            f"results = check_estimator({name}(), on_skip=None)\n"
            "assert {result['status'] for result in results} == {'passed'}, results\n"
            "print(len(results))\n"
        )
        environment = os.environ | {"SCIPY_ARRAY_API": "1"}
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        assert int(run.stdout) > 40

    @pytest.mark.parametrize(
        "estimator", [RobustSmoothScaler(), GaussianImputer(), CrossFittedTargetEncoder()]
    )
    def test_column_names_are_consistent(self, estimator):
        check_dataframe_column_names_consistency(type(estimator).__name__, estimator)


@pytest.mark.parametrize(
    "cls", [RobustSmoothScaler, GaussianImputer, CrossFittedTargetEncoder], ids=lambda c: c.__name__
)
def test_pickles_name_the_package_and_not_the_file_behind_it(cls):
    assert getattr(preprocessing, cls.__name__) is cls
    written = pickle.dumps(cls(), protocol=0)
    assert f"csknumpy_mlp.preprocessing\n{cls.__name__}\n".encode() in written


@pytest.mark.parametrize(
    "transformer",
    [RobustSmoothScaler(), GaussianImputer(), CrossFittedTargetEncoder(random_state=0)],
    ids=lambda each: type(each).__name__,
)
def test_a_fit_that_fails_changes_nothing(transformer):
    names = ["a", "b"]
    X = pd.DataFrame(np.random.RandomState(0).randint(3, size=(20, 2)).astype(float), columns=names)
    y = np.arange(20.0) / 2
    fitted = clone(transformer).fit(X, y)
    before, expected = state_of(fitted), fitted.transform(X)
    wrong = X.rename(columns={"b": "c"}).assign(d=[np.inf, *range(19)])
    refusal(lambda: fitted.fit(wrong, y))
    if isinstance(transformer, CrossFittedTargetEncoder):
        refusal(lambda: fitted.fit_transform(X.assign(d=1.0), y[1:]))
    else:
        refusal(lambda: fitted.fit_transform(wrong, y))
    assert state_of(fitted) == before
    np.testing.assert_array_equal(fitted.transform(X), expected)
