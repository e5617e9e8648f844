"""Kernels against the array forms that they come from: every member of every family."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="numba is not installed")

from sknumpy_mlp.activations import Activation
from sknumpy_mlp.core.compiled import kernels
from sknumpy_mlp.core.compiled.forms import lacks_form, slope_reads
from sknumpy_mlp.core.compiled.program import Program
from sknumpy_mlp.losses import ClassNumbers, Loss
from sknumpy_mlp.optimizers import Optimizer

from ...families import all_examples, members
from .runs import loss_by_kernel, run

DTYPES = [np.dtype(np.float32), np.dtype(np.float64)]
ACTIVATIONS = all_examples(Activation)
FORMULAS = [loss for loss in all_examples(Loss) if lacks_form(loss) == ""]
OPTIMIZERS = [each for each in all_examples(Optimizer) if each.takes_steps]


def numbers(dtype, shape, seed=0):
    """Numbers of all sizes, and zeros, infinities and nan."""
    rng = np.random.RandomState(seed)
    values = rng.choice([-1.0, 1.0], shape) * 10.0 ** rng.uniform(-8, 2, shape)
    values.ravel()[:8] = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e30, -1e30, 1.0]
    return values.astype(dtype)


def assert_close(found, expected, n_units, scale):
    """Equal nan and infinities, and at most so many units in the last place of the size."""
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    found, expected, scale = found[finite], expected[finite], scale[finite]
    limit = n_units * np.spacing(np.maximum(scale, np.finfo(found.dtype).tiny))
    assert (np.abs(found - expected) <= limit).all()


def test_every_member_of_the_package_has_a_compiled_form():
    for family in (Activation, Optimizer):
        for cls in members(family):
            part = cls()
            assert lacks_form(part) == "" or not getattr(part, "takes_steps", True), cls
    with_formula = [
        cls for cls in members(Loss) if cls.value_and_gradient is not Loss.value_and_gradient
    ]
    assert {type(loss) for loss in FORMULAS} == set(with_formula)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_an_activation_s_kernels_are_its_array_form(activation, dtype):
    n, m = 37, 11
    Z, b = numbers(dtype, (n, m)), np.zeros(m, dtype)
    if getattr(activation, "negative_slope", 1) == 0:
        # The array form multiplies infinity by this zero.
        Z[np.isinf(Z)] = 1
    dA = np.random.RandomState(1).normal(size=(n, m)).astype(dtype)
    cls, in_place = type(activation), activation.reads == "output"
    A, kept_Z = Z.copy(), Z.copy()
    kernel, program = kernels.activation(cls, dtype), Program()
    program.add(
        kernel["forward"],
        [A, b, 0 if in_place else kept_Z, m],
        kernels.numbers(activation, cls.value, 1),
    )
    run(program, n)
    expected, scratch = np.empty_like(Z), activation.scratch(Z.shape, dtype)
    with np.errstate(all="ignore"):
        activation.forward(Z.copy(), expected, scratch)
    # Near a root the functions subtract numbers of the size of z.
    assert_close(A, expected, 8, np.maximum(np.abs(expected), np.minimum(np.abs(Z), 1)))

    found, db, program = dA.copy(), np.empty(m, dtype), Program()
    program.add(
        kernel["backward"],
        [(A if in_place else kept_Z).copy(), found, db, m, A],
        kernels.numbers(activation, cls.slope, slope_reads(cls)),
    )
    run(program, n)
    wanted = dA.copy()
    with np.errstate(all="ignore"):
        activation.backward((expected if in_place else Z).copy(), wanted, scratch)
    # A slope such as 1 - a^2 loses digits where it is small.
    assert_close(found, wanted, 30, np.maximum(np.abs(wanted), np.abs(dA)))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("loss", FORMULAS, ids=repr)
def test_a_loss_s_kernel_is_its_array_form(loss, dtype, weighted):
    n, m = 29, 5
    if "continuous" in loss.kinds:
        m = loss.link.n_outputs(m)
    rng = np.random.RandomState(0)
    # An exponential of scores in the hundreds would overflow.
    largest = 0 if loss.link.out_activation == "exp" else 2
    Z = (rng.normal(size=(n, m)) * 10.0 ** rng.uniform(-2, largest, (n, 1))).astype(dtype)
    if isinstance(loss.coding, ClassNumbers):
        codes = rng.randint(m, size=n)
    else:
        is_number = "continuous" in loss.kinds
        shape = n, loss.link.n_columns(m)
        codes = rng.uniform(0, 3, shape) if is_number else rng.randint(2, size=shape)
    y = np.ascontiguousarray(loss.encode_target(codes, dtype))
    weights = rng.uniform(0, 3, n).astype(dtype) if weighted else None
    rows = rng.permutation(n)
    losses, scores = loss_by_kernel(loss, Z[rows], y, weights, rows, n_batch=2 * n)
    expected, gradient = np.empty(n, dtype), Z[rows].copy()
    loss.value_and_gradient(gradient, y[rows], expected)
    factor = np.ones(n, dtype) if weights is None else weights[rows]
    eps = np.finfo(dtype).eps
    scale = np.abs(Z[rows]).max(axis=1) + np.exp(min(np.abs(Z).max(), 5)) * (largest == 0) + 1
    assert (np.abs(losses - expected * factor) < 40 * eps * scale**2 + eps).all()
    difference = np.abs(scores - gradient * factor[:, None] / (2 * n))
    assert (difference < 40 * eps * scale[:, None] + eps).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_an_optimizer_s_kernel_is_its_array_form(optimizer, dtype):
    size, n_weights, rate, alpha, n_rows = 40, 25, 0.05, 0.5, 8
    rng = np.random.RandomState(0)
    theta = rng.normal(size=size).astype(dtype)
    expected, scratch = theta.copy(), np.empty_like(theta)
    moments = [np.zeros_like(theta) for _ in optimizer.moments]
    wanted = [np.zeros_like(theta) for _ in optimizer.moments]
    for t in range(1, 6):
        grad = rng.normal(size=size).astype(dtype)
        given = grad.copy()
        row = [optimizer.shrinkage(rate), *optimizer.coefficients(rate, t)]
        table, program = np.array([row], np.float64), Program()
        ints = [theta, grad, size, n_weights, table.ctypes.data, len(row), *moments]
        program.add(kernels.optimizer(type(optimizer), dtype), ints, [alpha])
        run(program, n_rows)
        given[:n_weights] += dtype.type(alpha / n_rows) * expected[:n_weights]
        optimizer.decay(rate, expected[:n_weights])
        optimizer.update(rate, t, expected, given, scratch, *wanted)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(theta, expected, rtol=200 * eps, atol=200 * eps)
    for found, other in zip(moments, wanted):
        np.testing.assert_allclose(found, other, rtol=200 * eps, atol=200 * eps)
