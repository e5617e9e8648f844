"""`Checkpoint`: when a fit under way is written, what the file holds, and failures of writing."""

import os

import joblib
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknumpy_mlp._estimator import tasks
from sknumpy_mlp._estimator.checkpoint import snapshot
from sknumpy_mlp._estimator.files import _flush_folder, write
from sknumpy_mlp._estimator.tasks import CALLBACK_ATTRIBUTES
from sknumpy_mlp.callbacks import Checkpoint

from .checkpoints import (
    Kill,
    Killed,
    checkpoint_of,
    comparable,
    make,
)
from .common import digits
from .recorder import HAS_CALLBACKS, needs_callbacks


@pytest.mark.skipif(HAS_CALLBACKS, reason="this scikit-learn has callbacks")
def test_without_callbacks_it_says_which_version_is_needed():
    with pytest.raises(ImportError, match=r"scikit-learn 1\.9 or newer.*" + sklearn.__version__):
        Checkpoint("fit.joblib")


def never(t):
    raise AssertionError("training has begun")


@needs_callbacks
class TestFile:
    def test_it_predicts_as_a_fit_of_so_many_epochs(self, tmp_path):
        X, y = digits()
        # Of the second the best epoch comes early, and others follow.
        for parameters in ({}, {"early_stopping": True, "learning_rate_init": 1.0}):
            path = checkpoint_of(make(**parameters), tmp_path / "fit.joblib", 4, X, y)
            loaded, fitted = joblib.load(path), make(**parameters, max_iter=4).fit(X, y)
            assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
            assert loaded.loss_curve_ == fitted.loss_curve_
            assert loaded.validation_scores_ == fitted.validation_scores_
            assert loaded.n_iter_ == 4
            # Both cases are met: what is trained on is what predicts, and it is not.
            assert (loaded._past.parameters is not None) == bool(parameters)
            assert not parameters or loaded.best_iter_ < 4

    def test_it_holds_no_callbacks(self, tmp_path):
        X, y = digits()
        path = tmp_path / "fit.joblib"
        model = make().set_callbacks(Checkpoint(path)).fit(X, y)
        assert not [name for name in vars(joblib.load(path)) if "callback" in name]
        assert [type(each) for each in model._skl_callbacks] == [Checkpoint]

    @pytest.mark.parametrize(
        ("when", "expected"), [({"epochs": 3}, 2), ({"epochs": 100}, 0), ({"seconds": 3600}, 0)]
    )
    def test_weights_are_copied_only_to_be_written(self, when, expected, tmp_path, monkeypatch):
        X, y = digits()
        taken = []
        monkeypatch.setattr(tasks, "snapshot", lambda fit: taken.append(fit) or snapshot(fit))
        make(max_iter=7).set_callbacks(Checkpoint(tmp_path / "fit.joblib", **when)).fit(X, y)
        assert len(taken) == expected
        assert (tmp_path / "fit.joblib").exists() == (expected > 0)

    def test_writing_leaves_alone_what_other_callbacks_are_given(self, tmp_path):
        X, y = digits()

        class Keeping(Kill):
            def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
                assert fitted_estimator._skl_callbacks == estimator._skl_callbacks
                kept.append(fitted_estimator)

        kept, path = [], tmp_path / "fit.joblib"
        model = make(early_stopping=True).set_callbacks(Checkpoint(path), Keeping(None)).fit(X, y)
        # Kept while training went on, each is the checkpoint of its epoch still.
        for name in [each for each in vars(kept[2]) if each.startswith(CALLBACK_ATTRIBUTES)]:
            delattr(kept[2], name)
        write(kept[2], path)
        again = make(early_stopping=True).fit(X, y, resume_from=path)
        assert comparable(again) == comparable(model)

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_a_search_writes_to_it_again_and_again(self, n_jobs, tmp_path):
        X, y = digits()
        path = tmp_path / "fit.joblib"
        model = make().set_callbacks(Checkpoint(path))
        search = GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=2, n_jobs=n_jobs).fit(X, y)
        # The last fit is that of the best parameters on all rows.
        assert_array_equal(joblib.load(path).predict_proba(X), search.predict_proba(X))
        assert os.listdir(tmp_path) == ["fit.joblib"]

    def test_a_loaded_one_trains_on_and_is_no_checkpoint_then(self, tmp_path):
        X, y = digits()
        path = tmp_path / "fit.joblib"
        make().set_callbacks(Checkpoint(path)).fit(X, y)
        loaded = joblib.load(path)
        assert comparable(loaded.fit(X, y)) == comparable(make().fit(X, y))
        write(joblib.load(path).partial_fit(X, y), path)
        with pytest.raises(
            ValueError, match="holds a ScratchMLPClassifier that is not a checkpoint"
        ):
            make().fit(X, y, resume_from=path)

    def test_it_is_of_bounded_size(self, tmp_path):
        """Weights, two moments, and with early stopping the best ones beside the last."""
        X, y = digits()
        path = tmp_path / "fit.joblib"
        for early_stopping, copies in ((False, 3), (True, 4)):
            model = make(hidden_layer_sizes=(300,), early_stopping=early_stopping)
            model.set_callbacks(Checkpoint(path)).fit(X, y)
            n_bytes = sum(array.nbytes for array in model.coefs_ + model.intercepts_)
            assert path.stat().st_size <= copies * n_bytes + 20_000

    @pytest.mark.parametrize("epochs, last", [(1, 7), (2, 6), (3, 6), (7, 7), (8, None)])
    def test_epochs(self, epochs, last, tmp_path):
        X, y = digits()
        path = tmp_path / "fit.joblib"
        make().set_callbacks(Checkpoint(path, epochs)).fit(X, y)
        assert (joblib.load(path).n_iter_ if path.exists() else None) == last

    def test_epochs_are_counted_on_after_resuming(self, tmp_path):
        X, y = digits()
        path = checkpoint_of(make(), tmp_path / "fit.joblib", 2, X, y)
        make().set_callbacks(Checkpoint(path, 5)).fit(X, y, resume_from=path)
        assert joblib.load(path).n_iter_ == 5

    def test_seconds(self, tmp_path, monkeypatch):
        X, y = digits()
        seen, clock = [], iter(range(10**6))
        # Every look at the clock takes a second: three when a file is written, else one an epoch.
        monkeypatch.setattr("sknumpy_mlp.callbacks.time.monotonic", lambda: float(next(clock)))
        monkeypatch.setattr(
            "sknumpy_mlp.callbacks.write", lambda saved, path: seen.append(saved.n_iter_)
        )
        make().set_callbacks(Checkpoint(tmp_path / "fit", seconds=3)).fit(X, y)
        assert seen == [3, 6]
        seen.clear()
        make().set_callbacks(Checkpoint(tmp_path / "fit", seconds=1e9)).fit(X, y)
        assert seen == []
        make().set_callbacks(Checkpoint(tmp_path / "fit", seconds=0)).fit(X, y)
        assert seen == [1, 2, 3, 4, 5, 6, 7]

    @pytest.mark.parametrize("bad", [{"epochs": 0}, {"epochs": 1.5}, {"seconds": -1}])
    def test_parameters_obey_their_rules(self, bad):
        with pytest.raises(ValueError, match=f"{next(iter(bad))} must be"):
            Checkpoint("fit.joblib", **bad)


@needs_callbacks
class TestWriting:
    @pytest.mark.parametrize("function", ["os.replace", "os.fsync", "joblib.dump"])
    @pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
    def test_a_failure_leaves_the_last_file_and_the_estimator(
        self, function, error, tmp_path, monkeypatch
    ):
        X, y = digits()
        path = checkpoint_of(make(), tmp_path / "fit.joblib", 2, X, y)
        written = path.read_bytes()

        def fail(*args):
            if function == "joblib.dump":
                args[1].write(b"half a file")
            raise error

        monkeypatch.setattr(f"sknumpy_mlp._estimator.files.{function}", fail)
        model = make().fit(X, y).set_callbacks(Checkpoint(path))
        before = comparable(model)
        with pytest.raises(type(error)):
            model.fit(X, y)
        assert comparable(model) == before
        assert path.read_bytes() == written
        assert os.listdir(tmp_path) == ["fit.joblib"]

    def test_what_cannot_be_pickled_leaves_no_file(self, tmp_path):
        X, y = digits()
        model = make(learning_rate=lambda fraction: 1 - fraction / 2)
        model.set_callbacks(Checkpoint(tmp_path / "fit.joblib"))
        with pytest.raises(Exception, match="pickle"):
            model.fit(X, y)
        assert os.listdir(tmp_path) == [] and not hasattr(model, "coefs_")

    def test_a_missing_folder_is_told_before_the_first_epoch(self, tmp_path):
        X, y = digits()
        model = make().set_callbacks(Checkpoint(tmp_path / "none" / "fit.joblib"))
        with pytest.raises(FileNotFoundError, match="existing folder"):
            model.fit(X, y)
        assert not hasattr(model, "coefs_")

    @pytest.mark.parametrize("path", [5, None, "", "a\0b", b""])
    def test_what_is_no_path_is_refused_at_once(self, path):
        with pytest.raises((TypeError, ValueError), match="path must be the path of a file"):
            Checkpoint(path)

    def test_a_folder_is_refused_before_the_first_epoch(self, tmp_path):
        X, y = digits()
        model = make(learning_rate=never).set_callbacks(Checkpoint(tmp_path))
        with pytest.raises(IsADirectoryError, match="path must name a file, got the folder"):
            model.fit(X, y)
        assert list(tmp_path.iterdir()) == []

    def test_a_path_of_bytes_is_a_path(self, tmp_path):
        X, y = digits()
        path = tmp_path / "fit.joblib"
        model = make().set_callbacks(Checkpoint(os.fsencode(path))).fit(X, y)
        assert_array_equal(joblib.load(path).predict_proba(X), model.predict_proba(X))

    def test_new_files_of_killed_programs_are_removed_when_a_fit_begins(self, tmp_path):
        X, y = digits()
        left = ["fit.joblib.0123456789abcdef.new", "fit.joblib.aaaaaaaaaaaaaaaa.new"]
        others = ["fit.joblib.new", "fit.joblib.0123.new", "my.fit.joblib.0123456789abcdef.new"]
        for name in left + others:
            (tmp_path / name).write_bytes(b"half")
        make().set_callbacks(Checkpoint(tmp_path / "fit.joblib")).fit(X, y)
        assert sorted(os.listdir(tmp_path)) == sorted([*others, "fit.joblib"])

    def test_a_folder_that_cannot_be_flushed_is_no_failure(self, tmp_path, monkeypatch):
        def refuse(*args):
            raise PermissionError

        monkeypatch.setattr("sknumpy_mlp._estimator.files.os.open", refuse)
        _flush_folder(str(tmp_path))

    def test_in_a_pipeline(self, tmp_path):
        X, y = digits()
        path = tmp_path / "fit.joblib"

        def pipeline(*callbacks):
            return make_pipeline(StandardScaler(), make().set_callbacks(*callbacks))

        with pytest.raises(Killed):
            pipeline(Checkpoint(path), Kill(3)).fit(X, y)
        resumed = pipeline().fit(X, y, scratchmlpclassifier__resume_from=path)
        assert comparable(resumed[-1]) == comparable(pipeline().fit(X, y)[-1])
