"""scikit-learn's callbacks: what they are told, when they stop a fit, and what they cost."""

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp._estimator import tasks
from sknumpy_mlp._estimator.checkpoint import snapshot
from sknumpy_mlp._estimator.tasks import Tasks

from ..common import assert_same_weights, digits, state_of
from ..recorder import EPOCHS, HAS_CALLBACKS, Recorder, make, monitor, needs_callbacks

if HAS_CALLBACKS:
    from sklearn.callback import ScoringMonitor


class Silent:
    """A callback that asks for nothing."""

    def setup(self, estimator, context): ...
    def teardown(self, estimator, context): ...
    def on_fit_task_begin(self, estimator, context): ...
    def on_fit_task_end(self, estimator, context): ...


@pytest.mark.skipif(HAS_CALLBACKS, reason="this scikit-learn has callbacks")
@pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_without_callbacks_there_is_nothing_to_set_them_with(cls):
    X, y = digits()
    assert not hasattr(cls(), "set_callbacks")
    make(cls).fit(X, y)


def without_callbacks(model):
    model = copy.copy(model)
    vars(model).pop("_skl_callbacks", None)
    return state_of(model)


@needs_callbacks
class TestTasks:
    def test_one_task_an_epoch_inside_one_of_the_fit(self):
        X, y = digits()
        recorder = Recorder()
        make().set_callbacks(recorder).fit(X, y)
        epochs = [("begin", "epoch"), ("end", "epoch")] * EPOCHS
        inside = [("begin", "fit"), *epochs, ("end", "fit")]
        assert recorder.heard == [("setup", "fit"), *inside, ("teardown", "fit")]

    @pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_the_fit_is_that_without_callbacks(self, cls, early_stopping):
        X, y = digits("binary")
        plain = make(cls, early_stopping=early_stopping).fit(X, y)
        told = make(cls, early_stopping=early_stopping).set_callbacks(Recorder()).fit(X, y)
        assert without_callbacks(told) == state_of(plain)

    def test_solver_without_epochs_has_one_task(self):
        X, y = digits()
        recorder = Recorder(stop_at=1)
        log = monitor()
        model = make(solver="lbfgs", max_iter=200).set_callbacks(recorder, log).fit(X, y)
        tasks = ["setup", "begin", "end", "teardown"]
        assert recorder.heard == [(hook, "fit") for hook in tasks]
        (row,) = log.get_logs().data
        assert row["accuracy"] == model.score(X, y)

    def test_the_data_are_told_as_they_came(self):
        pandas = pytest.importorskip("pandas")
        X, y = digits()
        X, y = pandas.DataFrame(X).add_prefix("pixel "), pandas.Series(y)
        weights = list(range(len(y)))
        recorder = Recorder()
        make().set_callbacks(recorder).fit(X, y, weights)
        assert len(recorder.told) == EPOCHS + 1
        for told_X, told_y, metadata in recorder.told:
            assert told_X is X and told_y is y
            assert list(metadata) == ["sample_weight"] and metadata["sample_weight"] is weights

    def test_partial_fit_tells_nothing(self):
        X, y = digits()
        recorder = Recorder()
        make().set_callbacks(recorder).partial_fit(X, y, classes=np.unique(y))
        assert recorder.heard == []

    def test_no_task_is_made_where_no_callback_is_set(self, monkeypatch):
        X, y = digits()
        made = []
        for name in ("__init__", "begin_epoch", "end_epoch", "__exit__"):
            monkeypatch.setattr(Tasks, name, lambda *args, name=name: made.append(name))
        monkeypatch.setattr(Tasks, "__enter__", lambda tasks: tasks)
        monkeypatch.setattr(
            ScratchMLPClassifier, "_init_callback_context", lambda *args, **kw: made.append("ctx")
        )
        monkeypatch.setattr(
            "sknumpy_mlp._estimator.tasks.snapshot", lambda *args: made.append("twin")
        )
        make().fit(X, y)
        make_pipeline(StandardScaler(), make()).fit(X, y)
        make().set_callbacks(Silent()).set_callbacks().fit(X, y)
        assert made == []
        make().set_callbacks(Silent()).fit(X, y)
        epochs = ["begin_epoch", "end_epoch"] * EPOCHS
        assert made == ["__init__", *epochs, "__exit__"]

    def test_no_twin_is_made_where_no_callback_asks_for_it(self, monkeypatch):
        X, y = digits()
        monkeypatch.setattr("sknumpy_mlp._estimator.tasks.snapshot", None)
        make().set_callbacks(Silent()).fit(X, y)


@needs_callbacks
class TestTwins:
    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"early_stopping": True},
            # The best epoch comes early.
            {"early_stopping": True, "learning_rate_init": 1.0, "max_iter": 8},
            {"early_stopping": True, "restore_best": False},
            {"solver": "sgd", "dropout": 0.2, "warm_start": True},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
    def test_after_k_epochs_it_is_a_fit_of_k_epochs(self, cls, parameters):
        """Also when it is looked at later: training on leaves it alone."""
        X, y = digits("binary")
        recorder = Recorder()
        make(cls, **parameters).set_callbacks(recorder).fit(X, y)
        assert len(recorder.twins) == parameters.get("max_iter", EPOCHS)
        for k, twin in enumerate(recorder.twins, 1):
            fitted = make(cls, **parameters | {"max_iter": k}).fit(X, y)
            assert_array_equal(twin.predict(X), fitted.predict(X))
            assert_same_weights(twin, fitted)
            for name in ("n_iter_", "t_", "loss_", "loss_curve_", "validation_scores_"):
                assert getattr(twin, name) == getattr(fitted, name)

    def test_it_can_be_trained_and_changed_on_its_own(self):
        X, y = digits()

        class Meddler(Silent):
            def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
                fitted_estimator.partial_fit(X, y)
                fitted_estimator.coefs_[0][:] = np.nan

        model = make().set_callbacks(Meddler()).fit(X, y)
        assert without_callbacks(model) == state_of(make().fit(X, y))

    def test_it_is_not_made_for_callbacks_that_do_not_ask(self, monkeypatch):
        X, y = digits()
        taken = []
        monkeypatch.setattr(tasks, "snapshot", lambda fit: taken.append(fit) or snapshot(fit))
        seen = []

        class Reading(Silent):
            def on_fit_task_end(self, estimator, context):
                if context.task_name == "epoch":
                    seen.append(context.metrics)

        model = make(early_stopping=True).set_callbacks(Reading()).fit(X, y)
        assert taken == []
        assert [each["epoch"] for each in seen] == list(range(1, model.n_iter_ + 1))
        assert [each["loss"] for each in seen] == model.loss_curve_
        assert [each["validation_loss"] for each in seen] == model.validation_loss_curve_
        assert [each["validation_score"] for each in seen] == model.validation_scores_
        del seen[:]
        make().set_callbacks(Reading(), Recorder()).fit(X, y)
        assert list(seen[0]) == ["epoch", "loss"] and len(taken) >= EPOCHS

    def test_the_context_keeps_no_hold_of_the_fit(self):
        X, y = digits()
        kept = []

        class Keeping(Silent):
            def on_fit_task_end(self, estimator, context):
                kept.append(context)

        model = make().set_callbacks(Keeping()).fit(X, y)
        assert not any(hasattr(context, "snapshot") for context in kept)
        assert model.loss_curve_[-1] in [vars(c).get("metrics", {}).get("loss") for c in kept]

    def test_it_is_made_once_an_epoch_for_all_callbacks(self):
        X, y = digits()
        one, other = Recorder(), Recorder()
        make().set_callbacks(one, other).fit(X, y)
        assert [id(twin) for twin in one.twins] == [id(twin) for twin in other.twins]


@needs_callbacks
class TestStopping:
    @pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
    @pytest.mark.parametrize("stop_at", [1, 3, EPOCHS])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_it_ends_the_fit_without_a_warning(self, cls, stop_at, early_stopping):
        X, y = digits("binary")
        parameters = {"n_iter_no_change": 10, "early_stopping": early_stopping}
        recorder = Recorder(stop_at)
        model = make(cls, **parameters).set_callbacks(recorder).fit(X, y)
        assert model.n_iter_ == stop_at == len(model.loss_curve_)
        assert recorder.count("end", "fit") == recorder.count("teardown", "fit") == 1
        whole = make(cls, max_iter=stop_at, early_stopping=early_stopping).fit(X, y)
        assert_array_equal(model.predict(X), whole.predict(X))

    def test_one_of_several_is_enough(self):
        X, y = digits()
        recorder = Recorder()
        model = make().set_callbacks(recorder, Recorder(2), Recorder()).fit(X, y)
        assert model.n_iter_ == recorder.count("end") == 2

    def test_training_goes_on_afterwards(self):
        X, y = digits()
        model = make(warm_start=True).set_callbacks(Recorder(2)).fit(X, y)
        assert len(model.fit(X, y).loss_curve_) == 4
        model.set_callbacks().fit(X, y)
        assert model.n_iter_ == EPOCHS

    def test_in_a_pipeline_and_a_search(self):
        X, y = digits()
        pipeline = make_pipeline(StandardScaler(), make().set_callbacks(Recorder(2))).fit(X, y)
        assert pipeline[-1].n_iter_ == 2
        search = GridSearchCV(make().set_callbacks(Recorder(2)), {"alpha": [0.1, 1.0]}, cv=2)
        assert search.fit(X, y).best_estimator_.n_iter_ == 2


@needs_callbacks
class TestFailures:
    @pytest.mark.parametrize(
        "raise_at",
        ["setup", ("begin", "fit"), ("begin", "epoch"), ("end", "epoch"), ("end", "fit")],
        ids=str,
    )
    def test_a_callback_that_raises(self, raise_at):
        X, y = digits()
        other, failing = Recorder(), Recorder(raise_at=raise_at)
        model = make(random_state=np.random.RandomState(2)).fit(X, y)
        model.set_callbacks(other, failing)
        before = self.held(model)
        with pytest.raises(RuntimeError, match="raised in"):
            model.fit(X, y)
        assert self.held(model) == before
        assert other.count("teardown", "fit") == failing.count("teardown", "fit") == 1

    def held(self, model):
        """All that a model holds; of its callbacks, which they are."""
        model = copy.copy(model)
        callbacks = vars(model).pop("_skl_callbacks")
        return state_of(model), [id(each) for each in callbacks]

    def test_a_teardown_that_raises(self):
        X, y = digits()
        model = make().set_callbacks(Recorder(raise_at="teardown"))
        before = self.held(model)
        with pytest.raises(RuntimeError, match="raised in teardown"):
            model.fit(X, y)
        assert self.held(model) == before

    def test_a_fit_that_diverges(self):
        X, y = digits()
        recorder = Recorder()
        model = make(solver="sgd", learning_rate_init=1e200).set_callbacks(recorder)
        before = self.held(model)
        with pytest.raises(ValueError, match="non-finite parameter weights"):
            model.fit(X, y)
        assert self.held(model) == before
        assert recorder.heard[-2:] == [("begin", "epoch"), ("teardown", "fit")]

    def test_data_that_are_refused_are_refused_before_setup(self):
        X, y = digits()
        recorder = Recorder()
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            make().set_callbacks(recorder).fit(X, y[:-1])
        assert recorder.heard == []

    @pytest.mark.parametrize("warm_start", [False, True])
    def test_an_interrupt(self, warm_start):
        X, y = digits()

        class Interrupting(Silent):
            def on_fit_task_end(self, estimator, context):
                if context.task_id == 2:
                    raise KeyboardInterrupt

        recorder = Recorder()
        model = make(warm_start=warm_start).set_callbacks(recorder, Interrupting())
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y)
        assert recorder.count("teardown", "fit") == 1
        assert hasattr(model, "coefs_") == warm_start
        if warm_start:
            assert_same_weights(model, make(max_iter=2).fit(X, y))

    def test_what_is_no_callback_is_refused(self):
        with pytest.raises(TypeError, match="FitCallback"):
            make().set_callbacks(print)


def by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    return joblib.load(io.BytesIO(file.getvalue()))


@needs_callbacks
class TestCopies:
    @pytest.mark.parametrize(
        "way",
        [lambda model: pickle.loads(pickle.dumps(model)), by_joblib, copy.deepcopy],
        ids=["pickle", "joblib", "deepcopy"],
    )
    def test_a_saved_model_keeps_its_callbacks(self, way):
        X, y = digits()
        model = make().set_callbacks(monitor(), Silent()).fit(X, y)
        loaded = way(model)
        assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
        assert [type(each) for each in loaded._skl_callbacks] == [ScoringMonitor, Silent]
        loaded.fit(X, y)
        assert len(loaded._skl_callbacks[0].get_logs(select="all")) == 2
        assert without_callbacks(loaded) == without_callbacks(model)

    def test_a_clone_tells_the_same_callbacks(self):
        X, y = digits()
        recorder = Recorder()
        clone(make().set_callbacks(recorder)).fit(X, y)
        assert recorder.count("end") == EPOCHS

    def test_nothing_of_a_fit_is_left_on_the_estimator(self):
        X, y = digits()
        model = make().fit(X, y)
        told = make().set_callbacks(Recorder(), monitor()).fit(X, y)
        assert vars(told).keys() - vars(model).keys() == {"_skl_callbacks"}
