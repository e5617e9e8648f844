"""The cells of `fit.py`. A cell is a network, its training settings and its data, with a name.

Every cell trains for a fixed number of epochs. Its number of rows is a multiple of the batch size,
so that all contenders make the same steps on arrays of the same shapes. To add a cell, add a line
to `cells`. To add data, add a function to `SOURCES`.
"""

import functools
import itertools
import os
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from sklearn.datasets import fetch_openml, load_digits, make_classification

SEED = 0
EVERY_PEER = ("sklearn", "torch", "torch_compiled", "skorch", "jax")


@dataclass(frozen=True)
class Cell:
    """One configuration.

    Attributes
    ----------
    name : str
    source : str
        Key of `SOURCES`.
    rows : int
        Maximum number of rows, which is reduced to a multiple of the batch size.
    hidden : tuple of int
    batch_size : int
    epochs : int
        Number of epochs, or of iterations for lbfgs.
    dtype : str
    activation, solver : str
        Names as in scikit-learn. sgd has a Nesterov momentum of 0.9.
    learning_rate, alpha : float
    peers : tuple of str
        The peers that can train the cell.
    """

    name: str
    source: str
    rows: int
    hidden: tuple
    batch_size: int
    epochs: int
    dtype: str = "float32"
    activation: str = "relu"
    solver: str = "adam"
    learning_rate: float = 1e-3
    alpha: float = 1e-4
    peers: tuple = EVERY_PEER

    @property
    def parameters(self):
        """The parameters that scikit-learn's estimator and ours have in common."""
        return {
            "hidden_layer_sizes": self.hidden,
            "activation": self.activation,
            "solver": self.solver,
            "alpha": self.alpha,
            "batch_size": self.batch_size if self.solver != "lbfgs" else "auto",
            "learning_rate_init": self.learning_rate,
            "max_iter": self.epochs,
            "random_state": SEED,
            "tol": 0.0,
            "n_iter_no_change": np.inf,
        }

    def describe(self, units, n_rows):
        """One line that describes the network, its training and the data."""
        batch = f"batches of {self.batch_size}" if self.solver != "lbfgs" else "all rows at once"
        return (
            f"{'-'.join(map(str, units))}, {self.activation}, {self.solver}, {self.dtype}; "
            f"{n_rows:,} rows, {batch}, {self.epochs} epochs"
        )


def cells():
    """The table of cells, each in float32 and in float64."""
    table = [
        Cell("digits-64", "digits", 1797, (64,), 200, 50),
        Cell("digits-64-16", "digits", 1797, (64, 16), 32, 50),
        Cell("digits-100", "digits", 1797, (100,), 200, 50),
        Cell("tiny-16", "tiny", 2_000, (16,), 8, 10, peers=("sklearn",)),
        Cell("mnist-100", "mnist", 20_000, (100,), 200, 5),
        Cell("mnist-10", "mnist", 20_000, (10,), 64, 10),
        Cell("mnist-512-512", "mnist", 10_000, (512, 512), 200, 2),
        Cell("digits-64-tanh", "digits", 1797, (64,), 200, 50, activation="tanh"),
        Cell("digits-64-logistic", "digits", 1797, (64,), 200, 50, activation="logistic"),
        Cell(
            "digits-64-gelu",
            "digits",
            1797,
            (64,),
            200,
            50,
            activation="gelu",
            peers=("torch", "torch_compiled"),
        ),
        Cell("digits-64-sgd", "digits", 1797, (64,), 200, 50, solver="sgd", learning_rate=0.02),
        Cell("digits-64-lbfgs", "digits", 1797, (64,), 200, 50, solver="lbfgs", peers=("sklearn",)),
        Cell(
            "columns-selu",
            "columns",
            10_240,
            (256, 256, 256),
            256,
            5,
            activation="selu",
            peers=("torch", "torch_compiled", "skorch", "jax"),
        ),
        Cell("columns-tanh", "columns", 10_240, (256, 256, 256), 256, 5, activation="tanh"),
        Cell("sparse-100", "sparse", 4_000, (100,), 200, 2, peers=("sklearn",)),
    ]
    return [
        replace(cell, name=f"{cell.name}-{dtype}", dtype=dtype)
        for cell in table
        for dtype in ("float32", "float64")
    ]


@dataclass(frozen=True)
class Problem:
    """The data that all contenders of a cell receive, created before the timing starts.

    Attributes
    ----------
    X : ndarray or CSR array of shape (n, n_features)
    y : ndarray of shape (n,)
        Class indices.
    units : list of int
        Number of inputs, of units of each hidden layer, and of outputs.
    weights, biases : list of ndarray
        Initial values that scikit-learn draws from the cell's seed.
    orders : list of integer ndarray
        The order of the rows in every epoch, as scikit-learn draws it after the weights.
    """

    X: object
    y: np.ndarray
    units: list
    weights: list
    biases: list
    orders: list

    @property
    def n_rows(self):
        """Number of rows."""
        return self.X.shape[0]


class MissingDataError(Exception):
    """The data of a cell are not available."""


def prepare(cell, folder):
    """Create the `Problem` of a cell; raises `MissingDataError` if its data are not available."""
    X, y = SOURCES[cell.source](folder)
    n_rows = min(cell.rows, X.shape[0])
    if cell.solver != "lbfgs":
        n_rows -= n_rows % cell.batch_size
    X, y = X[:n_rows].astype(cell.dtype), y[:n_rows]
    units = [X.shape[1], *cell.hidden, len(np.unique(y))]
    random_state = np.random.RandomState(SEED)
    weights, biases = [], []
    for fan_in, fan_out in itertools.pairwise(units):
        bound = np.sqrt((2 if cell.activation == "logistic" else 6) / (fan_in + fan_out))
        weights.append(random_state.uniform(-bound, bound, (fan_in, fan_out)).astype(cell.dtype))
        biases.append(random_state.uniform(-bound, bound, fan_out).astype(cell.dtype))
    return Problem(X, y, units, weights, biases, _orders(random_state, n_rows, cell.epochs))


def _orders(random_state, n_rows, n_epochs):
    # scikit-learn shuffles the last epoch's order, so permutations are composed.
    orders = [np.arange(n_rows)]
    for _ in range(n_epochs):
        index = np.arange(n_rows)
        random_state.shuffle(index)
        orders.append(orders[-1][index])
    return orders[1:]


def _digits(folder):
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@functools.cache
def _mnist(folder):
    """MNIST in its usual order, from `folder` or from OpenML."""
    path = folder and os.path.join(folder, "mnist.npz")
    if path and os.path.exists(path):
        with np.load(path) as data:
            X, y = data["X_train"], data["y_train"]
    else:
        try:
            X, y = fetch_openml("mnist_784", return_X_y=True, as_frame=False, parser="liac-arff")
        except Exception as error:
            raise MissingDataError(
                f"no mnist.npz in --data, and OpenML is not available ({type(error).__name__})"
            ) from error
    return np.divide(X[:20_000], 255, dtype=np.float32), y[:20_000].astype(int)


def _columns(folder):
    return make_classification(
        n_samples=10_240, n_features=20, n_informative=12, n_classes=4, random_state=SEED
    )


def _tiny(folder):
    return make_classification(n_samples=2_000, n_features=8, n_informative=6, random_state=SEED)


@functools.cache
def _sparse(folder):
    """Data like word counts (10,000 columns, 1 % non-zero entries) with linear classes."""
    rng = np.random.default_rng(SEED)
    X = sparse.random(4_000, 10_000, density=0.01, format="csr", rng=rng)
    return X, (X @ rng.normal(size=(10_000, 5))).argmax(axis=1)


# Each function receives the value of --data and returns X and y.
SOURCES = {
    "digits": _digits,
    "mnist": _mnist,
    "columns": _columns,
    "sparse": _sparse,
    "tiny": _tiny,
}
