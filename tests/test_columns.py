"""Any table to columns of numbers, whatever holds it and whatever its columns are."""

import warnings
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

from sknumpy_mlp import (
    CrossFittedTargetEncoder,
    GaussianImputer,
    RobustSmoothScaler,
    make_tabular_mlp,
)
from sknumpy_mlp.columns import (
    MOST_CATEGORIES,
    ColumnsOf,
    as_numbers,
    as_text,
    columns_of_tables,
)

from .common import blocks, refusal, state_of
from .tables import FRAMES, N_ROWS, columns

SMALL = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
ROOT = Path(__file__).parent.parent


@pytest.fixture(params=FRAMES)
def make(request):
    return FRAMES[request.param]


class TestColumns:
    def test_any_table_of_the_same_content_gives_the_same_numbers(self, make):
        expected = columns_of_tables().fit_transform(pd.DataFrame(columns()))
        transformer = columns_of_tables().fit(make(columns()))
        for out in (
            transformer.transform(make(columns())),
            transformer.fit_transform(make(columns())),
        ):
            assert out.dtype == np.float32
            np.testing.assert_array_equal(out, expected)
        # age, income, children, married, smokes; age and smokes missing; 4 colors, 2 cities.
        assert expected.shape == (N_ROWS, 5 + 2 + 4 + 2)

    def test_numbers_are_scaled_then_filled_by_the_other_numbers(self):
        age = np.array([np.nan if a is None else a for a in columns()["age"]])
        out = columns_of_tables().fit_transform(pd.DataFrame(columns()))
        known = age[~np.isnan(age), np.newaxis]
        scaler = RobustSmoothScaler().fit(known)
        np.testing.assert_array_equal(
            out[~np.isnan(age), 0], scaler.transform(known)[:, 0].astype("f4")
        )
        numbers = ["age", "income", "children", "married", "smokes"]
        scaled = RobustSmoothScaler(dtype="float32").fit_transform(
            pd.DataFrame(columns())[numbers].astype(float)
        )
        np.testing.assert_array_equal(out[:, :5], GaussianImputer().fit_transform(scaled))
        np.testing.assert_array_equal(out[:, 5], np.isnan(age))

    def test_only_columns_with_missing_values_in_fit_get_an_indicator(self):
        X = np.array([[1.0, np.nan], [2.0, 5.0], [3.0, 6.0]])
        transformer = columns_of_tables().fit(X)
        assert transformer.transform(X)[:, 2:].tolist() == [[1], [0], [0]]
        later = transformer.transform([[np.nan, 5.0]])
        assert later.shape == (1, 3)
        scaled = transformer.named_transformers_["numbers"][1].transform(X)[:, 0]
        assert scaled.min() < later[0, 0] < scaled.max()

    def test_missing_is_a_category_and_an_unknown_one_is_none(self):
        transformer = columns_of_tables().fit(pd.DataFrame({"c": ["a", "b", None]}))
        rows = pd.DataFrame({"c": [None, "a", "new"]})
        assert transformer.transform(rows).tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0]]
        never = columns_of_tables().fit(pd.DataFrame({"c": ["a", "b"]}))
        assert never.transform(rows).tolist() == [[0, 0], [1, 0], [0, 0]]

    def test_all_kinds_of_missing_are_the_same(self):
        kinds = [None, np.nan, float("nan"), pd.NA, pd.NaT]
        X = np.array([["a", 1], *([kind, kind] for kind in kinds), ["b", 3]], dtype=object)
        assert as_text(X[:, :1])[1:-1].tolist() == [[None]] * len(kinds)
        assert np.isnan(as_numbers(X[:, 1:])[1:-1]).all()
        assert columns_of_tables().fit_transform(X).shape == (7, 1 + 1 + 3)

    def test_categories_that_are_numbers_stay_categories(self):
        X = pd.DataFrame({"c": pd.Categorical([3, 1, 2, 1])})
        transformer = columns_of_tables().fit(X)
        assert transformer.transform(X).shape == (4, 3)
        # pandas makes floats of integers where some are missing.
        floats = pd.DataFrame({"c": pd.Categorical([3.0, np.nan])})
        assert transformer.transform(floats).tolist() == [[0, 0, 1], [0, 0, 0]]

    def test_a_column_without_any_number_stays(self):
        X = np.array([[np.nan, 1.0], [np.nan, 2.0]])
        transformer = columns_of_tables().fit(X)
        assert transformer.transform(X)[:, 0].tolist() == [0, 0]
        assert transformer.transform([[7.0, 1.0]]).shape == (1, 3)

    def test_names_of_columns(self):
        transformer = columns_of_tables().fit(pd.DataFrame(columns()))
        names = transformer.get_feature_names_out().tolist()
        assert names[:2] == ["numbers__age", "numbers__income"]
        assert names[5:7] == ["missing__missingindicator_age", "missing__missingindicator_smokes"]
        assert names[7:] == [
            *(f"categories__color_{color}" for color in ("blue", "green", "red")),
            "categories__color is missing",
            *(f"categories__city_{city}" for city in ("Bonn", "Ulm")),
        ]

    @pytest.mark.parametrize("complete", [False, True])
    def test_it_gives_frames_where_they_are_asked_for(self, complete):
        X = pd.DataFrame(columns())
        X = X.dropna() if complete else X
        transformer = columns_of_tables().set_output(transform="pandas")
        out = transformer.fit_transform(X)
        assert list(out.columns) == transformer.get_feature_names_out().tolist()
        np.testing.assert_array_equal(
            out.to_numpy(np.float32), columns_of_tables().fit_transform(X)
        )

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, int, bool])
    def test_an_array_of_numbers_is_scaled(self, dtype):
        X = (3 * np.random.RandomState(0).standard_normal((30, 4))).astype(dtype)
        expected = RobustSmoothScaler(dtype="float32").fit_transform(X)
        np.testing.assert_array_equal(columns_of_tables().fit_transform(X), expected)

    def test_columns_are_found_by_name_where_there_are_names(self):
        X = pd.DataFrame(columns())
        transformer = columns_of_tables().fit(X)
        out = transformer.transform(X[X.columns[::-1]])
        np.testing.assert_array_equal(out, transformer.transform(X))

    @pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
    @pytest.mark.parametrize(
        "values, what",
        [
            (np.array(["2020-01-01", "2021-01-01"], "M8[ms]"), "datetime|Datetime"),
            ([[1, 2], [3, 4]], "list|ndarray|List"),
        ],
        ids=["dates", "lists"],
    )
    def test_other_columns_are_refused_by_name(self, frame, values, what):
        X = frame({"n": [1.0, 2.0], "odd": values})
        with pytest.raises(ValueError, match=rf"column 'odd' holds .*({what})"):
            columns_of_tables().fit(X)

    def test_objects_are_refused_by_name(self):
        X = np.array([["a", 1.0], [object(), 2.0]], dtype=object)
        with pytest.raises(ValueError, match="column 0 holds object objects"):
            columns_of_tables().fit(X)

    def test_complex_numbers_are_refused(self):
        with pytest.raises(ValueError, match="column 0 holds complex128"):
            columns_of_tables().fit(np.ones((3, 2), complex))

    def test_sparse_rows_are_refused(self):
        with pytest.raises(TypeError, match="dense array, got csr_array"):
            columns_of_tables().fit(sparse.csr_array(np.eye(3)))

    def test_infinity_is_refused(self):
        with pytest.raises(ValueError, match="infinity"):
            columns_of_tables().fit([[1.0], [np.inf]])


def test_numpy_booleans_among_objects_are_booleans():
    X = np.empty((40, 2), dtype=object)
    X[:, 0] = [np.bool_(n % 2) for n in range(40)]
    X[:, 1] = [None if n % 5 == 0 else np.bool_(n % 3 == 0) for n in range(40)]
    model = make_tabular_mlp(max_iter=3, hidden_layer_sizes=(4,), random_state=0)
    model.fit(X, np.arange(40) % 2)
    assert model.predict(X).shape == (40,)


def test_text_in_a_column_of_numbers_is_told_with_its_name():
    frame = pd.DataFrame({"age": [1.0, 2.0, 3.0, 4.0] * 5, "city": list("abba") * 5})
    model = make_tabular_mlp(max_iter=2, hidden_layer_sizes=(4,), random_state=0)
    model.fit(frame, [0, 1] * 10)
    wrong = frame.astype({"age": object})
    wrong.loc[3, "age"] = "many"
    with pytest.raises(ValueError, match="X must have numbers in column 'age', as it had in fit"):
        model.predict(wrong)


def test_gaps_have_a_name_that_no_text_has():
    frame = pd.DataFrame({"city": ["None", None, "Graz", "Linz"] * 5})
    model = make_tabular_mlp(max_iter=2, hidden_layer_sizes=(4,), random_state=0)
    model.set_output(transform="pandas").fit(frame, [0, 1] * 10)
    names = model["columns"].get_feature_names_out().tolist()
    assert len(set(names)) == len(names) == 4


class TestManyCategories:
    """The frequent ones have a column each, the others share one, and means of the target help."""

    n_rows = 500

    def table(self, n_categories=MOST_CATEGORIES + 40, seed=0):
        rng = np.random.RandomState(seed)
        # The first categories are frequent.
        level = (n_categories * rng.random_sample(self.n_rows) ** 2).astype(int)
        level[:n_categories] = np.arange(n_categories)
        city = np.array([f"city{v:03}" for v in level], dtype=object)
        few = rng.choice(["a", "b"], self.n_rows)
        table = {"size": rng.standard_normal(self.n_rows), "city": city, "few": few}
        return pd.DataFrame(table), level + rng.standard_normal(self.n_rows)

    def test_the_most_frequent_have_columns_and_the_others_share_one(self):
        X, y = self.table()
        transformer = columns_of_tables("regression").set_output(transform="pandas")
        out = transformer.fit_transform(X, y)
        names = [name for name in out.columns if name.startswith("categories__city")]
        assert len(names) == MOST_CATEGORIES + 1
        rare = out[names[-1]]
        assert names[-1] == "categories__city_infrequent_sklearn"
        assert out.columns[-1] == "means__city"
        counts = X["city"].value_counts()
        alone = {name.removeprefix("categories__city_") for name in names[:-1]}
        assert counts[sorted(alone)].min() >= counts.drop(sorted(alone)).max()
        np.testing.assert_array_equal(rare, ~X["city"].isin(alone))
        assert set(out.dtypes) == {np.dtype(np.float32)}

    @pytest.mark.parametrize("more", [0, 1, 2])
    def test_only_columns_with_more_categories_have_means(self, more):
        X, y = self.table(MOST_CATEGORIES + more)
        names = columns_of_tables("regression").fit(X, y).get_feature_names_out()
        assert [n for n in names if n.startswith("means")] == ["means__city"] * bool(more)
        assert sum(n.startswith("categories__city") for n in names) == MOST_CATEGORIES + bool(more)
        assert any("infrequent" in n for n in names) == bool(more)

    def test_missing_values_count_as_a_category(self):
        X, y = self.table(MOST_CATEGORIES)
        X.loc[self.n_rows - 2 :, "city"] = [None, np.nan]
        names = columns_of_tables("regression").fit(X, y).get_feature_names_out()
        assert "means__city" in names

    def test_means_are_those_of_the_encoder_and_scaled(self):
        X, y = self.table()
        out = columns_of_tables("regression", random_state=4).fit_transform(X, y)
        encoder = CrossFittedTargetEncoder(target_type="continuous", random_state=4)
        means = encoder.fit_transform(X[["city"]], y)
        expected = RobustSmoothScaler(dtype="float32").fit_transform(means)
        np.testing.assert_array_equal(out[:, -1], expected[:, 0])

    def test_later_rows_have_the_means_over_all_rows(self):
        X, y = self.table()
        transformer = columns_of_tables("regression").fit(X, y)
        means, scaler = transformer.named_transformers_["means"][1:]
        later = pd.DataFrame({"size": 0.0, "city": ["city003", "new", None], "few": "a"})
        codes = transformer.transform(later)
        target = means.encoders_[0]
        expected = [target.encodings_[0][3], y.mean(), y.mean()]
        assert target.categories_[0][3] == "city003"
        np.testing.assert_allclose(
            codes[:, -1], scaler.transform(np.c_[expected].astype(float))[:, 0], rtol=1e-6
        )

    def test_any_table_of_the_same_content_gives_the_same_means(self):
        X, y = self.table()
        X.loc[5, "city"] = None
        expected = columns_of_tables("regression", 0).fit_transform(X, y)
        frame = pl.DataFrame(X.astype({"city": object}).where(X.notna(), None).to_dict("list"))
        for same in (
            frame,
            frame.cast({"city": pl.Categorical}),
            X.astype({"city": "category"}),
            X.to_numpy(object),
        ):
            out = columns_of_tables("regression", 0).fit_transform(same, y)
            np.testing.assert_array_equal(out, expected)

    def test_rows_cannot_be_encoded_without_a_target(self):
        with pytest.raises(ValueError, match="requires y to be passed"):
            columns_of_tables().fit(self.table()[0])


class TestDates:
    """The recipes of docs/use/columns.md for columns of dates."""

    days = np.array(["1999-12-31", "2026-02-28T12:00", "2026-03-01", "2024-02-29"], "M8[ms]")
    expected = [
        [1999, 12, 5, -1],
        [2026, 2, 6, 9555],
        [2026, 3, 7, 9556],
        [2024, 2, 4, 8825],
    ]

    @pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
    def test_the_recipe_gives_numbers_that_are_taken(self, frame):
        X = frame({"when": self.days})
        (recipe,) = [
            block for block in blocks(ROOT / "docs/use/columns.md") if "def parts_of" in block
        ]
        session = {"pd": pd}
        exec(recipe, session)
        function = session["parts_of_dates" if frame is pd.DataFrame else "parts_of_dates_polars"]
        parts = function(X, "when")
        assert list(parts.columns) == ["year", "month", "day_of_week", "days"]
        assert parts.to_numpy().tolist() == self.expected
        assert columns_of_tables().fit_transform(parts).shape == (4, 4)

    @pytest.mark.parametrize(
        "values",
        [
            pd.Series(days),
            pd.Series(days).dt.tz_localize("UTC"),
            pd.Series(days).dt.date,
            pl.Series(days),
            pl.Series(days).dt.date(),
        ],
        ids=["pandas", "pandas with a zone", "objects", "polars", "polars days"],
    )
    def test_dates_are_refused_with_the_remedy(self, values):
        frame = pd.DataFrame if isinstance(values, pd.Series) else pl.DataFrame
        X = frame({"when": values})
        with pytest.raises(ValueError, match=r"column 'when' holds .*replace them by .*\.dt\.year"):
            columns_of_tables().fit(X)


class TestNoFeatures:
    """Columns that are no features are told, each with its name and what to do."""

    n_rows = 200

    def told(self, **columns):
        X = pd.DataFrame({"size": np.random.RandomState(0).normal(size=self.n_rows)} | columns)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            columns_of_tables().fit(X, np.arange(self.n_rows) % 2)
        return "".join(str(each.message) for each in caught)

    def test_names_of_rows(self):
        told = self.told(customer_id=[f"C{k:05}" for k in range(self.n_rows)])
        assert "column 'customer_id' has 200 different texts in 200 rows; drop it" in told

    @pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"])
    def test_dates_as_text(self, form):
        days = pd.date_range("2026-01-01", periods=20).strftime(form).tolist() * 10
        told = self.told(when=[None, *days[1:]])
        assert "column 'when' holds dates as text; replace them by numbers such as year" in told
        assert not self.told(when=["2026-31-01", *days[1:]])

    def test_numbers_of_rows(self):
        told = self.told(row=np.random.RandomState(0).permutation(self.n_rows))
        assert "column 'row' numbers the rows; drop it" in told

    def test_one_value(self):
        assert "column 'year' has the same value in all rows; drop it" in self.told(year=2026)
        assert "column 'unit' has the same value in all rows" in self.told(unit="kg")

    @pytest.mark.filterwarnings("ignore:X may have columns")
    def test_numbers_as_text_are_read_and_told(self):
        numbers = np.random.RandomState(0).normal(size=self.n_rows).round(3)
        text = [None if k == 3 else str(number) for k, number in enumerate(numbers)]
        assert "column 'price' holds numbers as text, which are read" in self.told(price=text)
        one, other = (
            columns_of_tables().fit_transform(pd.DataFrame({"price": values}))
            for values in (text, np.where(np.arange(self.n_rows) == 3, np.nan, numbers))
        )
        np.testing.assert_array_equal(one, other)

    @pytest.mark.parametrize(
        "values",
        [
            # Few different numbers may be codes, and leading text or infinity is no number.
            np.arange(200) % 40,
            [f"x{k % 80}" for k in range(200)],
            ["inf", *map(str, range(60)), *map(str, range(139))],
        ],
        ids=["codes", "words", "infinity"],
    )
    def test_other_text_stays_text_without_a_word(self, values):
        values = [str(value) for value in values]
        assert not self.told(word=values)
        assert ColumnsOf("categories")(pd.DataFrame({"word": values})) == [0]

    def test_the_first_five_are_named_and_the_others_counted(self):
        told = self.told(**{f"c{k}": k for k in range(8)})
        assert "'c4' has" in told
        assert "'c5'" not in told
        assert told.endswith("; 3 more.")

    def test_ordinary_columns_are_not_told(self):
        rng = np.random.RandomState(0)
        given = {"n": rng.randint(1000, size=200), "b": rng.random_sample(200) < 0.5}
        assert not self.told(**given, city=rng.choice(["Graz", "Linz"], 200), gap=[None, 1.0] * 100)


# ---- what is no table ----

NO_TABLES = {
    "dict": ({"a": [1.0] * 40}, "got a dict of shape (); pd.DataFrame(X) makes one"),
    "set": ({1, 2}, "got a set of shape ()"),
    "vector": (np.ones(40), "got a ndarray of shape (40,)"),
    "three axes": (np.ones((40, 2, 2)), "got a ndarray of shape (40, 2, 2)"),
    "ragged": ([[1.0], [1.0, 2.0]] * 20, "got a list of shape (40,)"),
    "None": (None, "got a NoneType of shape ()"),
    "no rows": (np.ones((0, 2)), "at least one row and one column, got shape (0, 2)"),
    "no columns": ([[]] * 40, "at least one row and one column, got shape (40, 0)"),
    "bsr": (sparse.bsr_matrix(np.eye(40)), "got bsr_matrix; use X.toarray()"),
    "csc": (sparse.csc_matrix(np.eye(40)), "got csc_matrix; use X.toarray()"),
    "integers": (
        pd.DataFrame({"n": [10**400] * 40}, dtype=object),
        "those of float64 in column 'n'",
    ),
    "masked": (np.ma.masked_equal(np.eye(40), 1), "X must have no masked values, got 40"),
    "bytes": (pd.DataFrame({"b": [b"\xff"] * 40}), "X is invalid: 'utf-8' codec can't decode"),
}


@pytest.mark.parametrize("name", NO_TABLES)
def test_what_is_no_table_is_refused_by_fit_and_predict_alike(name):
    X, words = NO_TABLES[name]
    model = make_tabular_mlp(**SMALL)
    assert words in refusal(lambda: model.fit(X, np.arange(40) % 2), ValueError, TypeError)
    width = len(X.columns) if hasattr(X, "columns") else 2
    rows = np.random.RandomState(0).standard_normal((40, width))
    known = pd.DataFrame(rows, columns=X.columns) if hasattr(X, "columns") else rows
    if name == "bytes":
        known = pd.DataFrame({"b": ["x", "y"] * 20})
    model.fit(known, np.arange(40) % 2)
    before = state_of(model["network"])
    message = refusal(lambda: model.predict(X), ValueError, TypeError)
    assert words in message
    assert state_of(model["network"]) == before


def test_missing_values_of_any_kind_are_one():
    """A signaling NaN of `decimal` cannot even be compared with itself."""
    y = np.arange(60) % 2
    frames = [
        pd.DataFrame({"a": [gap, 1.0, 2.0] * 20, "b": [gap] * 60}, dtype=object)
        for gap in (None, np.nan, pd.NA, pd.NaT, Decimal("NaN"), Decimal("sNaN"))
    ]
    first, *others = (columns_of_tables().fit_transform(frame, y) for frame in frames)
    for other in others:
        np.testing.assert_array_equal(first, other)


def test_columns_without_a_finite_range_are_named_without_a_warning():
    X = np.random.RandomState(0).standard_normal((40, 3))
    X[:, 1] = np.where(X[:, 0] > 0, 1e308, -1e308)
    with np.errstate(all="raise"):
        message = refusal(lambda: make_tabular_mlp(**SMALL).fit(X, X[:, 0] > 0))
    assert "columns whose range is finite in float64, got columns [1]" in message


def test_columns_that_are_not_fitted_say_so():
    with pytest.raises(NotFittedError, match="TableColumns"):
        columns_of_tables().transform(np.zeros((2, 2)))
