"""Measure from which size on two BLAS threads train a network faster than one.

    python benchmarks/threads.py

The script trains one epoch of a network with one hidden layer at increasing sizes, alternating
between one BLAS thread and all threads. It prints the ratio of the medians and the number of
multiplications in the largest product of a step. `WORTH_THREADS` in
`sknumpy_mlp/_estimator/threads.py` is chosen from this table: the smallest size from which more
threads save about a fifth in both dtypes. Run the script on an idle machine: next to another busy
process, threads that wait for each other are many times slower than one thread.
"""

import argparse
import statistics
import time

import numpy as np
from threadpoolctl import threadpool_limits

from sknumpy_mlp.activations import ReLU
from sknumpy_mlp.core.batches import Batches
from sknumpy_mlp.core.network import perceptron
from sknumpy_mlp.core.objective import Objective
from sknumpy_mlp.core.stepper import Stepper
from sknumpy_mlp.initializers import Auto
from sknumpy_mlp.losses import LogLoss
from sknumpy_mlp.optimizers import Adam

SHAPES = [
    # rows in a batch, inputs, hidden units
    (200, 64, 64),
    (200, 128, 64),
    (200, 128, 128),
    (200, 256, 128),
    (256, 256, 256),
    (200, 784, 100),
    (200, 784, 200),
    (200, 784, 512),
    (1797, 64, 64),
]


def seconds(batch_size, n_features, n_hidden, dtype, n_steps):
    """Seconds of `n_steps` steps of Adam, without the time to set up the network."""
    random_state = np.random.RandomState(0)
    X = random_state.uniform(size=(batch_size * n_steps, n_features)).astype(dtype)
    y = random_state.randint(10, size=len(X))
    network = perceptron([n_features, n_hidden, 10], [ReLU()])
    network.allocate(dtype)
    network.draw(Auto(), random_state)
    loss = LogLoss().for_target("multiclass")
    batches = Batches(X, loss.encode_target(y, dtype), dtype, batch_size)
    objective, adam = Objective(network, loss, 1e-4, batches), Adam()
    moments = adam.start(network.theta)
    stepper = Stepper(adam, network.theta, network.grad, network.weights.size, moments)
    start = time.perf_counter()
    for first, last in batches.bounds():
        objective.evaluate(first, last)
        stepper.step(rate=1e-3)
    return time.perf_counter() - start


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    print("rows x inputs x units  multiplications  dtype    1 thread  all threads   1 / all")
    for shape in SHAPES:
        n_products = int(np.prod(shape))
        n_steps = max(5, 200_000_000 // n_products // 10)
        for dtype in (np.float32, np.float64):
            one, many = [], []
            for _ in range(repeats):
                with threadpool_limits(1, user_api="blas"):
                    one.append(seconds(*shape, dtype, n_steps))
                many.append(seconds(*shape, dtype, n_steps))
            one, many = statistics.median(one) / n_steps, statistics.median(many) / n_steps
            print(
                f"{'x'.join(map(str, shape)):21s} {n_products:16,d}  {np.dtype(dtype).name}"
                f"  {1e6 * one:7.0f} us  {1e6 * many:8.0f} us  {one / many:8.2f}"
            )


if __name__ == "__main__":
    main()
