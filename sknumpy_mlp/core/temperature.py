r"""One temperature for all scores, fitted to rows that were not trained on.

A network that was trained with smoothed labels, or for long, is too cautious or too sure of what it
says. Scores divided by a temperature keep their order, and so every label; the probabilities
become those that fit best.

The fit is the most probable one when :math:`\log T` is as likely as a standard normal number:
a few rows without an error, for which the loss falls for ever as T goes to 0, do not make the
network sure of everything, and hundreds of rows outweigh it.
"""

import copy

import numpy as np
from scipy.optimize import minimize_scalar


def fit_temperature(loss, Z, y, weights=None):
    r"""The temperature T of the scores ``Z / T``, so that labels stay and the loss is low.

    .. math:: \min_T \; \frac1n \sum_i \ell(z_i / T, y_i) + \frac{(\log T)^2}{2n}

    Parameters
    ----------
    loss : Loss
        Without its label smoothing, if it has any.
    Z : ndarray of shape (n_samples, n_outputs)
        Raw scores; left as they are.
    y : ndarray
        Targets, as the loss codes them.
    weights : ndarray of shape (n_samples,), default=None

    Returns
    -------
    float
        Between 0.01 and 100.

    References
    ----------
    Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2.

    Examples
    --------
    Scores of twice the log-odds of what happens, three times out of four:

    >>> from sknumpy_mlp.losses import SoftmaxCrossEntropy
    >>> Z = np.tile([2 * np.log(3), 0.0], (4000, 1))
    >>> round(fit_temperature(SoftmaxCrossEntropy(), Z, np.array([0, 0, 0, 1] * 1000)), 2)
    2.0
    """
    plain = copy.copy(loss)
    plain.label_smoothing = 0.0
    Z = Z.astype(np.float64)

    def objective(log_temperature):
        scaled, losses = Z / np.exp(log_temperature), np.empty(len(Z))
        plain.value_and_gradient(scaled, y, losses)
        return np.average(losses, weights=weights) + log_temperature**2 / (2 * len(Z))

    limit = np.log(100)
    found = minimize_scalar(
        objective, bounds=(-limit, limit), method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(found.x))
