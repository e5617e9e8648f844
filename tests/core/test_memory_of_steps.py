"""Steps write into buffers: after the first epoch no array of a layer's size is made."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp._estimator.parameters import Plan
from sknumpy_mlp.activations import Activation
from sknumpy_mlp.core.batches import Batches
from sknumpy_mlp.core.network import perceptron
from sknumpy_mlp.core.state import Record, TrainingState
from sknumpy_mlp.core.training import train
from sknumpy_mlp.initializers import Auto
from sknumpy_mlp.losses import LogLoss
from sknumpy_mlp.optimizers import Adam, Optimizer

from ..families import default, members

N_ROWS, BATCH_SIZE, UNITS = 4096, 2048, [10, 64, 64, 4]
LARGEST_BUFFER = BATCH_SIZE * max(UNITS) * np.dtype(np.float32).itemsize
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


def peaks(activation, n_members=1, optimizer=None):
    rng = np.random.RandomState(0)
    X, y = rng.rand(N_ROWS, UNITS[0]).astype(np.float32), rng.randint(UNITS[-1], size=N_ROWS)
    network = perceptron(
        UNITS, [activation] * 2, dropout=[0.1, 0.0], feature_scale=True, n_members=n_members
    )
    network.allocate(np.dtype(np.float32))
    network.draw(Auto(), rng)
    loss = LogLoss(label_smoothing=0.1).for_target("multiclass")
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
    _, *others = peaks(default(members(Activation)[0]), optimizer=default(cls))
    assert max(others) < LARGEST_BUFFER / 2
