"""Learning-rate schedules: the rate of a step is ``learning_rate_init`` times a factor.

Contract: ``__call__`` maps the fraction t of training done, in [0, 1], to the factor. The three
schedules of scikit-learn depend on more than t and override ``at``, which reads the whole `Clock`.
A schedule is configuration only; the clock stores the progress of training.
To add a schedule: subclass `Schedule` here, give the class a `name`, and write ``__call__``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import cos, log2, pi
from numbers import Real
from typing import Any, Self, cast

from ._family import Family, Rule, numbers, real, shown


@dataclass
class Clock:
    """The progress of training.

    Schedules that depend on more than the fraction read it, in `Schedule.at`.

    Parameters
    ----------
    fraction : float in [0, 1], default=0.0
        Number of steps done divided by the number of planned steps.
    epochs : int, default=0
        Number of epochs since the start of the optimizer.
    samples_seen : int, default=0
        Number of rows seen, updated at the end of each epoch; 0 in the first epoch of a fit.
    plateaus : int, default=0
        Number of times that training reached a plateau.

    See Also
    --------
    Schedule : Reads the clock.

    Examples
    --------
    >>> Clock(fraction=0.5)
    Clock(fraction=0.5, epochs=0, samples_seen=0, plateaus=0)
    """

    fraction: float = 0.0
    epochs: int = 0
    samples_seen: int = 0
    plateaus: int = 0


class Schedule(Family):
    """Base class of schedules.

    A schedule maps the fraction of training done, in [0, 1], to a factor of `learning_rate_init`.

    Attributes
    ----------
    every_step : bool
        Whether the factor changes within an epoch.
    sgd_only : bool
        Whether adam and lbfgs ignore the schedule, as in scikit-learn.

    See Also
    --------
    sknumpy_mlp.ScratchMLPClassifier : Takes it as `learning_rate`.

    Examples
    --------
    >>> Schedule.resolve("cosine", "learning_rate")
    Cosine(final=0.0)
    """

    every_step = True
    sgd_only = False

    @classmethod
    def resolve(
        cls,
        value: Any,
        parameter: str,
        flat: Mapping[str, Any] | None = None,
        choices: Iterable[str] | None = None,
    ) -> Self:
        # Also a function of the fraction of training done.
        if callable(value) and not isinstance(value, Schedule) and not isinstance(value, type):
            return cast(Self, FunctionOfFraction(function=value))
        return super().resolve(value, parameter, flat, choices)

    @property
    def reads_fraction(self) -> bool:
        """Whether the factor depends on the fraction of training done and on nothing else."""
        return type(self).at is Schedule.at

    @classmethod
    def _hint(cls, value: object, names: Sequence[str]) -> str:
        if isinstance(value, Real):
            return f"; the learning rate itself is learning_rate_init={shown(value)}"
        return super()._hint(value, names)

    def __call__(self, t: float) -> float:
        """The factor after the fraction `t` of training."""
        raise NotImplementedError

    def at(self, clock: Clock) -> float:
        """Compute the factor at this time of training.

        Parameters
        ----------
        clock : Clock
            The progress of training.

        Returns
        -------
        float
            The factor of `learning_rate_init`.
        """
        return self(clock.fraction)

    def survives_plateau(self, rate: float) -> bool:
        """Whether training continues, with another factor, after a plateau at this rate.

        Parameters
        ----------
        rate : float
            The learning rate at the plateau.

        Returns
        -------
        bool
            False if training ends.
        """
        return False


class Constant(Schedule):
    """The factor is always 1.

    The rate is `learning_rate_init` throughout.

    See Also
    --------
    Adaptive : Constant until training reaches a plateau.

    Examples
    --------
    >>> Constant()(0.5)
    1.0
    """

    name = "constant"
    every_step = False
    sgd_only = True

    def __call__(self, t: float) -> float:
        return 1.0


class InvScaling(Schedule):
    """The factor ``(s + 1) ** -p`` for s rows seen in complete epochs.

    This is "invscaling" of scikit-learn, which only sgd follows there.

    Parameters
    ----------
    power_t : float >= 0, default=0.5
        The exponent p.

    See Also
    --------
    Exponential : A decay by the fraction of training done.

    Examples
    --------
    >>> InvScaling().at(Clock(samples_seen=99))
    0.1
    """

    name = "invscaling"
    flat = ("power_t",)
    every_step = False
    sgd_only = True
    rules = {"power_t": real(0, closed="left")}

    def __init__(self, *, power_t: float = 0.5) -> None:
        self.power_t = power_t

    def at(self, clock: Clock) -> float:
        # A float: an integer of any length would be raised to the power of an integer.
        try:
            return float(1 / (clock.samples_seen + 1) ** float(self.power_t))
        except OverflowError:
            return 0.0


class Adaptive(Schedule):
    """Divide the rate by 5 at every plateau until it is at most 1e-6.

    This is "adaptive" of scikit-learn, which only sgd follows there.

    See Also
    --------
    Step : Drops at times that are known beforehand.

    Examples
    --------
    >>> Adaptive().at(Clock(plateaus=2))
    0.04
    """

    name = "adaptive"
    known_as = ("reduce_lr_on_plateau", "reducelronplateau", "plateau")
    every_step = False
    sgd_only = True

    def at(self, clock: Clock) -> float:
        return float(1 / 5**clock.plateaus)

    def survives_plateau(self, rate: float) -> bool:
        return rate > 1e-6


class Step(Schedule):
    """Piecewise constant.

    The factor stays until the next boundary, and then jumps.

    Parameters
    ----------
    boundaries : sequence of float in (0, 1), default=(0.5, 0.75)
        Increasing fractions of training at which the factor changes.
    factors : sequence of float >= 0, default=(1.0, 0.1, 0.01)
        The factors between the boundaries: one more than `boundaries`.

    See Also
    --------
    Adaptive : Drops at plateaus.

    Examples
    --------
    >>> step = Step(boundaries=[0.5], factors=[1.0, 0.1])
    >>> step(0.49), step(0.5)
    (1.0, 0.1)
    """

    name = "step"
    every_step = True
    rules = {"boundaries": numbers(), "factors": numbers()}

    def __init__(
        self,
        *,
        boundaries: Sequence[float] = (0.5, 0.75),
        factors: Sequence[float] = (1.0, 0.1, 0.01),
    ) -> None:
        self.boundaries = boundaries
        self.factors = factors

    def check_parameters(self) -> None:
        super().check_parameters()
        limits = [0, *self.boundaries, 1]
        if not all(low < high for low, high in pairwise(limits)):
            raise ValueError(
                f"boundaries of Step must increase within (0, 1), got {shown(self.boundaries)}"
            )
        if len(self.factors) != len(self.boundaries) + 1:
            raise ValueError(
                f"factors of Step must have one more entry than boundaries, got "
                f"{shown(self.factors)} for boundaries {shown(self.boundaries)}"
            )
        for factor in self.factors:
            real(0, closed="left").check("each of the factors of Step", factor)

    def __call__(self, t: float) -> float:
        return self.factors[sum(t >= boundary for boundary in self.boundaries)]


class Exponential(Schedule):
    """``final ** t``: the factor decreases by the same ratio in every step.

    Here t is the fraction of training done.

    Parameters
    ----------
    final : float in (0, 1], default=0.01
        The factor at the end.

    See Also
    --------
    Cosine : A decay that is slow at both ends.

    Examples
    --------
    >>> Exponential(final=0.01)(0.5)
    0.1
    """

    name = "exponential"
    known_as = ("exponentiallr",)
    rules = {"final": real(0, 1, closed="right")}

    def __init__(self, *, final: float = 0.01) -> None:
        self.final = final

    def __call__(self, t: float) -> float:
        return float(self.final**t)


class Cosine(Schedule):
    """Half a cosine wave from 1 to `final`: ``final + (1 - final) (1 + cos(pi t)) / 2``.

    Here t is the fraction of training done.

    Parameters
    ----------
    final : float in [0, 1], default=0.0
        The factor at the end.

    See Also
    --------
    OneCycle : The same fall after a rise.

    References
    ----------
    Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5, without restarts.

    Examples
    --------
    >>> Cosine()(0.5)
    0.5
    """

    name = "cosine"
    known_as = ("cosine_annealing", "cosineannealinglr")
    rules = {"final": real(0, 1)}

    def __init__(self, *, final: float = 0.0) -> None:
        self.final = final

    def __call__(self, t: float) -> float:
        return self.final + (1 - self.final) * (1 + cos(pi * t)) / 2


class CosLog4(Schedule):
    """Four waves of doubling length: ``(1 - cos(2 pi log2(1 + 15 t))) / 2``.

    Here t is the fraction of training done. The waves start and end with the factor 0.

    See Also
    --------
    Cosine : Half a wave.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, "Better by default", NeurIPS 2024, section 3.

    Examples
    --------
    >>> round(CosLog4()(1 / 15), 6), round(CosLog4()((2**0.5 - 1) / 15), 6)
    (0.0, 1.0)
    """

    name = "coslog4"

    def __call__(self, t: float) -> float:
        return (1 - cos(2 * pi * log2(1 + 15 * t))) / 2


class OneCycle(Schedule):
    """A cosine rise from `start` to 1 at the fraction `peak`, then a cosine fall to `final`.

    Both parts are half a cosine wave.

    Parameters
    ----------
    peak : float in (0, 1), default=0.3
        The fraction of training at which the factor is 1.
    start : float in [0, 1], default=0.04
        The factor at the beginning.
    final : float in [0, 1], default=4e-6
        The factor at the end.

    See Also
    --------
    Warmup : A linear rise before any other schedule.

    References
    ----------
    Smith and Topin, "Super-convergence", 2019. `peak`, `start` and `final` have the defaults of
    PyTorch's ``OneCycleLR``, which counts its steps otherwise: its peak comes one step earlier, and
    its last step has the factor `final`, which is the limit after the last step here.

    Examples
    --------
    >>> OneCycle()(0.0), OneCycle()(0.3)
    (0.04, 1.0)
    """

    name = "one_cycle"
    known_as = ("onecycle", "onecyclelr")
    rules = {"peak": real(0, 1, closed="neither"), "start": real(0, 1), "final": real(0, 1)}

    def __init__(self, *, peak: float = 0.3, start: float = 0.04, final: float = 4e-6) -> None:
        self.peak = peak
        self.start = start
        self.final = final

    def __call__(self, t: float) -> float:
        if t < self.peak:
            return self.start + (1 - self.start) * (1 - cos(pi * t / self.peak)) / 2
        fall = (t - self.peak) / (1 - self.peak)
        return self.final + (1 - self.final) * (1 + cos(pi * fall)) / 2


class Warmup(Schedule):
    """A linear rise of the factor, followed by another schedule for the rest of training.

    The factor of the rise multiplies that of the schedule which follows, at its start.

    Parameters
    ----------
    fraction : float in (0, 1), default=0.05
        The fraction of training that the rise takes.
    then : str, Schedule or function, default="constant"
        The schedule that follows.

    See Also
    --------
    OneCycle : A rise and a fall by cosines.

    References
    ----------
    Goyal et al., "Accurate, large minibatch SGD", arXiv:1706.02677, section 2.2.

    Examples
    --------
    >>> warmup = Warmup(fraction=0.5, then="exponential")
    >>> warmup(0.25), warmup(0.5), warmup(0.75)
    (0.5, 1.0, 0.1)
    """

    name = "warmup"
    rules = {"fraction": real(0, 1, closed="neither")}

    def __init__(self, *, fraction: float = 0.05, then: str | Schedule = "constant") -> None:
        self.fraction = fraction
        self.then = then

    def check_parameters(self) -> None:
        super().check_parameters()
        Schedule.resolve(self.then, "then of Warmup")

    def __call__(self, t: float) -> float:
        return self.at(Clock(fraction=t))

    def at(self, clock: Clock) -> float:
        t = clock.fraction
        rest = max(0.0, (t - self.fraction) / (1 - self.fraction))
        then = Schedule.resolve(self.then, "then of Warmup")
        return min(1.0, t / self.fraction) * then.at(replace(clock, fraction=rest))

    @property
    def reads_fraction(self) -> bool:
        """As for the schedule that follows."""
        return Schedule.resolve(self.then, "then of Warmup").reads_fraction

    def survives_plateau(self, rate: float) -> bool:
        return Schedule.resolve(self.then, "then of Warmup").survives_plateau(rate)


class FunctionOfFraction(Schedule):
    """A user's function of the fraction of training done.

    A function that is passed as `learning_rate` becomes one of these.

    Parameters
    ----------
    function : callable
        A function that maps a float in [0, 1] to a float >= 0.

    See Also
    --------
    Schedule : The class to derive from where parameters are to be searched.

    Examples
    --------
    >>> FunctionOfFraction(function=lambda t: 1 - t)(0.25)
    0.75
    """

    rules = {"function": Rule(callable, "a function of the fraction of training done")}

    def __init__(self, *, function: Callable[[float], float]) -> None:
        self.function = function

    def __call__(self, t: float) -> float:
        factor = self.function(t)
        rule = real(0, closed="left")
        return float(rule.check("the value of the learning_rate function", factor))
