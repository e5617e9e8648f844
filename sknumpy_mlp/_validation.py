"""What judges a fit on its way: rows that are held out, and the function that scores them.

`core.validation` computes with both after every epoch.
"""

import copy

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split

from .core.temperature import fit_temperature


def split_rows(estimator, data, state):
    """Row numbers to train on, and those held out for early stopping."""
    n_samples, fraction = data.X.shape[0], estimator.validation_fraction
    if np.ceil(fraction * n_samples) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of "
            f"your dataset: validation_fraction={fraction}, n_samples={n_samples}."
        )
    return train_test_split(
        np.arange(n_samples),
        random_state=state.random_state,
        test_size=fraction,
        stratify=estimator._strata(data.target),
    )


def score_function(estimator, network, loss, data, weights, index):
    """What turns raw scores of validation rows into a score; None for minus their loss.

    Parameters
    ----------
    estimator : estimator
    network : Network
        In training.
    loss : Loss
    data : Data
        The validation rows.
    weights : ndarray of shape (n_samples,) or None
        Their weights in the loss.
    index : integer ndarray of shape (n_samples,) or None
        Which rows of ``data.X`` they are; all, if None.
    """
    if isinstance(estimator.scoring, str) and estimator.scoring == "loss":
        return None
    if estimator.scoring is None:
        codes = data.target.codes
        return lambda raw: estimator._score_codes(codes, loss.predict(raw), weights)
    scorer = check_scoring(estimator, estimator.scoring)
    # A twin that computes with the network in training; the rows have no column names.
    twin = copy.copy(estimator)
    vars(twin).pop("feature_names_in_", None)
    vars(twin).update(estimator._network_attributes(network, loss))
    X = data.X if index is None else data.X[index]
    weight = {} if data.sample_weight is None else {"sample_weight": data.sample_weight}
    return lambda raw: scorer(twin, X, data.y, **weight)


def refuse_temperature(temperature_scaling):
    """Raise a ValueError if a temperature is wanted: called where there is nothing to fit it to."""
    if temperature_scaling:
        raise ValueError(
            "temperature_scaling must be False where no rows validate, got True; "
            "early_stopping=True holds some out, X_val and y_val give some"
        )


def validation_temperature(validation):
    """The temperature that fits the validation rows best, with the network as it is now."""
    return fit_temperature(
        validation.loss, validation.raw_scores(), validation.y, validation.weights
    )
