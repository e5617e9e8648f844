"""Many small fits in flat memory and descriptors, and large ones alone in bounded memory.

The bounds are of memory, never of time. Each large case runs in a process of its own, which
reports the largest size that it has had beyond that of the imports and the data.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sknumpy_mlp

from . import cases

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="memory is read from /proc"
)

BEGINNING = """
import json, os, sys, warnings
import numpy as np
from scipy import sparse
from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
warnings.simplefilter("ignore")
SETTINGS = {"max_iter": 2, "n_iter_no_change": None, "random_state": 0, "batch_size": 50}
rng = np.random.RandomState(0)

def memory(name):
    # VmRSS is the present size, RssAnon that without files, VmHWM the largest since it was reset.
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

def small():
    X = rng.standard_normal((60, 4))
    ScratchMLPClassifier((5,), **SETTINGS).fit(X, np.arange(60) % 3).predict_proba(X)
    ScratchMLPRegressor(hidden_layer_sizes=(5,), **SETTINGS).fit(X, X[:, 0]).predict(X)
    return X
"""
ENVIRONMENT = dict(
    os.environ,
    PYTHONPATH=os.pathsep.join([str(Path(sknumpy_mlp.__file__).parent.parent), *sys.path]),
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
)


def run(program, *arguments):
    """What a program prints at its end, as JSON."""
    command = [sys.executable, "-c", BEGINNING + program, *map(str, arguments)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


MANY = """
import gc, pickle, threading
n_fits, tmp = int(sys.argv[1]), sys.argv[2]
X, y = rng.standard_normal((60, 4)), np.arange(60) % 3
kinds = [
    ScratchMLPClassifier((5,), **SETTINGS),
    ScratchMLPClassifier((5,), members=2, early_stopping=True, **SETTINGS),
    ScratchMLPClassifier((5,), solver="lbfgs", max_iter=3),
    ScratchMLPRegressor(hidden_layer_sizes=(5,), dropout=0.1, **SETTINGS),
]
kept = ScratchMLPClassifier((5,), **SETTINGS)

def state():
    gc.collect()
    return memory("RssAnon"), len(os.listdir("/proc/self/fd")), threading.active_count()

def some(n):
    for number in range(n):
        model = kinds[number % len(kinds)].fit(X, y)
        pickle.loads(pickle.dumps(model)).predict(X)
        kept.partial_fit(X, y, classes=[0, 1, 2])
        try:
            ScratchMLPClassifier(alpha=-1).fit(X, y)
        except ValueError:
            pass

# Everything is imported, and the allocator has its pools.
some(100)
before = state()
some(n_fits)
print(json.dumps([before, state()]))
"""


def test_many_small_fits_leave_no_memory_descriptor_or_thread(tmp_path):
    n_fits = cases(quick=400, full=20_000)
    (memory, files, threads), after = run(MANY, n_fits, tmp_path)
    assert after[1:] == [files, threads]
    # The allocator keeps some pages; 100 bytes for each of the fits would be a leak.
    assert after[0] - memory < 3e6 + 100 * n_fits * (n_fits > 5_000)


LARGE = """
small()
{data}
open("/proc/self/clear_refs", "w").write("5")
before = memory("VmRSS:")
{work}
print(json.dumps([memory("VmHWM:") - before, before]))
"""

# Data, work, and the bytes that the work may need beyond the data: arithmetic in the comments.
CASES = {
    # 100 layers of 32 units: 1e5 parameters, five vectors of them, and buffers of 50 rows.
    "100 layers": (
        "X, y = rng.standard_normal((200, 32)), np.arange(200) % 2",
        "ScratchMLPClassifier((32,) * 100, **SETTINGS).fit(X, y).predict(X)",
        60e6,
    ),
    # 1e6 columns by 4 units: 32 MB a vector of parameters; theta, gradient, two moments,
    # and copies at start and end. The rows stay sparse: dense, they would take 4 GB.
    "a million sparse columns": (
        "columns = rng.randint(1_000_000, size=5_000)\n"
        "places = np.repeat(np.arange(500), 10), columns\n"
        "X = sparse.csr_matrix((np.ones(5_000), places), shape=(500, 1_000_000))\n"
        "y = np.arange(500) % 2",
        "ScratchMLPClassifier((4,), **SETTINGS).fit(X, y).predict(X)",
        300e6,
    ),
    # 1e4 classes by 20 units and 1e4 rows: 1.6 MB a vector; the scores of 50 rows take 4 MB, and of
    # all rows 800 MB. Targets are class numbers, never one-hot rows.
    "ten thousand classes": (
        "X, y = rng.standard_normal((10_000, 5)), np.arange(10_000)",
        "ScratchMLPClassifier((20,), **SETTINGS).fit(X, y).predict_proba(X[:100])",
        80e6,
    ),
    # 1e7 parameters: 80 MB a vector; theta, gradient, two moments and copies at start and end.
    "ten million parameters": (
        "X, y = rng.standard_normal((100, 3_000)), rng.standard_normal(100)",
        "ScratchMLPRegressor(hidden_layer_sizes=(2_500, 1_000), **SETTINGS).fit(X, y).predict(X)",
        600e6,
    ),
    # 50 members of 1e4 parameters: 4 MB a vector.
    "fifty members": (
        "X, y = rng.standard_normal((500, 20)), np.arange(500) % 3",
        "ScratchMLPClassifier((100, 80), members=50, **SETTINGS).fit(X, y).predict(X)",
        80e6,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_large_fit_stays_within_its_memory(name):
    data, work, limit = CASES[name]
    grown, _ = run(LARGE.format(data=data, work=work))
    print(f"{name}: {grown / 1e6:.0f} MB of {limit / 1e6:.0f} MB")
    assert grown < limit


def test_the_measure_sees_what_is_allocated():
    """Were nothing seen, nothing above could fail."""
    grown, _ = run(LARGE.format(data="", work="np.ones(20_000_000)"))
    # Pages that were free before count as used before.
    assert 140e6 < grown < 200e6
