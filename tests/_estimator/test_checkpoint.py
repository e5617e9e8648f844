"""A fit that was killed and resumed ends, to the bit, where one that was left alone ends."""

import copy
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import make_scorer, recall_score

from sknumpy_mlp import ScratchMLPRegressor
from sknumpy_mlp._estimator.files import write
from sknumpy_mlp.callbacks import Checkpoint
from sknumpy_mlp.optimizers import Optimizer, RMSprop
from sknumpy_mlp.schedules import Cosine, Warmup

from ..checkpoints import (
    EPOCHS,
    Kill,
    checkpoint_of,
    comparable,
    make,
)
from ..common import digits, frozen, state_of
from ..recorder import HAS_CALLBACKS, needs_callbacks


def raised_weights(y):
    return 1.0 + np.arange(len(y)) % 3


def own_scorer(estimator, X, y):
    return -float(np.mean(estimator.predict(X) != y))


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
    "an embedding": {"members": 2, "embedding": "piecewise_linear"},
    "members differ": {"members": {"learning_rate_init": [0.01, 0.1], "dropout": [0.1, 0.4]}},
    "members stop early": {"members": 3, "early_stopping": True, "learning_rate_init": 1.0},
}

REGRESSORS = {
    "regressor": {},
    "regressor stops early": {"early_stopping": True, "n_iter_no_change": 2},
    "regressor drops out": {"dropout": 0.2, "loss": "huber"},
    "regressor with members": {"members": 2, "early_stopping": True},
}


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

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch" and context.metrics["epoch"] == self.after:
            super().on_fit_task_end(estimator, context)


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
    from {module} import make_killed
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
    root = Path(__file__).parents[2]
    program = textwrap.dedent(PROGRAM.format(paths=[str(root)], module=__name__))
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
        write({"weights": [1]}, path)
        refused(tmp_path, "which holds a dict that is not a checkpoint", path=path)
        write(make().fit(X, y), path)
        refused(tmp_path, "which holds a ScratchMLPClassifier that is not a checkpoint", path=path)
        joblib.dump(make().fit(X, y), path)
        refused(tmp_path, "damaged, or Checkpoint has not written it", path=path)

    def test_no_file(self, tmp_path):
        X, y = digits()
        model = make()
        path = tmp_path / "none"
        with pytest.raises(FileNotFoundError, match=f"resume_from must name.*{path}"):
            model.fit(X, y, resume_from=path)
        assert state_of(model) == state_of(make())
        with pytest.raises(IsADirectoryError, match=f"resume_from must name.*{tmp_path}"):
            model.fit(X, y, resume_from=tmp_path)

    @pytest.mark.parametrize("path", [5, ["fit.joblib"], "", "a\0b"])
    def test_what_is_no_path(self, path):
        X, y = digits()
        model = make().fit(X, y)
        before = state_of(model)
        with pytest.raises((TypeError, ValueError), match="resume_from must be the path of a file"):
            model.fit(X, y, resume_from=path)
        assert state_of(model) == before

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
