"""Names of types that annotations use. Shapes are in docstrings."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# Numbers of the dtype of a network, float32 or float64.
Floats: TypeAlias = NDArray[np.floating[Any]]
# Indices and classes.
Integers: TypeAlias = NDArray[np.integer[Any]]
# Of any number type.
Array: TypeAlias = NDArray[Any]
# A scalar form, from which kernels are compiled: a formula of one number, or loops over arrays.
Form: TypeAlias = Callable[..., Any]
# A number, or an array of them: the formula is the same.
Numbers: TypeAlias = Any
# The arrays of a network by kind, one for each layer that has the kind.
Parameters: TypeAlias = dict[str, list[Array]]
# Start and stop of a slice of a flat vector, and the value that its elements share.
Slice: TypeAlias = tuple[int, int, float]
# Inputs of a layer: an array, or a CSR matrix or array of SciPy.
Inputs: TypeAlias = Any
