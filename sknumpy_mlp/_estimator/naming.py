"""Errors that name the argument they are about, where scikit-learn and NumPy name none."""

import re
from contextlib import contextmanager

from scipy import sparse
from sklearn.utils import check_array

TABLES = "make_tabular_mlp() makes a model that takes columns of strings and missing values"
# Parts of scikit-learn's messages about strings and missing values.
STRINGS_OR_GAPS = ("contains NaN", "could not convert string", "of bytes/strings", "NAType")
# Numbers beyond those of the dtype, and Decimal("sNaN"), are invalid values too.
INVALID = (TypeError, ValueError, ArithmeticError)


@contextmanager
def naming(name, pattern=None):
    """Raise an error of the body again, as a ValueError or TypeError that names the argument.

    Parameters
    ----------
    name : str
    pattern : str, default=None
        A regular expression of names that will do; the name if None.
    """
    try:
        yield
    except INVALID as error:
        raise _named(error, name, pattern) from error


def explain(error, X, *y):
    """Raise an error of a check of `X`, or of `X` and `y`, again, so that it names one of them."""
    message = str(error)
    is_about_tables = any(words in message for words in STRINGS_OR_GAPS)
    if "dense data is required" in message:
        raise _named(error, "X") from error
    try:
        check_array(X, accept_sparse=["csr", "csc"], dtype="numeric", input_name="X")
    except INVALID:
        if is_about_tables:
            first, *rest = message.split("\n", 1)
            first = first if "Input X" in first else f"X must hold numbers: {first}"
            # The recipe for tables does not take sparse matrices either.
            tables = [] if sparse.issparse(X) else [f"{TABLES}."]
            raise ValueError("\n".join([first, *tables, *rest])) from error
        raise _named(error, "X") from error
    if "could not convert" in message:
        advice = "ScratchMLPClassifier takes labels"
        raise ValueError(f"y must hold numbers: {message}; {advice}") from error
    # Each of them is valid alone: rows or features do not match.
    about_y = "y" if "inconsistent" not in message else "X and y"
    raise _named(error, about_y if y and "feature" not in message else "X", "[Xy]") from error


def _named(error, name, pattern=None):
    """The error, if it is a ValueError or TypeError of this name; otherwise one that is."""
    is_named = re.search(rf"\b{pattern or name}\b", str(error))
    if is_named and isinstance(error, (TypeError, ValueError)):
        return error
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(str(error) if is_named else f"{name} is invalid: {error}")
