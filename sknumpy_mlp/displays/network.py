"""`NetworkDisplay`: the diagram of a network, units as circles and weights as lines.

The display draws columns of units, whatever they are; only `from_estimator` knows the estimators.
"""

from itertools import pairwise

import numpy as np

from .._estimator import fitted
from .._family import integer
from .drawing import axes, check_matplotlib, fitted_network, has_embedding, weights_of

# Negative and positive weights, which the colour-blind can tell apart, and connections without.
NEGATIVE, POSITIVE, NEUTRAL = "#2166ac", "#d6604d", "#999999"


class NetworkDisplay:
    """Diagram of a network: a column of circles for each layer, and a line for each weight.

    Blue weights are negative and red ones positive. The larger a weight, the stronger its line,
    compared with the largest weight between the same two columns. Of a column with many units,
    the first and the last ones are drawn, and three dots stand for the others. Biases and dropout
    are not drawn. Use `from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    weights : list of ndarray of shape (n_in, n_out)
        The weights from each column to the next one. A boolean matrix says which units are
        connected, without weights; its lines are grey.
    labels : list of str or None, default=None
        Label of each column, one more than `weights`.
    input_names, output_names : list of str or None, default=None
        Name of each unit of the first and of the last column.
    n_members : int, default=1
        Number of networks of this shape. Several are drawn as a stack, with the weights of one.
    name : str or None, default=None
        The title.

    Attributes
    ----------
    nodes_ : list of matplotlib PathCollection
        The circles of each column.
    edges_ : list of matplotlib LineCollection
        The lines from each column to the next one.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    WeightsDisplay : The weights of the first layer as images.
    sknumpy_mlp.ScratchMLPClassifier.summary : The architecture as text.

    Examples
    --------
    >>> import numpy as np
    >>> from sknumpy_mlp.displays import NetworkDisplay
    >>> display = NetworkDisplay(weights=[np.eye(4, 30), np.ones((30, 2))]).plot(max_units=10)
    >>> [len(nodes.get_offsets()) for nodes in display.nodes_]
    [4, 10, 2]
    """

    def __init__(
        self,
        *,
        weights,
        labels=None,
        input_names=None,
        output_names=None,
        n_members=1,
        name=None,
    ):
        self.weights = weights
        self.labels = labels
        self.input_names = input_names
        self.output_names = output_names
        self.n_members = n_members
        self.name = name

    def plot(self, ax=None, *, name=None, max_units=12, node_kw=None, edge_kw=None):
        """Draw the diagram.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on; None creates a figure.
        name : str or None, default=None
            The title. None is the `name` of the display.
        max_units : int >= 2, default=12
            Maximum number of circles in a column.
        node_kw : dict or None, default=None
            Keyword arguments of Matplotlib's `scatter` for the circles.
        edge_kw : dict or None, default=None
            Keyword arguments of Matplotlib's `LineCollection` for the lines.

        Returns
        -------
        NetworkDisplay
            The display itself.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        ValueError
            If `max_units` is invalid, or if the numbers of units, labels or names do not agree.
        """
        check_matplotlib("NetworkDisplay.plot")
        integer(2).check("max_units", max_units)
        units = self._units()
        self.ax_ = axes(ax)
        self.figure_ = self.ax_.figure
        columns = [_Column(x, n, max_units) for x, n in enumerate(units)]
        self.edges_ = [
            self._draw_edges(left, right, np.asarray(W), edge_kw or {})
            for left, right, W in zip(columns[:-1], columns[1:], self.weights, strict=True)
        ]
        self.nodes_ = [self._draw_nodes(column, node_kw or {}) for column in columns]
        height = max(column.height for column in columns)
        for column, label in zip(columns, self.labels or [""] * len(units), strict=True):
            # Long names take several lines.
            label = label.replace("(", "\n(") if "(" in label else label.replace("_", "\n")
            self.ax_.text(column.x, height + 0.8, f"{column.n_units:,}", ha="center", va="bottom")
            self.ax_.text(column.x, -height - 0.8, label, ha="center", va="top")
        margins = [
            self._write_names(columns[0], self.input_names, -1),
            self._write_names(columns[-1], self.output_names, 1),
        ]
        self.ax_.set(xlim=self._limits(len(units), *margins), ylim=(-height - 2.4, height + 2.4))
        self.ax_.set_axis_off()
        self.ax_.set_title(self._title(self.name if name is None else name))
        return self

    def _units(self):
        """Number of units of each column; a ValueError if arrays, labels or names do not agree."""
        shapes = [np.shape(W) for W in self.weights]
        fit = shapes and all(len(shape) == 2 for shape in shapes)
        if not fit or any(a[1] != b[0] for a, b in pairwise(shapes)):
            raise ValueError(
                f"weights must be matrices from each column of units to the next one, got {shapes}"
            )
        units = [shapes[0][0], *(shape[1] for shape in shapes)]
        for key, expected in (
            ("labels", len(units)),
            ("input_names", units[0]),
            ("output_names", units[-1]),
        ):
            value = getattr(self, key)
            if value is not None and len(value) != expected:
                raise ValueError(f"{key} must be {expected} texts, got {len(value)}")
        return units

    def _write_names(self, column, names, side):
        """Write the names of the drawn units beside a column; returns their width in inches."""
        if names is None:
            return 0.4
        # Behind the circles of other members.
        points = side * (8 if self.n_members == 1 or side < 0 else 22)
        for number, y in zip(column.drawn, column.y, strict=True):
            self.ax_.annotate(
                names[number],
                (column.x, y),
                (points, 0),
                textcoords="offset points",
                ha="right" if side < 0 else "left",
                va="center",
            )
        # About 0.08 inches for a letter.
        return 0.5 + 0.08 * max(len(names[number]) for number in column.drawn)

    def _limits(self, n_columns, left, right):
        """Limits of the x-axis that leave as many inches at both sides."""
        width = self.ax_.get_window_extent().width / self.figure_.dpi
        unit = max(n_columns - 1, 1) / max(width - left - right, width / 4)
        return -left * unit, n_columns - 1 + right * unit

    def _title(self, name):
        members = f"{self.n_members} members" if self.n_members > 1 else None
        return ", ".join(each for each in (name, members) if each)

    def _draw_edges(self, left, right, W, edge_kw):
        """Draw the lines between two columns, the strongest last."""
        from matplotlib.collections import LineCollection
        from matplotlib.colors import to_rgba_array

        rows, cols = np.meshgrid(left.drawn, right.drawn, indexing="ij")
        starts, ends = np.meshgrid(left.y, right.y, indexing="ij")
        values = W[rows, cols].ravel()
        x = np.broadcast_to([left.x, right.x], (len(values), 2))
        lines = np.stack([x, np.stack([starts.ravel(), ends.ravel()], axis=1)], axis=2)
        if W.dtype == bool:
            lines = lines[values]
            colors, strength = to_rgba_array([NEUTRAL] * len(lines)), np.ones(len(lines))
        else:
            largest = np.abs(values).max(initial=0) or 1.0
            order = np.argsort(np.abs(values))
            lines, values = lines[order], values[order]
            strength = np.abs(values) / largest
            colors = to_rgba_array([POSITIVE if each > 0 else NEGATIVE for each in values])
        colors[:, 3] = 0.05 + 0.85 * strength
        style = {"colors": colors, "linewidths": 0.3 + 1.7 * strength, "zorder": 1} | edge_kw
        return self.ax_.add_collection(LineCollection(lines, **style), autolim=False)

    def _draw_nodes(self, column, node_kw):
        """Draw the circles of a column, and three dots for those that are left out."""
        style = {"s": 90, "facecolor": "white", "edgecolor": "#333333", "linewidth": 1.2}
        x = np.full(len(column.y), column.x)
        # The other members of an ensemble look out behind the first.
        for shift in (0.1, 0.05) if self.n_members > 1 else ():
            back = style | {"edgecolor": NEUTRAL, "zorder": 2}
            self.ax_.scatter(x + shift, column.y + 4 * shift, **back)
        if column.is_elided:
            self.ax_.scatter([column.x] * 3, [-0.35, 0, 0.35], s=6, color="#333333", zorder=3)
        return self.ax_.scatter(x, column.y, **style | {"zorder": 3} | node_kw)

    @classmethod
    def from_estimator(cls, estimator, *, member=0, ax=None, name=None, **plot_kwargs):
        """Draw the network of a fitted estimator.

        The weights of the first layer are those of the columns that the network gets. With
        `feature_scale`, they are multiplied by the learned factors. An embedding is a column of
        units of its own, with grey lines from each feature to what is made from it.

        Parameters
        ----------
        estimator : estimator
            A fitted `ScratchMLPClassifier` or `ScratchMLPRegressor`, or a pipeline, a search or a
            `TransformedTargetRegressor` that ends with one.
        member : int, default=0
            The member of an ensemble whose weights are drawn.
        ax : matplotlib Axes, default=None
            The axes to draw on; None creates a figure.
        name : str or None, default=None
            The title. None is the name of the class.
        **plot_kwargs : dict
            Keyword arguments of `plot`.

        Returns
        -------
        NetworkDisplay

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        TypeError
            If the estimator does not end with one of this package.
        ValueError
            If `member` is not a member.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sknumpy_mlp import ScratchMLPClassifier
        >>> from sknumpy_mlp.displays import NetworkDisplay
        >>> iris = load_iris(as_frame=True)
        >>> clf = ScratchMLPClassifier((8, 6), max_iter=5, n_iter_no_change=None, random_state=0)
        >>> display = NetworkDisplay.from_estimator(clf.fit(iris.data, iris.target))
        >>> display.labels, display.output_names
        (['input', 'relu', 'relu', 'softmax'], ['0', '1', '2'])
        """
        check_matplotlib("NetworkDisplay.from_estimator")
        model = fitted_network(estimator)
        network = fitted.network(model)
        weights = weights_of(model, member)
        labels = [layer.activation.label for layer in network.dense_layers[:-1]]
        labels = ["input", *labels, model.out_activation_]
        if has_embedding(network):
            weights.insert(0, _connections(model, network.units[0], len(weights[0])))
            labels.insert(1, "embedding")
        names = getattr(model, "feature_names_in_", None)
        display = cls(
            weights=weights,
            labels=labels,
            input_names=None if names is None else [str(each) for each in names],
            output_names=_output_names(model, weights[-1].shape[1]),
            n_members=network.n_members,
            name=type(model).__name__ if name is None else name,
        )
        return display.plot(ax, **plot_kwargs)


class _Column:
    """Where the units of a column are drawn, and which of them.

    Attributes
    ----------
    drawn : ndarray of shape (n_drawn,)
        Their indices.
    y : ndarray of shape (n_drawn,)
        Their places, from the top to the bottom, with a gap for the others.
    """

    def __init__(self, x, n_units, max_units):
        self.x, self.n_units = x, n_units
        self.is_elided = n_units > max_units
        n_drawn = min(n_units, max_units)
        first = -(-n_drawn // 2) if self.is_elided else n_drawn
        self.drawn = np.r_[:first, n_units - n_drawn + first : n_units]
        places = np.arange(n_drawn) + 1.5 * (np.arange(n_drawn) >= first)
        if self.is_elided:
            # The gap, where the three dots are, is in the middle.
            self.y = (first - 1 + first + 1.5) / 2 - places
        else:
            self.y = (n_drawn - 1) / 2 - places
        self.height = np.abs(self.y).max()


def _connections(model, n_features, n_outputs):
    """Which feature each output of an embedding is made from, as a boolean matrix.

    Of an embedding that does not publish its columns, any output may be made from any feature.
    """
    if not hasattr(model, "embedding_columns_"):
        return np.ones((n_features, n_outputs), bool)
    # The members embed the same columns.
    columns = np.reshape(model.embedding_columns_, -1)
    columns = columns[: np.shape(model.embedding_columns_)[-1]].astype(np.intp)
    origins = np.r_[:n_features, np.repeat(columns, (n_outputs - n_features) // len(columns))]
    return np.arange(n_features)[:, np.newaxis] == origins


def _output_names(model, n_outputs):
    """The classes, the second of two, or the quantiles; None for other numbers."""
    classes = getattr(model, "classes_", None)
    if classes is not None:
        return [str(each) for each in classes[-n_outputs:]]
    quantiles = getattr(model._loss, "quantiles", None)
    return None if quantiles is None else [f"{each:g}" for each in quantiles]
