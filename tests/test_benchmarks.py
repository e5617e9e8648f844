"""The arithmetic of `benchmarks/tabular.py`, since figures that are quoted come from it."""

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import wilcoxon
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.naive_bayes import GaussianNB

FOLDER = Path(__file__).parent.parent / "benchmarks"
sys.path.insert(0, str(FOLDER))
try:
    import _rivals
    import _scores
    import _tables
    import tabular
finally:
    sys.path.remove(str(FOLDER))


def fit(table, seed, model, nrmse):
    return {"set": table, "seed": seed, "model": model, "nrmse": nrmse, "r2": 1 - nrmse**2} | {
        "fit_seconds": 1.0,
        "predict_us": 2.0,
    }


@pytest.fixture
def results():
    """Three models; "c" lacks table t2 and the second split of t0."""
    nrmse = {"a": [[0.1, 0.3], [0.5, 0.5], [0.6, 0.8]], "b": [[0.2, 0.4], [0.5, 0.5], [0.5, 0.7]]}
    fits = [
        fit(f"t{table}", seed, model, value)
        for model, tables in nrmse.items()
        for table, values in enumerate(tables)
        for seed, value in enumerate(values)
    ]
    fits += [fit("t0", 0, "c", 0.4), fit("t1", 0, "c", 0.1), fit("t1", 1, "c", 0.3)]
    return _scores.Results("regression", fits)


class TestScores:
    def test_calibration_error_of_confidences_by_hand(self):
        proba = np.array([[0.9, 0.1], [0.9, 0.1], [0.35, 0.65], [0.0, 1.0]])
        # In the bin of 0.9 half of the rows are right, in that of 0.65 none, in that of 1 all.
        expected = (2 * abs(0.5 - 0.9) + abs(0.0 - 0.65) + 0) / 4
        assert_allclose(_scores.calibration_error(np.array([0, 1, 0, 1]), proba), expected)

    def test_labels_drawn_from_the_probabilities_are_calibrated(self):
        rng = np.random.default_rng(0)
        proba = rng.dirichlet(np.ones(3), 100_000)
        y = (rng.random(len(proba))[:, None] > proba.cumsum(axis=1)).sum(axis=1)
        # The standard error of a bin's accuracy is below 0.01.
        assert _scores.calibration_error(y, proba) < 0.01

    def test_the_mean_predictor_has_an_nrmse_of_one(self):
        y = np.random.default_rng(0).normal(5, 3, 50)
        scores = _scores.scores_of("regression", y, np.full(50, y.mean()))
        assert_allclose([scores["nrmse"], scores["r2"]], [1, 0], atol=1e-12)


class TestResults:
    def test_means_are_over_tables(self, results):
        score = results.ranked[0]
        assert results.by_table("a", score) == pytest.approx({"t0": 0.2, "t1": 0.5, "t2": 0.7})
        # Two fits of t1 weigh as much as one of t0.
        assert results.mean("c", score) == pytest.approx((0.4 + 0.2) / 2)

    def test_ties_share_a_rank_and_incomplete_models_have_none(self, results):
        # a wins t0, ties t1 and loses t2.
        assert results.ranks(results.ranked[0]) == {"a": 1.5, "b": 1.5}

    def test_a_duel_is_over_the_common_splits(self, results):
        score = results.ranked[0]
        means, counts, p = results.duel("a", "c", score)
        assert means == pytest.approx(((0.1 + 0.5) / 2, (0.4 + 0.2) / 2))
        assert counts == (1, 0, 1)
        assert p == wilcoxon([-0.3, 0.3]).pvalue
        assert results.duel("a", "b", score)[1] == (1, 1, 1)

    def test_files_of_the_old_layout_are_read(self, tmp_path):
        path = tmp_path / "old.csv"
        path.write_text("set,seed,model,nrmse,r2,seconds\nt0,1,hgb,0.5,0.75,0.2\n")
        (row,) = _scores.read_fits(path, "regression")
        assert (row["model"], row["seed"], row["nrmse"]) == ("HistGradientBoosting", 1, 0.5)
        assert row["fit_seconds"] == 0.2 and np.isnan(row["predict_us"])
        with pytest.raises(ValueError, match="must have the columns"):
            _scores.read_fits(path, "classification")


class TestTables:
    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / "regression").mkdir()
        for name in "edcba":
            with gzip.open(tmp_path / "regression" / f"{name}.csv.gz", "wt") as file:
                file.write("x0,x1,target\n1.5,red,10\n,blue,2\n3,red,2\n")
        return tmp_path

    def test_the_halves_alternate_and_cover_all_tables(self, folder):
        def names(**options):
            paths = _tables.find_tables(folder, "regression", **options)
            return "".join(map(_tables.name_of, paths))

        assert names() == "abcde"
        assert (names(half="choice"), names(half="report")) == ("ace", "bd")
        assert names(half="report", names=["d"]) == "d"
        with pytest.raises(_tables.NoTablesError, match="no table c among"):
            names(half="report", names=["c"])

    def test_columns_and_targets(self, folder):
        path = _tables.find_tables(folder, "regression")[0]
        table = _tables.read_table(path, "regression")
        assert table.is_category.tolist() == [False, True] and table.has_gaps
        assert table.take([0, 2]).tolist() == [[1.5, "red"], [3.0, "red"]]
        assert table.y.tolist() == [10, 2, 2]
        # As strings, "10" is before "2".
        assert _tables.read_table(path, "classification").y.tolist() == [0, 1, 1]


class TestTemperature:
    def test_it_is_that_of_scikit_learn(self):
        frozen = pytest.importorskip("sklearn.frozen").FrozenEstimator
        X, y = make_classification(2_000, n_informative=8, n_classes=3, random_state=0)
        # Naive Bayes is over-confident where columns are correlated.
        model = GaussianNB().fit(X[:1000], y[:1000])
        oracle = CalibratedClassifierCV(frozen(model), method="temperature")
        try:
            oracle.fit(X[1000:], y[1000:])
        except ValueError:
            pytest.skip("this scikit-learn has no temperature; 1.8 has")
        proba = model.predict_proba(X[1000:])
        temperature = _rivals.fit_temperature(proba, y[1000:])
        assert temperature > 1.2
        assert_allclose(
            _rivals.softened(proba, temperature), oracle.predict_proba(X[1000:]), atol=1e-3
        )

    def test_it_recovers_the_temperature_of_the_labels(self):
        rng = np.random.default_rng(0)
        scores = rng.normal(size=(50_000, 4))
        true = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        y = (rng.random(len(true))[:, None] > true.cumsum(axis=1)).sum(axis=1)
        # Sharpened to the third power; the standard error is about 0.02.
        assert_allclose(_rivals.fit_temperature(_rivals.softened(true, 1 / 3), y), 3, atol=0.1)


class TestCommandLine:
    def test_variants_are_literals(self):
        text = "members=8, activation='relu', hidden_layer_sizes=(8, 8)"
        expected = {"members": 8, "activation": "relu", "hidden_layer_sizes": (8, 8)}
        assert tabular.overrides(text) == expected

    @pytest.mark.parametrize(
        "text", ["activation=relu", "8", "**{'a': 1}", "a=", "a=1) + dict(b=2"]
    )
    def test_other_variants_are_refused(self, text):
        with pytest.raises(SystemExit, match="--variant must be like"):
            tabular.overrides(text)

    def test_unknown_models_are_refused_with_the_choices(self):
        assert list(tabular.chosen({"a": 1, "b, c": 2}, "b, c")) == ["b, c"]
        assert tabular.chosen({"a": 1}, "") == {}
        with pytest.raises(SystemExit, match="must be among a; b, got c"):
            tabular.chosen({"a": 1, "b": 2}, "c; a")

    def test_a_small_run_writes_every_fit(self, tmp_path):
        import csv

        rng = np.random.default_rng(0)
        table = _tables.Table("t", [rng.normal(size=80), rng.choice(["u", "v"], 80)], None)
        table.columns[0][:5] = np.nan
        table.y = np.nan_to_num(table.columns[0]) + (table.columns[1] == "u")
        path, names = tmp_path / "fits.csv", ["RidgeCV", "HistGradientBoosting"]
        rivals = _rivals.scikit_learn("regression")
        with tabular.Writer(path, _scores.columns("regression"), append=False) as writer:
            fits = [tabular.run("regression", table, 0, name, rivals[name]) for name in names]
            for each in fits:
                writer.write(each)
        assert _scores.read_fits(path, "regression") == fits
        assert fits[0]["nrmse"] < 0.1
        with open(path, newline="") as file:
            assert len(list(csv.DictReader(file))) == 2
