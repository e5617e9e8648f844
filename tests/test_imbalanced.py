"""Samplers of imbalanced-learn before the estimators: they act on the rows of training only."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from sknumpy_mlp import ScratchMLPClassifier, make_tabular_mlp

from .common import assert_same_weights

pytest.importorskip("imblearn", reason="imbalanced-learn is not installed")

from imblearn.ensemble import BalancedBaggingClassifier
from imblearn.over_sampling import SMOTE, SMOTENC, RandomOverSampler
from imblearn.pipeline import Pipeline
from imblearn.under_sampling import RandomUnderSampler

SAMPLERS = [SMOTE, RandomOverSampler, RandomUnderSampler]


def rare(n_samples=300):
    """Two classes, of which the second has a tenth of the rows."""
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((n_samples, 3)), np.arange(n_samples) % 10 == 0
    X[y] += 1.0
    return X, np.where(y, "rare", "usual")


def network(**parameters):
    settings = {"max_iter": 20, "n_iter_no_change": None, "learning_rate_init": 0.01}
    return ScratchMLPClassifier((8,), **settings | {"random_state": 0} | parameters)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_pipeline_trains_on_the_sampled_rows_and_predicts_every_row(sampler):
    X, y = rare()
    pipeline = Pipeline([("sampler", sampler(random_state=0)), ("network", network())]).fit(X, y)
    by_hand = network().fit(*sampler(random_state=0).fit_resample(X, y))
    assert_same_weights(pipeline["network"], by_hand)
    assert_array_equal(pipeline.predict_proba(X), by_hand.predict_proba(X))
    # Trained on as many rows of each class, the network finds more of the rare one.
    found = [(model.predict(X) == "rare").sum() for model in (pipeline, network().fit(X, y))]
    assert found[0] > found[1]


def test_a_search_samples_the_training_rows_of_each_fold_only():
    X, y = rare()
    pipeline = Pipeline([("sampler", RandomOverSampler(random_state=0)), ("network", network())])
    folds = list(StratifiedKFold(3).split(X, y))
    search = GridSearchCV(pipeline, {"network__alpha": [1e-4, 0.1]}, cv=folds).fit(X, y)
    for number, (train, test) in enumerate(folds):
        fitted = clone(pipeline).set_params(network__alpha=0.1).fit(X[train], y[train])
        expected = fitted.score(X[test], y[test])
        assert search.cv_results_[f"split{number}_test_score"][1] == expected


@pytest.mark.parametrize("sampler", [RandomOverSampler, RandomUnderSampler])
def test_the_pipeline_of_tables_takes_sampled_frames_with_gaps_and_text(sampler):
    X, y = rare()
    table = pd.DataFrame({"n": X[:, 0], "m": X[:, 1], "c": np.where(X[:, 2] > 0, "a", "b")})
    table.loc[::7, "n"] = np.nan
    model = make_tabular_mlp(budget="fast", max_iter=3, random_state=0)
    steps = [("sampler", sampler(random_state=0)), ("model", clone(model))]
    pipeline = Pipeline(steps).fit(table, y)
    expected = clone(model).fit(*sampler(random_state=0).fit_resample(table, y))
    assert_array_equal(pipeline.predict_proba(table), expected.predict_proba(table))


def test_smote_for_categories_goes_before_the_pipeline_of_tables():
    X, y = rare()
    table = pd.DataFrame({"n": X[:, 0], "c": np.where(X[:, 2] > 0, "a", "b")})
    sampled, labels = SMOTENC(["c"], random_state=0).fit_resample(table, y)
    model = make_tabular_mlp(budget="fast", max_iter=3, random_state=0).fit(sampled, labels)
    assert model.predict(table).shape == (300,)


def test_balanced_bagging_clones_the_network():
    X, y = rare()
    bagging = BalancedBaggingClassifier(network(), n_estimators=3, random_state=0).fit(X, y)
    assert len({each["classifier"].coefs_[0].tobytes() for each in bagging.estimators_}) == 3
    assert set(bagging.predict(X)) == {"rare", "usual"}


def test_copies_of_rows_are_integer_weights():
    """What over-sampling does by copies, `sample_weight` does without them."""
    X, y = rare()
    sampler = RandomOverSampler(random_state=0)
    sampled = sampler.fit_resample(X, y)
    counts = np.bincount(sampler.sample_indices_, minlength=len(y))
    settings = {"batch_size": "full", "shuffle": False, "alpha": 1.0}
    copied, weighted = network(**settings).fit(*sampled), network(**settings)
    weighted.fit(X, y, sample_weight=counts)
    # Sums of other lengths round differently.
    assert_same_weights(weighted, copied, atol=1e-9)
