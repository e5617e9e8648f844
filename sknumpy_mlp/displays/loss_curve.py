"""`LossCurveDisplay`: the training loss and the held-out loss of every epoch.

The estimators keep both curves; nothing is computed here but the numbers of the epochs.
"""

from collections.abc import Mapping

import numpy as np

from .drawing import axes, check_matplotlib, final_estimator, line_style


class LossCurveDisplay:
    """Training loss and held-out loss of each epoch, of one fit or of several.

    Use `from_estimator` or `from_estimators` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    losses : ndarray of shape (n_epochs,) or list of ndarray
        The training loss of each epoch. A list has one curve for each fit.
    held_out_losses : ndarray of shape (n_epochs,), list of ndarray or None, default=None
        The loss of the held-out samples. A list may contain None. A curve that is shorter than that
        of the training loss belongs to the last epochs.
    best_epochs : int, sequence of int, list of these or None, default=None
        The best epochs, counted from 1 at the beginning of the curve of the training loss; several
        members have several. A list with one entry for each of several fits may contain None.
    name : str, list of str or None, default=None
        Name of each fit in the legend.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        The training loss of each fit.
    held_out_lines_ : list of matplotlib Line2D or None
        The held-out loss of each fit, None where it has none.
    best_epoch_lines_ : list of matplotlib Line2D or None
        The marks at the best epochs of each fit, None where it has none.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores by the number of training samples.

    Examples
    --------
    >>> import numpy as np
    >>> from sknumpy_mlp.displays import LossCurveDisplay
    >>> display = LossCurveDisplay(losses=np.array([0.7, 0.4, 0.2]), name="a fit").plot()
    >>> display.lines_[0].get_label(), display.ax_.get_xlabel()
    ('a fit', 'Epoch')
    """

    def __init__(self, *, losses, held_out_losses=None, best_epochs=None, name=None):
        self.losses = losses
        self.held_out_losses = held_out_losses
        self.best_epochs = best_epochs
        self.name = name

    def plot(
        self,
        ax=None,
        *,
        name=None,
        curve_kwargs=None,
        held_out_kwargs=None,
        log_scale=False,
        plot_best_epoch=True,
        best_epoch_kw=None,
    ):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on; None creates a figure.
        name : str, list of str or None, default=None
            Name of each fit in the legend. None is the `name` of the display.
        curve_kwargs : dict, list of dict or None, default=None
            Keyword arguments of Matplotlib's `plot` for both curves of a fit. A list has one entry
            for each fit.
        held_out_kwargs : dict or None, default=None
            The same for the curves of held-out samples only.
        log_scale : bool, default=False
            Whether the axis of the loss is logarithmic.
        plot_best_epoch : bool, default=True
            Whether to mark the best epochs.
        best_epoch_kw : dict or None, default=None
            Keyword arguments of Matplotlib's `plot` for the marks of the best epochs.

        Returns
        -------
        LossCurveDisplay
            The display itself.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        ValueError
            If the lists are not of one length.
        """
        check_matplotlib("LossCurveDisplay.plot")
        fits = self._fits(self.name if name is None else name, curve_kwargs)
        self.ax_ = axes(ax)
        self.figure_ = self.ax_.figure
        self.lines_, self.held_out_lines_, self.best_epoch_lines_ = [], [], []
        for losses, held_out, best, label, style in fits:
            training, validation = _labels(label, held_out is not None)
            epochs, style = np.arange(1, len(losses) + 1), line_style({}, style)
            self.lines_ += self.ax_.plot(epochs, losses, **{"label": training} | style)
            color = self.lines_[-1].get_color()
            line = marks = None
            if held_out is not None:
                default = {"color": color, "linestyle": "--"} | style | {"label": validation}
                style = line_style(default, held_out_kwargs)
                (line,) = self.ax_.plot(epochs[len(losses) - len(held_out) :], held_out, **style)
            if plot_best_epoch and best is not None:
                values = np.asarray(losses if held_out is None else held_out)
                marks = self._mark(np.atleast_1d(best), values, len(losses), color, best_epoch_kw)
            self.held_out_lines_.append(line)
            self.best_epoch_lines_.append(marks)
        if log_scale:
            self.ax_.set_yscale("log")
        self.ax_.set(xlabel="Epoch", ylabel="Loss")
        if self.ax_.get_legend_handles_labels()[1]:
            self.ax_.legend()
        return self

    def _mark(self, best, values, n_epochs, color, kwargs):
        """Mark the best epochs on a curve that ends with the last epoch."""
        is_named = "Best epoch" in self.ax_.get_legend_handles_labels()[1]
        default = {
            "color": color,
            "linestyle": "none",
            "marker": "o",
            "markersize": 7,
            "markerfacecolor": "white",
            "markeredgewidth": 2,
            "label": None if is_named else "Best epoch",
        }
        (marks,) = self.ax_.plot(
            best, values[best - 1 - (n_epochs - len(values))], **line_style(default, kwargs)
        )
        return marks

    def _fits(self, name, curve_kwargs):
        """One tuple for each fit: losses, held-out losses, best epochs, name, style."""
        several = isinstance(self.losses, list) and np.ndim(self.losses[0]) > 0
        losses = self.losses if several else [self.losses]
        n_fits = len(losses)
        return list(
            zip(
                losses,
                _for_each("held_out_losses", self.held_out_losses, n_fits, not several),
                _for_each("best_epochs", self.best_epochs, n_fits, not several),
                _for_each("name", name, n_fits, isinstance(name, str)),
                _for_each("curve_kwargs", curve_kwargs, n_fits, isinstance(curve_kwargs, Mapping)),
                strict=True,
            )
        )

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, name=None, **plot_kwargs):
        """Draw the losses of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted `ScratchMLPClassifier` or `ScratchMLPRegressor`, or a pipeline, a search or a
            `TransformedTargetRegressor` that ends with one. scikit-learn's `MLPClassifier` and
            `MLPRegressor` are also accepted. The curves of several members are their means, and
            the best epoch of each member is marked.
        ax : matplotlib Axes, default=None
            The axes to draw on; None creates a figure.
        name : str or None, default=None
            Name in the legend. None is the name of the class.
        **plot_kwargs : dict
            Keyword arguments of `plot`.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        ValueError
            If the estimator has no `loss_curve_`; lbfgs has none.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sknumpy_mlp import ScratchMLPClassifier
        >>> from sknumpy_mlp.displays import LossCurveDisplay
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = ScratchMLPClassifier((8,), early_stopping=True, max_iter=20,
        ...                            n_iter_no_change=None, random_state=0).fit(X, y)
        >>> LossCurveDisplay.from_estimator(clf, log_scale=True)
        <...>
        """
        return cls._plotted([estimator], "from_estimator", None, name, ax, plot_kwargs)

    @classmethod
    def from_estimators(cls, estimators, *, ax=None, name=None, **plot_kwargs):
        """Draw the losses of several fitted estimators in one picture.

        Parameters
        ----------
        estimators : list of estimators, or dict of str to estimator
            Each as in `from_estimator`, such as ``cross_validate(..., return_estimator=True)``
            returns them. The keys of a dict are the names in the legend.
        ax : matplotlib Axes, default=None
            The axes to draw on; None creates a figure.
        name : list of str or None, default=None
            Names in the legend. None is the names of the classes, with a number.
        **plot_kwargs : dict
            Keyword arguments of `plot`.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        ValueError
            If there is no estimator, or if one has no `loss_curve_`; lbfgs has none.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sknumpy_mlp import ScratchMLPClassifier
        >>> from sknumpy_mlp.displays import LossCurveDisplay
        >>> X, y = load_iris(return_X_y=True)
        >>> fits = {f"rate {rate}": ScratchMLPClassifier(
        ...             (8,), learning_rate_init=rate, max_iter=20, n_iter_no_change=None,
        ...             random_state=0).fit(X, y)
        ...         for rate in (0.001, 0.01)}
        >>> len(LossCurveDisplay.from_estimators(fits).lines_)
        2
        """
        names = [str(key) for key in estimators] if isinstance(estimators, Mapping) else None
        models = list(estimators.values() if names else estimators)
        if not models:
            raise ValueError(f"estimators must have at least one estimator, got {estimators!r}")
        return cls._plotted(models, "from_estimators", names, name, ax, plot_kwargs)

    @classmethod
    def _plotted(cls, models, method, names, name, ax, plot_kwargs):
        check_matplotlib(f"{cls.__name__}.{method}")
        found = [final_estimator(model) for model in models]
        curves = [_curves(model) for model in found]
        if name is None and names is None:
            names = [type(model).__name__ for model in found]
            if len(names) > 1:
                names = [f"{each} {number}" for number, each in enumerate(names)]
        losses, held_out, best = (list(each) for each in zip(*curves, strict=True))
        names = names if name is None else name
        if method == "from_estimator":
            (losses,), (held_out,), (best,), names = losses, held_out, best, name or names[0]
        display = cls(losses=losses, held_out_losses=held_out, best_epochs=best, name=names)
        return display.plot(ax, **plot_kwargs)


def _curves(model):
    """The losses of a fitted estimator, those of its held-out samples, and its best epochs."""
    losses = getattr(model, "loss_curve_", None)
    if losses is None:
        raise ValueError(
            f"estimator must have a loss_curve_, got {type(model).__name__} without; "
            'solver="lbfgs" has no epochs'
        )
    held_out, best = (
        getattr(model, each, None) for each in ("validation_loss_curve_", "best_iter_")
    )
    if best is not None:
        # Counted from the beginning of the last fit, while the curve has those before it too.
        best = np.asarray(best) + len(losses) - model.n_iter_
    return np.asarray(losses), None if held_out is None else np.asarray(held_out), best


def _for_each(key, value, n_fits, is_shared):
    """One value for each fit: of a list, or the same for all."""
    values = [value] * n_fits if value is None or is_shared else list(value)
    if len(values) != n_fits:
        raise ValueError(f"{key} must have one entry for each of {n_fits} fits, got {value!r}")
    return values


def _labels(name, has_held_out):
    """The labels of both curves of a fit."""
    if not has_held_out:
        return name, None
    return tuple(
        f"{name}, {what}" if name else what.capitalize() for what in ("training", "held out")
    )
