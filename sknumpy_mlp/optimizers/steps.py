"""Optimizers that take a step after every batch, and L-BFGS, which takes none."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from .._elementary import sqrt
from .._family import boolean, integer, real
from .._types import Floats, Numbers
from .._vectors import add_scaled, scale
from .base import Optimizer, Trainer

# The value of a function of a vector, and its gradient.
_Objective: TypeAlias = Callable[[Floats], tuple[float, Floats]]


class SGD(Optimizer):
    r"""Stochastic gradient descent with momentum, as in scikit-learn.

    .. math:: v \leftarrow \beta v - \eta g, \qquad \theta \leftarrow \theta + v

    In plain text: ``v = β v - η g``, then ``θ = θ + v``, and with Nesterov's momentum
    ``θ = θ + β v - η g``, for the learning rate η and the gradient g. PyTorch's velocity does not
    include the learning rate, so results differ if the rate changes.

    Parameters
    ----------
    momentum : float in [0, 1], default=0.9
        The factor β.
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum.

    See Also
    --------
    Momentum : The same with an average of gradients.
    Adam : Adapts the step of each parameter.

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

    In plain text: ``v = β v + (1 - β) g``, then ``θ = θ - η v``.

    `SGD` sums gradients, while this optimizer averages them. With a constant rate, `SGD` without
    Nesterov's momentum and with the rate ``(1 - β) η`` makes the same steps.

    Parameters
    ----------
    momentum : float in [0, 1), default=0.9
        The decay rate β of the moving average.

    See Also
    --------
    SGD : The same with a sum of gradients.

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

    In plain text: ``s = ρ s + (1 - ρ) g²``, then ``θ = θ - η g / (√s + ε)``.

    Parameters
    ----------
    rho : float in [0, 1), default=0.9
        The decay rate of the moving average; ``alpha`` = 0.99 in PyTorch, ``rho`` = 0.9 in Keras.
    epsilon : float > 0, default=1e-8
        Value for numerical stability.

    See Also
    --------
    Adam : The same with momentum and a correction of the first steps.

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

    In plain text: ``s = s + g²``, then ``θ = θ - η g / (√s + ε)``.

    Parameters
    ----------
    epsilon : float > 0, default=1e-8
        Value for numerical stability.

    See Also
    --------
    RMSprop : Forgets old gradients.

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

    In plain text: ``m = β1 m + (1 - β1) g`` and ``v = β2 v + (1 - β2) g²``, then
    ``θ = θ - η √(1 - β2^t) / (1 - β1^t) m / (√v + ε)`` in step t.

    ε is added to the square root of the uncorrected v, as in section 2 of the paper
    and in scikit-learn. PyTorch adds it after the correction.

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Exponential decay rates of the first and second moments, m and v.
    epsilon : float > 0, default=1e-8
        Value for numerical stability.

    See Also
    --------
    AdamW : With weight decay apart from the gradient.

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
        add_scaled(m, 1.0, grad)  # m = beta_1 m + g
        np.multiply(grad, grad, out=scratch)  # g^2
        scale(v, self.beta_2)
        add_scaled(v, 1.0, scratch)  # v = beta_2 v + g^2
        # epsilon / sqrt(1 - beta_2), and eta with the corrections of t and the factors 1 - beta.
        _, _, epsilon, size = self.coefficients(rate, t)
        np.sqrt(v, out=scratch)
        scratch += epsilon  # sqrt(v) + epsilon
        np.divide(m, scratch, out=scratch)
        add_scaled(theta, -size, scratch)  # theta = theta - size m / (sqrt(v) + epsilon)

    def coefficients(self, rate: Numbers, t: Numbers) -> tuple[Numbers, ...]:
        root = (1 - self.beta_2) ** 0.5
        # eta sqrt(1 - beta_2^t) / (1 - beta_1^t)
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
    ``W = (1 - η λ) W``. Unlike the L2 term `alpha` of the loss, the decay
    does not depend on the batch size or on past gradients.

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Exponential decay rates of the first and second moments, m and v.
    epsilon : float > 0, default=1e-8
        Value for numerical stability.
    weight_decay : float >= 0, default=0.01
        The factor λ. PyTorch's ``AdamW`` has the same default but also decays biases.

    See Also
    --------
    Adam : With the L2 term `alpha` alone.

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

    See Also
    --------
    scipy.optimize.minimize : The implementation.

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
        """Minimize a function of a float64 vector.

        Parameters
        ----------
        value_and_gradient : callable
            Maps theta to the value and its gradient.
        theta : ndarray of shape (n_parameters,)
            Where to start.
        max_iter : int
            Maximum number of iterations.
        tol : float
            Bound of the largest entry of the gradient at the end.

        Returns
        -------
        scipy.optimize.OptimizeResult
            The result of `scipy.optimize.minimize`.
        """
        options = {"maxfun": self.max_fun, "maxiter": max_iter, "gtol": tol}
        return minimize(value_and_gradient, theta, jac=True, method="L-BFGS-B", options=options)

    def train(self, training: Trainer) -> None:
        # By evaluating the whole objective.
        training.by_objective(self)
