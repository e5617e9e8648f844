"""Searches on a cluster of worker processes, and dask's arrays and frames in blocks."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor, make_tabular_mlp

from .common import assert_same_weights, brief, digits
from .recorder import HAS_CALLBACKS, make, monitor, needs_callbacks

da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")
pytest.importorskip("dask_ml")

if HAS_CALLBACKS:
    from sknumpy_mlp.callbacks import Checkpoint

GRID = {"alpha": [1e-4, 1.0], "hidden_layer_sizes": [(8,), (4, 4)]}
# What the processes of a cluster say of each other while they start and end is not about us.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def client():
    """The client of a cluster of two processes."""
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
    with (
        distributed.LocalCluster(**settings, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def workers(client):
    """Their process ids, while joblib's jobs run on them."""
    pids = set(client.run(os.getpid).values())
    assert len(pids) == 2 and os.getpid() not in pids
    with joblib.parallel_config(backend="dask"):
        yield pids


def process_and_accuracy(estimator, X, y):
    """The accuracy, and the process that computes it."""
    return {"accuracy": estimator.score(X, y), "process": os.getpid()}


@pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_a_search_on_a_cluster_gives_what_a_local_one_gives(cls, workers):
    X, y = digits()

    def search():
        scoring = {"scoring": process_and_accuracy, "refit": "accuracy"}
        return GridSearchCV(brief(cls), GRID, cv=2, **scoring).fit(X, y)

    found = search()
    with joblib.parallel_config(backend="sequential"):
        expected = search()
    for fold in range(2):
        name = f"split{fold}_test_"
        assert {*found.cv_results_[name + "process"]} <= workers
        assert {*expected.cv_results_[name + "process"]} == {os.getpid()}
        assert_array_equal(
            found.cv_results_[name + "accuracy"], expected.cv_results_[name + "accuracy"]
        )
    assert found.best_params_ == expected.best_params_
    assert_same_weights(found.best_estimator_, expected.best_estimator_)


@needs_callbacks
class TestCallbacks:
    """An estimator with callbacks is pickled, sent to a worker, and trained there."""

    def test_callbacks_change_nothing(self, workers):
        """What a `ScoringMonitor` hears on a worker stays there, of scikit-learn's own too."""
        X, y = digits()
        with_monitor = GridSearchCV(make().set_callbacks(monitor()), GRID, cv=2).fit(X, y)
        plain = GridSearchCV(make(), GRID, cv=2).fit(X, y)
        for split in ("split0_test_score", "split1_test_score"):
            assert_array_equal(with_monitor.cv_results_[split], plain.cv_results_[split])
        assert_same_weights(with_monitor.best_estimator_, plain.best_estimator_)

    def test_a_checkpoint_is_written_by_the_worker(self, workers, tmp_path):
        X, y = digits()
        path = tmp_path / "fit.joblib"
        model = make().set_callbacks(Checkpoint(path))
        # Without a last fit here, only workers write.
        search = GridSearchCV(
            model, {"alpha": [1.0]}, cv=[(range(100), range(100, 150))], refit=False
        )
        search.fit(X, y)
        expected = make(alpha=1.0).fit(X[:100], y[:100])
        assert_same_weights(joblib.load(path), expected)
        assert os.listdir(tmp_path) == ["fit.joblib"]


def in_blocks(X, y, n_rows=40):
    """A dask array of inputs and one of targets."""
    return da.from_array(X, chunks=(n_rows, X.shape[1])), da.from_array(y, chunks=n_rows)


class TestIncremental:
    """dask-ml's `Incremental` is a loop of `partial_fit` over blocks."""

    @pytest.mark.parametrize("where", ["here", "cluster"])
    def test_it_gives_the_network_of_the_loop(self, where, request):
        from dask_ml.wrappers import Incremental

        if where == "cluster":
            request.getfixturevalue("client")
        X, y = digits()
        classes = np.arange(10)
        model = Incremental(brief(), shuffle_blocks=False)
        model.fit(*in_blocks(X, y), classes=classes)
        model.partial_fit(*in_blocks(X, y), classes=classes)
        expected = brief()
        for start in [*range(0, 150, 40)] * 2:
            block = slice(start, start + 40)
            expected.partial_fit(X[block], y[block], classes=classes)
        assert_same_weights(model.estimator_, expected)
        assert model.estimator_.t_ == 300
        assert_array_equal(model.predict(in_blocks(X, y)[0]).compute(), expected.predict(X))

    def test_held_out_rows_arrive(self):
        from dask_ml.wrappers import Incremental

        X, y = digits()
        model = Incremental(brief(ScratchMLPRegressor), shuffle_blocks=False)
        model.fit(*in_blocks(X, y / 9), X_val=X, y_val=y / 9)
        # 150 rows are four blocks.
        assert len(model.estimator_.validation_scores_) == 4
        last = model.estimator_.score(X, y / 9)
        assert model.estimator_.validation_scores_[-1] == pytest.approx(last, rel=1e-12)


class TestPredictions:
    def test_parallel_post_fit_predicts_each_block(self, client):
        from dask_ml.wrappers import ParallelPostFit

        X, y = digits()
        fitted = brief().fit(X, y)
        model = ParallelPostFit(fitted)
        blocks = in_blocks(X, y)[0]
        for method in ("predict", "predict_proba"):
            found = getattr(model, method)(blocks)
            assert isinstance(found, da.Array) and found.numblocks[0] == 4
            assert_array_equal(found.compute(), getattr(fitted, method)(X))

    def test_the_pipeline_for_tables_predicts_partitions_of_a_frame(self, client):
        rng = np.random.default_rng(0)
        age = rng.integers(18, 80, 200).astype(float)
        age[::7] = np.nan
        cities = np.array(["Graz", "Linz", None], dtype=object)
        frame = pd.DataFrame({"age": age, "city": rng.choice(cities, 200)})
        y = np.where(frame["city"] == "Graz", "yes", "no")
        small = {"hidden_layer_sizes": (8,), "members": 2, "max_iter": 4, "random_state": 0}
        fitted = make_tabular_mlp(**small).fit(frame, y)
        parts = dd.from_pandas(frame, npartitions=3)

        def predict(part):
            return pd.Series(fitted.predict(part).astype(object), index=part.index)

        found = parts.map_partitions(predict, meta=("answer", object)).compute()
        assert_array_equal(found.to_numpy(), fitted.predict(frame))


# 40 blocks of 10,000 rows of 64 numbers; far fewer are in memory at a time.
CHILD = """
import resource, sys
import dask, dask.array as da, numpy as np
from dask_ml.wrappers import Incremental
from sknumpy_mlp import ScratchMLPClassifier

def network():
    return ScratchMLPClassifier((8,), batch_size=1_000, learning_rate_init=0.01, random_state=0)

def made(n_blocks):
    X = da.random.default_rng(0).random((10_000 * n_blocks, 64), chunks=(10_000, 64))
    return X, (X[:, :8].sum(axis=1) > 4).astype(int)

# What is imported late is imported now.
dask.config.set(scheduler="synchronous")
Incremental(network()).fit(*made(1), classes=[0, 1])
lines = open("/proc/self/status").read().splitlines()
(used,) = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData")]
limit = used + int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
X, y = made(40)
assert X.nbytes > int(sys.argv[1]) * 1.5
try:
    X.compute()
except MemoryError:
    print("too large")
model = Incremental(network()).fit(X, y, classes=[0, 1]).estimator_
print(model.t_, model.loss_curve_[0], model.loss_curve_[-1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process so")
def test_an_array_larger_than_memory_is_learned_block_by_block():
    command = [sys.executable, "-W", "ignore", "-c", CHILD, str(120 * 2**20)]
    alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=os.environ | alone, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *answer, seen, first, last = done.stdout.split()
    assert answer == ["too", "large"]
    assert int(seen) == 400_000
    assert float(last) < 0.5 * float(first)
