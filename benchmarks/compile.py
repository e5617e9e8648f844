"""Time what kernels cost beside training: compiling them, loading them, finding them.

Every line is one fit of a single epoch of two batches, in a new process unless it says otherwise.
The number of modules adds up with the parts: a second network of the same parts compiles nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from _timing import describe_machine, limit_threads, median, print_table

PROGRAM = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from sklearn.datasets import load_digits
from sknumpy_mlp import ScratchMLPClassifier
X, y = load_digits(return_X_y=True)
def seconds(engine, **parameters):
    model = ScratchMLPClassifier(max_iter=1, batch_size=900, engine=engine, **parameters)
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start
# What any first fit loads is not counted.
seconds("numpy")
found = {"first": seconds("compiled", **json.loads(sys.argv[1]))}
found["again"] = seconds("compiled", **json.loads(sys.argv[1]))
print(json.dumps(found))
"""
OTHERS = {
    "a wider and deeper network": {"hidden_layer_sizes": [50, 40, 30], "alpha": 0.1},
    "another activation": {"activation": "tanh"},
    "another solver, dropout, members": {"solver": "rmsprop", "dropout": 0.1, "members": 2},
}


def fit(folder, parameters):
    """Seconds of the first and of the second compiled fit of a process."""
    environment = os.environ | {"NUMBA_CACHE_DIR": folder}
    command = [sys.executable, "-c", PROGRAM, json.dumps(parameters)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def n_modules(folder):
    """Number of modules of kernels in a cache."""
    return len(list(Path(folder).rglob("kernels/*.py")))


def main():
    """Fit on a cold cache, and then on what it holds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=7, help="warm processes (default: 7)")
    arguments = parser.parse_args()
    limit_threads(1)
    import numpy  # noqa: F401 - so that its BLAS is described

    describe_machine(["numpy", "scipy", "sklearn", "numba"])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        cold = fit(folder, {})
        rows.append(("cold cache", f"{cold['first']:.2f} s", n_modules(folder)))
        warm = [fit(folder, {}) for _ in range(arguments.repeats)]
        first, again = (median([each[key] for each in warm]) for key in ("first", "again"))
        rows.append(("warm cache", f"{first:.2f} s", n_modules(folder)))
        rows.append(("second fit of a process", f"{again * 1e3:.1f} ms", n_modules(folder)))
        for name, parameters in OTHERS.items():
            found = fit(folder, parameters)
            rows.append((name, f"{found['first']:.2f} s", n_modules(folder)))
    print_table(("fit", "seconds", "modules in the cache"), [tuple(map(str, row)) for row in rows])


if __name__ == "__main__":
    main()
