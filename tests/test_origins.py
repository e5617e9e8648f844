"""Which column the outputs of scikit-learn's transformers are made from."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from sknumpy_mlp import make_tabular_mlp
from sknumpy_mlp._origins import origins

from .common import refusal

X = pd.DataFrame(
    {"a": [1.0, 2.0, np.nan, 4.0], "b": list("xyxz"), "c": [4.0, 3.0, 2.0, 0.5], "d": list("ppqq")}
)
y = np.array([0, 1, 0, 1])


def of(transformer, X=X):
    return origins(transformer.fit(X, y), np.arange(X.shape[1])).tolist()


def test_one_hot_columns_belong_to_their_category_also_behind_other_steps():
    columns = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["d", "b"]),
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), ["a", "c"]),
    )
    assert of(columns) == [3, 3, 1, 1, 1, 0, 2, 0]
    assert of(make_pipeline(columns, StandardScaler())) == [3, 3, 1, 1, 1, 0, 2, 0]


@pytest.mark.parametrize("chosen", [["c", "a"], [2, 0], slice(0, 3, 2), [True, False, True, False]])
def test_columns_are_found_by_name_number_slice_and_mask(chosen):
    found = of(make_column_transformer((SimpleImputer(), chosen)))
    assert sorted(found) == [0, 2]
    assert found[0] == (2 if chosen in (["c", "a"], [2, 0]) else 0)
    names = slice("c", "d")
    assert of(make_column_transformer((OneHotEncoder(), names))) == [2, 2, 2, 2, 3, 3]


def test_what_is_dropped_selected_passed_through_or_united_keeps_its_origin():
    columns = make_column_transformer(("drop", ["a"]), ("passthrough", ["c"]))
    assert of(columns) == [2]
    rest = make_column_transformer((OneHotEncoder(), ["b"]), remainder="passthrough")
    assert of(rest) == [1, 1, 1, 0, 2, 3]
    numbers = X[["c", "a"]].fillna(0)
    bins = KBinsDiscretizer(2, strategy="uniform")
    assert of(make_union(StandardScaler(), bins), numbers) == [0, 1, 0, 0, 1, 1]
    assert len(of(SelectKBest(k=1), numbers)) == 1


def test_a_single_column_makes_all_outputs_whatever_their_names():
    assert of(PCA(1), X[["c"]]) == [0]


def test_the_columns_of_the_recipe_for_tables_are_found():
    rows = pd.concat([X] * 10, ignore_index=True)
    columns = make_tabular_mlp()["columns"].fit(rows, np.tile(y, 10))
    names = columns.get_feature_names_out()
    found = origins(columns, np.arange(4))
    assert len(found) == len(names)
    for origin, name in zip(found, names):
        assert re.search(rf"_{'abcd'[origin]}( is missing|_\w)?$", name), name


def test_outputs_of_several_columns_are_refused_with_the_way_out():
    numbers = X[["c", "a"]].fillna(0)
    for transformer in (PCA(2), PolynomialFeatures(2, include_bias=False)):
        message = refusal(lambda transformer=transformer: of(transformer, numbers))
        assert type(transformer).__name__ in message and "model[:-1].transform(X)" in message
    message = refusal(lambda: of(FunctionTransformer(np.log1p), numbers))
    assert "FunctionTransformer has none" in message
