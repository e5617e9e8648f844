"""Faults of the machine: killed programs, disks that refuse, folders that vanish, two writers.

After each, the last checkpoint loads and resumes to the bit, the estimator is what it was, the
error names the path, and the next fit removes what a killed program left.
"""

import copy
import errno
import gc
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

import joblib
import numpy as np
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError

from sknumpy_mlp._estimator import files
from sknumpy_mlp.callbacks import Checkpoint

from ..checkpoints import EPOCHS, Kill, comparable, make
from ..common import digits, state_of
from ..recorder import needs_callbacks
from . import cases

pytestmark = [
    needs_callbacks,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the faults are those of POSIX"),
    # Forked on purpose, from the thread that fits.
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
    # Where a write fails, pickle lets go of a buffer that its error still refers to.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def nothing_of_an_error_stays_for_later_tests():
    yield
    gc.collect()


X, y = digits()
SETTINGS = {"early_stopping": True, "dropout": 0.1}


@pytest.fixture(scope="module")
def whole():
    # Kernels are compiled before anything is forked or counted.
    return comparable(make(**SETTINGS).fit(X, y))


def forked(work):
    """Run a function in a forked process; returns its id."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def assert_succeeds(child):
    assert os.waitpid(child, 0)[1] == 0


def assert_killed(child):
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def fit_with_checkpoints(path):
    make(**SETTINGS).set_callbacks(Checkpoint(path)).fit(X, y)


def assert_resumes(path, whole):
    """A fit from the file ends where one without a fault ends, and nothing else is left."""
    resumed = make(**SETTINGS).set_callbacks(Checkpoint(path))
    resumed.fit(X, y, resume_from=path if os.path.exists(path) else None)
    assert comparable(resumed) == whole
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]


@pytest.fixture
def path(tmp_path):
    (tmp_path / "folder").mkdir()
    return str(tmp_path / "folder" / "fit.joblib")


class TestKilled:
    @pytest.mark.parametrize("seed", range(cases(6, 50)))
    def test_at_a_random_moment(self, seed, path, whole):
        def work():
            while True:
                fit_with_checkpoints(path)

        child = forked(work)
        time.sleep(np.random.default_rng(seed).uniform(0.0, 0.2))
        os.kill(child, signal.SIGKILL)
        assert_killed(child)
        assert_resumes(path, whole)

    @pytest.mark.parametrize("function", ["fsync", "replace"])
    @pytest.mark.parametrize("n", range(1, 1 + cases(3, EPOCHS)))
    def test_between_writing_and_renaming(self, function, n, path, whole, monkeypatch):
        # Two calls of fsync a checkpoint: the file, and its folder.
        call, calls = getattr(os, function), []

        def killing(*args):
            calls.append(1)
            if len(calls) == n:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args)

        monkeypatch.setattr(files.os, function, killing)
        child = forked(lambda: fit_with_checkpoints(path))
        assert_killed(child)
        monkeypatch.undo()
        if function == "replace" and n > 1:
            assert len(os.listdir(os.path.dirname(path))) == 2
            assert files.read(path, "path").n_iter_ == n - 1
        assert_resumes(path, whole)

    def test_in_the_middle_of_writing(self, path, whole, monkeypatch):
        monkeypatch.setattr(files, "open", limited(5, kill=True), raising=False)
        child = forked(lambda: fit_with_checkpoints(path))
        assert_killed(child)
        monkeypatch.undo()
        assert_resumes(path, whole)

    def test_a_worker_of_loky(self, path, whole):
        job = joblib.delayed(fit_and_die)(path)
        with pytest.raises(TerminatedWorkerError):
            joblib.Parallel(n_jobs=2, backend="loky")([job, job])
        assert_resumes(path, whole)


class Dies(Kill):
    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch" and context.task_id + 1 == self.after:
            os.kill(os.getpid(), signal.SIGKILL)


def fit_and_die(path):
    make(**SETTINGS).set_callbacks(Checkpoint(path), Dies(3)).fit(X, y)


def limited(n, kill=False):
    """An `open` of files of which the n-th write finds no space, or ends the program."""
    writes = []

    class Limited:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def write(self, content):
            writes.append(1)
            if len(writes) == n:
                self.file.write(bytes(content)[: len(content) // 2])
                self.file.flush()
                if kill:
                    os.kill(os.getpid(), signal.SIGKILL)
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.file.write(content)

    def opened(path, mode):
        file = open(path, mode)
        return Limited(file) if mode == "x+b" else file

    opened.writes = writes
    return opened


def assert_fails(path, kind, words):
    """A fit of a fitted estimator raises the error and changes nothing."""
    model = make(**SETTINGS).fit(X[:100], y[:100]).set_callbacks(Checkpoint(path))
    before = comparable(model)
    with pytest.raises(kind, match=words) as caught:
        model.fit(X, y)
    assert comparable(model) == before
    return caught.value


class TestTheNth:
    def test_write(self, path, whole, monkeypatch):
        counting = limited(0)
        monkeypatch.setattr(files, "open", counting, raising=False)
        fit_with_checkpoints(path)
        n_writes = len(counting.writes)
        assert n_writes >= 2 * EPOCHS
        for n in range(1, n_writes + 1, max(1, n_writes // cases(12, n_writes))):
            os.unlink(path)
            monkeypatch.setattr(files, "open", limited(n), raising=False)
            error = assert_fails(path, OSError, "path must name a file.*No space left.*fit.joblib")
            assert (error.errno, error.filename) == (errno.ENOSPC, path)
            monkeypatch.undo()
            assert set(os.listdir(os.path.dirname(path))) <= {"fit.joblib"}
            assert_resumes(path, whole)

    @pytest.mark.parametrize("n", range(1, EPOCHS + 1))
    def test_epoch(self, n, path, whole):
        class Fails(Kill):
            def on_fit_task_end(self, estimator, context):
                if context.task_name == "epoch" and context.task_id + 1 == self.after:
                    raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            make(**SETTINGS).set_callbacks(Checkpoint(path), Fails(n)).fit(X, y)
        assert files.read(path, "path").n_iter_ == n
        assert_resumes(path, whole)

    @pytest.mark.parametrize("engine", ["numpy", "auto"])
    def test_allocation(self, engine, monkeypatch):
        """Of the arrays that NumPy is asked for by name."""
        makers = {name: getattr(np, name) for name in ("empty", "zeros", "empty_like", "arange")}
        left = [0]

        def failing(make):
            def made(*args, **options):
                left[0] -= 1
                if left[0] == 0:
                    raise MemoryError("on purpose")
                return make(*args, **options)

            return made

        model = make(**SETTINGS, engine=engine, warm_start=True).fit(X, y)
        before = state_of(model)
        for name, maker in makers.items():
            monkeypatch.setattr(np, name, failing(maker))
        twin, left[0] = copy.deepcopy(model), 0
        twin.fit(X, y)
        n_allocations = -left[0]
        assert n_allocations > 20
        for n in range(1, n_allocations + 1, max(1, n_allocations // cases(30, n_allocations))):
            left[0] = n
            with pytest.raises(MemoryError):
                model.fit(X, y)
            left[0] = 0
            assert state_of(model) == before


class TestDisk:
    def test_that_is_full(self, path, whole):
        import resource

        fit_with_checkpoints(path)
        n_bytes = os.stat(path).st_size

        def work():
            # The system then refuses with EFBIG, half the file being written.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes // 2, n_bytes // 2))
            assert assert_fails(path, OSError, "fit.joblib").errno == errno.EFBIG

        before = joblib.hash(files.read(path, "path").coefs_)
        assert_succeeds(forked(work))
        assert joblib.hash(files.read(path, "path").coefs_) == before
        assert_resumes(path, whole)

    def test_whose_folder_is_read_only(self, whole):
        """Before the first epoch; as a user whom the mode of the folder concerns."""
        # Not in `tmp_path`, which other users do not see.
        folder = tempfile.mkdtemp()
        path = os.path.join(folder, "fit.joblib")
        fit_with_checkpoints(path)
        os.chmod(folder, 0o555)

        def never(t):
            raise AssertionError("training has begun")

        def work():
            if os.geteuid() == 0:
                os.setuid(65534)
            model = make(learning_rate=never).set_callbacks(Checkpoint(path))
            with pytest.raises(PermissionError, match=r"path must name a file.*fit\.joblib"):
                model.fit(X, y)

        try:
            assert_succeeds(forked(work))
            os.chmod(folder, 0o700)
            assert_resumes(path, whole)
        finally:
            shutil.rmtree(folder)

    def test_whose_folder_vanishes(self, path, whole):
        class Removes(Kill):
            def on_fit_task_end(self, estimator, context):
                if context.task_name == "epoch" and context.task_id + 1 == self.after:
                    shutil.rmtree(os.path.dirname(path))

        model = make(**SETTINGS).fit(X[:100], y[:100])
        before = comparable(model)
        model.set_callbacks(Checkpoint(path), Removes(3))
        with pytest.raises(FileNotFoundError, match=r"path must name a file.*fit\.joblib"):
            model.fit(X, y)
        assert comparable(model) == before
        with pytest.raises(FileNotFoundError, match="resume_from must name a file"):
            model.fit(X, y, resume_from=path)
        os.mkdir(os.path.dirname(path))
        assert_resumes(path, whole)


def test_two_writers_leave_a_file_of_one_of_them_at_any_moment(path):
    def work(alpha):
        model = make(alpha=alpha, max_iter=cases(20, 200)).set_callbacks(Checkpoint(path))
        return forked(lambda: model.fit(X, y))

    make(alpha=0.1).set_callbacks(Checkpoint(path)).fit(X, y)
    children, seen = {work(0.1), work(0.2)}, set()
    while children:
        seen.add(files.read(path, "path").alpha)
        done, status = os.waitpid(-1, os.WNOHANG)
        if done:
            assert status == 0
            children.remove(done)
    last = files.read(path, "path")
    alone = make(alpha=last.alpha, max_iter=last.max_iter).fit(X, y)
    resumed = make(alpha=last.alpha, max_iter=last.max_iter).fit(X, y, resume_from=path)
    assert comparable(resumed) == comparable(alone)
    assert seen <= {0.1, 0.2}
    assert os.listdir(os.path.dirname(path)) == ["fit.joblib"]
