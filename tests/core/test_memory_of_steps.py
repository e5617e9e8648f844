"""Steps write into buffers: after the first epoch no array of a layer's size is made."""

import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp._estimator.parameters import Plan
from sknumpy_mlp.activations import Activation, Identity, Tanh
from sknumpy_mlp.core.batches import Batches
from sknumpy_mlp.core.engines import NumpyEngine
from sknumpy_mlp.core.network import perceptron
from sknumpy_mlp.core.state import Record, TrainingState
from sknumpy_mlp.core.stepper import Stepper
from sknumpy_mlp.core.training import train
from sknumpy_mlp.initializers import Auto
from sknumpy_mlp.losses import (
    ContinuousSquaredError,
    LabelwiseCrossEntropy,
    LabelwiseSquaredError,
    LogLoss,
    Loss,
    Quantiles,
)
from sknumpy_mlp.optimizers import SGD, Adam, Optimizer

from ..common import classes_of
from ..families import default, members

N_ROWS, BATCH_SIZE, N_FEATURES = 4096, 2048, 10
UNITS = [N_FEATURES, 64, 64, 4]
LARGEST_BUFFER = BATCH_SIZE * max(UNITS) * np.dtype(np.float32).itemsize
# As many outputs as hidden units, for losses. For optimizers, more parameters than a block holds,
# yet so few that the look for numbers that are not finite, a byte each, is half a block at most.
MANY_OUTPUTS, MANY_PARAMETERS = [N_FEATURES, 64, 64, 64], [N_FEATURES, 300, 300, 4]
LARGEST_BLOCK = Stepper.block_size * np.dtype(np.float32).itemsize
PAGE = classes_of(Path(__file__).parents[2] / "docs/explain/extending.md")
FORMULAS = [cls for cls in members(Loss) if cls.value_and_gradient is not Loss.value_and_gradient]
# These make an array of the size of the scores in every step.
LOGISTIC = (LabelwiseCrossEntropy, LabelwiseSquaredError)
STEPPING = [cls for cls in Optimizer.named().values() if cls.takes_steps]


class Peaks:
    """Notes how much memory every epoch needs beyond what was there."""

    def __init__(self):
        self.peaks = []

    def begin_epoch(self):
        tracemalloc.reset_peak()
        self._before, _ = tracemalloc.get_traced_memory()

    def end_epoch(self):
        _, peak = tracemalloc.get_traced_memory()
        self.peaks.append(peak - self._before)


def peaks(activation=None, n_members=1, optimizer=None, loss=None, layer=None, units=UNITS):
    """How much memory each epoch needs, with one part to look at among others that need none.

    A `layer` of N_FEATURES features stands in place of the learned factors of the columns.
    """
    rng = np.random.RandomState(0)
    loss = loss or LogLoss(label_smoothing=0.1).for_target("multiclass")
    units = [*units] if layer is None else [layer.width, *units[1:]]
    X = rng.rand(N_ROWS, units[0] if layer is None else N_FEATURES).astype(np.float32)
    if "continuous" in loss.kinds:
        y = rng.rand(N_ROWS, units[-1]).astype(np.float32)
    else:
        y = loss.encode_target(rng.randint(units[-1], size=N_ROWS), np.dtype(np.float32))
    activations = [activation or Identity()] * 2
    network = perceptron(
        units, activations, dropout=[0.1, 0.0], feature_scale=True, n_members=n_members
    )
    if layer is not None:
        network.layers[0] = layer
    network.allocate(np.dtype(np.float32))
    network.draw(Auto(), rng)
    batches = Batches(X, y, np.dtype(np.float32), BATCH_SIZE, n_members=n_members)
    state, tasks = TrainingState(rng), Peaks()
    state.seed_generator()
    estimator = ScratchMLPClassifier(
        solver=optimizer or Adam(),
        learning_rate="cosine",
        max_iter=3,
        n_iter_no_change=None,
        clip_norm=1.0,
    )
    fit = SimpleNamespace(
        plan=Plan.of(estimator),
        network=network,
        loss=loss,
        batches=batches,
        held_out=[],
        state=state,
        record=Record(),
        n_epochs=None,
        engine=NumpyEngine(),
    )
    tracemalloc.start()
    try:
        train(fit, tasks)
    finally:
        tracemalloc.stop()
    return tasks.peaks


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("cls", members(Activation), ids=lambda cls: cls.__name__)
def test_no_buffer_of_a_layer_is_made_after_the_first_epoch(cls, n_members):
    first, *others = peaks(default(cls), n_members)
    assert first > n_members * LARGEST_BUFFER
    assert max(others) < n_members * LARGEST_BUFFER / 2


@pytest.mark.parametrize("cls", STEPPING, ids=lambda cls: cls.__name__)
def test_no_optimizer_makes_one(cls):
    _, *others = peaks(optimizer=default(cls), units=MANY_PARAMETERS)
    assert max(others) < LARGEST_BLOCK / 2


@pytest.mark.parametrize("cls", FORMULAS, ids=lambda cls: cls.__name__)
def test_no_loss_makes_one_but_those_of_logistic_outputs(cls):
    loss = default(cls)
    if cls is Quantiles:
        loss.quantiles = np.linspace(0.1, 0.9, MANY_OUTPUTS[-1])
    _, *others = peaks(loss=loss, units=MANY_OUTPUTS)
    assert (max(others) < LARGEST_BUFFER / 2) != issubclass(cls, LOGISTIC)


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("name", ["Softsign", "PeriodicEmbedding"])
def test_no_layer_of_the_page_makes_one(name, n_members):
    """Who copies from docs/explain/extending.md keeps the rule."""
    cls = PAGE[name]
    part = {"activation": cls()} if name == "Softsign" else {"layer": cls(N_FEATURES, 4)}
    first, *others = peaks(**part, n_members=n_members)
    assert first > n_members * LARGEST_BUFFER
    assert max(others) < n_members * LARGEST_BUFFER / 2


@pytest.mark.parametrize("name", ["FocalLoss", "LogCosh", "PositiveSquaredError"])
def test_no_loss_of_the_page_makes_one(name):
    _, *others = peaks(loss=PAGE[name](), units=MANY_OUTPUTS)
    assert max(others) < LARGEST_BUFFER / 2


def test_no_optimizer_of_the_page_makes_one():
    _, *others = peaks(optimizer=PAGE["Lion"](), units=MANY_PARAMETERS)
    assert max(others) < LARGEST_BLOCK / 2


class CarelessTanh(Tanh):
    def forward(self, Z, out, scratch=None):
        out[...] = np.tanh(Z)


class CarelessSquaredError(ContinuousSquaredError):
    def value_and_gradient(self, Z, y, losses, scratch=None):
        Z -= y
        losses[:] = (Z**2).sum(axis=1) / 2


class CarelessSGD(SGD):
    def update(self, rate, t, theta, grad, scratch, velocity):
        theta -= rate * grad


@pytest.mark.parametrize(
    ("part", "size"),
    [
        ({"activation": CarelessTanh()}, LARGEST_BUFFER),
        ({"loss": CarelessSquaredError(), "units": MANY_OUTPUTS}, LARGEST_BUFFER),
        ({"optimizer": CarelessSGD(), "units": MANY_PARAMETERS}, LARGEST_BLOCK),
    ],
    ids=["activation", "loss", "optimizer"],
)
def test_a_part_that_makes_one_is_found(part, size):
    """Were nothing found, nothing above could fail."""
    _, *others = peaks(**part)
    assert min(others) > size / 2
