"""`GridSearchCV` of 12 candidates and 5 folds on digits, ours against `MLPClassifier`.

With one process and with two. Exits with status 1 if a candidate's mean score differs.
"""

import argparse
import sys

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
    """Search with both, in turns."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_common_options(parser)
    parser.add_argument("--epochs", type=int, default=30, help="of every fit (default: 30)")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float64")
    parser.add_argument("--jobs", default="1,2", help="values of n_jobs (default: 1,2)")
    arguments = parser.parse_args()
    limit_threads(arguments.threads)
    # Processes that joblib starts inherit it; a filter set in this one would not reach them.
    import os

    os.environ["PYTHONWARNINGS"] = "ignore"
    import warnings

    warnings.simplefilter("ignore")
    # Imported only now: a BLAS reads its thread limit from the environment when it is loaded.
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier

    from sknumpy_mlp import ScratchMLPClassifier

    describe_machine(["numpy", "scipy", "sklearn", "joblib"])
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(arguments.dtype)
    # Rounding can move a row that lies on a border of two classes into the other, so the scores
    # of a candidate may be one row apart; in float32 after many steps a few.
    tolerance = (1 if arguments.dtype == "float64" else 9) / len(y)

    def search(cls, n_jobs):
        model = cls(max_iter=arguments.epochs, random_state=0)
        return lambda: GridSearchCV(model, GRID, cv=5, n_jobs=n_jobs).fit(X, y)

    print(
        f"12 candidates, 5 folds, {arguments.epochs} epochs, {arguments.dtype}; "
        f"{arguments.repeats} rounds, medians\n"
    )
    table, worst = [], 0.0
    for n_jobs in map(int, arguments.jobs.split(",")):
        contenders = {
            "ours": search(ScratchMLPClassifier, n_jobs),
            "sklearn": search(MLPClassifier, n_jobs),
        }
        times, results = alternate(contenders, arguments.repeats)
        ours, theirs = (results[name][-1].cv_results_["mean_test_score"] for name in contenders)
        worst = max(worst, float(np.abs(ours - theirs).max()))
        table.append(
            (
                f"n_jobs={n_jobs}",
                *(show_time(median(times[name])) for name in contenders),
                show_ratio(ratio(times, "sklearn", "ours")),
                f"{ours.max():.4f}, {theirs.max():.4f}",
            )
        )
    header = ("", "ours", "sklearn", "sklearn / ours (quartiles)", "best scores")
    print_table(header, table)
    print(f"largest difference of a mean score: {worst:.1e}, allowed {tolerance:.1e}")
    # The slack is for the division by the number of rows in a fold.
    if not worst <= tolerance * 1.01:
        sys.exit("SCORES DIFFER")


if __name__ == "__main__":
    main()
