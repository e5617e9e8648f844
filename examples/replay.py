"""Two published training logs, repeated digit by digit with `from_weights` and `partial_fit`.

Usage: python examples/replay.py [--data DIR] [--output DIR]

R0 is "Artificial neural network from scratch for handwritten digit recognition", on the 8 x 8
digits that come with scikit-learn. R3 is "Neural network from scratch" by Qi Wang, on MNIST: it is
repeated if DIR contains mnist.npz with the arrays X_train and y_train, and takes a minute or two.
With --output, the replays are drawn over the published logs; this needs matplotlib. The script
fails if a printed digit differs.
"""

import argparse
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from sknumpy_mlp import ScratchMLPClassifier, optimizers, schedules

# Epoch: accuracy in percent and summed loss, in bits, of the last batch before its step.
LOG_R0 = {
    1: (0.00, 120.10748063870817),
    2: (17.24, 111.60073049838431),
    3: (13.79, 94.45606195479442),
    10: (31.03, 81.04931083164604),
    99: (96.55, 3.70180754169769),
    100: (100.00, 2.1896857628603104),
}
# Iteration: accuracy in percent and cost of the training rows before the step.
LOG_R3 = {
    0: (13.260000, 0.230083),
    10: (40.781667, 0.204155),
    20: (47.766667, 0.153983),
    30: (67.136667, 0.118734),
    40: (73.488333, 0.096660),
    50: (77.815000, 0.083073),
    60: (80.786667, 0.072998),
    70: (60.456667, 0.115302),
    80: (84.006667, 0.061357),
    90: (84.413333, 0.060022),
    100: (84.738333, 0.058777),
    110: (85.070000, 0.057598),
    120: (85.361667, 0.056478),
    130: (85.630000, 0.055412),
    140: (85.903333, 0.054397),
}
# Plain gradient descent, without a penalty, on the rows in the order in which they are given.
PLAIN = {"solver": optimizers.SGD(momentum=0.0), "alpha": 0.0, "shuffle": False}


def drawn(seed, units, scale):
    """The stream of a seed after the weights of all layers were drawn, and these weights."""
    stream = np.random.RandomState(seed)
    # Both tutorials keep W as (n_out, n_in); here it is (n_in, n_out).
    coefs = [scale * stream.randn(n_out, n_in).T for n_in, n_out in pairwise(units)]
    return stream, coefs


def replay_r0(X, y):
    """Repeat R0; returns the network and a dict like `LOG_R0` with every epoch."""
    units = [X.shape[1], 64, 16, 10]
    stream, coefs = drawn(432, units, 0.01)
    intercepts = [stream.randn(n) for n in units[1:]]
    network = ScratchMLPClassifier.from_weights(
        coefs,
        intercepts,
        classes=range(10),
        batch_size="up to 64",
        learning_rate_init=0.01,
        **PLAIN,
    )
    log = {}
    n_full = len(X) // 64 * 64
    for epoch in range(1, 101):
        order = np.arange(len(X))
        stream.shuffle(order)
        full, last = order[:n_full], order[n_full:]
        network.partial_fit(X[full], y[full])
        accuracy = 100 * network.score(X[last], y[last])
        network.partial_fit(X[last], y[last])
        # The mean natural loss of the last batch before its step, as a sum of logarithms to base 2.
        log[epoch] = accuracy, network.loss_ * len(last) / np.log(2)
    return network, log


def replay_r3(X, y, n_iterations=141):
    """Repeat R3; returns the network and a dict like `LOG_R3` with every tenth iteration."""
    units = [X.shape[1], 16, 16, 10]
    _, coefs = drawn(2, units, 0.1)
    network = ScratchMLPClassifier.from_weights(
        coefs,
        [np.zeros(n) for n in units[1:]],
        classes=range(10),
        activation="tanh",
        batch_size="full",
        # The code says 1 and then 0.1. The log was made with 0.5, and 0.1 after iteration 75.
        learning_rate_init=0.5,
        learning_rate=schedules.Step(boundaries=[76 / 150], factors=[1.0, 0.2]),
        max_iter=150,
        **PLAIN,
    )
    log = {}
    for iteration in range(n_iterations):
        if iteration % 10 == 0:
            A = network.predict_proba(X)
            # The tutorial's mean is over rows and classes: a tenth of the loss.
            cost = -np.log(A[np.arange(len(y)), y] + 1e-8).sum() / A.size
            log[iteration] = 100 * np.mean(A.argmax(axis=1) == y), cost
        network.partial_fit(X, y)
    return network, log


def compare(title, published, log, accuracy_digits, loss_format):
    """Print a log next to the published one; returns whether all printed digits agree."""
    print(f"{title}\n{'':6}{'accuracy in percent':>24}{'loss':>32}")
    agree = True
    for step, (accuracy, loss) in published.items():
        ours = log[step]
        texts = [f"{each:.{accuracy_digits}f}" for each in (accuracy, ours[0])]
        texts += [format(each, loss_format) for each in (loss, ours[1])]
        same = texts[0] == texts[1] and texts[2] == texts[3]
        agree = agree and same
        print(f"{step:6}{texts[0]:>12}{texts[1]:>12}{texts[2]:>16}{texts[3]:>16}  {'!='[same]}")
    print()
    return agree


def draw(picture, title, published, curve, xlabel, ylabel):
    """Draw a replayed loss curve, and the published values as circles over it."""
    # A separate Figure needs neither a display nor matplotlib's global state.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained", facecolor="white")
    axes = figure.subplots()
    axes.plot(list(curve), list(curve.values()), color="#0072b2", lw=1.5, label="replayed")
    losses = [loss for _, loss in published.values()]
    axes.plot(list(published), losses, "o", mfc="none", mec="#d55e00", ms=9, label="published")
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title, ylim=(0, None))
    axes.legend()
    axes.grid(alpha=0.25)
    figure.savefig(picture, metadata={"Date": None})


def main():
    """Replay, compare and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder with mnist.npz, for R3")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder for the pictures")
    options = parser.parse_args()
    if options.data is not None and not (options.data / "mnist.npz").is_file():
        parser.error(f"--data must be a folder that holds mnist.npz, got {options.data}")
    print("Each pair is the published number and ours.\n")
    X, y = load_digits(return_X_y=True)
    with threadpool_limits(1, "blas"):
        network, log_r0 = replay_r0(X[:1437], y[:1437])
        agree = compare("R0: the last batch of 29 rows", LOG_R0, log_r0, 2, "#.13g")
        accuracy = 100 * network.score(X[1437:], y[1437:])
        print(f"R0: {accuracy:.2f} % of the 360 test rows are right; published: 95.3 % of 64\n")
    if options.data is not None:
        with np.load(options.data / "mnist.npz") as file:
            X_mnist, y_mnist = file["X_train"] / 255, file["y_train"].astype(int)
        network_r3, log_r3 = replay_r3(X_mnist, y_mnist)
        agree = compare("R3: the 60,000 training rows", LOG_R3, log_r3, 6, ".6f") and agree
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
        curve = {epoch: loss for epoch, (_, loss) in log_r0.items()}
        title = "R0: summed loss of the last batch"
        draw(options.output / "replay-r0.svg", title, LOG_R0, curve, "epoch", "bits")
        if options.data is not None:
            # The cost is a tenth of the mean loss, up to its constant of 1e-8.
            curve = {step: loss / 10 for step, loss in enumerate(network_r3.loss_curve_)}
            title = "R3: cost of the training rows"
            draw(options.output / "replay-r3.svg", title, LOG_R3, curve, "iteration", "cost")
    sys.exit(None if agree else "A digit differs from the published log.")


if __name__ == "__main__":
    main()
