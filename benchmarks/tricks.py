"""Measure the effect of each optimization of the core, on the shapes of the benchmark cells.

A trick is a function that creates arrays and returns two functions, one with the optimization and
one without. `TRICKS` lists the tricks and their shapes. Both functions are checked to return the
same result and then timed in turn on one thread. Optimizations that save less than 5 % should be
removed from the core.
"""

import argparse
import itertools

import numpy as np
from _timing import alternate, describe_machine, median, print_table, ratio, show_ratio
from scipy.linalg.blas import daxpy, dscal, saxpy, sscal
from threadpoolctl import threadpool_limits

from sknumpy_mlp.activations import SELU
from sknumpy_mlp.core.network import perceptron
from sknumpy_mlp.core.stepper import Stepper

# Hidden activations of a step: digits in batches of 32 and 200, MNIST, 256 x 3, 512 x 512.
HIDDEN = [(32, 64), (200, 64), (200, 100), (256, 256), (200, 512)]
# Scores of a step: rows, classes, units of the last hidden layer.
SCORES = [(32, 10, 16), (200, 10, 64), (200, 10, 512)]
# Dense layers of a step: rows, inputs, units.
DENSE = [(32, 64, 64), (32, 64, 16), (200, 64, 64), (200, 784, 100), (200, 512, 512)]
# Rows of the data, columns, rows of a batch.
GATHERED = [(1797, 64, 32), (1797, 64, 200), (20_000, 784, 64), (20_000, 784, 200)]
# Members, rows of a batch of each, units of each of two hidden layers.
MEMBERS = [(8, 32, 16), (8, 32, 64), (4, 256, 128), (8, 256, 256)]
# Parameters: 64-64-10, 784-10-10, 784-100-10, 784-512-512-10.
PARAMETERS = [(4_810,), (7_960,), (79_510,), (668_682,)]

BLAS = {"float32": (saxpy, sscal), "float64": (daxpy, dscal)}
RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
STEP = 100  # The step number for the bias corrections.


def normal(shape, dtype):
    """Random normal numbers, which only depend on the shape."""
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


# Each trick returns two functions, with and without it, which return their results.


def relu_zeros(shape, dtype):
    """ReLU in place: the maximum with an array of zeros, or with the number 0."""
    Z, zeros = normal(shape, dtype), np.zeros(shape, dtype)
    other = Z.copy()
    return lambda: np.maximum(Z, zeros, out=Z), lambda: np.maximum(other, 0, out=other)


def bias_gradient(shape, dtype):
    """Sums of columns: a product with ones, or ``sum(axis=0)``."""
    dZ, ones = normal(shape, dtype), np.ones(shape[0], dtype)
    one, other = np.empty(shape[1], dtype), np.empty(shape[1], dtype)
    return lambda: np.dot(ones, dZ, out=one), lambda: dZ.sum(axis=0, out=other)


def bias_row(shape, dtype):
    """Forward pass, ReLU, and gradient of W and b: b as the last row of W, or as a separate vector.

    The inputs, and the outputs for the next layer, have a last column of ones. This is not in the
    core: a penalty that skips the rows of biases would cost what small layers gain.
    """
    n_rows, n_in, n_out = shape
    ones = np.ones((n_rows, 1), dtype)
    X, dZ = normal((n_rows, n_in), dtype), normal((n_rows, n_out), dtype)
    W, b = normal((n_in, n_out), dtype) / n_in, normal(n_out, dtype)
    X_1, W_b, A_1 = np.hstack([X, ones]), np.vstack([W, b]), np.ones((n_rows, n_out + 1), dtype)
    zeros, A, vector = np.zeros((n_rows, n_out), dtype), A_1[:, :-1], ones[:, 0].copy()
    grad, apart = np.empty_like(W_b), np.empty_like(W_b)
    Z, other = np.empty_like(zeros), np.empty_like(zeros)

    def with_trick():
        np.dot(X_1, W_b, out=Z)
        np.maximum(Z, zeros, out=A)
        np.dot(X_1.T, dZ, out=grad)
        return grad

    def without():
        np.dot(X, W, out=other)
        np.add(other, b, out=other)
        np.maximum(other, zeros, out=other)
        np.dot(X.T, dZ, out=apart[:-1])
        np.dot(vector, dZ, out=apart[-1])
        return apart

    return with_trick, without


def stacked_members(shape, dtype):
    """Forward and backward pass of the members of an ensemble: all at once, or one by one."""
    n_members, n_rows, n_units = shape
    units = [20, n_units, n_units, 4]
    together = perceptron(units, [SELU(), SELU()], n_members=n_members)
    together.allocate(dtype)
    together.theta[:] = normal(together.theta.shape, dtype) / np.sqrt(n_units)
    X = normal((n_members, n_rows, 20), dtype)
    members = [perceptron(units, [SELU(), SELU()]) for _ in range(n_members)]
    for member, of in zip(members, together.members):
        member.bind(of.parameters())
        member.allocate(dtype)

    def passes(network, X):
        workspace = network.workspace(n_rows, dtype, training=True)

        def run():
            workspace.backward(X, workspace.forward(X))

        return run

    stacked = passes(together, X)
    one_by_one = [passes(member, own) for member, own in zip(members, X)]

    def with_trick():
        stacked()
        return together.layers[0].dW

    def without():
        for run in one_by_one:
            run()
        return np.stack([member.layers[0].dW for member in members])

    return with_trick, without


def transposed_scores(shape, dtype):
    """Product and softmax with scores stored class by class (Fortran order), or row by row.

    Both versions include the product with the gradient of the scores that follows.
    """
    n_rows, n_classes, n_hidden = shape
    A, W = normal((n_rows, n_hidden), dtype), normal((n_hidden, n_classes), dtype) / n_hidden
    by_row = np.empty((n_rows, n_classes), dtype)
    by_class = np.empty_like(by_row, order="F")
    dW_class, dW_row = np.empty_like(W), np.empty_like(W)
    ones = np.ones(n_classes, dtype)

    def softmax(Z):
        Z -= np.maximum.reduce(Z, axis=1, keepdims=True)
        np.exp(Z, out=Z)
        Z /= np.dot(Z, ones)[:, np.newaxis]

    def with_trick():
        np.dot(W.T, A.T, out=by_class.T)
        softmax(by_class)
        return np.dot(A.T, by_class, out=dW_class)

    def without():
        np.dot(A, W, out=by_row)
        softmax(by_row)
        return np.dot(A.T, by_row, out=dW_row)

    return with_trick, without


def flat_index(shape, dtype):
    """Access to the scores of the true classes: with one flat index, or with a pair of indices."""
    n_rows, n_classes, _ = shape
    rows, y = np.arange(n_rows), np.random.default_rng(1).integers(n_classes, size=n_rows)
    one, other = normal((n_classes, n_rows), dtype), normal((n_classes, n_rows), dtype)
    flat = one.ravel()

    def with_trick():
        true = y * n_rows
        true += rows
        flat[true] = flat[true]
        return one

    def without():
        rows = np.arange(n_rows)
        other[y, rows] = other[y, rows]
        return other

    return with_trick, without


def gather(shape, dtype):
    """Rows of a batch: ``take`` into a buffer with ``mode="clip"``, or ``X[index]``."""
    n_rows, n_columns, n_batch = shape
    X = normal((n_rows, n_columns), dtype)
    order = np.random.default_rng(1).permutation(n_rows)
    batches = [order[start : start + n_batch] for start in range(0, n_rows - n_batch + 1, n_batch)]
    # Different rows in each call, as in an epoch: the same rows would stay in the cache.
    one, other = itertools.cycle(batches), itertools.cycle(batches)
    buffer = np.empty((n_batch, n_columns), dtype)
    return lambda: X.take(next(one), 0, buffer, "clip"), lambda: X[next(other)]


class AdamState:
    """The vectors that a step of Adam reads and writes."""

    def __init__(self, shape, dtype):
        self.axpy, self.scal = BLAS[dtype]
        self.theta, self.grad = normal(shape, dtype), normal(shape, dtype)
        self.m, self.v = np.zeros(shape, dtype), np.zeros(shape, dtype)
        self.scratch = np.empty(shape, dtype)

    def blocks(self, size=Stepper.block_size):
        """Yield slices of the vectors; the scratch array is shared."""
        for start in range(0, len(self.theta), size):
            vectors = (self.theta, self.grad, self.m, self.v)
            block = [each[start : start + size] for each in vectors]
            yield (*block, self.scratch[: len(block[0])])


def step_as_in_core(axpy, scal, theta, grad, m, v, scratch):
    """A step with moments stored without their factors: one pass by BLAS instead of two."""
    scal(BETA_1, m)
    axpy(grad, m, None, 1.0)
    np.multiply(grad, grad, out=scratch)
    scal(BETA_2, v)
    axpy(scratch, v, None, 1.0)
    root = (1 - BETA_2) ** 0.5
    size = RATE * (1 - BETA_2**STEP) ** 0.5 / (1 - BETA_1**STEP)
    np.sqrt(v, out=scratch)
    scratch += EPSILON / root
    np.divide(m, scratch, out=scratch)
    axpy(scratch, theta, None, -size * (1 - BETA_1) / root)


def step_with_factors(axpy, scal, theta, grad, m, v, scratch):
    """A step with moments as in the paper, by BLAS."""
    scal(BETA_1, m)
    axpy(grad, m, None, 1 - BETA_1)
    np.multiply(grad, grad, out=scratch)
    scal(BETA_2, v)
    axpy(scratch, v, None, 1 - BETA_2)
    size = RATE * (1 - BETA_2**STEP) ** 0.5 / (1 - BETA_1**STEP)
    np.sqrt(v, out=scratch)
    scratch += EPSILON
    np.divide(m, scratch, out=scratch)
    axpy(scratch, theta, None, -size)


def step_without_blas(axpy, scal, theta, grad, m, v, scratch):
    """`step_as_in_core` with NumPy's operators."""
    m *= BETA_1
    m += grad
    np.multiply(grad, grad, out=scratch)
    v *= BETA_2
    v += scratch
    root = (1 - BETA_2) ** 0.5
    size = RATE * (1 - BETA_2**STEP) ** 0.5 / (1 - BETA_1**STEP)
    np.sqrt(v, out=scratch)
    scratch += EPSILON / root
    np.divide(m, scratch, out=scratch)
    scratch *= -size * (1 - BETA_1) / root
    theta += scratch


def step_with_factors_without_blas(axpy, scal, theta, grad, m, v, scratch):
    """`step_with_factors` with NumPy's operators."""
    m *= BETA_1
    np.multiply(grad, 1 - BETA_1, out=scratch)
    m += scratch
    v *= BETA_2
    np.multiply(grad, grad, out=scratch)
    scratch *= 1 - BETA_2
    v += scratch
    size = RATE * (1 - BETA_2**STEP) ** 0.5 / (1 - BETA_1**STEP)
    np.sqrt(v, out=scratch)
    scratch += EPSILON
    np.divide(m, scratch, out=scratch)
    scratch *= -size
    theta += scratch


def stepping(step, shape, dtype, size=Stepper.block_size):
    """A function that makes a step block by block."""
    state = AdamState(shape, dtype)
    blocks = list(state.blocks(size))

    def run():
        for block in blocks:
            step(state.axpy, state.scal, *block)
        return state.theta

    return run


def adam_blas(shape, dtype):
    """Adam with axpy and scal, or with NumPy's operators."""
    return stepping(step_as_in_core, shape, dtype), stepping(step_without_blas, shape, dtype)


def adam_blocks(shape, dtype):
    """Adam over blocks that stay in the cache, or over one block."""
    whole = shape[0]
    return stepping(step_as_in_core, shape, dtype), stepping(step_as_in_core, shape, dtype, whole)


def adam_factors(shape, dtype):
    """Moments without their factors, or as in the paper, both with axpy and scal."""
    return stepping(step_as_in_core, shape, dtype), stepping(step_with_factors, shape, dtype)


def adam_factors_numpy(shape, dtype):
    """Moments without their factors, or as in the paper, both with NumPy's operators."""
    return (
        stepping(step_without_blas, shape, dtype),
        stepping(step_with_factors_without_blas, shape, dtype),
    )


TRICKS = {
    "relu: array of zeros": (relu_zeros, HIDDEN),
    "members: stacked": (stacked_members, MEMBERS),
    "bias gradient: dot with ones": (bias_gradient, [*HIDDEN, (200, 10)]),
    "bias as a row of W (not in the core)": (bias_row, DENSE),
    "softmax: scores by class": (transposed_scores, SCORES),
    "log-loss: one flat index": (flat_index, SCORES),
    "rows: take(clip, out)": (gather, GATHERED),
    "adam: axpy and scal": (adam_blas, PARAMETERS),
    "adam: blocks": (adam_blocks, PARAMETERS[2:]),
    "adam: no factors, with axpy": (adam_factors, PARAMETERS),
    "adam: no factors, without axpy": (adam_factors_numpy, PARAMETERS),
}


def calls_for(function, seconds=0.02):
    """Number of calls that take about the given number of seconds."""
    calls = 1
    while True:
        times, _ = alternate({"": function}, 1, calls, pause=0)
        if times[""][0] * calls > seconds / 4:
            return max(1, int(seconds / times[""][0]))
        calls *= 8


def main():
    """Time all tricks and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=9, help="timed rounds (default: 9)")
    parser.add_argument("--tricks", default="", help="only tricks whose name contains this text")
    arguments = parser.parse_args()
    describe_machine(["numpy", "scipy"])
    print("one thread; medians\n")
    table = []
    for name, (make, shapes) in TRICKS.items():
        if arguments.tricks not in name:
            continue
        for shape in shapes:
            for dtype in ("float32", "float64"):
                table.append(measure(name, make, shape, dtype, arguments.repeats))
    header = ("trick", "shape", "dtype", "with, us", "without, us", "without / with (quartiles)")
    print_table(header, table)


def measure(name, make, shape, dtype, repeats):
    """Time one trick; returns a row of the table."""
    with threadpool_limits(1):
        with_trick, without = make(shape, dtype)
        # The order of summation differs: allow a few rounding errors of terms near 1.
        tolerance = 1e-4 if dtype == "float32" else 1e-10
        np.testing.assert_allclose(with_trick(), without(), rtol=tolerance, atol=tolerance)
        contenders = {"with": with_trick, "without": without}
        times, _ = alternate(contenders, repeats, calls_for(without), pause=0)
    return (
        name,
        " x ".join(map(str, shape)),
        dtype,
        f"{median(times['with']) * 1e6:.1f}",
        f"{median(times['without']) * 1e6:.1f}",
        show_ratio(ratio(times, "without", "with")),
    )


if __name__ == "__main__":
    main()
