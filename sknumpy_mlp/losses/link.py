"""The base class of links; `sknumpy_mlp.losses.links` states the contract."""

from .._types import Array, Floats, Integers


class Link:
    """Base class of links, for exclusive classes with one raw score each.

    A link turns the raw scores of the output layer into predictions.

    Attributes
    ----------
    out_activation : str
        Name of the function from raw scores to predictions.

    See Also
    --------
    sknumpy_mlp.losses.Loss : Has a link.

    Examples
    --------
    >>> from sknumpy_mlp.losses import Poisson
    >>> Poisson().link
    Exponential()
    """

    out_activation = "identity"

    def n_outputs(self, n_columns: int) -> int:
        """Compute the number of raw scores per row.

        Parameters
        ----------
        n_columns : int
            Number of classes, labels or columns of numbers.

        Returns
        -------
        int
            Number of raw scores.
        """
        return n_columns

    def n_columns(self, n_outputs: int) -> int:
        """Compute the number of classes, labels or columns that are predicted from raw scores.

        Parameters
        ----------
        n_outputs : int
            Number of raw scores per row.

        Returns
        -------
        int
            Number of classes, labels or columns of numbers.
        """
        return n_outputs

    def explained(self, Z: Floats) -> Floats:
        """Compute what explanations attribute to the inputs: raw scores, unchanged.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_outputs)
            Raw scores.

        Returns
        -------
        ndarray of shape (n_samples, n_explained)
            The explained scores.
        """
        return Z

    def explained_gradient(self, Z: Floats, dS: Floats) -> Floats:
        """Compute the gradient of ``sum(dS * explained(Z))`` by `Z`.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_outputs)
            Raw scores.
        dS : ndarray of shape (n_samples, n_explained)
            The gradient of the explained scores.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            The gradient of the raw scores.
        """
        return dS

    def probabilities(self, Z: Floats) -> Floats:
        """Convert raw scores to probabilities; may overwrite `Z`.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_outputs)
            Raw scores.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The probabilities.
        """
        raise NotImplementedError

    def log_probabilities(self, Z: Floats) -> Floats:
        """Compute log-probabilities, without rounding probabilities first; may overwrite `Z`.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_outputs)
            Raw scores.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Logarithms of the probabilities.
        """
        raise NotImplementedError

    def pool(self, Z: Floats) -> Floats:
        """Compute raw scores that predict the mean of the predictions of several members.

        A loss whose link does not override `pool` does not support several members.

        Parameters
        ----------
        Z : ndarray of shape (n_members, n_samples, n_outputs)
            Raw scores; may be overwritten.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            The pooled scores.
        """
        raise NotImplementedError

    def pool_gradient(self, Z: Floats, dP: Floats) -> Floats:
        """Compute the gradient of ``sum(dP * pool(Z))`` by `Z`.

        Parameters
        ----------
        Z : ndarray of shape (n_members, n_samples, n_outputs)
            Raw scores; may be overwritten.
        dP : ndarray of shape (n_samples, n_outputs)
            The gradient of the pooled scores.

        Returns
        -------
        ndarray of shape (n_members, n_samples, n_outputs)
            How each member moves the pooled scores.
        """
        raise NotImplementedError

    @property
    def pools(self) -> bool:
        """Whether the link can pool the scores of several members."""
        return type(self).pool is not Link.pool

    @property
    def differentiates_pool(self) -> bool:
        """Whether `pool_gradient` is that of `pool`: no class below it writes `pool` again."""
        names = {"pool", "pool_gradient"}
        first = next(cls for cls in type(self).__mro__ if names & vars(cls).keys())
        return first is not Link and "pool_gradient" in vars(first)

    def decision(self, Z: Floats) -> Floats:
        """Compute the decision function of scikit-learn's glossary; may overwrite `Z`.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_outputs)
            Raw scores.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            The log-odds of the second of two classes, otherwise raw scores.
        """
        if Z.shape[1] > 2:
            return Z
        if Z.shape[1] == 1:
            return Z[:, 0]
        log_p = self.log_probabilities(Z)
        return log_p[:, 1] - log_p[:, 0]

    def predict(self, Z: Floats) -> Array:
        """Predict, in the form of the argument of `Loss.encode_target`; may overwrite `Z`.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_outputs)
            Raw scores.

        Returns
        -------
        ndarray
            Class indices of shape (n_samples,), 0 and 1 of shape (n_samples, n_labels), or numbers
            of shape (n_samples, n_columns).
        """
        found: Integers = Z.argmax(axis=1)
        return found

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
