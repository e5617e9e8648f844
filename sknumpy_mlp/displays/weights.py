"""`WeightsDisplay`: the weights of the first layer, each unit as an image."""

import numpy as np

from .._estimator import fitted
from .._family import integer
from .drawing import axes, check_matplotlib, fitted_network, has_embedding, weights_of


class WeightsDisplay:
    """Weights of the first layer as images, one for each unit.

    Blue weights are negative and red ones positive. All images have one colour scale. Use
    `from_estimator` to create a display. All parameters are stored as attributes.

    Parameters
    ----------
    images : ndarray of shape (n_units, height, width)
        The weights of each unit.
    n_units : int or None, default=None
        Number of units of the layer, if there are more than images.
    name : str or None, default=None
        The title.

    Attributes
    ----------
    im_ : matplotlib AxesImage
        One image with all units, row by row, and a gap between them.
    colorbar_ : matplotlib Colorbar or None
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    NetworkDisplay : The architecture as a diagram.
    LossCurveDisplay : The loss after each epoch.

    Examples
    --------
    >>> import numpy as np
    >>> from sknumpy_mlp.displays import WeightsDisplay
    >>> display = WeightsDisplay(images=np.arange(6.0).reshape(1, 2, 3)).plot(colorbar=False)
    >>> display.im_.get_clim()
    (-5.0, 5.0)
    """

    def __init__(self, *, images, n_units=None, name=None):
        self.images = images
        self.n_units = n_units
        self.name = name

    def plot(self, ax=None, *, name=None, n_columns=None, im_kw=None, colorbar=True):
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on; None creates a figure.
        name : str or None, default=None
            The title. None is the `name` of the display.
        n_columns : int >= 1 or None, default=None
            Number of images in a row. None makes as many rows as columns.
        im_kw : dict or None, default=None
            Keyword arguments of Matplotlib's `imshow`.
        colorbar : bool, default=True
            Whether to draw the scale of the colours.

        Returns
        -------
        WeightsDisplay
            The display itself.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        ValueError
            If `n_columns` is invalid, or if `images` does not have three axes.
        """
        check_matplotlib("WeightsDisplay.plot")
        images = np.asarray(self.images)
        if images.ndim != 3 or images.size == 0:
            raise ValueError(f"images must be (n_units, height, width), got {images.shape}")
        if n_columns is None:
            n_columns = int(np.ceil(len(images) ** 0.5))
        integer(1).check("n_columns", n_columns)
        bound = float(np.nanmax(np.abs(images)))
        self.ax_ = axes(ax)
        self.figure_ = self.ax_.figure
        style = {"cmap": "RdBu_r", "vmin": -bound, "vmax": bound, "interpolation": "nearest"}
        self.im_ = self.ax_.imshow(_mosaic(images, n_columns), **style | (im_kw or {}))
        self.ax_.set_xticks([])
        self.ax_.set_yticks([])
        self.ax_.spines[:].set_visible(False)
        self.ax_.set_title(self._title(self.name if name is None else name))
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = self.figure_.colorbar(self.im_, ax=self.ax_, label="Weight")
        return self

    def _title(self, name):
        """The name, and how many units are drawn if others are not."""
        n_drawn, n_units = len(self.images), self.n_units or len(self.images)
        words = [name] if name else []
        if n_drawn < n_units:
            words.append(f"{n_drawn} of {n_units:,} units")
        return ", ".join(words)

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        image_shape=None,
        units=None,
        member=0,
        ax=None,
        name=None,
        **plot_kwargs,
    ):
        """Draw the first layer of a fitted estimator.

        The weights are those of the columns that the network gets. With `feature_scale`, they are
        multiplied by the learned factors.

        Parameters
        ----------
        estimator : estimator
            A fitted `ScratchMLPClassifier` or `ScratchMLPRegressor`, or a pipeline, a search or a
            `TransformedTargetRegressor` that ends with one.
        image_shape : (int, int) or None, default=None
            Height and width of an image. None is a square.
        units : sequence of int or None, default=None
            The units to draw. None is the first hundred.
        member : int, default=0
            The member of an ensemble.
        ax : matplotlib Axes, default=None
            The axes to draw on; None creates a figure.
        name : str or None, default=None
            The title. None is the name of the class.
        **plot_kwargs : dict
            Keyword arguments of `plot`.

        Returns
        -------
        WeightsDisplay

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        TypeError
            If the estimator does not end with one of this package.
        ValueError
            If the features do not fill `image_shape`, if `units` or `member` is invalid, or if the
            network has an `embedding`, since its first layer then has no weight of a feature.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sknumpy_mlp import ScratchMLPClassifier
        >>> from sknumpy_mlp.displays import WeightsDisplay
        >>> X, y = load_digits(return_X_y=True)
        >>> clf = ScratchMLPClassifier((16,), max_iter=5, n_iter_no_change=None, random_state=0)
        >>> WeightsDisplay.from_estimator(clf.fit(X / 16, y)).images.shape
        (16, 8, 8)
        """
        check_matplotlib("WeightsDisplay.from_estimator")
        model = fitted_network(estimator)
        if has_embedding(fitted.network(model)):
            raise ValueError(
                "estimator must have no embedding, whose outputs are not pixels, got "
                f"embedding={model.embedding!r}"
            )
        W = weights_of(model, member)[0]
        # Users know how many units they chose.
        n_units = W.shape[1] if units is None else None
        images = _chosen(W, units).T.reshape(-1, *_checked_shape(image_shape, len(W)))
        shown_name = type(model).__name__ if name is None else name
        return cls(images=images, n_units=n_units, name=shown_name).plot(ax, **plot_kwargs)


def _checked_shape(image_shape, n_features):
    """Height and width of the images; a square by default."""
    if image_shape is None:
        side = round(n_features**0.5)
        image_shape = (side, side)
        if side * side != n_features:
            raise ValueError(
                f"image_shape must be (height, width), since {n_features} features make no square, "
                "got None"
            )
    height, width = image_shape
    if height * width != n_features:
        raise ValueError(
            f"image_shape must be that of {n_features} features, got {tuple(image_shape)!r}"
        )
    return height, width


def _chosen(W, units, at_most=100):
    """The columns of the chosen units, or the first ones."""
    if units is None:
        return W[:, :at_most]
    numbers = np.asarray(units)
    is_index = numbers.ndim == 1 and numbers.size and numbers.dtype.kind in "iu"
    if not is_index or numbers.min() < 0 or numbers.max() >= W.shape[1]:
        raise ValueError(
            f"units must be a sequence of numbers from 0 to {W.shape[1] - 1}, got {units!r}"
        )
    return W[:, numbers]


def _mosaic(images, n_columns):
    """One image of all, row by row, with a gap of missing values between them."""
    n_images, height, width = images.shape
    n_columns = min(n_columns, n_images)
    n_rows = -(-n_images // n_columns)
    mosaic = np.full((n_rows * (height + 1) - 1, n_columns * (width + 1) - 1), np.nan)
    for number, image in enumerate(images):
        row, column = number // n_columns * (height + 1), number % n_columns * (width + 1)
        mosaic[row : row + height, column : column + width] = image
    return mosaic
