"""What to report to a user whose fit diverged or did not converge."""

import numpy as np

# The advice to scale the input is given for inputs larger than this.
LARGE_INPUT = 10.0


class DivergedError(ValueError):
    """Training produced parameters that are not finite."""


def check_finite(fit, loss, when):
    """Raise a `DivergedError` unless the loss and all parameters are finite.

    Parameters
    ----------
    fit : Fit
    loss : float
    when : str
        When the loss was computed, for the message.
    """
    if np.isfinite(loss) and np.isfinite(fit.network.theta).all():
        return
    target, what = "", "the input"
    if "continuous" in fit.loss.kinds:
        target = f", the largest absolute target {_largest(fit.batches.y.X):g}"
        what = "input and target"
    raise DivergedError(
        "Solver produced non-finite parameter weights. The input data may contain large "
        "values and need to be preprocessed. "
        f"It happened {when}; the loss was {loss:g}, "
        f"the largest absolute input is {_largest(fit.batches.X.X):g}{target}. Scale {what} "
        "(StandardScaler, MinMaxScaler) or lower learning_rate_init."
    )


def advice(fit, what, values):
    """Describe a fit that did not converge, and what to try next.

    Parameters
    ----------
    fit : Fit
    what : str
        What decides whether training has converged, for the message.
    values : list of float
        Its value after each epoch.

    Returns
    -------
    str
    """
    plan = fit.plan
    words = [
        f"Stochastic Optimizer: Maximum iterations ({plan.max_iter}) reached and the "
        "optimization hasn't converged yet."
    ]
    if len(values) > 1:
        words.append(
            f"In the last epoch the {what} went from {values[-2]:.6g} to {values[-1]:.6g} "
            f"(tol={plan.tol:g})."
        )
    words.append(
        "Raise max_iter or learning_rate_init; n_iter_no_change=None trains for max_iter "
        "epochs without this warning."
    )
    # Reads the whole input: not where nobody will be warned.
    largest = 0.0 if plan.n_iter_no_change is None else _largest(fit.batches.X.X)
    if largest > LARGE_INPUT:
        words.append(
            f"The largest absolute input is {largest:g}: scale the input (StandardScaler, "
            "MinMaxScaler)."
        )
    return " ".join(words)


def _largest(array):
    """The largest absolute value of a dense or sparse array."""
    return max(abs(float(array.max())), abs(float(array.min())))
