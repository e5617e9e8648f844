"""Parameters of an estimator: stored by its constructor, and set later, also those of its parts."""

from typing import Any, Self

from .._family import all_or_nothing, shown
from .parameters import FAMILIES


class Settable:
    """Mixin of estimators whose parameters may be parts with parameters; before BaseEstimator."""

    def _store(self, arguments):
        """Store the arguments of the constructor, its ``locals()``, under their names."""
        for name, value in arguments.items():
            if value is not self:
                setattr(self, name, value)

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the estimator, and of objects among them.

        Parameters
        ----------
        **params : dict
            New values by name. A part given as an object has parameters of its own, for example
            ``solver__rho``.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If there is no such parameter, or the part is not an object but a name. No parameter has
            changed then.
        """
        with all_or_nothing(self, params):
            self._check_settable(params)
            return super().set_params(**params)

    def _check_settable(self, params):
        """Raise a ValueError for a parameter that there is not, or of a part that is no object."""
        names = self._get_param_names()
        for key in params:
            name, _, path = key.partition("__")
            if name not in names:
                # The words of scikit-learn, whose message shows all values, also odd ones.
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {type(self).__name__}. "
                    f"Valid parameters are: {names}."
                )
            part = params.get(name, getattr(self, name, None))
            if path and name in FAMILIES:
                FAMILIES[name].check_settable(part, name, path)
            elif name != key and hasattr(self, name) and not hasattr(part, "set_params"):
                raise ValueError(
                    f"{name} has no parameters of its own, got {key}={shown(params[key])}"
                )
