r"""Temperature scaling: one divisor of all raw scores, fitted to held-out rows.

A network is under-confident after training with smoothed labels, and over-confident after long
training. Dividing the scores by a temperature does not change their order, and therefore no label,
but gives the probabilities that fit the held-out rows best.

The temperature is a maximum a posteriori estimate with a standard normal prior on :math:`\log T`.
On a few held-out rows without an error, the loss alone keeps decreasing as T goes to 0; the prior
prevents such over-confident networks. With hundreds of rows, the data outweigh the prior.
"""

import copy
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult, minimize_scalar

from .._types import Array, Floats
from ..losses import Loss


def fit_temperature(loss: Loss, Z: Floats, y: Array, weights: Floats | None = None) -> float:
    r"""Find the temperature T that minimizes the loss of the scores ``Z / T``, with a prior on T.

    .. math:: \min_T \; \frac1n \sum_i \ell(z_i / T, y_i) + \frac{(\log T)^2}{2n}

    Parameters
    ----------
    loss : Loss
        The loss; its label smoothing, if any, is ignored.
    Z : ndarray of shape (n_samples, n_outputs)
        Raw scores, which are not changed.
    y : ndarray
        Targets, encoded for the loss.
    weights : ndarray of shape (n_samples,), default=None

    Returns
    -------
    float
        The temperature, between 0.01 and 100.

    References
    ----------
    Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2.

    Examples
    --------
    The scores are twice the log-odds of a class with probability 3/4:

    >>> from sknumpy_mlp.losses import SoftmaxCrossEntropy
    >>> Z = np.tile([2 * np.log(3), 0.0], (4000, 1))
    >>> round(fit_temperature(SoftmaxCrossEntropy(), Z, np.array([0, 0, 0, 1] * 1000)), 2)
    2.0
    """
    return float(np.exp(_minimum(loss, Z, y, weights, 1e-6).x))


def calibrated_loss(loss: Loss, Z: Floats, y: Array, weights: Floats | None = None) -> float:
    """The loss of the scores divided by the temperature that fits them best.

    It judges how well the scores can tell the classes apart, whatever their scale: "refine, then
    calibrate". The minimum includes the prior of `fit_temperature`.

    Parameters
    ----------
    loss, Z, y, weights
        As in `fit_temperature`.

    Returns
    -------
    float

    References
    ----------
    Berta, Holzmüller, Jordan and Bach, "Rethinking early stopping: refine, then calibrate", 2025.

    Examples
    --------
    The scale of the scores makes no difference, up to the prior:

    >>> from sknumpy_mlp.losses import SoftmaxCrossEntropy
    >>> Z, y = np.tile([np.log(3), 0.0], (4000, 1)), np.array([0, 0, 0, 1] * 1000)
    >>> [round(calibrated_loss(SoftmaxCrossEntropy(), scale * Z, y), 3) for scale in (1, 2)]
    [0.562, 0.562]
    """
    # The minimum is flat: an error of 1 % in T does not move its value.
    return float(_minimum(loss, Z, y, weights, 1e-2).fun)


def _minimum(
    loss: Loss, Z: Floats, y: Array, weights: Floats | None, tolerance: float
) -> OptimizeResult:
    """The minimum over log T of the loss with the prior, as a result of `minimize_scalar`."""
    plain: Any = copy.copy(loss)
    plain.label_smoothing = 0.0
    Z = Z.astype(np.float64)

    def objective(log_temperature: float) -> float:
        scaled, losses = Z / np.exp(log_temperature), np.empty(len(Z))
        plain.value_and_gradient(scaled, y, losses)
        return np.average(losses, weights=weights) + log_temperature**2 / (2 * len(Z))

    limit = np.log(100)
    return minimize_scalar(
        objective, bounds=(-limit, limit), method="bounded", options={"xatol": tolerance}
    )
