"""Same machine, same threads, same bits: again, elsewhere, beside other work, after a fork."""

import hashlib
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from sknumpy_mlp import ScratchMLPRegressor
from sknumpy_mlp._estimator.threads import WORTH_THREADS
from sknumpy_mlp.callbacks import Checkpoint

from ..common import brief, digits
from ..recorder import HAS_CALLBACKS, needs_callbacks
from . import cases

pytestmark = pytest.mark.filterwarnings(
    "ignore:early_stopping splits without", "ignore:.*multi-threaded.*fork:DeprecationWarning"
)
ROOT = Path(__file__).parents[2]
PROMISE = (
    "BLAS has one thread in the whole process while small networks are fitted. Beside a fit or a "
    "prediction with a matrix product of 15 million multiplications or more in another Python "
    "thread, it has the threads that you gave it. A large fit therefore keeps its bits beside "
    "small ones, but a fit with smaller products may be rounded differently beside a large one. "
    "All fits keep their bits beside others if BLAS has one thread from the start "
    "(`OPENBLAS_NUM_THREADS=1`)."
)
X, y = digits(n_samples=300)
WIDE = {"hidden_layer_sizes": (700, 400), "batch_size": 100, "max_iter": 1}
KINDS = {
    "plain": {},
    "early stopping": {"early_stopping": True, "temperature_scaling": True},
    "dropout": {"dropout": 0.2, "solver": "sgd", "learning_rate": "one_cycle"},
    "members": {"members": 3, "label_smoothing": 0.1},
    "lbfgs": {"solver": "lbfgs", "batch_size": "auto"},
    "numpy": {"engine": "numpy"},
    # On two threads, its products would be rounded differently.
    "just below the limit": {"hidden_layer_sizes": (300, 300), "batch_size": 150},
    "regressor": {"cls": ScratchMLPRegressor, "loss": "huber"},
}


def digest(model, predicts=True):
    """What a model consists of, and predicts, in a few characters."""
    arrays = [*model.coefs_, *model.intercepts_]
    if predicts:
        arrays.append(getattr(model, "predict_proba", model.predict)(X))
    return hashlib.sha256(b"".join(map(np.ndarray.tobytes, arrays))).hexdigest()


def digests(predicts=True):
    """Of one model of each kind."""
    return {kind: digest(brief(**given).fit(X, y), predicts) for kind, given in KINDS.items()}


def digest_of_plain(_=None):
    return digest(brief().fit(X, y))


@pytest.mark.parametrize("kind", KINDS)
def test_again_and_again(kind):
    found = {digest(brief(**KINDS[kind]).fit(X, y)) for _ in range(20)}
    assert len(found) == 1


def test_in_processes_that_hash_differently():
    expected = digests()
    program = "from tests.stress.test_determinism import digests; print(digests())"
    for seed in range(cases(1, 5)):
        result = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stdout.strip() == str(expected)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_in_any_number_of_jobs(backend):
    def searched(n_jobs):
        grid = {"alpha": [0.1, 1.0], "members": [1, 2]}
        search = GridSearchCV(brief(), grid, cv=2, n_jobs=n_jobs).fit(X, y)
        return digest(search.best_estimator_), search.cv_results_["mean_test_score"].tolist()

    alone = searched(None)
    with joblib.parallel_config(backend=backend):
        assert searched(2) == alone


@needs_callbacks
@pytest.mark.parametrize("kind", KINDS)
def test_with_callbacks(kind, tmp_path):
    model = brief(**KINDS[kind]).set_callbacks(Checkpoint(tmp_path / "fit.joblib"))
    assert HAS_CALLBACKS and digest(model.fit(X, y)) == digest(brief(**KINDS[kind]).fit(X, y))


@contextmanager
def beside(*calls):
    """Each of the calls again and again in a thread of its own; what they raise is raised here."""
    over, errors = threading.Event(), []

    def work(call):
        try:
            while not over.is_set():
                call()
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=work, args=[call]) for call in calls]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        over.set()
        for worker in workers:
            worker.join()
    assert not errors, errors


class TestBeside:
    def test_what_is_promised_is_what_the_page_says(self):
        page = (ROOT / "docs" / "use" / "reproducible.md").read_text(encoding="utf-8")
        assert PROMISE in " ".join(page.split())
        assert WORTH_THREADS == 15_000_000
        assert 100 * 700 * 400 > WORTH_THREADS > 150 * 300 * 300

    @pytest.mark.parametrize("n_threads", [1, 2])
    def test_a_wide_fit_and_its_predictions_keep_their_bits_beside_any_fit(self, n_threads):
        def fit():
            return digest(brief(**WIDE).fit(X, y))

        with threadpool_limits(n_threads):
            expected = fit()
            for others in ([digest_of_plain, digest_of_plain], [fit], [fit, digest_of_plain]):
                with beside(*others):
                    assert {fit() for _ in range(cases(3, 20))} == {expected}

    def test_a_small_fit_keeps_its_bits_beside_small_fits(self):
        expected = digests(predicts=False)
        others = [lambda: brief(members=2).fit(X, y), digest_of_plain]
        with threadpool_limits(2), beside(*others):
            for _ in range(cases(2, 20)):
                assert digests(predicts=False) == expected

    def test_all_fits_keep_their_bits_beside_wide_ones_on_one_thread(self):
        wide = brief(**WIDE).fit(X, y)
        others = [lambda: brief(**WIDE).fit(X, y), lambda: wide.predict_proba(X)]
        with threadpool_limits(1):
            expected = digests(predicts=False)
            with beside(*others):
                for _ in range(cases(2, 20)):
                    assert digests(predicts=False) == expected

    def test_eight_threads_fit_and_eight_predict(self):
        expected = digest_of_plain()
        model = brief(hidden_layer_sizes=(30,), members=2).fit(X, y)
        probabilities = model.predict_proba(X)

        def predict(n):
            rows = slice(n % 7, None)
            return np.array_equal(model.predict_proba(X[rows]), model.predict_proba(X[rows]))

        with ThreadPoolExecutor(8) as fits, ThreadPoolExecutor(8) as predictions:
            found = fits.map(digest_of_plain, range(cases(24, 400)))
            same = predictions.map(predict, range(cases(200, 4000)))
            assert set(found) == {expected}
            assert set(same) == {True}
        assert np.array_equal(model.predict_proba(X), probabilities)


METHODS = [m for m in ("fork", "spawn") if m in multiprocessing.get_all_start_methods()]


@pytest.mark.parametrize("method", METHODS)
def test_in_a_process_that_begins_during_a_fit(method):
    """A fork happens while BLAS is limited and locks are held: the process must not hang."""
    expected = digest_of_plain()
    fits = [digest_of_plain, lambda: brief(members=2).fit(X, y)] if method == "fork" else []
    with beside(*fits):
        for _ in range(cases(4, 20) if fits else 1):
            # A timeout of pytest ends what hangs.
            with multiprocessing.get_context(method).Pool(1) as pool:
                assert pool.map(digest_of_plain, [0, 1]) == [expected, expected]
