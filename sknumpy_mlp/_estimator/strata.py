"""The classes by which early stopping splits off its rows, where they can be split by class."""

import warnings

import numpy as np


def strata(target, fraction):
    """The class of each row, or None if a split by class is not possible; then a warning says why.

    Parameters
    ----------
    target : Target
        Of a classifier.
    fraction : float
        The share of the rows to hold out.
    """
    if target.kind == "multilabel":
        return None
    classes = target.labels.classes
    counts = np.bincount(target.codes, minlength=target.n_columns)
    n_held_out = int(np.ceil(fraction * len(target.codes)))
    smaller = min(n_held_out, len(target.codes) - n_held_out)
    if counts.min() >= 2 and smaller >= target.n_columns:
        return target.codes
    reason = f"{smaller} rows cannot hold all {target.n_columns} classes {classes.tolist()}"
    if counts.min() < 2:
        reason = f"the classes {classes[counts < 2].tolist()} have fewer than two rows"
    warnings.warn(f"early_stopping splits without stratification: {reason}")
    return None
