"""How a fitted estimator describes its network: a table, and a line in the HTML view."""

from sklearn.utils.validation import check_is_fitted

from .._view import Documented, box
from . import fitted
from .summary import architecture, summary


class Described(Documented):
    """Mixin of estimators that describe their network; before BaseEstimator."""

    def summary(self) -> str:
        """Describe the fitted network as a table.

        Returns
        -------
        str
            One line a layer: name, units, activation, number of parameters; then the total.
        """
        check_is_fitted(self)
        return summary(fitted.network(self), self.out_activation_)

    def _sk_visual_block_(self):
        """What the HTML view shows; once fitted, also the architecture."""
        is_fitted = hasattr(self, "coefs_")
        words = architecture(fitted.network(self), self.out_activation_) if is_fitted else None
        return box(self, words)
