"""Optimizers, which update the flat parameter vector with its gradient.

Contract: an optimizer is configuration only. ``update`` makes one step on a block of parameters in
place. `moments` names the vectors that an optimizer keeps from step to step; they are stored in a
state, a plain dict. The caller passes the learning rate at every step.
To add an optimizer: subclass `Optimizer` here, give the class a `name` and its `moments`, and write
``update``.

``theta`` are the parameters, ``grad`` is their gradient, and ``t`` counts the steps from 1.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from ._elementary import sqrt
from ._family import Family, boolean, integer, real
from ._types import Floats, Form, Numbers
from ._vectors import add_scaled, scale

# The value of a function of a vector, and its gradient.
_Objective: TypeAlias = Callable[[Floats], tuple[float, Floats]]


class _Trainer(Protocol):
    """What trains a network, in the way that the method `train` of its optimizer chooses."""

    def by_steps(self, optimizer: "Optimizer") -> None: ...
    def by_objective(self, optimizer: "LBFGS") -> None: ...


class Optimizer(Family):
    """Base class of optimizers that take steps.

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
        """Create a state for these parameters: ``{"t": 0, <moment>: zeros, ...}``."""
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
        """Numbers that a step at this rate needs, for `move`, as a tuple of floats or arrays.

        Parameters
        ----------
        rate : float or ndarray of shape (n_steps,)
        t : int or ndarray of shape (n_steps,)
        """
        return ()

    def shrinkage(self, rate: Numbers) -> Numbers:
        """Factor that shrinks the weights before a step at this rate, apart from the gradient."""
        return 1.0

    def decay(self, rate: float, weights: Floats) -> None:
        """Shrink `weights` in place by `shrinkage`, independently of the gradient."""
        factor = self.shrinkage(rate)
        if factor != 1:
            scale(weights, factor)

    def train(self, training: _Trainer) -> None:
        """Train with one step per batch."""
        training.by_steps(self)


class SGD(Optimizer):
    r"""Stochastic gradient descent with momentum, as in scikit-learn.

    .. math:: v \leftarrow \beta v - \eta g, \qquad \theta \leftarrow \theta + v

    and with Nesterov's momentum :math:`\theta \leftarrow \theta + \beta v - \eta g`.
    PyTorch's velocity does not include the learning rate, so results differ if the rate changes.

    Parameters
    ----------
    momentum : float in [0, 1], default=0.9
        The factor :math:`\beta`.
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in
    deep learning", ICML 2013.

    Examples
    --------
    >>> theta, velocity, scratch = np.array([1.0]), np.array([0.5]), np.empty(1)
    >>> sgd = SGD(momentum=0.9, nesterovs_momentum=False)
    >>> sgd.update(0.1, 1, theta, np.array([1.0]), scratch, velocity)
    >>> theta
    array([1.35])
    """

    name = "sgd"
    known_as = ("nesterov", "gradient_descent")
    flat = ("momentum", "nesterovs_momentum")
    moments = ("velocity",)
    rules = {"momentum": real(0, 1), "nesterovs_momentum": boolean()}

    def __init__(self, *, momentum: float = 0.9, nesterovs_momentum: bool = True) -> None:
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum

    def update(
        self, rate: float, t: int, theta: Floats, grad: Floats, scratch: Floats, velocity: Floats
    ) -> None:
        scale(velocity, self.momentum)
        add_scaled(velocity, -rate, grad)
        if self.nesterovs_momentum:
            add_scaled(theta, self.momentum, velocity)
            add_scaled(theta, -rate, grad)
        else:
            theta += velocity

    def coefficients(self, rate: Numbers, t: Numbers) -> tuple[Numbers, ...]:
        return rate, self.momentum, float(self.nesterovs_momentum)

    @staticmethod
    def move(
        theta: float, grad: float, velocity: float, rate: float, momentum: float, nesterov: float
    ) -> tuple[float, ...]:
        velocity = momentum * velocity - rate * grad
        ahead = momentum * velocity - rate * grad
        return theta + (ahead if nesterov > 0.0 else velocity), velocity


class Momentum(Optimizer):
    r"""Momentum as a moving average of gradients.

    .. math:: v \leftarrow \beta v + (1 - \beta) g, \qquad \theta \leftarrow \theta - \eta v

    `SGD` sums gradients, while this optimizer averages them. With a constant rate, `SGD` without
    Nesterov's momentum and with the rate :math:`(1 - \beta)\eta` makes the same steps.

    Parameters
    ----------
    momentum : float in [0, 1), default=0.9
        The decay rate :math:`\beta` of the moving average.

    References
    ----------
    Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; the
    averaged form is from Ng, "Improving deep neural networks", 2017.

    Examples
    --------
    >>> theta, velocity, scratch = np.array([1.0]), np.array([0.5]), np.empty(1)
    >>> Momentum(momentum=0.9).update(0.1, 1, theta, np.array([1.0]), scratch, velocity)
    >>> theta
    array([0.945])
    """

    name = "momentum"
    flat = ("momentum",)
    moments = ("velocity",)
    rules = {"momentum": real(0, 1, closed="left")}

    def __init__(self, *, momentum: float = 0.9) -> None:
        self.momentum = momentum

    def update(
        self, rate: float, t: int, theta: Floats, grad: Floats, scratch: Floats, velocity: Floats
    ) -> None:
        scale(velocity, self.momentum)
        add_scaled(velocity, 1 - self.momentum, grad)
        add_scaled(theta, -rate, velocity)

    def coefficients(self, rate: Numbers, t: Numbers) -> tuple[Numbers, ...]:
        return rate, self.momentum, 1 - self.momentum

    @staticmethod
    def move(
        theta: float, grad: float, velocity: float, rate: float, momentum: float, rest: float
    ) -> tuple[float, ...]:
        velocity = momentum * velocity + rest * grad
        return theta - rate * velocity, velocity


class RMSprop(Optimizer):
    r"""Gradients divided by the square root of a moving average of their squares.

    .. math:: s \leftarrow \rho s + (1 - \rho) g^2, \qquad
              \theta \leftarrow \theta - \eta g / (\sqrt{s} + \epsilon)

    Parameters
    ----------
    rho : float in [0, 1), default=0.9
        The decay rate of the moving average; ``alpha`` = 0.99 in PyTorch, ``rho`` = 0.9 in Keras.
    epsilon : float > 0, default=1e-8
        Value for numerical stability.

    References
    ----------
    Tieleman and Hinton, "Lecture 6.5, RMSProp", Coursera 2012.

    Examples
    --------
    >>> theta, s, scratch = np.array([1.0]), np.array([0.0]), np.empty(1)
    >>> RMSprop(rho=0.75).update(0.1, 1, theta, np.array([4.0]), scratch, s)
    >>> theta, s
    (array([0.8]), array([4.]))
    """

    name = "rmsprop"
    flat = ("epsilon",)
    moments = ("s",)
    rules = {"rho": real(0, 1, closed="left"), "epsilon": real(0, closed="neither")}

    def __init__(self, *, rho: float = 0.9, epsilon: float = 1e-8) -> None:
        self.rho = rho
        self.epsilon = epsilon

    def update(
        self, rate: float, t: int, theta: Floats, grad: Floats, scratch: Floats, s: Floats
    ) -> None:
        np.multiply(grad, grad, out=scratch)
        scale(s, self.rho)
        add_scaled(s, 1 - self.rho, scratch)
        np.sqrt(s, out=scratch)
        scratch += self.epsilon
        np.divide(grad, scratch, out=scratch)
        add_scaled(theta, -rate, scratch)

    def coefficients(self, rate: Numbers, t: Numbers) -> tuple[Numbers, ...]:
        return rate, self.rho, 1 - self.rho, self.epsilon

    @staticmethod
    def move(
        theta: float, grad: float, s: float, rate: float, rho: float, rest: float, epsilon: float
    ) -> tuple[float, ...]:
        s = rho * s + rest * (grad * grad)
        return theta - rate * (grad / (sqrt(s) + epsilon)), s


class AdaGrad(Optimizer):
    r"""Gradients divided by the square root of the sum of all their squares.

    .. math:: s \leftarrow s + g^2, \qquad \theta \leftarrow \theta - \eta g / (\sqrt{s} + \epsilon)

    Parameters
    ----------
    epsilon : float > 0, default=1e-8
        Value for numerical stability.

    References
    ----------
    Duchi, Hazan and Singer, "Adaptive subgradient methods", JMLR 2011.

    Examples
    --------
    >>> theta, s, scratch = np.array([1.0]), np.array([9.0]), np.empty(1)
    >>> AdaGrad().update(0.1, 1, theta, np.array([4.0]), scratch, s)
    >>> theta, s
    (array([0.92]), array([25.]))
    """

    name = "adagrad"
    flat = ("epsilon",)
    moments = ("s",)
    rules = {"epsilon": real(0, closed="neither")}

    def __init__(self, *, epsilon: float = 1e-8) -> None:
        self.epsilon = epsilon

    def update(
        self, rate: float, t: int, theta: Floats, grad: Floats, scratch: Floats, s: Floats
    ) -> None:
        np.multiply(grad, grad, out=scratch)
        s += scratch
        np.sqrt(s, out=scratch)
        scratch += self.epsilon
        np.divide(grad, scratch, out=scratch)
        add_scaled(theta, -rate, scratch)

    def coefficients(self, rate: Numbers, t: Numbers) -> tuple[Numbers, ...]:
        return rate, self.epsilon

    @staticmethod
    def move(theta: float, grad: float, s: float, rate: float, epsilon: float) -> tuple[float, ...]:
        s = s + grad * grad
        return theta - rate * (grad / (sqrt(s) + epsilon)), s


class Adam(Optimizer):
    r"""Adaptive moment estimation, as in scikit-learn.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad
              v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \quad
              \theta \leftarrow \theta - \eta \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
              \frac{m}{\sqrt{v} + \epsilon}

    :math:`\epsilon` is added to the square root of the uncorrected v, as in section 2 of the paper
    and in scikit-learn. PyTorch adds it after the correction.

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Exponential decay rates of the first and second moments, m and v.
    epsilon : float > 0, default=1e-8
        Value for numerical stability.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    Examples
    --------
    >>> theta, m, v, scratch = np.array([1.0]), np.zeros(1), np.zeros(1), np.empty(1)
    >>> Adam().update(0.1, 1, theta, np.array([4.0]), scratch, m, v)
    >>> theta.round(6)
    array([0.9])
    """

    name = "adam"
    flat = ("beta_1", "beta_2", "epsilon")
    moments = ("m", "v")
    follows_sgd_schedules = False
    rules = {
        "beta_1": real(0, 1, closed="left"),
        "beta_2": real(0, 1, closed="left"),
        "epsilon": real(0, closed="neither"),
    }

    def __init__(
        self, *, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def update(
        self, rate: float, t: int, theta: Floats, grad: Floats, scratch: Floats,
        m: Floats, v: Floats,
    ) -> None:  # fmt: skip
        # m and v are stored without their factors 1 - beta, which are part of the two constants
        # below: this saves two passes over the parameters.
        scale(m, self.beta_1)
        add_scaled(m, 1.0, grad)
        np.multiply(grad, grad, out=scratch)
        scale(v, self.beta_2)
        add_scaled(v, 1.0, scratch)
        _, _, epsilon, size = self.coefficients(rate, t)
        np.sqrt(v, out=scratch)
        scratch += epsilon
        np.divide(m, scratch, out=scratch)
        add_scaled(theta, -size, scratch)

    def coefficients(self, rate: Numbers, t: Numbers) -> tuple[Numbers, ...]:
        root = (1 - self.beta_2) ** 0.5
        size = rate * (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)
        return self.beta_1, self.beta_2, self.epsilon / root, size * (1 - self.beta_1) / root

    @staticmethod
    def move(
        theta: float, grad: float, m: float, v: float,
        beta_1: float, beta_2: float, epsilon: float, size: float,
    ) -> tuple[float, ...]:  # fmt: skip
        m = beta_1 * m + grad
        v = beta_2 * v + grad * grad
        return theta - size * (m / (sqrt(v) + epsilon)), m, v


class AdamW(Adam):
    r"""Adam with decoupled weight decay.

    Before each step of `Adam`, weights (but not biases) shrink:
    :math:`W \leftarrow (1 - \eta \lambda) W`. Unlike the L2 term `alpha` of the loss, the decay
    does not depend on the batch size or on past gradients.

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Exponential decay rates of the first and second moments, m and v.
    epsilon : float > 0, default=1e-8
        Value for numerical stability.
    weight_decay : float >= 0, default=0.01
        The factor :math:`\lambda`. PyTorch's ``AdamW`` has the same default but also decays biases.

    References
    ----------
    Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    >>> W = np.array([1.0])
    >>> AdamW(weight_decay=0.5).decay(0.1, W)
    >>> W
    array([0.95])
    """

    name = "adamw"
    follows_sgd_schedules = True
    rules = Adam.rules | {"weight_decay": real(0, closed="left")}

    def __init__(
        self, *, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:  # fmt: skip
        super().__init__(beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
        self.weight_decay = weight_decay

    def shrinkage(self, rate: Numbers) -> Numbers:
        return 1 - rate * self.weight_decay


class LBFGS(Optimizer):
    """Limited-memory BFGS on the whole data set, with `scipy.optimize.minimize`.

    This optimizer minimizes an objective instead of making steps: it evaluates the loss and the
    gradient over all rows as often as needed, and chooses its own step lengths. Its history is
    stored in float64; loss and gradient are computed in the dtype of the network.

    Parameters
    ----------
    max_fun : int >= 1, default=15000
        Maximum number of evaluations of loss and gradient.

    References
    ----------
    Byrd, Lu, Nocedal and Zhu, "A limited memory algorithm for bound constrained optimization",
    SIAM J. Sci. Comput. 16, 1995.

    Examples
    --------
    >>> def value_and_gradient(theta):
    ...     return float(theta @ theta), 2 * theta
    >>> result = LBFGS().minimize(value_and_gradient, np.array([3.0]), max_iter=10, tol=1e-6)
    >>> result.x
    array([0.])
    """

    name = "lbfgs"
    known_as = ("l_bfgs", "l_bfgs_b")
    flat = ("max_fun",)
    takes_steps = False
    follows_sgd_schedules = False
    rules = {"max_fun": integer(1)}

    def __init__(self, *, max_fun: int = 15000) -> None:
        self.max_fun = max_fun

    def minimize(
        self, value_and_gradient: _Objective, theta: Floats, max_iter: int, tol: float
    ) -> OptimizeResult:
        """Minimize a function of a float64 vector; `tol` bounds the largest gradient entry.

        Returns
        -------
        scipy.optimize.OptimizeResult
        """
        options = {"maxfun": self.max_fun, "maxiter": max_iter, "gtol": tol}
        return minimize(value_and_gradient, theta, jac=True, method="L-BFGS-B", options=options)

    def train(self, training: _Trainer) -> None:
        """Train by evaluating the whole objective."""
        training.by_objective(self)
