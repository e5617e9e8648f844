"""Seconds of a core to explain 1,000 rows of digits; `python benchmarks/inspection.py`."""

import time

import numpy as np
from sklearn.datasets import load_digits

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp.inspection import expected_gradients, input_gradients, integrated_gradients

CALLS = {
    "input_gradients": lambda model, X: input_gradients(model, X, target=3),
    "integrated_gradients": lambda model, X: integrated_gradients(model, X, target=3),
    "expected_gradients": lambda model, X: expected_gradients(
        model, X, X[::10], target=3, random_state=0
    ),
}


def seconds(call, model, X):
    """The least of five runs, in time of the processor, which other programs do not add to."""
    found = []
    for _ in range(5):
        started = time.process_time()
        call(model, X)
        found.append(time.process_time() - started)
    return min(found)


def main():
    """Print the table."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    models = [
        ScratchMLPClassifier(
            (100,), members=members, max_iter=30, n_iter_no_change=None, random_state=0
        ).fit(X, y)
        for members in (1, 3)
    ]
    print("| method | one network | three members |\n| --- | --- | --- |")
    for name, call in CALLS.items():
        times = np.array([seconds(call, model, X[:1000]) for model in models])
        print(f"| `{name}` | {times[0]:.2g} s | {times[1]:.2g} s |")


if __name__ == "__main__":
    main()
