"""Initial values of weights and biases.

Contract: ``draw`` returns an array of the given shape, drawn from a `numpy.random.RandomState`. A
layer draws its weights first, then its biases. The attribute `biases` of an initializer determines
how biases are initialized.
To add an initializer: subclass `Initializer` here, give the class a `name`, and write ``draw``.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from ._family import Family, as_text, real

Shape: TypeAlias = tuple[int, ...]


class Initializer(Family):
    """Base class of initializers.

    Used for the weights of every layer: as a name, or as an object.

    Parameters
    ----------
    biases : str or Initializer, default="zeros"
        The initializer of the biases, as a name or an object. ``"same"`` is this initializer.

    See Also
    --------
    sknumpy_mlp.ScratchMLPClassifier : Takes it as `init` and `output_init`.

    Examples
    --------
    >>> Initializer.resolve("he_normal", "init")
    HeNormal(biases='zeros')
    """

    def __init__(self, *, biases: "str | Initializer" = "zeros") -> None:
        self.biases = biases

    def for_biases(self) -> "Initializer":
        """Return the initializer that draws the biases.

        Returns
        -------
        Initializer
            An object, also if `biases` is a name.
        """
        if as_text(self.biases) == "same":
            return self
        return Initializer.resolve(self.biases, f"biases of {type(self).__name__}")

    def check_parameters(self) -> None:
        super().check_parameters()
        self.for_biases()

    def draw(
        self, random_state: RandomState, shape: Shape, fan_in: int, fan_out: int, activation: Any
    ) -> NDArray[Any]:
        """Draw initial values.

        Parameters
        ----------
        random_state : numpy.random.RandomState
            The stream of the fit.
        shape : tuple of int
            ``(fan_in, fan_out)`` for weights, ``(fan_out,)`` for biases.
        fan_in, fan_out : int
            Number of inputs and of units of the layer.
        activation : Activation
            The activation of the layer; for the output layer, that of the last hidden layer.

        Returns
        -------
        ndarray of shape `shape` and dtype float64
            The values.
        """
        raise NotImplementedError

    def fill(
        self,
        array: NDArray[Any],
        random_state: RandomState,
        shape: Shape,
        fan_in: int,
        fan_out: int,
        activation: Any,
    ) -> None:
        """Draw initial values into an array.

        Parameters
        ----------
        array : ndarray
            With as many elements as `shape`, float32 or float64.
        random_state, shape, fan_in, fan_out, activation : object
            See `draw`.

        Raises
        ------
        ValueError
            If what `draw` returns are no finite real numbers of this shape.
        """
        # Normal draws of a huge scale overflow.
        with np.errstate(over="ignore", invalid="ignore"):
            drawn = self.draw(random_state, shape, fan_in, fan_out, activation)
            values = np.asarray(drawn)
            reason = f"{type(drawn).__name__} of shape {values.shape} and dtype {values.dtype}"
            if values.dtype.kind in "biuf" and _fits(values.shape, array.shape):
                array[...] = values
                if np.isfinite(array).all():
                    return
                reason = f"values that are not finite in {array.dtype}"
        raise ValueError(
            f"init must draw finite real numbers of shape {shape}, got {reason} from {self!r}"
        )


def _fits(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether an array of this shape can be assigned to one of the other shape."""
    padded = (1,) * (len(target) - len(shape)) + shape
    return len(padded) == len(target) and all(n in (1, m) for n, m in zip(padded, target))


class Zeros(Initializer):
    """All zeros, meant for biases, since units with equal initial weights stay equal.

    This is the default of `biases`.

    See Also
    --------
    Normal : Small random values.

    Examples
    --------
    >>> Zeros().draw(np.random.RandomState(0), (2,), 3, 2, None)
    array([0., 0.])
    """

    name = "zeros"

    def __init__(self) -> None:
        pass

    biases = "same"

    def draw(
        self, random_state: RandomState, shape: Shape, fan_in: int, fan_out: int, activation: Any
    ) -> NDArray[Any]:
        return np.zeros(shape)


class Auto(Initializer):
    r"""Uniform in ``± sqrt(c / (fan_in + fan_out))``, the initialization of scikit-learn.

    c is 2 for the logistic activation and 6 for all others. Biases are drawn like weights.

    See Also
    --------
    GlorotUniform : The same with c = 6, and with zeros as biases.

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010; the biases and the factor 2 are scikit-learn's own.

    Examples
    --------
    >>> from sknumpy_mlp.activations import ReLU
    >>> Auto().draw(np.random.RandomState(0), (1, 2), 1, 2, ReLU()).round(4)
    array([[0.1381, 0.6086]])
    """

    name = "auto"
    biases = "same"

    def __init__(self) -> None:
        pass

    def draw(
        self, random_state: RandomState, shape: Shape, fan_in: int, fan_out: int, activation: Any
    ) -> NDArray[Any]:
        bound = np.sqrt(activation.glorot_factor / (fan_in + fan_out))
        return random_state.uniform(-bound, bound, shape)


class Uniform(Initializer):
    """Uniform in [low, high).

    The bounds do not depend on the size of the layer.

    Parameters
    ----------
    low, high : float, default=-0.5 and 0.5
        The bounds.
    biases : str or Initializer, default="zeros"
        The initializer of the biases.

    See Also
    --------
    HeUniform : Bounds that fit the number of inputs.

    Examples
    --------
    >>> Uniform(low=-1, high=1).draw(np.random.RandomState(0), (2,), 1, 2, None).round(4)
    array([0.0976, 0.4304])
    """

    rules = {"low": real(closed="neither"), "high": real(closed="neither")}

    def __init__(
        self, *, low: float = -0.5, high: float = 0.5, biases: "str | Initializer" = "zeros"
    ) -> None:
        self.low = low
        self.high = high
        self.biases = biases

    def check_parameters(self) -> None:
        super().check_parameters()
        if self.low > self.high:
            raise ValueError(
                f"low of Uniform must be at most high, got low={self.low!r}, high={self.high!r}"
            )
        real(closed="neither").check("high - low of Uniform", float(self.high) - float(self.low))

    def draw(
        self, random_state: RandomState, shape: Shape, fan_in: int, fan_out: int, activation: Any
    ) -> NDArray[Any]:
        return random_state.uniform(self.low, self.high, shape)


class Normal(Initializer):
    """Normal with mean 0 and standard deviation `scale`.

    The scale does not depend on the size of the layer.

    Parameters
    ----------
    scale : float >= 0, default=0.01
        The standard deviation.
    biases : str or Initializer, default="zeros"
        The initializer of the biases.

    See Also
    --------
    HeNormal : A scale that fits the number of inputs.

    Examples
    --------
    Small weights with biases drawn from N(0, 1):

    >>> start = Normal(scale=0.01, biases=Normal(scale=1.0))
    >>> start.for_biases().draw(np.random.RandomState(0), (2,), 1, 2, None).round(4)
    array([1.7641, 0.4002])
    """

    rules = {"scale": real(0, closed="left")}

    def __init__(self, *, scale: float = 0.01, biases: "str | Initializer" = "zeros") -> None:
        self.scale = scale
        self.biases = biases

    def draw(
        self, random_state: RandomState, shape: Shape, fan_in: int, fan_out: int, activation: Any
    ) -> NDArray[Any]:
        return self.scale * random_state.standard_normal(shape)


class VarianceScaling(Initializer):
    """Base class of initializers with variance ``gain / fan``.

    ================ ======== ================== ===========================
    name             gain     fan                paper
    ================ ======== ================== ===========================
    glorot_uniform   1        mean of in and out Glorot and Bengio, 2010
    glorot_normal    1        mean of in and out Glorot and Bengio, 2010
    he_uniform       2        in                 He et al., 2015
    he_normal        2        in                 He et al., 2015
    lecun_normal     1        in                 LeCun et al., 1998
    ================ ======== ================== ===========================

    The normal forms are not truncated (Keras truncates at two standard deviations, PyTorch
    does not).

    Parameters
    ----------
    biases : str or Initializer, default="zeros"
        The initializer of the biases.

    See Also
    --------
    Normal : A scale of one's own.

    Examples
    --------
    >>> VarianceScaling.resolve("lecun_normal", "init").gain
    1.0
    """

    gain = 1.0

    def fan(self, fan_in: int, fan_out: int) -> float:
        """Compute the number of units that the variance is divided by.

        Parameters
        ----------
        fan_in, fan_out : int
            Number of inputs and of units of the layer.

        Returns
        -------
        float
            By default `fan_in`.
        """
        return fan_in

    def sample(self, random_state: RandomState, std: float, shape: Shape) -> NDArray[Any]:
        """Draw values with standard deviation `std`.

        Parameters
        ----------
        random_state : numpy.random.RandomState
            The stream of the fit.
        std : float
            The standard deviation.
        shape : tuple of int
            The shape of the result.

        Returns
        -------
        ndarray of shape `shape`
            By default from a normal distribution.
        """
        return std * random_state.standard_normal(shape)

    def draw(
        self, random_state: RandomState, shape: Shape, fan_in: int, fan_out: int, activation: Any
    ) -> NDArray[Any]:
        return self.sample(random_state, np.sqrt(self.gain / self.fan(fan_in, fan_out)), shape)


class _MeanFan:
    def fan(self, fan_in: int, fan_out: int) -> float:
        return (fan_in + fan_out) / 2

    fan.__doc__ = VarianceScaling.fan.__doc__


class _UniformSample:
    def sample(self, random_state: RandomState, std: float, shape: Shape) -> NDArray[Any]:
        # A uniform distribution on [-r, r] has standard deviation r / sqrt(3).
        return random_state.uniform(-np.sqrt(3) * std, np.sqrt(3) * std, shape)

    sample.__doc__ = VarianceScaling.sample.__doc__


class GlorotUniform(_MeanFan, _UniformSample, VarianceScaling):
    """Uniform with variance ``2 / (fan_in + fan_out)``.

    Signals keep their size forward, and gradients backward, through linear layers.

    Parameters
    ----------
    biases : str or Initializer, default="zeros"
        The initializer of the biases.

    See Also
    --------
    GlorotNormal : The same variance from a normal distribution.
    Auto : The variant of scikit-learn.

    References
    ----------
    Glorot and Bengio, AISTATS 2010, equation 16.

    Examples
    --------
    >>> GlorotUniform().draw(np.random.RandomState(0), (1, 2), 1, 2, None).round(4)
    array([[0.1381, 0.6086]])
    """

    name = "glorot_uniform"
    known_as = ("xavier", "xavier_uniform", "glorot")


class GlorotNormal(_MeanFan, VarianceScaling):
    """Normal with variance ``2 / (fan_in + fan_out)``.

    Signals keep their size forward, and gradients backward, through linear layers.

    Parameters
    ----------
    biases : str or Initializer, default="zeros"
        The initializer of the biases.

    See Also
    --------
    GlorotUniform : The same variance from a uniform distribution.

    References
    ----------
    Glorot and Bengio, AISTATS 2010.

    Examples
    --------
    >>> GlorotNormal().draw(np.random.RandomState(0), (1, 1), 1, 1, None).round(4)
    array([[1.7641]])
    """

    name = "glorot_normal"
    known_as = ("xavier_normal",)


class HeUniform(_UniformSample, VarianceScaling):
    """Uniform with variance ``2 / fan_in``, derived for ReLU.

    The factor 2 makes up for the half of the signal that ReLU sets to zero.

    Parameters
    ----------
    biases : str or Initializer, default="zeros"
        The initializer of the biases.

    See Also
    --------
    HeNormal : The same variance from a normal distribution.

    References
    ----------
    He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015.

    Examples
    --------
    >>> HeUniform().draw(np.random.RandomState(0), (1, 1), 6, 1, None).round(4)
    array([[0.0976]])
    """

    name = "he_uniform"
    known_as = ("kaiming", "kaiming_uniform", "he")
    gain = 2.0


class HeNormal(VarianceScaling):
    """Normal with variance ``2 / fan_in``, derived for ReLU.

    The factor 2 makes up for the half of the signal that ReLU sets to zero.

    Parameters
    ----------
    biases : str or Initializer, default="zeros"
        The initializer of the biases.

    See Also
    --------
    HeUniform : The same variance from a uniform distribution.

    References
    ----------
    He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015.

    Examples
    --------
    >>> HeNormal().draw(np.random.RandomState(0), (1, 1), 2, 1, None).round(4)
    array([[1.7641]])
    """

    name = "he_normal"
    known_as = ("kaiming_normal",)
    gain = 2.0


class LecunNormal(VarianceScaling):
    """Normal with variance ``1 / fan_in``, derived for tanh; self-normalizing with SELU.

    Each unit starts with the variance of its inputs.

    Parameters
    ----------
    biases : str or Initializer, default="zeros"
        The initializer of the biases.

    See Also
    --------
    sknumpy_mlp.activations.SELU : The activation that keeps mean and variance with it.

    References
    ----------
    LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, equation 16.

    Examples
    --------
    >>> LecunNormal().draw(np.random.RandomState(0), (1, 1), 4, 1, None).round(4)
    array([[0.882]])
    """

    name = "lecun_normal"
    known_as = ("lecun",)
