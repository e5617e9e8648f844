"""The encoder of categories: scikit-learn's own encoder on the same folds."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.model_selection import KFold
from sklearn.preprocessing import TargetEncoder

from sknumpy_mlp import CrossFittedTargetEncoder

from ..common import refusal


def categories(n_rows=150, n_categories=12, seed=0):
    """Two columns of categories, some missing, and a rank that depends on the first."""
    rng = np.random.RandomState(seed)
    level = rng.randint(n_categories, size=(n_rows, 2))
    X = np.array([[f"c{v}" for v in row] for row in level], dtype=object)
    X[::9, 0] = None
    return X, level[:, 0] + rng.standard_normal(n_rows)


TARGETS = {
    "continuous": lambda rank: rank,
    "binary": lambda rank: np.where(rank > 5, "yes", "no"),
    "multiclass": lambda rank: np.array(["low", "middle", "high"])[np.digitize(rank, [3, 8])],
}


class TestTargetEncoder:
    @pytest.mark.parametrize("kind", TARGETS)
    def test_means_over_all_samples_are_those_of_scikit_learn(self, kind):
        X, rank = categories()
        y = TARGETS[kind](rank)
        expected = TargetEncoder(target_type=kind).fit(X, y)
        encoder = CrossFittedTargetEncoder().fit(X, y)
        later = np.array([["c1", "new"], [None, None], ["c2", "c3"]], dtype=object)
        np.testing.assert_allclose(encoder.transform(later), expected.transform(later), rtol=1e-12)
        assert encoder.get_feature_names_out().tolist() == list(expected.get_feature_names_out())

    @pytest.mark.parametrize("kind", TARGETS)
    def test_each_fold_has_the_means_of_the_others(self, kind):
        X, rank = categories()
        y = TARGETS[kind](rank)
        out = CrossFittedTargetEncoder(cv=4, random_state=3).fit_transform(X, y)
        for others, fold in KFold(4, shuffle=True, random_state=3).split(X):
            means = TargetEncoder(target_type=kind).fit(X[others], y[others]).transform(X[fold])
            np.testing.assert_allclose(out[fold], means, rtol=1e-12)

    def test_no_sample_is_encoded_by_its_own_target(self):
        X, y = categories()
        out = CrossFittedTargetEncoder(random_state=0).fit_transform(X, y)
        y[7] += 1000
        changed = CrossFittedTargetEncoder(random_state=0).fit_transform(X, y)
        np.testing.assert_array_equal(changed[7], out[7])
        assert (changed != out).any()

    @pytest.mark.parametrize("labels", [False, True], ids=["numbers", "labels"])
    def test_columns_of_a_target_are_averaged_separately(self, labels):
        X, rank = categories()
        Y = np.column_stack([rank, -(rank**2), rank % 3])
        Y = (Y > Y.mean(axis=0)).astype(int) if labels else Y
        both = CrossFittedTargetEncoder(random_state=0)
        out = both.fit_transform(X, Y).reshape(len(X), 2, 3)
        for number, y in enumerate(Y.T):
            one = CrossFittedTargetEncoder(random_state=0)
            np.testing.assert_array_equal(out[:, :, number], one.fit_transform(X, y))
        names = both.get_feature_names_out(["a", "b"]).tolist()
        assert names == ["a_0", "a_1", "a_2", "b_0", "b_1", "b_2"]

    def test_whole_numbers_are_averaged_where_it_is_asked_for(self):
        X, rank = categories()
        y = np.rint(rank)
        expected = TargetEncoder(target_type="continuous").fit(X, y).transform(X)
        encoder = CrossFittedTargetEncoder(target_type="continuous").fit(X, y)
        np.testing.assert_array_equal(encoder.transform(X), expected)
        assert CrossFittedTargetEncoder().fit(X, y).transform(X).shape[1] > 2

    def test_a_missing_value_is_a_category_and_a_new_one_has_the_mean(self):
        X = np.array([["a"] * 4 + ["b"] * 4 + [None] * 4], dtype=object).T
        y = [0.0, 0, 0, 0, 1, 1, 1, 1, 5, 5, 5, 5]
        encoder = CrossFittedTargetEncoder(target_type="continuous").fit(X, y)
        # Nothing varies within a category, so that its mean has all of the weight.
        rows = np.array([["a"], ["b"], [None], ["c"]], dtype=object)
        np.testing.assert_allclose(encoder.transform(rows)[:, 0], [0, 1, 5, 2])

    def test_the_folds_follow_random_state(self):
        X, y = categories()
        first, same, other = (
            CrossFittedTargetEncoder(random_state=seed).fit_transform(X, y) for seed in (0, 0, 1)
        )
        np.testing.assert_array_equal(first, same)
        assert (first != other).any()
        # Without a seed there is no hidden one.
        first = CrossFittedTargetEncoder().fit_transform(X, y)
        assert (CrossFittedTargetEncoder().fit_transform(X, y) != first).any()

    def test_a_class_of_one_sample_is_taken_without_a_warning(self, recwarn):
        X, rank = categories()
        y = np.where(rank == rank.max(), "rare", TARGETS["multiclass"](rank))
        assert CrossFittedTargetEncoder().fit_transform(X, y).shape == (len(X), 2 * 4)
        assert not recwarn.list

    def test_an_unknown_type_of_target_is_refused(self):
        with pytest.raises(ValueError, match=r"one of \['auto', 'continuous'\], got 'binary'"):
            CrossFittedTargetEncoder(target_type="binary").fit([["a"], ["b"]], [0, 1])
        with pytest.raises(ValueError, match="requires y to be passed"):
            CrossFittedTargetEncoder().fit_transform([["a"], ["b"]], None)

    @pytest.mark.parametrize(
        "name, value", [("cv", 1), ("cv", "a"), ("cv", 1000), ("random_state", "a")]
    )
    def test_invalid_folds_are_refused_by_name(self, name, value):
        X, y = categories()
        encoder = CrossFittedTargetEncoder(**{name: value})
        message = refusal(lambda: encoder.fit_transform(X, y), ValueError, TypeError)
        assert re.search(rf"\b{name}\b", message)
        assert not hasattr(encoder, "encoders_")

    @pytest.mark.parametrize(
        "y",
        [
            sparse.coo_array(np.arange(150) % 2),
            np.arange(150.0) * 1e160,
            [None] * 150,
            np.zeros((150, 2, 2)),
            [1j] * 150,
            [0, 1],
            [10**400] * 150,
        ],
        ids=["sparse vector", "huge", "missing", "three axes", "complex", "short", "integers"],
    )
    @pytest.mark.parametrize("target_type", ["auto", "continuous"])
    @pytest.mark.filterwarnings("ignore:The number of unique classes")
    def test_targets_that_cannot_be_averaged_are_refused_by_name(self, y, target_type):
        X, _ = categories()
        if getattr(y, "ndim", 1) == 2 and sparse.issparse(y):
            pytest.skip("this SciPy has no sparse vectors")
        encoder = CrossFittedTargetEncoder(target_type=target_type)
        with np.errstate(all="raise"):
            message = refusal(lambda: encoder.fit(X, y), ValueError, TypeError)
        assert re.search(r"\by\b", message) or "inconsistent numbers of samples" in message

    def test_names_of_the_output_follow_a_frame(self):
        X, rank = categories()
        frame = pd.DataFrame(X, columns=["city", "color"])
        out = CrossFittedTargetEncoder().set_output(transform="pandas").fit_transform(frame, rank)
        assert out.columns.tolist() == ["city", "color"]
