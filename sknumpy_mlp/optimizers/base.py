"""The base class of optimizers; `sknumpy_mlp.optimizers` states the contract."""

from typing import Any, ClassVar, Protocol

import numpy as np

from .._family import Family
from .._types import Floats, Form, Numbers
from .._vectors import scale


class Trainer(Protocol):
    """What trains a network, in the way that the method `train` of its optimizer chooses."""

    def by_steps(self, optimizer: "Optimizer") -> None:
        """Train in epochs, with one step per batch."""

    def by_objective(self, optimizer: Any) -> None:
        """Train by evaluating the whole objective, which `optimizer` minimizes."""


class Optimizer(Family):
    """Base class of optimizers that take steps.

    An optimizer is configuration only; what it keeps from step to step is in a state.

    Attributes
    ----------
    moments : tuple of str
        Names of the vectors, with the shape of theta, that `update` keeps from step to step.
    takes_steps : bool
        Whether the optimizer makes a step after every batch, so that it has epochs and supports
        `partial_fit`.
    follows_sgd_schedules : bool
        Whether the optimizer uses the schedules that scikit-learn applies to sgd only.
    move : function or None
        The scalar form of `update`, from which compiled kernels are made: takes one parameter, its
        gradient, its moments and the `coefficients`, and returns the parameter and its moments.

    See Also
    --------
    sknumpy_mlp.ScratchMLPClassifier : Takes it as `solver`.

    Examples
    --------
    >>> Optimizer.resolve("adam", "solver", flat={"beta_1": 0.8})
    Adam(beta_1=0.8, beta_2=0.999, epsilon=1e-08)
    """

    moments: ClassVar[tuple[str, ...]] = ()
    takes_steps = True
    follows_sgd_schedules = True
    move: ClassVar[Form | None] = None

    @classmethod
    def _advice(cls, name: str | None = None) -> str:
        if name in (None, "lr", "learning_rate", "learning_rate_init", "rate", "eta"):
            return "; the learning rate is learning_rate_init of the estimator"
        return ""

    def start(self, theta: Floats) -> dict[str, Any]:
        """Create a state for these parameters.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
            The parameters.

        Returns
        -------
        dict
            ``{"t": 0, <moment>: zeros, ...}``.
        """
        return {"t": 0} | {name: np.zeros_like(theta) for name in self.moments}

    def update(
        self, rate: float, t: int, theta: Floats, grad: Floats, scratch: Floats, *moments: Any
    ) -> None:
        """Make one step on a block of parameters in place.

        Parameters
        ----------
        rate : float
            The learning rate of this step.
        t : int
            The number of this step, counted from 1.
        theta, grad, scratch : ndarray of shape (n_parameters,)
            `grad` and `scratch` may be overwritten.
        *moments : ndarray of shape (n_parameters,)
            In the order of `moments`.
        """
        raise NotImplementedError

    def coefficients(self, rate: Numbers, t: Numbers) -> tuple[Numbers, ...]:
        """Compute the numbers that a step at this rate needs, for `move`.

        Parameters
        ----------
        rate : float or ndarray of shape (n_steps,)
            The learning rate of each step.
        t : int or ndarray of shape (n_steps,)
            The number of each step, counted from 1.

        Returns
        -------
        tuple of float or ndarray
            In the order of the last arguments of `move`.
        """
        return ()

    def shrinkage(self, rate: Numbers) -> Numbers:
        """Compute the factor that shrinks the weights before a step, apart from the gradient.

        Parameters
        ----------
        rate : float
            The learning rate of the step.

        Returns
        -------
        float
            By default 1.
        """
        return 1.0

    def decay(self, rate: float, weights: Floats) -> None:
        """Shrink `weights` in place by `shrinkage`, independently of the gradient.

        Parameters
        ----------
        rate : float
            The learning rate of the step.
        weights : ndarray
            The weights, without the biases.
        """
        factor = self.shrinkage(rate)
        if factor != 1:
            scale(weights, factor)

    def train(self, training: Trainer) -> None:
        """Train with one step per batch.

        Parameters
        ----------
        training : object
            The training under way.
        """
        training.by_steps(self)
