"""A fit of a network by hand, for tests of training."""

from types import SimpleNamespace

import numpy as np

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp._estimator.parameters import Plan
from sknumpy_mlp.activations import Tanh
from sknumpy_mlp.core.batches import Batches
from sknumpy_mlp.core.engines import choose
from sknumpy_mlp.core.held_out import HeldOut
from sknumpy_mlp.core.network import perceptron
from sknumpy_mlp.core.state import Record, TrainingState
from sknumpy_mlp.core.training import train
from sknumpy_mlp.initializers import Normal
from sknumpy_mlp.losses import LogLoss
from sknumpy_mlp.optimizers import SGD
from sknumpy_mlp.schedules import Constant

PLAIN = SGD(momentum=0.0)


def data(n_samples=40, n_features=3, n_classes=2):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((n_samples, n_features))
    scores = X @ rng.standard_normal((n_features, n_classes))
    return X, (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)


class Run:
    """A fit of a network by hand: trained by any optimizer, as often as a test likes."""

    def __init__(self, plan, network, loss, state, batches, held_out):
        self.fit = SimpleNamespace(
            plan=plan,
            network=network,
            loss=loss,
            state=state,
            record=None,
            batches=batches,
            held_out=held_out,
            n_epochs=None,
            engine=choose("auto", network, loss),
        )
        self.network, self.loss, self.state = network, loss, state

    def train(self, optimizer, n_epochs=None):
        """Train, and return the record."""
        self.fit.plan.optimizer = optimizer
        self.fit.record, self.fit.n_epochs = Record(), n_epochs
        train(self.fit)
        return self.fit.record


def prepare(
    X,
    y,
    hidden=(),
    batch_size=None,
    weights=None,
    subset=None,
    schedule=None,
    state=None,
    score=None,
    dtype=np.float64,
    seed=0,
    **settings,
):
    """A run on (X, y); everything that is not given is plain."""
    kind = "binary" if y.max() < 2 else "multiclass"
    loss = LogLoss().for_target(kind)
    network = perceptron(
        [X.shape[1], *hidden, loss.link.n_outputs(y.max() + 1)], [Tanh()] * len(hidden)
    )
    network.allocate(dtype)
    network.draw(Normal(scale=0.5), np.random.RandomState(seed))
    state = state or TrainingState(np.random.RandomState(1))
    if weights is not None:
        state.count_weights(weights, len(y), subset)
        weights = state.relative_weights(weights, len(y))
    batches = Batches(X, loss.encode_target(y, dtype), dtype, batch_size or len(y), weights, subset)
    settings = {"alpha": 0.0, "n_iter_no_change": None, **settings}
    plan = Plan.of(ScratchMLPClassifier(**settings))
    plan.schedule = schedule or Constant()
    held_out = [HeldOut(network, loss, batches.X, batches.y.X, score=score)] if score else []
    return Run(plan, network, loss, state, batches, held_out)


def logistic(z):
    return 1 / (1 + np.exp(-z))


def crossentropy(z, y):
    return -np.log(np.where(y, logistic(z), 1 - logistic(z)))
