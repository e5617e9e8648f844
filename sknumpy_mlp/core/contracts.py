"""What training reads of a fit, and what else takes part in it.

The estimators pass their own `Fit` and `Plan`; any objects with these attributes can be passed.
"""

from typing import Any, Protocol

from .._types import Floats, Numbers
from ..losses import Loss
from ..optimizers import Optimizer
from ..schedules import Schedule
from .batches import Batches
from .engines import NumpyEngine
from .held_out import HeldOut
from .network import Network
from .state import Record, TrainingState


class Plan(Protocol):
    """The parameters of training, under the names that the estimators give them."""

    optimizer: Optimizer
    schedule: Schedule
    alpha: float | Floats
    learning_rate_init: float
    learning_rate_factors: dict[str, Numbers] | None
    parametrization: str
    clip_norm: float | None
    max_iter: int
    shuffle: bool
    tol: float
    n_iter_no_change: float | None
    early_stopping: bool
    restore_best: bool
    best_of_ties: str
    temperature_scaling: bool
    warm_start: bool
    verbose: Any


class Fit(Protocol):
    """A fit; training changes its network, its state and its record in place."""

    plan: Plan
    network: Network
    loss: Loss
    batches: Batches
    held_out: list[HeldOut]
    state: TrainingState
    record: Record
    engine: NumpyEngine
    n_epochs: int | None


class Tasks(Protocol):
    """What else happens in every epoch, such as callbacks."""

    def begin_epoch(self) -> None:
        """Do what comes before the first step of an epoch."""

    def end_epoch(self) -> bool | None:
        """Do what comes after an epoch; training stops if this returns True."""
