"""The contenders that train the cells of `fit.py`: our estimator, the peers, and matrix products.

Contract: a contender is a function of a `Cell` and its `Problem`. It returns a function without
arguments that trains from the problem's initial weights for all epochs, with the rows in the
problem's orders, and returns a `Result`. Each peer is used as its users would use it, and is
imported only where needed. Creating the model, passing the data and, for JAX, compiling are part of
the measured time, as in a call of `fit`.
"""

import math
import os
import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse
from sklearn.neural_network import MLPClassifier

from sknumpy_mlp import ScratchMLPClassifier


@dataclass
class Result:
    """The result of a training run.

    Attributes
    ----------
    first, last : float
        Mean loss over the batches of the first and of the last epoch, including the L2 term. For
        lbfgs, both are the final loss.
    n_steps : int
        Number of optimizer steps, or of iterations of lbfgs.
    steady : float or None
        Seconds per step after compilation; None without compilation.
    """

    first: float
    last: float
    n_steps: int
    steady: float | None = None


def n_steps(cell, problem):
    """Number of steps of the whole training."""
    return cell.epochs * (problem.n_rows // cell.batch_size)


def ours(cell, problem, engine):
    """`ScratchMLPClassifier`, with this engine."""
    return _estimator(partial(ScratchMLPClassifier, engine=engine), cell, problem)


def with_sklearn(cell, problem):
    """`MLPClassifier`."""
    return _estimator(MLPClassifier, cell, problem)


def _estimator(cls, cell, problem):
    def run():
        model = cls(**cell.parameters).fit(problem.X, problem.y)
        if cell.solver == "lbfgs":
            return Result(model.loss_, model.loss_, model.n_iter_)
        return Result(model.loss_curve_[0], model.loss_curve_[-1], n_steps(cell, problem))

    return run


def _torch_module(cell, problem):
    """An ``nn.Sequential`` with the problem's initial weights."""
    import torch
    from torch import nn

    activation = {
        "relu": nn.ReLU,
        "tanh": nn.Tanh,
        "logistic": nn.Sigmoid,
        "selu": nn.SELU,
        "gelu": nn.GELU,
    }
    modules = []
    for W, b in zip(problem.weights, problem.biases):
        layer = nn.Linear(*W.shape, dtype=getattr(torch, cell.dtype))
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W.T))
            layer.bias.copy_(torch.from_numpy(b))
        modules += [layer, activation[cell.activation]()]
    return nn.Sequential(*modules[:-1])


def _torch_optimizer(cell):
    """A class of ``torch.optim`` and its options."""
    import torch

    # The L2 term of a batch is alpha / (2 n) |W|^2. As users do, decay all parameters, biases too.
    options = {
        "lr": cell.learning_rate,
        "weight_decay": cell.alpha / cell.batch_size,
        "fused": True,
    }
    if cell.solver == "sgd":
        return torch.optim.SGD, options | {"momentum": 0.9, "nesterov": True}
    return torch.optim.Adam, options


def _torch_result(cell, problem, losses, model):
    """Add the L2 terms to the losses, which do not include weight decay."""

    def penalty(weights):
        return cell.alpha / (2 * cell.batch_size) * sum(float((W**2).sum()) for W in weights)

    first = losses[0] + penalty(problem.weights)
    last = losses[-1] + penalty([layer.weight.detach() for layer in model[::2]])
    return Result(first, last, n_steps(cell, problem))


def with_torch(cell, problem, compiled=lambda function: function):
    """PyTorch eager: the loop of its tutorials on a tensor in memory, with a fused optimizer."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    X, y = torch.from_numpy(problem.X), torch.from_numpy(problem.y)
    # One model for all rounds: a new one would be compiled again.
    model = _torch_module(cell, problem)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    cross_entropy = torch.nn.CrossEntropyLoss()
    criterion = compiled(lambda X, y: cross_entropy(model(X), y))

    def run():
        model.load_state_dict(start)
        optimizer_class, options = _torch_optimizer(cell)
        optimizer = optimizer_class(model.parameters(), **options)
        losses = []
        for order in problem.orders:
            total = 0.0
            for rows in torch.from_numpy(order).split(cell.batch_size):
                optimizer.zero_grad()
                loss = criterion(X[rows], y[rows])
                loss.backward()
                optimizer.step()
                total += loss.detach()
            losses.append(float(total) / (problem.n_rows // cell.batch_size))
        return _torch_result(cell, problem, losses, model)

    return run


def with_torch_compiled(cell, problem):
    """PyTorch with forward pass, loss and backward pass compiled, in a round that is not timed."""
    import torch

    return with_torch(cell, problem, torch.compile)


def with_skorch(cell, problem):
    """skorch's `NeuralNetClassifier` around the same module."""
    import torch
    from skorch import NeuralNetClassifier
    from torch.utils.data import Sampler

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

    class GivenOrders(Sampler):
        """Replaces the sampler of ``shuffle=True``, using the problem's orders."""

        def __init__(self):
            self.orders = iter(problem.orders)

        def __iter__(self):
            return iter(next(self.orders).tolist())

        def __len__(self):
            return problem.n_rows

    def run():
        optimizer, options = _torch_optimizer(cell)
        net = NeuralNetClassifier(
            _torch_module(cell, problem),
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=optimizer,
            batch_size=cell.batch_size,
            max_epochs=cell.epochs,
            train_split=None,
            verbose=0,
            iterator_train__sampler=GivenOrders(),
            **{f"optimizer__{name}": value for name, value in options.items()},
        )
        net.fit(problem.X, problem.y)
        return _torch_result(cell, problem, net.history[:, "train_loss"], net.module_)

    return run


def with_jax(cell, problem):
    """JAX: one jitted function per epoch, which scans over batches and compiles in every fit."""
    import jax
    import jax.numpy as jnp

    # Otherwise JAX converts float64 arrays to float32. float32 arrays are not affected.
    jax.config.update("jax_enable_x64", True)
    activation = {
        "relu": jax.nn.relu,
        "tanh": jnp.tanh,
        "logistic": jax.nn.sigmoid,
        "selu": jax.nn.selu,
    }[cell.activation]
    per_epoch = problem.n_rows // cell.batch_size

    def run():
        def objective(parameters, X, y):
            *hidden, (W, b) = parameters
            for W_hidden, b_hidden in hidden:
                X = activation(X @ W_hidden + b_hidden)
            log_p = jax.nn.log_softmax(X @ W + b)
            data_term = -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()
            squares = sum(jnp.vdot(W, W) for W, _ in parameters)
            return data_term + cell.alpha / (2 * cell.batch_size) * squares

        # The formulas of optax, without the dependency; Adam in scikit-learn's form, which adds
        # epsilon before the bias correction.
        def adam(parameters, gradient, state):
            m, v, t = state
            t += 1
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
            rate = cell.learning_rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            parameters = jax.tree.map(
                lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), parameters, m, v
            )
            return parameters, (m, v, t)

        def nesterov(parameters, gradient, velocity):
            rate = cell.learning_rate
            velocity = jax.tree.map(lambda v, g: 0.9 * v - rate * g, velocity, gradient)
            parameters = jax.tree.map(
                lambda p, v, g: p + 0.9 * v - rate * g, parameters, velocity, gradient
            )
            return parameters, velocity

        @jax.jit
        def epoch(parameters, state, X, y, order):
            def step(carry, rows):
                parameters, state = carry
                loss, gradient = jax.value_and_grad(objective)(parameters, X[rows], y[rows])
                return update(parameters, gradient, state), loss

            batches = order.reshape(per_epoch, cell.batch_size)
            (parameters, state), losses = jax.lax.scan(step, (parameters, state), batches)
            return parameters, state, losses.mean()

        X, y = jnp.asarray(problem.X), jnp.asarray(problem.y, jnp.int32)
        starts = zip(problem.weights, problem.biases)
        parameters = [(jnp.asarray(W), jnp.asarray(b)) for W, b in starts]
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        if cell.solver == "sgd":
            update, state = nesterov, zeros
        else:
            update, state = adam, (zeros, zeros, jnp.zeros((), cell.dtype))
        losses = []
        for order in problem.orders:
            order = jnp.asarray(order, jnp.int32)
            parameters, state, loss = epoch(parameters, state, X, y, order)
            losses.append(float(loss))
            if len(losses) == 1:
                compiled = time.perf_counter()
        steady = (time.perf_counter() - compiled) / ((cell.epochs - 1) * per_epoch)
        return Result(losses[0], losses[-1], n_steps(cell, problem), steady)

    return run


def products(cell, problem):
    """Only the matrix products of every step, into buffers; None for lbfgs.

    These are the products of the forward pass, of the gradient of every weight matrix, and of the
    gradient of every layer's input except the first. lbfgs makes more evaluations than it reports,
    so its products cannot be compared.
    """
    if cell.solver == "lbfgs":
        return None
    rng = np.random.default_rng(0)

    def random(*shape):
        return rng.normal(size=shape).astype(cell.dtype)

    inputs = [problem.X[: cell.batch_size]]
    inputs += [random(cell.batch_size, n) for n in problem.units[1:-1]]
    layers = []
    for number, (A, W) in enumerate(zip(inputs, problem.weights)):
        dZ = random(cell.batch_size, W.shape[1])
        Z, dW, dX = np.empty_like(dZ), np.empty_like(W), np.empty(A.shape, cell.dtype)
        layers.append((A, W, dZ, Z, dW, dX if number > 0 else None))

    def run():
        for _ in range(n_steps(cell, problem)):
            for A, W, _, Z, _, _ in layers:
                _multiply(A, W, Z)
            for A, W, dZ, _, dW, dX in reversed(layers):
                _multiply(A.T, dZ, dW)
                if dX is not None:
                    np.dot(dZ, W.T, out=dX)
        return Result(math.nan, math.nan, n_steps(cell, problem))

    return run


def _multiply(A, B, out):
    # SciPy's sparse product has no `out`.
    if sparse.issparse(A):
        A @ B
    else:
        np.dot(A, B, out=out)


# Name on the command line: the function and the required package.
PEERS = {
    "sklearn": (with_sklearn, "sklearn"),
    "torch": (with_torch, "torch"),
    "torch_compiled": (with_torch_compiled, "torch"),
    "skorch": (with_skorch, "skorch"),
    "jax": (with_jax, "jax"),
}
