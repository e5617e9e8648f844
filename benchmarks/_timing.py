"""Timing that survives a noisy machine: contenders take turns, and rounds are paired.

`alternate` runs A B C A B C ... in one process, so that whatever else the machine does meets all
of them; `ratio` compares them round by round and tells the spread. `limit_threads` must be
called before NumPy is imported, so this module imports nothing but the standard library.
"""

import gc
import importlib.util
import os
import platform
import statistics
import sys
import time
import warnings
from importlib.metadata import version

# Every BLAS and OpenMP that the contenders bring reads one of these when it is loaded.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
# OpenMP and OpenBLAS threads spin for some milliseconds after their work, which would slow the
# next contender down when there is more than one thread.
PAUSE = 0.05


def limit_threads(n_threads):
    """Give every library `n_threads` threads; to be called before any of them is imported."""
    if "numpy" in sys.modules:
        raise RuntimeError("limit_threads must be called before numpy is imported")
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(n_threads)
    # XLA sizes its pool by NPROC, and splits products by the flags.
    os.environ["NPROC"] = str(n_threads)
    if n_threads == 1:
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()


def add_common_options(parser, repeats=7):
    """Options that all scripts with contenders share."""
    parser.add_argument("--threads", type=int, default=1, help="threads of BLAS (default: 1)")
    parser.add_argument(
        "--repeats", type=int, default=repeats, help=f"timed rounds (default: {repeats})"
    )


def describe_machine(packages):
    """Print what a reader needs to compare two outputs: processor, threads, versions."""
    names = [name for name in packages if importlib.util.find_spec(name)]
    distributions = {"sklearn": "scikit-learn"}
    versions = [f"{name} {version(distributions.get(name, name))}" for name in names]
    print(f"Python {platform.python_version()}, {', '.join(versions)}")
    n_threads = os.environ.get("OMP_NUM_THREADS")
    limit = f", threads for each library: {n_threads}" if n_threads else ""
    print(f"{_processor()}, {os.cpu_count()} logical cores{limit}")
    if hasattr(os, "getloadavg"):
        load = os.getloadavg()[0]
        print(f"load average before the run: {load:.2f}" + (" (not idle!)" if load > 0.5 else ""))


def _processor():
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def alternate(contenders, repeats, calls=1, pause=PAUSE):
    """Run all contenders in turn, `repeats` times.

    A first round is not timed: lazy imports and the first touch of buffers are in it.

    Parameters
    ----------
    contenders : dict of str to function without arguments
    repeats : int
    calls : int
        Calls that are timed together, for what is too short for the clock.
    pause : float
        Seconds between contenders; one thread needs none.

    Returns
    -------
    times : dict of str to list of float
        Seconds of one call, one entry a round.
    results : dict of str to list
        What the last call of each round returned; the untimed round is not among them.
    """
    times = {name: [] for name in contenders}
    results = {name: [] for name in contenders}
    for number in range(repeats + 1):
        for name, contender in contenders.items():
            gc.collect()
            time.sleep(pause)
            start = time.perf_counter()
            for _ in range(calls):
                result = contender()
            seconds = (time.perf_counter() - start) / calls
            if number > 0:
                times[name].append(seconds)
                results[name].append(result)
    return times, results


def median(values):
    """The median."""
    return statistics.median(values)


def quartiles(values):
    """First quartile, median, third quartile; of a single value, that value three times."""
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def ratio(times, of, to):
    """Quartiles of the time of one contender over that of another, paired by round."""
    return quartiles([a / b for a, b in zip(times[of], times[to], strict=True)])


def show_ratio(three):
    """A ratio with its spread, as text: ``4.02x (3.90 to 4.15)``."""
    low, middle, high = three
    return f"{middle:.2f}x ({low:.2f} to {high:.2f})"


def show_time(seconds):
    """A time in a unit that suits it, as text."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.2f} ms"
    return f"{seconds * 1e6:.1f} us"


def print_table(header, rows):
    """Print rows of text under a header: the first column to the left, the others to the right."""
    columns = list(zip(header, *rows))
    widths = [max(map(len, column)) for column in columns]

    def line(cells):
        first, *others = (
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(cells, widths))
        )
        return "  ".join([first, *others]).rstrip()

    print(line(header))
    print("-" * (sum(widths) + 2 * (len(widths) - 1)))
    for row in rows:
        print(line(row))
    sys.stdout.flush()


def ignore_expected_warnings():
    """Silence the warning that every fit of a fixed number of epochs ends with."""
    from sklearn.exceptions import ConvergenceWarning

    warnings.simplefilter("ignore", ConvergenceWarning)
