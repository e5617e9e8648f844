"""Timing that is robust on a noisy machine: contenders take turns, and rounds are paired.

`alternate` runs A B C A B C ... in one process, so that other load on the machine affects all
contenders. `ratio` compares the contenders round by round and returns the spread. `limit_threads`
must be called before NumPy is imported, so this module only imports the standard library.
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

# Each BLAS and OpenMP library of the contenders reads one of these variables when it is loaded.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
# With these, OpenBLAS uses another kernel than the one for the processor, which users have.
OLD_KERNEL_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
# OpenMP and OpenBLAS threads spin for some milliseconds after their work. With more than one
# thread, this would slow down the next contender.
PAUSE = 0.05


def limit_threads(n_threads):
    """Limit every library to `n_threads` threads; must be called before any is imported."""
    if "numpy" in sys.modules:
        raise RuntimeError("limit_threads must be called before numpy is imported")
    for variable in OLD_KERNEL_VARIABLES:
        os.environ.pop(variable, None)
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(n_threads)
    # XLA chooses the size of its pool from NPROC, and splits products depending on the flags.
    os.environ["NPROC"] = str(n_threads)
    if n_threads == 1:
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()


def add_common_options(parser, repeats=7):
    """Add the options that all scripts with contenders share."""
    parser.add_argument("--threads", type=int, default=1, help="threads of BLAS (default: 1)")
    parser.add_argument(
        "--repeats", type=int, default=repeats, help=f"timed rounds (default: {repeats})"
    )


def describe_machine(packages):
    """Print the processor, threads and versions, which are needed to compare two outputs."""
    names = [name for name in packages if importlib.util.find_spec(name)]
    distributions = {"sklearn": "scikit-learn"}
    versions = [f"{name} {version(distributions.get(name, name))}" for name in names]
    print(f"Python {platform.python_version()}, {', '.join(versions)}")
    n_threads = os.environ.get("OMP_NUM_THREADS")
    limit = f", threads for each library: {n_threads}" if n_threads else ""
    print(f"{_processor()}, {os.cpu_count()} logical cores{limit}")
    from threadpoolctl import threadpool_info

    kernels = {each.get("architecture") for each in threadpool_info() if "version" in each}
    print(f"BLAS kernels: {', '.join(sorted(filter(None, kernels)))}")
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

    An additional first round is not timed, since it includes lazy imports and first memory access.

    Parameters
    ----------
    contenders : dict of str to function without arguments
    repeats : int
    calls : int
        Number of calls that are timed together, for calls that are too short for the clock.
    pause : float
        Seconds between contenders; not needed with one thread.

    Returns
    -------
    times : dict of str to list of float
        Seconds per call, for each round.
    results : dict of str to list
        The result of the last call of each timed round.
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
    """First quartile, median and third quartile; a single value is repeated three times."""
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def ratio(times, of, to):
    """Quartiles of the time of contender `of` divided by that of `to`, paired by round."""
    return quartiles([a / b for a, b in zip(times[of], times[to], strict=True)])


def show_ratio(three):
    """A ratio with its spread as text: ``4.02x (3.90 to 4.15)``."""
    low, middle, high = three
    return f"{middle:.2f}x ({low:.2f} to {high:.2f})"


def show_time(seconds):
    """A time as text, in a suitable unit."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.2f} ms"
    return f"{seconds * 1e6:.1f} us"


def print_table(header, rows):
    """Print rows of text under a header. The first column is left-aligned, the others right."""
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


def report_difference(worst, allowed):
    """Print the largest difference of probabilities; end with status 1 if it is not allowed."""
    print(f"largest difference of probabilities: {worst:.1e}, allowed {allowed:.0e}")
    if not worst <= allowed:
        sys.exit("PROBABILITIES DIFFER")


def ignore_expected_warnings():
    """Silence the convergence warning that every fit with a fixed number of epochs raises."""
    from sklearn.exceptions import ConvergenceWarning

    warnings.simplefilter("ignore", ConvergenceWarning)
