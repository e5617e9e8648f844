"""Kernels run by hand, for tests of them; importing this module needs Numba."""

import numpy as np

from sknumpy_mlp.core.compiled import kernels
from sknumpy_mlp.core.compiled.program import Program
from sknumpy_mlp.losses import ClassNumbers


def run(program, n, number=0, n_batch=None, first=0):
    """Run a program on a block of n rows."""
    blocks = np.array([[n, 0, number, n_batch or n, first, 0, 1]], np.int64)
    kernels.driver()(program.table, Program().table, blocks, np.zeros(8, np.int64))


def loss_by_kernel(loss, Z, y, weights=None, rows=None, n_batch=None):
    """Weighted losses of rows of targets, and their gradients over `n_batch`, by the kernel."""
    (n, m), dtype, cls = Z.shape, Z.dtype, type(loss)
    y = np.ascontiguousarray(y)
    rows = np.arange(n) if rows is None else rows
    scores, losses = Z.copy(), np.full(n, np.nan, dtype)
    program = Program()
    program.add(
        kernels.loss(cls, dtype, isinstance(loss.coding, ClassNumbers)),
        [
            *(scores, m, y, n, rows, 0 if weights is None else weights, losses, n, 0),
            *(np.empty(n * m, dtype), np.empty(y.size, y.dtype), np.empty(3 * n, dtype)),
        ],
        kernels.numbers(loss, cls.rows or cls.output, 4 if cls.rows else 2),
    )
    run(program, n, n_batch=n_batch or n)
    return losses, scores
