"""Fit in two Python threads at once: compiled kernels run without the GIL.

Two fits at once are compared with one. The control is a hash of the standard library, which needs
neither the GIL nor BLAS. If two hashes at once do less than 1.8 times the work of one, the second
processor is busy, and the script exits with status 1.
"""

import argparse
import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor

from _timing import (
    add_common_options,
    alternate,
    describe_machine,
    ignore_expected_warnings,
    limit_threads,
    print_table,
    quartiles,
    show_time,
)

LEAST_OF_CONTROL = 1.8


def main():
    """Time one call and two calls at once of every kind of work."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_common_options(parser)
    arguments = parser.parse_args()
    limit_threads(arguments.threads)
    # Imported here, since a BLAS reads its thread limit from the environment when it is loaded.
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier

    from sknumpy_mlp import ScratchMLPClassifier

    ignore_expected_warnings()
    describe_machine(["numpy", "scipy", "sklearn", "numba"])
    X, y = load_digits(return_X_y=True)
    X = X / 16

    def fit(cls, units, batch_size, **options):
        def work():
            model = cls(units, batch_size=batch_size, max_iter=100, random_state=0, **options)
            model.set_params(n_iter_no_change=1000).fit(X, y)

        return work

    works = {
        "control: a hash": lambda: hashlib.pbkdf2_hmac("sha256", b"word", b"salt", 1_000_000),
        "64-64-16-10, batches of 32": fit(ScratchMLPClassifier, (64, 16), 32),
        "64-64-10, batches of 200": fit(ScratchMLPClassifier, (64,), 200),
        "the same in NumPy": fit(ScratchMLPClassifier, (64,), 200, engine="numpy"),
        "MLPClassifier": fit(MLPClassifier, (64,), 200),
    }
    rows, reached = [], {}
    with ThreadPoolExecutor(2) as pool:

        def twice(work):
            return lambda: [each.result() for each in [pool.submit(work), pool.submit(work)]]

        for name, work in works.items():
            times, _ = alternate({"one": work, "two": twice(work)}, arguments.repeats)
            pairs = zip(times["one"], times["two"])
            low, middle, high = quartiles([2 * one / two for one, two in pairs])
            one, two = (show_time(quartiles(times[key])[1]) for key in ("one", "two"))
            rows.append((name, one, two, f"{middle:.2f} ({low:.2f} to {high:.2f})"))
            reached[name] = middle
    print_table(("", "one", "two at once", "work of two at once / of one"), rows)
    if reached["control: a hash"] < LEAST_OF_CONTROL:
        sys.exit(f"THE CONTROL IS BELOW {LEAST_OF_CONTROL}: THE MACHINE IS BUSY")


if __name__ == "__main__":
    main()
