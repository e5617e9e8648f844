"""Compare `predict_proba` with `MLPClassifier` on one row, on 1,000 and on 1,000,000 rows.

Both models have the same weights. The time includes every input check that a user relies on. The
script exits with status 1 if the probabilities differ.
"""

import argparse

from _timing import (
    add_common_options,
    alternate,
    describe_machine,
    ignore_expected_warnings,
    limit_threads,
    median,
    print_table,
    ratio,
    report_difference,
    show_ratio,
    show_time,
)

# Number of rows per call, and number of calls that are timed together.
SIZES = [(1, 1000), (1_000, 100), (1_000_000, 1)]
# For probabilities from products of 64 terms in float32, where one rounding error is 6e-8.
TOLERANCE = 1e-5


def predictor(model, rows):
    """A function that predicts these rows and discards the result."""

    def run():
        model.predict_proba(rows)

    return run


def main():
    """Fit both models on digits and time their predictions on repeated rows of digits."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_common_options(parser)
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="maximum number (default: 1,000,000)"
    )
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    arguments = parser.parse_args()
    limit_threads(arguments.threads)
    # Imported here, since a BLAS reads its thread limit from the environment when it is loaded.
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier

    from sknumpy_mlp import ScratchMLPClassifier

    ignore_expected_warnings()
    describe_machine(["numpy", "scipy", "sklearn"])
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(arguments.dtype)
    parameters = {"hidden_layer_sizes": (64,), "max_iter": 10, "random_state": 0}
    models = {
        "ours": ScratchMLPClassifier(**parameters).fit(X, y),
        "sklearn": MLPClassifier(**parameters).fit(X, y),
    }

    print(f"64-64-10, {arguments.dtype}, {arguments.repeats} rounds, medians\n")
    table, worst = [], 0.0
    for n_rows, calls in SIZES:
        if n_rows > arguments.rows:
            continue
        rows = np.resize(X, (n_rows, X.shape[1]))
        ours, theirs = (model.predict_proba(rows) for model in models.values())
        worst = max(worst, float(np.abs(ours - theirs).max()))
        del ours, theirs
        contenders = {name: predictor(model, rows) for name, model in models.items()}
        times, _ = alternate(contenders, arguments.repeats, calls)
        table.append(
            (
                f"{n_rows:,}",
                *(show_time(median(times[name])) for name in contenders),
                show_ratio(ratio(times, "sklearn", "ours")),
            )
        )
    print_table(("rows", "ours", "sklearn", "sklearn / ours (quartiles)"), table)
    report_difference(worst, TOLERANCE)


if __name__ == "__main__":
    main()
