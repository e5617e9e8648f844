"""Every loss with scores and targets to try it on."""

import numpy as np

from sknumpy_mlp import losses
from sknumpy_mlp.losses import Loss

from ..families import default, examples, members

NAMED = [default(cls) for cls in Loss.named().values()]
CONCRETE = [
    example
    for cls in members(Loss)
    if cls.value_and_gradient is not Loss.value_and_gradient
    for example in examples(cls)
]
ALL_KINDS = ["binary", "multiclass", "multilabel", "continuous"]
SERVED = [(named, kind) for named in NAMED for kind in ALL_KINDS if kind in named.kinds]
# Those with probabilities.
CLASSES = [(named, kind) for named, kind in SERVED if kind != "continuous"]
CONTINUOUS = [loss for loss in CONCRETE if "continuous" in loss.kinds]
N_CLASSES = 3
DTYPES = [np.float64, np.float32]


def n_outputs(loss):
    return loss.link.n_outputs(N_CLASSES)


def scores(n_outputs, dtype=np.float64, out_activation=None):
    """Small, large and extreme raw scores, 60 rows; none whose exponential is no number."""
    rng = np.random.RandomState(0)
    sizes = np.repeat([0.1, 1.0, 30.0], 16)[:, np.newaxis]
    extreme = rng.choice([-1e4, 0.0, 3.0, 1e4], size=(12, n_outputs))
    Z = np.vstack([sizes * rng.standard_normal((48, n_outputs)), extreme]).astype(dtype)
    return np.minimum(Z, 80) if out_activation == "exp" else Z


def targets(loss, n_samples, n_outputs, dtype=np.float64):
    """Targets as the loss codes them, and the same as rows of 0 and 1 or of numbers."""
    rng = np.random.RandomState(1)
    if "continuous" in loss.kinds:
        # A single column may have several scores.
        Y = rng.uniform(0, 5, size=(n_samples, loss.link.n_columns(n_outputs)))
        Y[::7] = 0
        y = loss.encode_target(Y, dtype)
        return y, y
    if isinstance(loss.coding, losses.ClassNumbers):
        y = rng.randint(n_outputs, size=n_samples)
        return loss.encode_target(y, dtype), np.eye(n_outputs, dtype=int)[y]
    Y = rng.randint(2, size=(n_samples, n_outputs))
    return loss.encode_target(Y, dtype), Y


def value_and_gradient(loss, Z, y):
    """Value and gradient in new arrays; Z is kept."""
    dZ, values = Z.copy(), np.full(len(Z), np.nan, Z.dtype)
    loss.value_and_gradient(dZ, y, values)
    return values, dZ
