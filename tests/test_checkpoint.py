"""A fit that was killed and resumed ends, to the bit, where one that was left alone ends."""

import copy
import os
import signal
import subprocess
import sys
import textwrap
import time

import joblib
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import make_scorer, recall_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp._estimator.checkpoint import _flush_folder
from sknumpy_mlp._estimator.tasks import CALLBACK_ATTRIBUTES
from sknumpy_mlp.callbacks import Checkpoint
from sknumpy_mlp.optimizers import Optimizer, RMSprop
from sknumpy_mlp.schedules import Cosine, Warmup

from .common import digits, frozen, state_of

HAS_CALLBACKS = hasattr(ScratchMLPClassifier, "set_callbacks")
needs_callbacks = pytest.mark.skipif(
    not HAS_CALLBACKS, reason="Checkpoint needs scikit-learn 1.9, which has callbacks"
)

EPOCHS = 7


def raised_weights(y):
    return 1.0 + np.arange(len(y)) % 3


def own_scorer(estimator, X, y):
    return -float(np.mean(estimator.predict(X) != y))


def make(cls=ScratchMLPClassifier, **parameters):
    """An estimator; streams are copied, so that each has its own."""
    defaults = {"hidden_layer_sizes": (9,), "max_iter": EPOCHS, "n_iter_no_change": None}
    return cls(**copy.deepcopy(defaults | {"random_state": 0, "batch_size": 40} | parameters))


CLASSIFIERS = {
    **{f"solver {n}": {"solver": n} for n, c in Optimizer.named().items() if c.takes_steps},
    "solver object": {"solver": RMSprop(rho=0.95)},
    "cosine": {"learning_rate": "cosine"},
    "one_cycle": {"learning_rate": "one_cycle"},
    "schedule object": {"learning_rate": Warmup(fraction=0.2, then=Cosine())},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
    # A tolerance that nothing meets: the rate falls every other epoch.
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "n_iter_no_change": 1,
        "tol": 10.0,
        "learning_rate_init": 0.1,
    },
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    # The best epoch comes early, and others follow.
    "best is not last": {"early_stopping": True, "learning_rate_init": 1.0},
    "last of ties": {"early_stopping": True, "best_of_ties": "last"},
    "best not restored": {"early_stopping": True, "restore_best": False, "learning_rate_init": 1.0},
    "patience ends": {
        "early_stopping": True,
        "n_iter_no_change": 3,
        "tol": 10.0,
        "scoring": "loss",
    },
    "scoring loss": {"early_stopping": True, "scoring": "loss"},
    "scoring function": {"early_stopping": True, "scoring": own_scorer},
    "scorer": {"early_stopping": True, "scoring": make_scorer(recall_score, average="macro")},
    "dropout": {"dropout": 0.3},
    "class weight": {"class_weight": "balanced"},
    "class weight dict": {"class_weight": {3: 5.0}, "early_stopping": True},
    "not shuffled": {"shuffle": False},
    "full batch": {"batch_size": "full"},
    "no random state": {"random_state": None},
    "own stream": {"random_state": np.random.RandomState(3)},
    "other stream": {"random_state": np.random.RandomState(np.random.PCG64(3))},
    "keeps moments": {"warm_start": True},
    "clipped and smoothed": {"clip_norm": 0.5, "label_smoothing": 0.1},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "members": {"members": 3, "dropout": 0.2},
    "members stop early": {"members": 3, "early_stopping": True, "learning_rate_init": 1.0},
}

REGRESSORS = {
    "regressor": {},
    "regressor stops early": {"early_stopping": True, "n_iter_no_change": 2},
    "regressor drops out": {"dropout": 0.2, "loss": "huber"},
    "regressor with members": {"members": 2, "early_stopping": True},
}


def comparable(model):
    """All that a model holds, but its callbacks and the scorer, which copying made another."""
    held = {
        k: v for k, v in vars(model).items() if not k.startswith((*CALLBACK_ATTRIBUTES, "scoring"))
    }
    return frozen(held)


class Killed(BaseException):
    """What no handler of ours catches."""


class Kill:
    """A callback that ends the program, as far as a fit can tell, at the end of an epoch."""

    def __init__(self, after):
        self.after = after

    def setup(self, estimator, context): ...
    def teardown(self, estimator, context): ...
    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch" and context.task_id + 1 == self.after:
            raise Killed


def checkpoint_of(model, path, after, *data, **fit_options):
    """Fit a model that is killed after so many epochs; the file is what is left."""
    model.set_callbacks(Checkpoint(path), Kill(after))
    with pytest.raises(Killed):
        model.fit(*data, **fit_options)
    model.set_callbacks()
    return path


def assert_resumes(tmp_path, build, X, y, after=3, **fit_options):
    """`build` gives the estimator; killed and resumed, it is as the one that was left alone."""
    path = tmp_path / "fit.joblib"
    killed = build()
    if killed.random_state is None:
        # All that differs between two fits is where their streams begin.
        whole = killed
        whole.set_callbacks(Copying(path, after)).fit(X, y, **fit_options)
        whole.set_callbacks()
    else:
        whole = build().fit(X, y, **fit_options)
        checkpoint_of(killed, path, after, X, y, **fit_options)
    resumed = build().fit(X, y, resume_from=path, **fit_options)
    assert comparable(resumed) == comparable(whole)
    assert_array_equal(resumed.predict(X), whole.predict(X))
    assert resumed.n_iter_ == whole.n_iter_ > after
    if not whole.early_stopping and getattr(whole, "class_weight", None) != "balanced":
        resumed.partial_fit(X, y)
        whole.partial_fit(X, y)
    # A fit that follows draws from the same stream, if it is the user's.
    if whole.random_state is not None:
        resumed.fit(X, y)
        whole.fit(X, y)
    assert comparable(resumed) == comparable(whole)


class Copying(Checkpoint if HAS_CALLBACKS else object):
    """A checkpoint of one epoch only, of a fit that goes on."""

    def __init__(self, path, after):
        super().__init__(path)
        self.after = after

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "epoch" and fitted_estimator.n_iter_ == self.after:
            super().on_fit_task_end(estimator, context, fitted_estimator=fitted_estimator)


@pytest.mark.skipif(HAS_CALLBACKS, reason="this scikit-learn has callbacks")
def test_without_callbacks_it_says_which_version_is_needed():
    with pytest.raises(ImportError, match=r"scikit-learn 1\.9 or newer.*" + sklearn.__version__):
        Checkpoint("fit.joblib")


@needs_callbacks
@pytest.mark.filterwarnings("ignore:early_stopping splits without stratification")
# What ends without having converged says so, resumed or not.
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
class TestResumedIsUninterrupted:
    @pytest.mark.parametrize("name", CLASSIFIERS)
    def test_classifier(self, name, tmp_path):
        X, y = digits()
        assert_resumes(tmp_path, lambda: make(**CLASSIFIERS[name]), X, y)

    @pytest.mark.parametrize("name", REGRESSORS)
    def test_regressor(self, name, tmp_path):
        X, y = digits()
        build = lambda: make(ScratchMLPRegressor, **REGRESSORS[name])  # noqa: E731
        assert_resumes(tmp_path, build, X, np.column_stack([y, X[:, 3]]), after=2)

    @pytest.mark.parametrize("after", range(1, EPOCHS))
    @pytest.mark.parametrize("name", ["solver adam", "early stopping", "dropout"])
    def test_after_any_epoch(self, name, after, tmp_path):
        X, y = digits()
        assert_resumes(tmp_path, lambda: make(**CLASSIFIERS[name]), X, y, after)

    @pytest.mark.parametrize("dtype", [np.float32, np.uint8])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_dtypes(self, dtype, early_stopping, tmp_path):
        X, y = digits()
        X = (X * 16).astype(dtype)
        assert_resumes(tmp_path, lambda: make(early_stopping=early_stopping), X, y)

    @pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_matrix, np.asfortranarray])
    def test_forms_of_input(self, form, tmp_path):
        X, y = digits()
        assert_resumes(tmp_path, lambda: make(), form(X), y)

    def test_kinds_of_target(self, tmp_path):
        X, y = digits("multilabel")
        assert_resumes(tmp_path, lambda: make(early_stopping=True), X, y)
        X, y = digits("binary")
        assert_resumes(tmp_path, lambda: make(), X, np.array(["odd", "even"])[y])

    def test_column_names(self, tmp_path):
        pandas = pytest.importorskip("pandas")
        X, y = digits()
        X = pandas.DataFrame(X, columns=[f"pixel {i}" for i in range(X.shape[1])])
        assert_resumes(tmp_path, lambda: make(early_stopping=True), X, y)

    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_sample_weights_and_given_validation_rows(self, early_stopping, tmp_path):
        X, y = digits()
        options = {"X_val": X[100:], "y_val": y[100:], "sample_weight": raised_weights(y[:100])}
        options["sample_weight_val"] = raised_weights(y[100:])
        assert_resumes(
            tmp_path, lambda: make(early_stopping=early_stopping), X[:100], y[:100], **options
        )

    @pytest.mark.parametrize("solver", ["adam", "sgd"])
    def test_warm_start_from_an_earlier_fit(self, solver, tmp_path):
        X, y = digits()
        earlier = make(warm_start=True, solver=solver, max_iter=2, early_stopping=True).fit(X, y)
        build = lambda: copy.deepcopy(earlier).set_params(max_iter=EPOCHS)  # noqa: E731
        assert_resumes(tmp_path, build, X, y)

    def test_twice(self, tmp_path):
        X, y = digits()
        path = tmp_path / "fit.joblib"
        model = make(early_stopping=True)
        checkpoint_of(model, path, 2, X, y)
        checkpoint_of(model, path, 2, X, y, resume_from=path)
        assert joblib.load(path).n_iter_ == 4
        model.fit(X, y, resume_from=path)
        assert comparable(model) == comparable(make(early_stopping=True).fit(X, y))


PROGRAM = """
    import sys
    sys.path[:0] = {paths!r}
    from sknumpy_mlp.callbacks import Checkpoint
    from tests.common import digits
    from tests.test_checkpoint import make_killed
    X, y = digits(n_samples=400)
    print("begins", flush=True)
    make_killed().set_callbacks(Checkpoint(sys.argv[1])).fit(X, y)
"""


def make_killed():
    return make(
        max_iter=150,
        early_stopping=True,
        scoring=own_scorer,
        dropout=0.1,
        random_state=np.random.RandomState(7),
    )


@needs_callbacks
@pytest.mark.skipif(os.name != "posix", reason="only POSIX has SIGKILL")
@pytest.mark.parametrize("seed", range(4))
def test_killed_by_the_system_at_any_moment(seed, tmp_path):
    path = tmp_path / "fit.joblib"
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    program = textwrap.dedent(PROGRAM.format(paths=[root]))
    command = [sys.executable, "-c", program, str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ, text=True)
    try:
        assert process.stdout.readline() == "begins\n"
        deadline = time.monotonic() + 60
        while not path.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(np.random.default_rng(seed).uniform(0, 0.3))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    X, y = digits(n_samples=400)
    assert joblib.load(path).predict(X).shape == y.shape
    resumed = make_killed().fit(X, y, resume_from=path)
    assert comparable(resumed) == comparable(make_killed().fit(X, y))


@needs_callbacks
class TestFile:
    def test_it_predicts_as_a_fit_of_so_many_epochs(self, tmp_path):
        X, y = digits()
        for parameters in ({}, CLASSIFIERS["best is not last"]):
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
        joblib.dump(kept[2], path)
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
        joblib.dump(joblib.load(path).partial_fit(X, y), path)
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

        monkeypatch.setattr(f"sknumpy_mlp._estimator.checkpoint.{function}", fail)
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

    def test_a_folder_that_cannot_be_flushed_is_no_failure(self, tmp_path, monkeypatch):
        def refuse(*args):
            raise PermissionError

        monkeypatch.setattr("sknumpy_mlp._estimator.checkpoint.os.open", refuse)
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


@needs_callbacks
class TestGoingOn:
    @pytest.mark.parametrize("fitted", [False, True])
    def test_to_more_epochs_than_before(self, fitted, tmp_path):
        X, y = digits()
        path = tmp_path / "fit.joblib"
        make(max_iter=3).set_callbacks(Checkpoint(path)).fit(X, y)
        # An earlier fit, of another kind of rows, leaves nothing behind.
        model = make(verbose=0).fit(X[:, :5], y % 2) if fitted else make()
        model.fit(X, y, resume_from=path).set_params(verbose=False)
        assert comparable(model) == comparable(make().fit(X, y))

    def test_names_of_columns_of_an_earlier_fit_are_forgotten(self, tmp_path):
        pandas = pytest.importorskip("pandas")
        X, y = digits()
        path = checkpoint_of(make(), tmp_path / "fit.joblib", 3, X, y)
        model = make().fit(pandas.DataFrame(X).add_prefix("pixel "), y)
        model.fit(X, y, resume_from=path)
        assert not hasattr(model, "feature_names_in_")

    def test_after_the_last_epoch(self, tmp_path):
        X, y = digits()
        path = tmp_path / "fit.joblib"
        model = make(n_iter_no_change=10)
        with pytest.warns(ConvergenceWarning):
            model.set_callbacks(Checkpoint(path)).fit(X, y)
        # It had not converged, and still has not.
        with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(7\)"):
            resumed = make(n_iter_no_change=10).fit(X, y, resume_from=path)
        assert comparable(resumed) == comparable(model)

    @pytest.mark.filterwarnings("ignore:early_stopping splits without stratification")
    @pytest.mark.parametrize("name", ["patience ends", "adaptive"])
    def test_after_patience_has_run_out(self, name, tmp_path):
        X, y = digits()
        path = tmp_path / "fit.joblib"
        parameters = CLASSIFIERS[name] | {"max_iter": 60}
        model = make(**parameters).set_callbacks(Checkpoint(path)).fit(X, y)
        assert model.n_iter_ < 60
        assert comparable(make(**parameters).fit(X, y, resume_from=path)) == comparable(model)

    def test_the_own_stream_goes_on_too(self, tmp_path):
        X, y = digits()
        one, other = np.random.RandomState(5), np.random.RandomState(5)
        path = tmp_path / "fit.joblib"
        checkpoint_of(make(random_state=0).set_params(random_state=one), path, 3, X, y)
        make().set_params(random_state=one).fit(X, y, resume_from=path)
        make().set_params(random_state=other).fit(X, y)
        assert frozen(one) == frozen(other)

    def test_another_random_state_is_left_alone(self, tmp_path):
        X, y = digits()
        path = checkpoint_of(make(random_state=0), tmp_path / "fit.joblib", 3, X, y)
        stream = np.random.RandomState(5)
        make().set_params(random_state=stream).fit(X, y, resume_from=path)
        assert frozen(stream) == frozen(np.random.RandomState(5))

    def test_callbacks_are_told_of_the_epochs_that_remain(self, tmp_path):
        X, y = digits()
        path = checkpoint_of(make(), tmp_path / "fit.joblib", 3, X, y)
        planned = []

        class Planned(Kill):
            def setup(self, estimator, context):
                planned.append(context.max_subtasks)

        make().set_callbacks(Planned(after=None)).fit(X, y, resume_from=path)
        assert planned == [EPOCHS - 3]

    def test_metadata_requests_stay_those_of_the_estimator(self, tmp_path):
        X, y = digits()
        path = checkpoint_of(make(), tmp_path / "fit.joblib", 3, X, y)
        with sklearn.config_context(enable_metadata_routing=True):
            model = make().set_fit_request(sample_weight=True).fit(X, y, resume_from=path)
            assert model.get_metadata_routing().fit.requests["sample_weight"] is True


def refused(tmp_path, message, model=None, X=None, y=None, path=None, **options):
    """Resuming raises a ValueError and leaves the estimator, fitted before, as it was."""
    rows, target = digits()
    file = tmp_path / "fit.joblib"
    if not file.exists():
        checkpoint_of(make(), file, 2, rows, target)
    if model is None:
        model = make(max_iter=2, random_state=np.random.RandomState(1)).fit(rows, target)
    before = state_of(model)
    with pytest.raises(ValueError, match=message):
        model.fit(
            rows if X is None else X,
            target if y is None else y,
            resume_from=path or file,
            **options,
        )
    assert state_of(model) == before


@needs_callbacks
class TestRefusals:
    def test_another_class(self, tmp_path):
        message = "checkpoint of a ScratchMLPRegressor.*holds a ScratchMLPClassifier"
        refused(tmp_path, message, make(ScratchMLPRegressor))

    @pytest.mark.parametrize(
        "changed",
        [
            {"alpha": 0.1},
            {"hidden_layer_sizes": (8,)},
            {"solver": "sgd"},
            {"solver": RMSprop()},
            {"learning_rate": lambda fraction: 1.0},
            {"shuffle": False},
            {"early_stopping": True},
            {"dropout": 0.5},
            {"class_weight": {1: 2.0}},
            {"scoring": own_scorer},
            {"warm_start": True},
        ],
        ids=lambda changed: next(iter(changed)),
    )
    def test_a_changed_parameter(self, changed, tmp_path):
        (name,) = changed
        refused(tmp_path, f"{name} must be the same", make(**changed))

    def test_numbers_of_another_type_are_the_same(self, tmp_path):
        X, y = digits()
        path = checkpoint_of(make(alpha=0.5), tmp_path / "fit.joblib", 2, X, y)
        make(alpha=np.float32(0.5), batch_size=np.int64(40)).fit(X, y, resume_from=path)

    @pytest.mark.parametrize("content", [b"", b"a text\n", b"\x80\x04half", b"\x00" * 99])
    def test_a_file_that_is_no_pickle(self, content, tmp_path):
        path = tmp_path / "other"
        path.write_bytes(content)
        refused(tmp_path, "resume_from must name a checkpoint.*cannot be read", path=path)

    def test_half_a_checkpoint(self, tmp_path):
        X, y = digits()
        path = checkpoint_of(make(), tmp_path / "fit.joblib", 2, X, y)
        half = tmp_path / "half"
        half.write_bytes(path.read_bytes()[:-500])
        refused(tmp_path, "cannot be read", path=half)

    def test_files_of_something_else(self, tmp_path):
        X, y = digits()
        path = tmp_path / "other"
        joblib.dump({"weights": [1]}, path)
        refused(tmp_path, "which holds a dict that is not a checkpoint", path=path)
        joblib.dump(make().fit(X, y), path)
        refused(tmp_path, "which holds a ScratchMLPClassifier that is not a checkpoint", path=path)

    def test_no_file(self, tmp_path):
        X, y = digits()
        model = make()
        with pytest.raises(FileNotFoundError):
            model.fit(X, y, resume_from=tmp_path / "none")
        assert state_of(model) == state_of(make())

    def test_other_rows(self, tmp_path):
        X, y = digits()
        refused(tmp_path, "number of rows of X must be.*150, got 100", X=X[:100], y=y[:100])
        refused(tmp_path, "X has 60 features.* expecting 64", X=X[:, :60])
        refused(tmp_path, "dtype of X must be.*float64.*float32", X=X.astype(np.float32))
        refused(tmp_path, "same classes", y=y % 5)
        refused(tmp_path, "same classes", y=np.where(y == 9, 11, y))
        refused(tmp_path, "same classes", y=digits("multilabel")[1])
        refused(tmp_path, "there is a sample_weight must be.*False", sample_weight=y + 1.0)
        refused(tmp_path, "rows of X_val must be.*0, got 9", X_val=X[:9], y_val=y[:9])

    def test_validation_rows_that_are_missing(self, tmp_path):
        X, y = digits()
        path = tmp_path / "given"
        options = {"X_val": X, "y_val": y, "sample_weight": y + 1.0}
        checkpoint_of(make(), path, 2, X, y, **options, sample_weight_val=y + 1.0)
        refused(tmp_path, "rows of X_val must be.*150, got 0", path=path, sample_weight=y + 1.0)
        refused(tmp_path, "a sample_weight_val must be.*True, got False", path=path, **options)
        del options["sample_weight"]
        refused(tmp_path, "a sample_weight must be.*True, got False", path=path, **options)

    def test_other_columns_of_numbers(self, tmp_path):
        X, y = digits()
        path = checkpoint_of(make(ScratchMLPRegressor), tmp_path / "numbers", 2, X, y)
        model = make(ScratchMLPRegressor).fit(X[:50], y[:50])
        message = "must keep the shape"
        refused(tmp_path, message, model, y=np.column_stack([y, y]), path=path)
