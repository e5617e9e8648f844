"""The published training logs, as `examples/replay.py` repeats them."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from .common import script

replay = script("replay")


def test_r0_repeats_the_published_log_to_thirteen_digits():
    X, y = load_digits(return_X_y=True)
    network, log = replay.replay_r0(X[:1437], y[:1437])
    for epoch, (accuracy, loss) in replay.LOG_R0.items():
        assert round(log[epoch][0], 2) == accuracy
        # Half a unit of the thirteenth digit; rounding errors of 2,300 steps change the fifteenth.
        assert log[epoch][1] == pytest.approx(loss, rel=5e-14, abs=0)
    # 88.06 % of the tutorial's test rows, of which it scored 64.
    assert np.sum(network.predict(X[1437:]) == y[1437:]) == 317


def r3_in_columns(X, y, n_iterations):
    """R3 as the tutorial writes it, with samples as columns and weights (n_out, n_in)."""
    X, Y, m = X.T, np.eye(10)[:, y], len(y)
    stream = np.random.RandomState(2)
    sizes = [(16, len(X)), (16, 16), (10, 16)]
    W1, W2, W3 = (stream.randn(*size) * 0.1 for size in sizes)
    b1, b2, b3 = (np.zeros((n_out, 1)) for n_out, _ in sizes)
    log = {}
    for i in range(n_iterations):
        A1 = np.tanh(W1 @ X + b1)
        A2 = np.tanh(W2 @ A1 + b2)
        Z3 = W3 @ A2 + b3
        A3 = np.exp(Z3 - Z3.max()) / np.exp(Z3 - Z3.max()).sum(axis=0)
        if i % 10 == 0:
            accuracy = 100 * np.mean(A3.argmax(axis=0) == y)
            log[i] = accuracy, -np.mean(Y * np.log(A3 + 1e-8))
        dZ3 = A3 - Y
        dZ2 = W3.T @ dZ3 * (1 - A2**2)
        dZ1 = W2.T @ dZ2 * (1 - A1**2)
        rate = 0.5 if i <= 75 else 0.1
        # In place: the names keep their arrays.
        for W, b, dZ, A in ((W1, b1, dZ1, X), (W2, b2, dZ2, A1), (W3, b3, dZ3, A2)):
            W -= rate * dZ @ A.T / m
            b -= rate * dZ.sum(axis=1, keepdims=True) / m
    return log


def test_r3_is_the_loop_of_the_tutorial():
    # The log itself needs MNIST: `python examples/replay.py --data DIR` compares all its lines.
    X, y = load_digits(return_X_y=True)
    X, y = X[:300] / 16, y[:300]
    _, log = replay.replay_r3(X, y)
    expected = r3_in_columns(X, y, 141)
    assert log.keys() == expected.keys() == replay.LOG_R3.keys()
    for iteration, (accuracy, cost) in expected.items():
        assert log[iteration] == pytest.approx((accuracy, cost), rel=1e-9)


def test_a_differing_digit_is_found(capsys):
    published = {1: (50.0, 0.25)}
    assert replay.compare("title", published, {1: (50.0, 0.25)}, 2, ".6f")
    assert not replay.compare("title", published, {1: (50.0, 0.250001)}, 2, ".6f")
    assert not replay.compare("title", published, {1: (50.01, 0.25)}, 2, ".6f")
    assert "title" in capsys.readouterr().out
