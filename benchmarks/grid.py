"""Compare `GridSearchCV` with `MLPClassifier`: 12 candidates and 5 folds on digits.

The searches run with one process, with two, and with two threads of one process. The first search
in new processes loads the package and the kernels; it is printed apart. The script exits with
status 1 if the mean scores of a candidate differ.
"""

import argparse
import sys
import time

from _timing import (
    add_common_options,
    alternate,
    describe_machine,
    limit_threads,
    median,
    print_table,
    ratio,
    show_ratio,
    show_time,
)

GRID = {
    "hidden_layer_sizes": [(32,), (64,), (64, 16)],
    "alpha": [1e-4, 1e-2],
    "learning_rate_init": [1e-3, 1e-2],
}


def main():
    """Time the searches of both estimators in turn."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_common_options(parser)
    parser.add_argument("--epochs", type=int, default=30, help="epochs per fit (default: 30)")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float64")
    parser.add_argument(
        "--jobs",
        default="1,2,2 threads",
        help='values of n_jobs, with "threads" for those of one process (default: 1,2,2 threads)',
    )
    arguments = parser.parse_args()
    limit_threads(arguments.threads)
    # Processes that joblib starts inherit this variable, but not a filter of this process.
    import os

    os.environ["PYTHONWARNINGS"] = "ignore"
    import warnings

    warnings.simplefilter("ignore")
    # Imported here, since a BLAS reads its thread limit from the environment when it is loaded.
    import numpy as np
    from joblib import parallel_config
    from joblib.externals.loky import get_reusable_executor
    from sklearn.datasets import load_digits
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier

    from sknumpy_mlp import ScratchMLPClassifier

    describe_machine(["numpy", "scipy", "sklearn", "joblib", "numba"])
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(arguments.dtype)
    # Rounding can change the predicted class of a row on the border between two classes. The scores
    # of a candidate may therefore differ by one row, or by a few rows in float32 after many steps.
    tolerance = (1 if arguments.dtype == "float64" else 9) / len(y)

    def search(cls, jobs):
        n_jobs, *threads = jobs.split()
        model = cls(max_iter=arguments.epochs, random_state=0)

        def run():
            with parallel_config(backend="threading" if threads else "loky"):
                return GridSearchCV(model, GRID, cv=5, n_jobs=int(n_jobs)).fit(X, y)

        return run

    def cold(cls, jobs):
        get_reusable_executor().shutdown()
        start = time.perf_counter()
        search(cls, jobs)()
        return show_time(time.perf_counter() - start)

    print(
        f"12 candidates, 5 folds, {arguments.epochs} epochs, {arguments.dtype}; "
        f"{arguments.repeats} rounds, medians\n"
    )
    table, worst = [], 0.0
    for jobs in arguments.jobs.split(","):
        estimators = {"ours": ScratchMLPClassifier, "sklearn": MLPClassifier}
        first = ", ".join(cold(cls, jobs) for cls in estimators.values()) if jobs == "2" else ""
        contenders = {name: search(cls, jobs) for name, cls in estimators.items()}
        times, results = alternate(contenders, arguments.repeats)
        ours, theirs = (results[name][-1].cv_results_["mean_test_score"] for name in contenders)
        worst = max(worst, float(np.abs(ours - theirs).max()))
        table.append(
            (
                f"n_jobs={jobs}",
                *(show_time(median(times[name])) for name in contenders),
                show_ratio(ratio(times, "sklearn", "ours")),
                f"{ours.max():.4f}, {theirs.max():.4f}",
                first,
            )
        )
    header = ("", "ours", "sklearn", "sklearn / ours (quartiles)", "best scores", "new processes")
    print_table(header, table)
    print(f"largest difference of a mean score: {worst:.1e}, allowed {tolerance:.1e}")
    # The factor 1.01 allows for the division by the number of rows in a fold.
    if not worst <= tolerance * 1.01:
        sys.exit("SCORES DIFFER")


if __name__ == "__main__":
    main()
