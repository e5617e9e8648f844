"""Measure the memory that `fit` and `predict_proba` need on a memory-mapped array of many rows.

Each case runs in a fresh process. The script samples the process's own memory, ``RssAnon`` of
Linux, every millisecond. This does not include pages of the mapped file, which the system may drop
at any time. The baseline is measured after opening the data and fitting 1,000 rows. The growth is
the highest sample minus the baseline and minus the returned probabilities. It includes the labels,
which are created after the baseline, and all row indices. The script exits with status 1 if the
growth exceeds the limit.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from _timing import describe_machine, limit_threads, print_table

LIMIT_MB = 200
N_COLUMNS = 784
CHUNK = 10_000
# Number of entries per row of the sparse matrix: 5 % of the columns.
N_ENTRIES = 39
# Case: source of the data, method, parameters.
CASES = {
    "fit, uint8": ("uint8", "fit", {}),
    "fit, float32": ("float32", "fit", {}),
    "predict_proba, uint8": ("uint8", "predict_proba", {}),
    "predict_proba, float32": ("float32", "predict_proba", {}),
    "fit, early_stopping, uint8": ("uint8", "fit", {"early_stopping": True}),
    "fit, early_stopping, float32": ("float32", "fit", {"early_stopping": True}),
    "fit, batch_size='full', uint8": ("uint8", "fit", {"batch_size": "full"}),
    "fit, batch_size='full', float32": ("float32", "fit", {"batch_size": "full"}),
    "fit, CSR float32": ("csr", "fit", {}),
    "fit, CSR float32, early_stopping": ("csr", "fit", {"early_stopping": True}),
    "predict_proba, CSR float32": ("csr", "predict_proba", {}),
}


class PeakMemory:
    """A context in which a thread samples the process's own memory; `growth` is the result."""

    def __enter__(self):
        self._ended = threading.Event()
        self.baseline = self.peak = own_memory()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()
        return self

    def _sample(self):
        while not self._ended.wait(0.001):
            self.peak = max(self.peak, own_memory())

    def __exit__(self, *exception):
        self.peak = max(self.peak, own_memory())
        self._ended.set()
        self._thread.join()

    @property
    def growth(self):
        """The peak memory growth in bytes."""
        return self.peak - self.baseline


def own_memory():
    """Memory of this process in bytes, without pages of files."""
    with open("/proc/self/status") as lines:
        for line in lines:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no RssAnon; this script requires Linux 4.5 or newer")


# ---- the data ----


def path_of(folder, dtype):
    """The path of the array of this dtype."""
    return os.path.join(folder, f"X_{dtype}.npy")


def write_data(folder, n_rows, dtypes):
    """Write random pixels as uint8 and the same pixels in [0, 1] as float32, chunk by chunk."""
    import numpy as np

    rng = np.random.default_rng(0)
    arrays = {
        dtype: np.lib.format.open_memmap(
            path_of(folder, dtype), mode="w+", dtype=dtype, shape=(n_rows, N_COLUMNS)
        )
        for dtype in dtypes
    }
    for start in range(0, n_rows, CHUNK):
        stop = min(start + CHUNK, n_rows)
        chunk = rng.integers(0, 256, size=(stop - start, N_COLUMNS), dtype=np.uint8)
        for dtype, array in arrays.items():
            array[start:stop] = chunk if dtype == "uint8" else chunk / np.float32(255)
    for array in arrays.values():
        array.flush()


def sparse_data(n_rows):
    """A CSR array with `N_ENTRIES` entries per row, one in every 20 columns."""
    import numpy as np
    from scipy import sparse

    rng = np.random.default_rng(0)
    indices = np.empty((n_rows, N_ENTRIES), np.int32)
    for start in range(0, n_rows, CHUNK):
        part = indices[start : start + CHUNK]
        part[...] = rng.integers(0, 20, part.shape) + 20 * np.arange(N_ENTRIES)
    indptr = np.arange(0, indices.size + 1, N_ENTRIES, dtype=np.int32)
    data = rng.random(indices.size, dtype=np.float32)
    return sparse.csr_array((data, indices.ravel(), indptr), shape=(n_rows, N_COLUMNS))


# ---- what runs in a process of its own ----


def measure(folder, source, call, parameters, n_rows):
    """Run one case; returns the growth in bytes and the seconds."""
    import warnings

    import numpy as np

    from sknumpy_mlp import ScratchMLPClassifier

    warnings.simplefilter("ignore")
    if source == "csr":
        X = sparse_data(n_rows)
    else:
        X = np.load(path_of(folder, source), mmap_mode="r")[:n_rows]

    def labels(n):
        return np.random.default_rng(1).integers(0, 10, n)

    model = ScratchMLPClassifier(
        (100,), max_iter=1, learning_rate_init=1e-5, random_state=0, **parameters
    )
    # Fit once first, so that lazy imports do not count as growth.
    n_first = min(1_000, n_rows)
    model.fit(X[:n_first], labels(n_first)).predict_proba(X[:n_first])
    with PeakMemory() as memory:
        start = time.perf_counter()
        if call == "fit":
            model.fit(X, labels(n_rows))
            returned = 0
        else:
            returned = model.predict_proba(X).nbytes
        seconds = time.perf_counter() - start
    return {"growth": memory.growth - returned, "seconds": seconds}


def in_a_process(folder, *case):
    """Run `measure` in a fresh process."""
    command = [sys.executable, __file__, "--child", json.dumps([folder, *case])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        # The last line of the traceback, such as MemoryError.
        reason = (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]
        return {"failed": reason}
    return json.loads(done.stdout.splitlines()[-1])


# ---- the tables ----


def show_growth(folder, n_rows, cases):
    """Print the growth of each case; returns the cases that exceed the limit."""
    beyond, table = [], []
    for name in cases:
        source, call, parameters = CASES[name]
        result = in_a_process(folder, source, call, parameters, n_rows)
        if "failed" in result:
            table.append((name, "failed", str(LIMIT_MB), "", result["failed"]))
            beyond.append(name)
            continue
        growth = result["growth"] / 1e6
        verdict = "ok" if growth <= LIMIT_MB else "BEYOND"
        beyond += [name] if growth > LIMIT_MB else []
        table.append((name, f"{growth:.0f}", str(LIMIT_MB), f"{result['seconds']:.1f}", verdict))
    print_table(("", "growth, MB", "limit, MB", "seconds", ""), table)
    return beyond


def show_proportion(folder, n_rows, dtypes):
    """Print the time of an epoch for increasing numbers of rows."""
    sizes = [n for n in (10_000, 100_000, 1_000_000) if n < n_rows] + [n_rows]
    table = []
    for dtype in dtypes:
        for size in sizes:
            result = in_a_process(folder, dtype, "fit", {}, size)
            per_row = result.get("seconds", float("nan")) / size * 1e6
            table.append(
                (f"{dtype}, {size:,} rows", f"{per_row * size / 1e6:.3f}", f"{per_row:.2f}")
            )
    print_table(("fit of one epoch", "seconds", "us a row"), table)


def main():
    """Write the data and run all selected cases."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="default: 1,000,000")
    parser.add_argument("--folder", help="folder for the data (default: the temporary folder)")
    parser.add_argument("--cases", default="", help="only cases whose name contains this text")
    parser.add_argument("--threads", type=int, default=1, help="threads of BLAS (default: 1)")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(*json.loads(arguments.child))))
        return
    limit_threads(arguments.threads)
    cases = [name for name in CASES if arguments.cases in name]
    if not cases:
        sys.exit("no such case; the cases are: " + "; ".join(CASES))
    dtypes = [dtype for dtype in ("uint8", "float32") if any(CASES[c][0] == dtype for c in cases)]
    need = sum({"uint8": 1, "float32": 4}[dtype] for dtype in dtypes) * arguments.rows * N_COLUMNS
    folder = arguments.folder or tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    print(f"{need / 1e9:.1f} GB of disk needed for the data, {free / 1e9:.1f} GB free")
    if need > 0.95 * free:
        sys.exit("not enough disk space: choose another --folder or fewer --rows")
    describe_machine(["numpy", "scipy", "sklearn"])
    with tempfile.TemporaryDirectory(prefix="memory-benchmark-", dir=folder) as data:
        write_data(data, arguments.rows, dtypes)
        print(f"\n{arguments.rows:,} rows x {N_COLUMNS} columns, {N_COLUMNS}-100-10, one epoch\n")
        beyond = show_growth(data, arguments.rows, cases)
        print()
        show_proportion(data, arguments.rows, dtypes)
    if beyond:
        sys.exit(f"\nBEYOND {LIMIT_MB} MB: {'; '.join(beyond)}")


if __name__ == "__main__":
    main()
