"""`ScratchMLPRegressor`: numbers in, numbers out."""

import numpy as np
from scipy import sparse
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from ._estimator.base import BaseScratchMLP
from ._estimator.parameters import takes_steps
from ._estimator.rows import Target
from ._keywords import with_known_keywords
from .losses import Loss


class ScratchMLPRegressor(RegressorMixin, BaseScratchMLP):
    r"""Multilayer perceptron regressor: a drop-in for scikit-learn's `MLPRegressor`.

    Minimizes what `ScratchMLPClassifier` minimizes, with a loss for numbers. With the parameters of
    `MLPRegressor` and the same `random_state` it gives the same model; `docs/differences.md` lists
    where it means to differ. Scale the target too: `sklearn.compose.TransformedTargetRegressor`.

    Parameters
    ----------
    loss : str or Loss, default="squared_error"
        What predictions are: "squared_error" the mean; "poisson" the mean of counts or rates,
        y >= 0, always positive; "absolute_error" the median; "huber" between the two; "pinball" a
        quantile. An object from `sknumpy_mlp.losses` brings its settings: ``Huber(delta=2.0)``,
        ``Pinball(quantile=0.9)``. Several columns of y have the sum of their losses.
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; ``()`` is a linear model.
    activation : str, Activation, or a list of one per hidden layer, default="relu"
        One of "identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu",
        "mish", "softplus", or an object from `sknumpy_mlp.activations`.
    solver : str or Optimizer, default="adam"
        One of "sgd", "momentum", "rmsprop", "adagrad", "adam", "adamw", "lbfgs", or an object from
        `sknumpy_mlp.optimizers`. A name takes its settings from the parameters below
        (`momentum`, `beta_1`, ...), an object brings its own.
    alpha : float >= 0, default=0.0001
        Strength of the L2 term; divided by the number of rows in a batch, as in scikit-learn.
    batch_size : int, "auto", "full" or "up to N", default="auto"
        Rows in a step. "auto" is ``min(200, n_samples)``, "full" all rows, "up to 256", or any
        other number, all rows where they are fewer, without a warning. Not used by lbfgs.
    learning_rate : str, Schedule or function, default="constant"
        The rate of a step is `learning_rate_init` times the schedule's factor. "constant",
        "invscaling", "adaptive" mean what they mean in scikit-learn, where adam and lbfgs ignore
        them. "step", "exponential", "cosine", "coslog4", "one_cycle", "warmup" or an object from
        `sknumpy_mlp.schedules` act with every solver but lbfgs; a function maps the fraction of
        training done, in [0, 1], to the factor.
    learning_rate_init : float > 0, default=0.001
        The learning rate before the schedule's factor. Not used by lbfgs.
    power_t : float >= 0, default=0.5
        Exponent of "invscaling".
    max_iter : int >= 1, default=200
        Epochs, or iterations of lbfgs. Also the epochs that a schedule plans for.
    shuffle : bool, default=True
        Whether every epoch takes the rows in a new order.
    random_state : int, RandomState or None, default=None
        Decides starting weights, the validation rows and the order of rows. None draws fresh
        numbers, never from NumPy's global stream.
    tol : float >= 0, default=1e-4
        What counts as an improvement of the loss or of the validation score. For lbfgs, the
        bound on the largest entry of the gradient.
    verbose : bool or int, default=False
        Whether to print the loss of every epoch.
    warm_start : bool, default=False
        Whether `fit` starts from the weights of the fitted network, with a new optimizer.
    momentum : float in [0, 1], default=0.9
        For solver "sgd" and "momentum".
    nesterovs_momentum : bool, default=True
        For solver "sgd".
    early_stopping : bool, default=False
        Whether to score validation rows after every epoch, stop when that score has not improved
        for `n_iter_no_change` epochs, and keep the best weights. The rows are `X_val` of `fit`,
        or else split off from `X`.
    validation_fraction : float in [0, 1), default=0.1
        Share of rows held out by `early_stopping`.
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        For solver "adam" and "adamw".
    epsilon : float > 0, default=1e-8
        For solver "adam", "adamw", "rmsprop" and "adagrad".
    n_iter_no_change : int, inf or None, default=10
        Epochs without an improvement by more than `tol` after which one more ends the fit. ``inf``
        and None run all `max_iter` epochs, None without a warning.
    max_fun : int >= 1, default=15000
        Evaluations of the objective by lbfgs.
    init : str, Initializer or a pair of them, default="auto"
        Starting weights: "auto" (scikit-learn's), "glorot_uniform", "glorot_normal",
        "he_uniform", "he_normal", "lecun_normal", "zeros", or an object from
        `sknumpy_mlp.initializers`, which also says what biases get. Of a pair, the second is that
        of the output layer.
    scoring : None, "loss", str or callable, default=None
        What validation rows are scored by after every epoch: R^2, minus their loss (that of
        training, without the L2 term), or a scorer, as a name or a function of an estimator, X
        and y. The larger, the better.
    restore_best : bool, default=True
        Whether `early_stopping` ends with the weights of the best epoch, or with the last ones.
    best_of_ties : {"first", "last"}, default="first"
        Which of several epochs with the same score is the best.
    dropout : float in [0, 1) or list of one per hidden layer, default=0.0
        The probability of leaving a hidden unit out of a training step; the others are scaled up
        so that expectations stay. Predictions use all units. Not for lbfgs.
    clip_norm : float > 0 or None, default=None
        The largest Euclidean norm that the gradient of a step may have; a longer one is scaled
        down to it. Not for lbfgs.
    feature_scale : bool, default=False
        Whether every input column is multiplied by a learned factor, `feature_scale_`, one at the
        start. Not for sparse X.
    parametrization : {"standard", "ntk"}, default="standard"
        "ntk", the neural-tangent parametrization, divides the learning rate of each layer's
        weights by the root of its inputs. It belongs with weights that start as N(0, 1 / n_in),
        ``init="lecun_normal"``, and an optimizer whose steps do not depend on the size of the
        gradient. Not for lbfgs.
    learning_rate_factors : dict or None, default=None
        Factors of the learning rate for "weights", "biases" and "feature_scale". Not for lbfgs.
    members : int >= 1, default=1
        Networks that are trained as one, an ensemble: each has its own starting weights, its own
        order of rows, and with `early_stopping` its own validation rows (unless `X_val` is given)
        and best epoch. Predicted is the mean of their predictions. Curves are means over the
        members, and training ends when none improves any more. Sample weights are over the mean of
        all members' rows, and only a batch that weighs nothing for all of them is left out. Not for
        lbfgs.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Weights (n_in, n_out) and biases (n_out,) of each layer, with an axis of `members` in front
        if there are several. Predictions are computed from them.
    loss_ : float
        The loss of the last epoch, or lbfgs's last.
    loss_curve_ : list of float
        The loss of every epoch. Not present with lbfgs.
    best_loss_ : float or None
        The least of `loss_curve_`; None with early stopping. Not present with lbfgs.
    validation_scores_ : list of float or None
        Score of the validation rows, by `scoring`, for every epoch; None without such rows.
    validation_loss_curve_ : list of float or None
        Their loss, likewise: that of training, without the L2 term.
    best_validation_score_ : float or None
        The best of this fit's `validation_scores_`; with several members the mean of their best.
    best_iter_ : int, ndarray of shape (members,) or None
        The epoch of this fit, from 1, with that score; each member's own if there are several.
    feature_scale_ : ndarray of shape (n_features_in_,) or (members, n_features_in_)
        The learned factors of the columns. Present with `feature_scale=True`.
    n_iter_ : int
        Epochs of the last call, or iterations of lbfgs.
    t_ : int
        Rows that training has seen, counted over all epochs.
    n_layers_ : int
        Layers, input and output included.
    n_outputs_ : int
        Units of the output layer.
    out_activation_ : str
        The link from raw scores to predictions: "identity" or "exp".
    n_features_in_ : int
        Columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` had names that are all strings.

    See Also
    --------
    sklearn.neural_network.MLPRegressor : The model that this one is a drop-in for.

    References
    ----------
    Bishop, "Pattern Recognition and Machine Learning", chapter 5.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.compose import TransformedTargetRegressor
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknumpy_mlp import ScratchMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> network = ScratchMLPRegressor("huber", (16,), learning_rate_init=0.01, max_iter=30,
    ...                               n_iter_no_change=None, random_state=0)
    >>> pipeline = make_pipeline(StandardScaler(), network)
    >>> model = TransformedTargetRegressor(pipeline, transformer=StandardScaler())
    >>> bool(model.fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.4)
    True
    """

    _y_numeric = True

    def __init__(
        self,
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        init="auto",
        scoring=None,
        restore_best=True,
        best_of_ties="first",
        dropout=0.0,
        clip_norm=None,
        feature_scale=False,
        parametrization="standard",
        learning_rate_factors=None,
        members=1,
    ):
        self._store(locals())

    @classmethod
    def from_weights(cls, coefs, intercepts, **parameters):
        """Make a fitted regressor of weights that are there already.

        Predictions, `partial_fit` and a warm start go on from them.

        Parameters
        ----------
        coefs : list of array-like of shape (n_in, n_out)
            Weights of each layer, as `coefs_` of a fitted regressor or of scikit-learn's
            `MLPRegressor`; copied. float32 if all are, else float64.
        intercepts : list of array-like of shape (n_out,)
            Biases of each layer.
        **parameters : dict
            Those of the constructor. `hidden_layer_sizes` is read off the weights; `activation`
            and `loss` must be said, if they are not the defaults.

        Returns
        -------
        ScratchMLPRegressor
            Fitted; `n_iter_` is 0 and `loss_` is nan.

        Raises
        ------
        ValueError
            If shapes and parameters do not fit each other.

        Examples
        --------
        >>> from sknumpy_mlp import ScratchMLPRegressor
        >>> line = ScratchMLPRegressor.from_weights([[[2.0]]], [[0.5]])
        >>> line.predict([[1.0], [2.0]])
        array([2.5, 4.5])
        """
        return cls._from_weights(coefs, intercepts, "continuous", None, parameters)

    def predict(self, X):
        """Predict numbers.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs), of the dtype of the network
        """
        raw = self._raw_scores(X)
        values = self._loss.link.predict(raw)
        return values.ravel() if values.shape[1] == 1 else values

    @available_if(takes_steps)
    @with_known_keywords
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one epoch on these rows, going on from where training was.

        Weights, moments, the learning-rate clock and the random stream go on from call to call.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            With as many columns as in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights, over the mean of all rows so far; no weights are ones.

        Returns
        -------
        self : object

        Raises
        ------
        AttributeError
            If the solver takes no steps, as lbfgs.
        ValueError
            As `fit`; the estimator is then what it was before.
        """
        return self._partial_fit(X, y, sample_weight)

    def _learn_target(self, y, labels, warm=False, incremental=False):
        """Check the target; the network's shape tells whether its columns are as many as before."""
        if sparse.issparse(y):
            raise ValueError(
                f"y must be a dense array, got {type(y).__name__}; y.toarray() makes it one"
            )
        return Target(y, "continuous", y.shape[1] if y.ndim == 2 else 1)

    def _score(self, target, predicted, sample_weight):
        # An exponential may overflow on rows that were not trained on: no score is worse.
        if not np.isfinite(predicted).all():
            return -np.inf
        return r2_score(target.codes, predicted, sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # A loss that is none is told by the check of parameters.
        loss = Loss.named().get(self.loss) if isinstance(self.loss, str) else self.loss
        tags.target_tags.positive_only = getattr(loss, "nonnegative", False)
        # Several columns are always taken, but the check that this tag asks for has negative ones.
        tags.target_tags.multi_output = not tags.target_tags.positive_only
        return tags
