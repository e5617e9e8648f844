"""What computes a fit: NumPy, or compiled kernels where Numba is installed.

An engine makes the objective of a fit and the steps of its optimizer. The rule of "auto" reads the
network, the loss and what is installed, and nothing else, so that the same environment gives the
same bits.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from types import ModuleType
from typing import Any

from .._types import Floats, Slice
from ..losses import Loss
from ..optimizers import Optimizer
from .batches import Batches
from .held_out import Forward
from .interrupts import interrupts_deferred
from .network import Network
from .objective import Objective
from .stepper import Stepper, Stepping, Steps

NAMES = ("auto", "numpy", "compiled")


class NumpyEngine:
    """NumPy: what is installed by default.

    Attributes
    ----------
    seconds : float
        The time spent on compilations so far.
    """

    name = "numpy"
    seconds = 0.0

    def telling(self, log: Callable[[str], None]) -> AbstractContextManager[None]:
        """A context in which ``log(text)`` is called before the first compilation."""
        return nullcontext()

    def objective(
        self, network: Network, loss: Loss, alpha: float | Floats, batches: Batches
    ) -> Objective:
        """The objective of a fit."""
        return Objective(network, loss, alpha, batches)

    def forward(self, network: Network) -> Forward:
        """What computes the raw scores of a bound network, by its method ``scores``."""
        return network

    def steps(
        self,
        objective: Objective,
        optimizer: Optimizer,
        moments: dict[str, Any],
        groups: list[Slice],
        clip_norm: float | None = None,
    ) -> Stepping:
        """The steps of an optimizer with these moments on the network of an objective."""
        network = objective.network
        stepper = Stepper(
            optimizer, network.theta, network.grad, network.weights.size, moments, groups
        )
        return Steps(objective, stepper, clip_norm)


class CompiledEngine(NumpyEngine):
    """Compiled kernels, made from the scalar forms of the parts."""

    name = "compiled"

    def telling(self, log: Callable[[str], None]) -> AbstractContextManager[None]:
        """A context in which ``log(text)`` is called before the first compilation."""
        from .compiled.sources import observed

        @contextmanager
        def observer(is_cached: bool) -> Iterator[None]:
            if not self.seconds:
                later = "; they are cached for the next time" if is_cached else ""
                log(f"Compiling kernels for this network{later}.")
            started = time.perf_counter()
            yield
            self.seconds += time.perf_counter() - started

        return observed(observer)

    def objective(
        self, network: Network, loss: Loss, alpha: float | Floats, batches: Batches
    ) -> Objective:
        """The objective of a fit."""
        from .compiled.engine import CompiledObjective

        return CompiledObjective(network, loss, alpha, batches)

    def forward(self, network: Network) -> Forward:
        """What computes the raw scores of a bound network, for one thread at a time."""
        from .compiled.scores import CompiledScores

        return CompiledScores(network)

    def steps(
        self,
        objective: Any,
        optimizer: Optimizer,
        moments: dict[str, Any],
        groups: list[Slice],
        clip_norm: float | None = None,
    ) -> Stepping:
        """The steps of an optimizer, by its array form where it has no scalar form.

        `objective` is a result of the method `objective` of this engine.
        """
        from .compiled.engine import CompiledSteps
        from .compiled.forms import lacks_form

        if lacks_form(optimizer):
            return super().steps(objective, optimizer, moments, groups, clip_norm)
        return CompiledSteps(objective, optimizer, moments, groups, clip_norm)


@cache
def _forms() -> ModuleType | None:
    """The module that knows compiled forms; None where Numba is not installed."""
    # An import that fails takes a millisecond, in every fit.
    try:
        # Numba cannot be imported again after half an import.
        with interrupts_deferred():
            from .compiled import forms
    except ImportError:
        return None
    return forms


def has_kernels() -> bool:
    """Whether Numba is installed, so that parts with a compiled form are compiled."""
    return _forms() is not None


def missing(network: Network, loss: Loss) -> str:
    """Why the compiled engine cannot be had for this network and loss; '' if it can."""
    if not has_kernels():
        return "numba is not installed (pip install 'sknumpy_mlp[fast]')"
    from .compiled.forms import lacks_form

    activations = [getattr(layer, "activation", None) for layer in network.layers]
    for part in [*network.layers, *filter(None, activations), loss]:
        if reason := lacks_form(part):
            return f"{part!r} has no compiled form: {reason}"
    return ""


def choose(name: str, network: Network, loss: Loss) -> NumpyEngine:
    """The engine of this name for a network and a loss.

    Parameters
    ----------
    name : {"auto", "numpy", "compiled"}
    network : Network
    loss : Loss

    Raises
    ------
    ValueError
        If "compiled" is wanted and cannot be had.
    """
    if name == "numpy":
        return NumpyEngine()
    reason = missing(network, loss)
    if reason and name == "compiled":
        raise ValueError(f"engine must be 'numpy' or 'auto' where {reason}, got 'compiled'")
    return NumpyEngine() if reason else CompiledEngine()
