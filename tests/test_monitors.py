"""scikit-learn's own callbacks on these estimators: `ScoringMonitor` and `ProgressBar`."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor

from .common import digits
from .recorder import EPOCHS, HAS_CALLBACKS, Recorder, make, monitor, needs_callbacks

if HAS_CALLBACKS:
    from sklearn.callback import ProgressBar


def epochs_of(log, score="accuracy"):
    return [row[score] for row in log.data if row["task_name"] == "epoch"]


@needs_callbacks
class TestScoringMonitor:
    @pytest.mark.parametrize(
        "cls, scoring", [(ScratchMLPClassifier, "accuracy"), (ScratchMLPRegressor, "r2")]
    )
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_alone_it_logs_every_epoch(self, cls, scoring, early_stopping):
        X, y = digits("binary")
        log = monitor(scoring)
        model = make(cls, early_stopping=early_stopping).set_callbacks(log).fit(X, y)
        scores = epochs_of(log.get_logs(), scoring)
        assert len(scores) == EPOCHS
        for k, score in enumerate(scores, 1):
            fitted = make(cls, early_stopping=early_stopping, max_iter=k).fit(X, y)
            assert score == fitted.score(X, y)
        (whole,) = [row for row in log.get_logs().data if row["task_name"] == "fit"]
        assert whole[scoring] == model.score(X, y) == scores[-1]

    def test_several_scores_and_several_fits(self):
        X, y = digits()
        log = monitor(["accuracy", "neg_log_loss"])
        model = make().set_callbacks(log)
        model.fit(X, y).fit(X, y)
        first, second = log.get_logs(select="all")
        for score in ("accuracy", "neg_log_loss"):
            assert epochs_of(first, score) == epochs_of(second, score)
            assert len(epochs_of(first, score)) == EPOCHS

    @pytest.mark.parametrize("scoring", [None, "loss", "accuracy"])
    def test_with_scorers_of_ours(self, scoring):
        X, y = digits("binary")
        log = monitor()
        make(early_stopping=True, scoring=scoring).set_callbacks(log).fit(X, y)
        assert len(epochs_of(log.get_logs())) == EPOCHS

    def test_with_given_validation_rows(self):
        X, y = digits()
        log = monitor()
        model = make(early_stopping=True).set_callbacks(log)
        model.fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
        assert epochs_of(log.get_logs())[-1] == model.score(X[:100], y[:100])

    def test_kinds_of_target(self):
        X, y = digits("multilabel")
        log = monitor()
        model = make().set_callbacks(log).fit(X, y)
        assert epochs_of(log.get_logs())[-1] == model.score(X, y)
        names = np.array(["zero", "one"])[digits("binary")[1]]
        model.fit(X, names)
        assert epochs_of(log.get_logs())[-1] == model.score(X, names)
        # Lists are no arrays, and are told as they are.
        model.fit(X.tolist(), names.tolist())
        assert epochs_of(log.get_logs())[-1] == model.score(X, names)

    def test_column_names_raise_no_warning(self):
        pandas = pytest.importorskip("pandas")
        X, y = digits("binary")
        X = pandas.DataFrame(X).add_prefix("pixel ")
        log = monitor()
        make(early_stopping=True, scoring="roc_auc").set_callbacks(log).fit(X, y)
        assert len(epochs_of(log.get_logs())) == EPOCHS

    def test_sample_weights_reach_the_scorer(self):
        X, y = digits()
        weights = 1.0 + np.arange(len(y))
        log = monitor()
        model = make().set_callbacks(log).fit(X, y, weights)
        expected = accuracy_score(y, model.predict(X), sample_weight=weights)
        assert epochs_of(log.get_logs())[-1] == pytest.approx(expected, rel=1e-12)
        assert expected != model.score(X, y)

    def test_in_a_pipeline(self):
        X, y = digits()
        log = monitor()
        pipeline = make_pipeline(StandardScaler(), make().set_callbacks(log)).fit(X, y)
        run = log.get_logs()
        assert run.estimator_name == "Pipeline"
        assert len(epochs_of(run)) == EPOCHS
        assert epochs_of(run)[-1] == pipeline.score(X, y)

    @pytest.mark.parametrize("n_jobs", [1, 2])
    @pytest.mark.parametrize("inside", [False, True])
    def test_in_a_search(self, n_jobs, inside):
        X, y = digits()
        log = monitor()
        model, name = make().set_callbacks(log), "alpha"
        if inside:
            model, name = Pipeline([("scale", StandardScaler()), ("clf", model)]), "clf__alpha"
        search = GridSearchCV(model, {name: [0.01, 10.0]}, cv=2, n_jobs=n_jobs).fit(X, y)
        run = log.get_logs()
        assert run.estimator_name == "GridSearchCV"
        fits = {}
        for row in run.data:
            if row["task_name"] == "epoch":
                fits.setdefault(row["parent_task_id_path"], []).append(row["accuracy"])
        # Two candidates on two splits, and the best one on all rows.
        assert [len(scores) for scores in fits.values()] == [EPOCHS] * 5
        assert search.best_estimator_.score(X, y) in [scores[-1] for scores in fits.values()]


@needs_callbacks
class TestProgressBar:
    @pytest.fixture(autouse=True)
    def rich(self, monkeypatch):
        rich = pytest.importorskip("rich")
        # Wide enough for the names of nested tasks, also if a test before has fixed the width.
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(rich.get_console(), "_width", 200)

    @pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    @pytest.mark.parametrize("stop_at", [None, 2])
    def test_alone(self, cls, solver, stop_at, capsys):
        X, y = digits("binary")
        model = make(cls, solver=solver, max_iter=EPOCHS if solver == "adam" else 500)
        model.set_callbacks(ProgressBar(), Recorder(stop_at)).fit(X, y)
        shown = capsys.readouterr().out
        assert f"{cls.__name__} - fit" in shown
        assert "100%" in shown

    @pytest.mark.parametrize("depth", [0, 1, None])
    def test_in_a_pipeline(self, depth, capsys):
        X, y = digits()
        pipeline = make_pipeline(StandardScaler(), make())
        pipeline.set_callbacks(ProgressBar(max_propagation_depth=depth)).fit(X, y)
        shown = capsys.readouterr().out
        assert "Pipeline - fit" in shown and "100%" in shown
        assert ("ScratchMLPClassifier - fit" in shown) == (depth != 0)
        assert not hasattr(pipeline[-1], "_skl_callbacks")

    @pytest.mark.parametrize("n_jobs", [1, 2])
    @pytest.mark.parametrize("depth", [1, None])
    def test_in_a_search(self, n_jobs, depth, capsys):
        X, y = digits()
        search = GridSearchCV(make(), {"alpha": [0.1, 1.0]}, cv=2, n_jobs=n_jobs)
        search.set_callbacks(ProgressBar(max_propagation_depth=depth)).fit(X, y)
        shown = capsys.readouterr().out
        assert "GridSearchCV - fit" in shown and "100%" in shown
        assert "ScratchMLPClassifier - fit" in shown

    def test_a_sub_estimator_may_not_have_one_of_its_own(self):
        """That is scikit-learn's rule, whose words name the remedy."""
        X, y = digits()
        with pytest.raises(TypeError, match="directly on the meta-estimator"):
            make_pipeline(StandardScaler(), make().set_callbacks(ProgressBar())).fit(X, y)
