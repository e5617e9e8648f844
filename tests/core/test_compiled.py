"""The cache of compiled kernels, by whole fits in processes of their own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import sknumpy_mlp

pytest.importorskip("numba", reason="numba is not installed")

PART = """
import numpy as np
from sknumpy_mlp.activations import Activation

class Steep(Activation):
    def forward(self, Z, out, scratch=None):
        np.multiply(Z, {slope}, out=out)
    def backward(self, kept, dA, scratch):
        dA *= {slope}
    @staticmethod
    def value(z):
        return {slope} * z
    @staticmethod
    def slope(a):
        return {slope}
"""
FIT = """
import numpy as np
from part import Steep
from sknumpy_mlp import ScratchMLPClassifier
X, y = np.eye(6), np.array([0, 1] * 3)

def fit():
    return ScratchMLPClassifier(
        (4,), Steep(), max_iter=3, n_iter_no_change=None, random_state=0, engine="compiled",
        verbose=True, alpha=0.0,
    ).fit(X, y).coefs_[0].tolist()
"""
# Numba's own count of what was in the cache, and of what was not.
COUNT = """
import json, logging, sys
logging.basicConfig(level="INFO", filename="log")
{program}
from numba.core.ccallback import CFunc
from numba.core.dispatcher import Dispatcher
hits = misses = 0
for name, module in list(sys.modules.items()):
    if name.startswith("sknumpy_mlp_kernels."):
        for each in vars(module).values():
            if isinstance(each, CFunc):
                hits, misses = hits + each.cache_hits, misses + (not each.cache_hits)
            if isinstance(each, Dispatcher) and not each.targetoptions.get("forceinline"):
                hits += sum(each.stats.cache_hits.values())
                misses += sum(each.stats.cache_misses.values())
print(json.dumps([numbers, hits, misses]))
"""


def start(folder, program, slope=2.0, **environment):
    """A process with the part beside it and a cache below; its output goes to pipes."""
    (folder / "part.py").write_text(PART.format(slope=slope))
    given = dict(os.environ, XDG_CACHE_HOME=str(folder / "cache"))
    given.pop("NUMBA_CACHE_DIR", None)
    given["PYTHONPATH"] = os.pathsep.join([str(folder), str(Path(sknumpy_mlp.__path__[0]).parent)])
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folder,
        env=given | environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(folder, program=FIT + "numbers = fit()", slope=2.0, **environment):
    """Run a program that sets `numbers`; what it printed and logged, and Numba's counts."""
    (folder / "log").unlink(missing_ok=True)
    process = start(folder, COUNT.format(program=program), slope, **environment)
    *lines, last = process.communicate()[0].splitlines()
    assert process.returncode == 0
    numbers, hits, misses = json.loads(last)
    log = (folder / "log").read_text()
    return SimpleNamespace(lines=lines, numbers=numbers, hits=hits, misses=misses, log=log)


def files(folder):
    """The files of a cache, and when they were written."""
    found = [path for path in (folder / "cache").rglob("*") if path.is_file()]
    return {path: path.stat().st_mtime_ns for path in found if path.suffix != ".pyc"}


@pytest.fixture(scope="module")
def cold(tmp_path_factory):
    """A fit on a cold cache, and its folder."""
    found = run(folder := tmp_path_factory.mktemp("cold"))
    found.folder = folder
    return found


def test_the_first_compilation_on_a_machine_is_logged_and_told(cold):
    assert cold.misses and not cold.hits
    for part in ("driver", "activation_Steep", "layer_Dense_forward_rows", "optimizer_Adam"):
        assert f"INFO:sknumpy_mlp:compiled {part}_float64_" in cold.log
    before, after, first, *_ = cold.lines
    assert before == "Compiling kernels for this network; they are cached for the next time."
    assert after.startswith("Compiled kernels in ") and after.endswith(" seconds.")
    assert first.startswith("Iteration 1, loss = ")


def test_a_second_process_takes_all_from_the_cache_and_says_nothing(cold):
    before, again = files(cold.folder), run(cold.folder)
    assert again.numbers == cold.numbers
    assert files(cold.folder) == before
    assert (again.hits, again.misses) == (cold.misses, 0)
    assert "compil" not in again.log and not [line for line in again.lines if "ompil" in line]


def test_an_edited_form_gives_new_numbers(cold):
    other = run(cold.folder, slope=3.0)
    assert other.numbers != cold.numbers
    # Its kernels are two, forward and backward.
    assert other.misses == 2 and other.hits == cold.misses - 2


EXECUTED = """
import numpy as np
from sknumpy_mlp import ScratchMLPRegressor
from sknumpy_mlp.activations import Activation
from sknumpy_mlp.losses import ContinuousSquaredError
from sknumpy_mlp.optimizers import Optimizer

exec('''
class Bent(Activation):
    reads = "input"
    in_place = False
    def forward(self, Z, out, scratch=None):
        np.copyto(out, Z + 0.3 * np.tanh(Z))
    def backward(self, kept, dA, scratch):
        dA *= 1 + 0.3 * (1 - np.tanh(kept) ** 2)
    @staticmethod
    def value(z):
        return z + 0.3 * tanh(z)
    @staticmethod
    def slope(z):
        t = tanh(z)
        return 1.0 + 0.3 * (1.0 - t * t)

class Quartic(ContinuousSquaredError):
    def value_and_gradient(self, Z, y, losses, scratch=None):
        Z -= y
        losses[:] = 0.25 * (Z**4).sum(axis=1)
        np.power(Z, 3, out=Z)
    @staticmethod
    def output(z, y):
        r = z - y
        return 0.25 * (r * r) * (r * r), r * r * r

class Plain(Optimizer):
    def update(self, rate, t, theta, grad, scratch):
        theta -= 2.0 * rate * grad
    def coefficients(self, rate, t):
        return (rate,)
    @staticmethod
    def move(theta, grad, rate):
        return theta - 2.0 * rate * grad
''')
X, y = np.eye(6), np.array([0.0, 1.0] * 3)
numbers = [
    ScratchMLPRegressor(
        Quartic(), (4,), Bent(), solver=Plain(), learning_rate_init=0.05, max_iter=50,
        n_iter_no_change=None, random_state=0, alpha=0.0, engine=engine,
    ).fit(X, y).coefs_[0].tolist()
    for engine in ("numpy", "compiled")
]
"""


def test_classes_without_source_are_compiled_without_a_cache(cold):
    before, found = files(cold.folder), run(cold.folder, EXECUTED)
    np.testing.assert_allclose(*found.numbers, rtol=0, atol=1e-9)
    assert files(cold.folder) == before
    for form in ("Bent.value", "Bent.slope", "Quartic.output", "Plain.move"):
        assert found.log.count(f"INFO:sknumpy_mlp:{form} is compiled without a cache") == 1


def test_two_workers_on_a_cold_cache_both_fit(cold, tmp_path):
    program = """
import os
from joblib import Parallel, delayed
def work():
    {fit}
    return fit(), os.getpid()
(numbers, one), (others, other) = Parallel(n_jobs=2, backend="loky")(
    delayed(work)() for _ in range(2)
)
assert one != other and numbers == others
"""
    both = run(tmp_path, program.format(fit=FIT.replace("\n", "\n    ")))
    assert both.numbers == cold.numbers
    before, after = files(tmp_path), run(tmp_path)
    assert after.numbers == cold.numbers
    assert (after.hits, after.misses) == (cold.misses, 0)
    assert files(tmp_path) == before


def test_without_a_folder_that_can_be_written_nothing_is_left_anywhere(cold, tmp_path):
    # Nobody, not even root, makes a folder below a file.
    (tmp_path / "empty").mkdir()
    found = run(tmp_path, XDG_CACHE_HOME=f"{os.devnull}/x", TMPDIR=str(tmp_path / "empty"))
    assert found.numbers == cold.numbers
    assert found.lines[0] == "Compiling kernels for this network."
    assert found.log.count("the cache folder cannot be written") == 1
    assert not files(tmp_path) and not list((tmp_path / "empty").iterdir())
    # The package itself may be where nobody writes.
    assert not list(Path(sknumpy_mlp.__path__[0]).rglob("*.nb[ci]"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL.")
def test_a_kill_at_any_moment_breaks_nothing(cold, tmp_path):
    # A file is whole when it gets its name: the moment before is the worst.
    killer = """
import os, signal
rename, calls = os.replace, []
def replace(*names):
    calls.append(names)
    if len(calls) == {moment}:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(*names)
os.replace = replace
"""
    # The source of a module, Numba's index, its data, and so on.
    for moment in (1, 2, 3, 6):
        process = start(tmp_path, killer.format(moment=moment) + FIT + "fit()")
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    after = run(tmp_path)
    assert after.numbers == cold.numbers
    assert (after.hits + after.misses) == cold.misses
    assert run(tmp_path).misses == 0
