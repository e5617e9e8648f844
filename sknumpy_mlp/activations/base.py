"""The base class of activation functions; `sknumpy_mlp.activations` states the contract."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._family import Family


class Activation(Family):
    """Base class of activation functions.

    Used for the hidden layers: as a name, or as an object where it has parameters.

    Attributes
    ----------
    reads : {"input", "output"}
        The array that `backward` receives as `kept`.
    in_place : bool
        Whether `forward` may be called with ``out is Z``.
    value, slope : function or None
        The scalar form, from which compiled kernels are made: f of one number z, and f' of the
        number that `backward` keeps, z or a. A slope whose arguments begin with z and a reads both.
        Further arguments are attributes of the activation.
    glorot_factor : float
        The factor c in the bound ``sqrt(c / (fan_in + fan_out))`` of `initializers.Auto`.

    See Also
    --------
    sknumpy_mlp.ScratchMLPClassifier : Takes it as `activation`.

    Examples
    --------
    >>> Activation.resolve("leaky_relu", "activation")
    LeakyReLU(negative_slope=0.01)
    """

    reads = "output"
    in_place = True
    glorot_factor = 6.0

    value: ClassVar[Callable[..., Any] | None] = None
    slope: ClassVar[Callable[..., Any] | None] = None

    def forward(self, Z: NDArray[Any], out: NDArray[Any], scratch: Any = None) -> None:
        """Write ``f(Z)`` into `out`; `Z` may be overwritten unless `reads` is ``"input"``.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_units)
            Inputs of the units, in a float dtype.
        out : ndarray of shape (n_samples, n_units)
            Receives the outputs, in the same dtype.
        scratch : object, default=None
            Buffers from the method `scratch`; optional here.
        """
        raise NotImplementedError

    def backward(self, kept: NDArray[Any], dA: NDArray[Any], scratch: Any) -> None:
        """Multiply `dA` by ``f'(Z)`` in place; `kept` may be overwritten.

        Parameters
        ----------
        kept : ndarray of shape (n_samples, n_units)
            ``Z`` or ``A``, depending on `reads`.
        dA : ndarray of shape (n_samples, n_units)
            The gradient by the outputs on entry, by the inputs on return.
        scratch : object
            Buffers from the method `scratch`, reused in every batch.
        """
        raise NotImplementedError

    def scratch(self, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        """Create the buffers of the activation; one array of this shape unless overridden.

        Parameters
        ----------
        shape : tuple of int
            The shape (n_samples, n_units) of a batch.
        dtype : dtype
            The dtype of the network.

        Returns
        -------
        object
            What `forward` and `backward` receive as `scratch`.
        """
        return np.empty(shape, dtype)
