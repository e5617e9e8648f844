"""`ScratchMLPClassifier`: the estimator for class labels."""

from collections.abc import Sequence
from typing import Self, Unpack

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin

from ._estimator import declared
from ._estimator.base import BaseScratchMLP
from ._estimator.class_weights import weights_of_classes
from ._estimator.fitted import checked_classes
from ._estimator.labels import Labels
from ._estimator.naming import naming
from ._estimator.parameters import needs_steps
from ._estimator.rows import Target, check_complete
from ._estimator.strata import strata
from ._keywords import with_known_keywords


class ScratchMLPClassifier(declared.DeclaredClassifier, ClassifierMixin, BaseScratchMLP):
    r"""Multilayer perceptron classifier, a drop-in replacement for scikit-learn's `MLPClassifier`.

    The model minimizes, over weights W and biases b,

    .. math:: \frac1n \sum_i w_i\, \ell(z_i, y_i) + \frac{\alpha}{2 n} \lVert W \rVert^2,
       \qquad z = W_L^T f(\dots f(W_1^T x + b_1) \dots) + b_L

    over the n samples of a batch. In plain text: ``sum_i w_i loss(z_i, y_i) / n``, plus
    ``alpha |W|² / (2 n)``, where z are the scores of the network. With the parameters of
    `MLPClassifier` and the same `random_state`, it fits the same model;
    `docs/reference/differences.md` lists the intended differences.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of units per hidden layer. An empty tuple gives (multinomial) logistic regression.
    activation : str, Activation or list of them, default="relu"
        Activation function of the hidden layers: "identity", "logistic", "tanh", "relu",
        "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus", or an object from
        `sknumpy_mlp.activations`. A list has one entry per hidden layer.
    solver : str or Optimizer, default="adam"
        Solver for weight optimization: "sgd", "momentum", "rmsprop", "adagrad", "adam", "adamw",
        "lbfgs", or an object from `sknumpy_mlp.optimizers`. A name takes its settings from the
        parameters below (`momentum`, `beta_1`, ...); an object has its own.
    alpha : float >= 0, default=0.0001
        Strength of the L2 regularization term. The term is divided by the number of samples in the
        batch, as in scikit-learn.
    batch_size : int, "auto", "full", "up to N" or "equal up to N", default="auto"
        Size of minibatches. "auto" is ``min(200, n_samples)``, "full" is all samples, and "up to N"
        is ``min(N, n_samples)``, without the warning of an integer larger than `n_samples`. "equal
        up to N" makes as many batches of equal size, so that none is short. Not used by lbfgs.
    learning_rate : str, Schedule or function, default="constant"
        Learning rate schedule: the rate of a step is `learning_rate_init` times a factor.
        "constant", "invscaling" and "adaptive" have the same meaning as in scikit-learn, where adam
        and lbfgs ignore them. "step", "exponential", "cosine", "coslog4", "one_cycle", "warmup" and
        objects from `sknumpy_mlp.schedules` work with every solver except lbfgs. So does a function
        that maps the fraction of training done, in [0, 1], to the factor.
    learning_rate_init : float > 0, default=0.001
        The learning rate before the schedule multiplies it by a factor. Not used by lbfgs.
    power_t : float >= 0, default=0.5
        The exponent of the "invscaling" schedule.
    max_iter : int >= 1, default=200
        Maximum number of epochs, or of iterations for lbfgs. Schedules plan for `max_iter` epochs.
    shuffle : bool, default=True
        Whether to shuffle samples in each epoch.
    random_state : int, RandomState or None, default=None
        Controls weight initialization, the validation split and shuffling. None draws new random
        numbers for every fit and never uses NumPy's global random state.
    tol : float >= 0, default=1e-4
        Smallest change of the loss or of the validation score that counts as an improvement. For
        lbfgs, the bound on the largest absolute entry of the gradient.
    verbose : bool or int, default=False
        Whether to print the loss of every epoch, and that kernels are compiled.
    warm_start : bool, default=False
        Whether `fit` starts from the weights of the previous call, with a new optimizer.
    momentum : float in [0, 1], default=0.9
        Momentum for gradient descent updates. Only used by "sgd" and "momentum".
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum. Only used by "sgd".
    early_stopping : bool, default=False
        Whether to score held-out samples after every epoch, to stop training when the score has not
        improved for more than `n_iter_no_change` consecutive epochs, and to keep the weights of the
        best epoch. The held-out samples are `X_val` of `fit` if given, otherwise a part of `X`. The
        split is stratified unless the target is multilabel. If a class is too small for that, the
        split is not stratified and a warning names the class.
    validation_fraction : float in [0, 1), default=0.1
        Proportion of training data to hold out for early stopping.
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Exponential decay rates of the first and second moments. Only used by "adam" and "adamw".
    epsilon : float > 0, default=1e-8
        Value for numerical stability. Only used by "adam", "adamw", "rmsprop" and "adagrad".
    n_iter_no_change : int, inf or None, default=10
        Number of consecutive epochs allowed without an improvement of at least `tol`; training
        stops at the next one. ``inf`` and None run all `max_iter` epochs, None without a warning.
    max_fun : int >= 1, default=15000
        Maximum number of loss function calls. Only used by lbfgs.
    loss : str or Loss, default="log_loss"
        The loss function. "log_loss" uses a softmax, or logistic outputs: one for two classes, and
        one per label for multilabel targets. "binary_log_loss" uses one logistic output per class.
        "squared_error" is half the squared error of the same outputs. An instance of a subclass of
        `sknumpy_mlp.losses.Loss` is also accepted. If exclusive classes have logistic outputs,
        their probabilities are normalized to sum to one.
    init : str, Initializer or a pair of them, default="auto"
        Weight initialization: "auto" (as in scikit-learn), "glorot_uniform", "glorot_normal",
        "he_uniform", "he_normal", "lecun_normal", "zeros", or an object from
        `sknumpy_mlp.initializers`, which also initializes the biases. The second entry of a pair
        initializes the output layer, the first all other layers.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss, multiplied with `sample_weight`. Classes missing from a
        dict have weight one. "balanced" is ``n_samples / (n_classes * count)``, where both numbers
        are sums of sample weights if there are any; `partial_fit` does not support it, since it
        never sees all samples. The accuracy on held-out samples is weighted in the same way; a
        scorer given as `scoring` is weighted by `sample_weight` only. Not supported for multilabel
        targets.
    scoring : None, "loss", "calibrated_loss", str or callable, default=None
        Score of held-out samples after every epoch; larger is better. None is the accuracy, "loss"
        is minus their loss (the training loss without the L2 term), "calibrated_loss" is minus
        their loss after `temperature_scaling` to them, and other values are scorers: a name, or a
        function of an estimator, X and y.
    restore_best : bool, default=True
        Whether `early_stopping` restores the weights of the best epoch, or keeps the last ones.
    best_of_ties : {"first", "last"}, default="first"
        Which of several epochs with the same score counts as the best.
    dropout : float in [0, 1) or list of float, default=0.0
        Probability of omitting a hidden unit in a training step; the other units are scaled up so
        that expectations do not change. A list has one entry per hidden layer. Predictions use all
        units. Not supported by lbfgs.
    label_smoothing : float in [0, 1), default=0.0
        Share of each target that is spread evenly over all classes. Only used by "log_loss" and
        "binary_log_loss"; a loss given as an object has its own setting.
    clip_norm : float > 0 or None, default=None
        Maximum Euclidean norm of the gradient of a step; a larger gradient is scaled down to this
        norm. Not supported by lbfgs.
    feature_scale : bool, default=False
        Whether every feature is multiplied by a learned factor, `feature_scale_`, which starts at
        one; with an embedding, every output of the embedding. Not supported for sparse X.
    embedding : None, str or Embedding, default=None
        Embedding of numeric features: "piecewise_linear" appends learned piecewise linear functions
        of each feature with more than two values, or an object from `sknumpy_mlp.embeddings`. Not
        supported for sparse X.
    parametrization : {"standard", "ntk"}, default="standard"
        "ntk", the neural tangent parametrization, divides the learning rate of each layer's weights
        by the square root of its number of inputs. It is meant for weights initialized from N(0, 1
        / n_in), ``init="lecun_normal"``, and an optimizer whose steps do not depend on the size of
        the gradient. Not supported by lbfgs.
    learning_rate_factors : dict or None, default=None
        Factors of the learning rate for "weights", "biases", "feature_scale" and "embedding". Not
        supported by lbfgs.
    temperature_scaling : bool, default=False
        Whether to divide raw scores by `temperature_`, the temperature that minimizes the
        validation loss under a standard normal prior on its logarithm. Predicted labels do not
        change, except for a few if several members have different temperatures. Probabilities
        become less under-confident after label smoothing and less over-confident after long
        training. Requires `early_stopping` or `X_val`.
    members : int >= 1 or dict, default=1
        Number of networks that are trained together as an ensemble, or a dict from "alpha",
        "dropout", "learning_rate_factors" or "learning_rate_init" to a list with the value of each
        member. Members have their own initial weights, order of samples and, with `early_stopping`,
        held-out samples (unless `X_val` is given), best epoch and temperature. Predicted
        probabilities and curves are means over the members. Training ends when no member improves
        any more. Sample weights are normalized by their mean over the samples of all members, and a
        batch is skipped only if it has zero weight for all of them. Not supported by lbfgs.
    engine : {"auto", "numpy", "compiled"}, default="auto"
        "compiled" trains small networks several times faster, by kernels compiled by Numba. "auto"
        uses them if Numba is installed and all parts of the network have a compiled form. Both
        engines give the same model up to rounding.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted class labels; column numbers for a multilabel target.
    coefs_ : list of ndarray
        Weights (n_in, n_out) of each layer; several members add an axis of length `members` in
        front. Predictions are computed from these arrays.
    intercepts_ : list of ndarray
        Biases (n_out,) of each layer, with the same axis in front.
    loss_ : float
        The loss of the last epoch, or the final loss of lbfgs.
    loss_curve_ : list of float
        The loss of each epoch. Not present with lbfgs. Of the calls that they continue,
        `partial_fit` keeps the last 1,000 epochs and a warm start the last 10,000, in all curves.
    best_loss_ : float or None
        The smallest loss of an epoch, also of epochs that are no longer in `loss_curve_`; None
        with early stopping. Not present with lbfgs.
    validation_scores_ : list of float or None
        Score of the held-out samples after each epoch, by `scoring`; None if none are held out.
    validation_loss_curve_ : list of float or None
        Loss of the held-out samples after each epoch, without the L2 term; None without any.
    best_validation_score_ : float or None
        The best of the `validation_scores_` of this fit, or the mean of the best of each member.
    best_validation_scores_ : ndarray of shape (members,)
        The best score of each member. Only present with several members and held-out samples.
    best_iter_ : int, ndarray of shape (members,) or None
        The epoch of this fit with the best score, counted from 1; with several members, one each.
    feature_scale_ : ndarray of shape (`n_features_in_`,) or (members, `n_features_in_`)
        The learned factors of the features. Only present with `feature_scale=True`.
    embedding_ : ndarray
        The functions of the features; see `sknumpy_mlp.embeddings`. Several members add an axis in
        front. Only present with an `embedding`.
    embedding_edges_ : ndarray
        The edges of the bins of these features. Only present with an `embedding`.
    embedding_columns_ : ndarray
        The indices of these features. Only present with an `embedding`.
    temperature_ : float or ndarray of shape (members,)
        The divisor of the raw scores; with several members, one for each, applied before their
        probabilities are averaged. Only present after a fit with `temperature_scaling=True`.
    engine_ : {"numpy", "compiled"}
        The engine that trained the network.
    n_iter_ : int
        Number of epochs of the last call, or of iterations for lbfgs.
    t_ : int
        Number of training samples seen by the solver, counted again in every epoch.
    n_layers_ : int
        Number of layers, including input and output.
    n_outputs_ : int
        Number of outputs.
    out_activation_ : str
        Output activation function, from raw scores to probabilities: "softmax" or "logistic".
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`. Only present if `X` has names that are all strings.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : The estimator that this class can replace.

    References
    ----------
    Bishop, "Pattern Recognition and Machine Learning", chapter 5.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from sknumpy_mlp import ScratchMLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = ScratchMLPClassifier((32,), learning_rate_init=0.01, max_iter=20,
    ...                            n_iter_no_change=None, random_state=0)
    >>> model = make_pipeline(MinMaxScaler(), clf).fit(X[:1400], y[:1400])
    >>> bool(model.score(X[1400:], y[1400:]) > 0.9)
    True
    >>> print(clf.summary())
    layer     units  activation  parameters
    ---------------------------------------
    input        64                       0
    hidden 1     32  relu             2,080
    output       10  softmax            330
    ---------------------------------------
    total                             2,410
    """

    def __init__(
        self,
        hidden_layer_sizes: declared.Sizes = (100,),
        activation: declared.Activations = "relu",
        *,
        solver: declared.Solver = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: declared.Rate = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: declared.Stream = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: declared.Patience = 10,
        max_fun: int = 15000,
        loss: declared.Objective = "log_loss",
        init: declared.Initializers = "auto",
        class_weight: declared.ClassWeight = None,
        scoring: declared.Scoring = None,
        restore_best: bool = True,
        best_of_ties: declared.Ties = "first",
        dropout: declared.Dropout = 0.0,
        label_smoothing: float = 0.0,
        clip_norm: float | None = None,
        feature_scale: bool = False,
        embedding: declared.Embeddings = None,
        parametrization: declared.Parametrization = "standard",
        learning_rate_factors: declared.Factors = None,
        temperature_scaling: bool = False,
        members: declared.Members = 1,
        engine: declared.Engine = "auto",
    ) -> None:
        self._store(locals())

    @classmethod
    def from_weights(
        cls,
        coefs: Sequence[ArrayLike],
        intercepts: Sequence[ArrayLike],
        classes: ArrayLike,
        *,
        multilabel: bool = False,
        **parameters: Unpack[declared.Parameters],
    ) -> Self:
        """Create a fitted classifier from given weights.

        The classifier can predict, and `partial_fit` and a warm start continue from the weights.

        Parameters
        ----------
        coefs : list of array-like of shape (n_in, n_out)
            Weights of each layer, such as `coefs_` of a fitted classifier or of scikit-learn's
            `MLPClassifier`. They are copied. The dtype is float32 if all arrays are float32,
            otherwise float64.
        intercepts : list of array-like of shape (n_out,)
            Biases of each layer.
        classes : array-like of shape (n_classes,)
            Sorted class labels, as in `classes_`.
        multilabel : bool, default=False
            Whether a sample can have several labels.
        **parameters : dict
            Parameters of the constructor. `hidden_layer_sizes` is inferred from the weights;
            `activation` and `loss` must be given unless they are the defaults.

        Returns
        -------
        ScratchMLPClassifier
            The fitted estimator; `n_iter_` is 0 and `loss_` is nan.

        Raises
        ------
        ValueError
            If shapes, classes and parameters are inconsistent.

        Examples
        --------
        >>> clf = ScratchMLPClassifier.from_weights([[[2.0], [-1.0]]], [[0.5]], ["no", "yes"])
        >>> clf.predict([[1.0, 1.0], [-1.0, 1.0]]).tolist()
        ['yes', 'no']
        """
        classes = checked_classes(classes)
        if multilabel and classes.tolist() != list(range(len(classes))):
            raise ValueError(
                f"classes must be the numbers of the columns if multilabel=True, got {classes!r}"
            )
        labels = Labels.of(classes, multilabel)
        return cls._from_weights(coefs, intercepts, labels.kind, labels, parameters)

    def predict(self, X: declared.Matrix) -> declared.Array:
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_labels) of 0 and 1 for a multilabel target
            Labels have the type of `classes_`. For a multilabel target they are integers, in a
            sparse matrix if the training target was sparse.

        Raises
        ------
        ValueError
            If `X` is invalid, or if a prediction overflows. This holds for all predictions.
        """
        codes = self._predictions(X, "predict")
        return self._labels.decode(codes)

    def predict_proba(self, X: declared.Matrix) -> declared.Floats:
        """Predict class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), of the dtype of the network
            Columns are in the order of `classes_`. Rows sum to one, unless the target is
            multilabel. If the training target has a single class, log-loss still gives two
            columns, as in scikit-learn.
        """
        return self._predictions(X, "probabilities")

    def predict_log_proba(self, X: declared.Matrix) -> declared.Floats:
        """Predict log-probabilities, computed from raw scores rather than rounded probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), of the dtype of the network
            As in `predict_proba`.
        """
        return self._predictions(X, "log_probabilities")

    def decision_function(self, X: declared.Matrix) -> declared.Floats:
        """Compute raw scores; a larger score means that the class is more likely.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            For two classes, the log-odds of ``classes_[1]``.
        """
        return self._predictions(X, "decision")

    @needs_steps
    @with_known_keywords
    def partial_fit(
        self,
        X: declared.Matrix,
        y: declared.Matrix,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        *,
        X_val: declared.Matrix = None,
        y_val: declared.Matrix = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on the given samples.

        Weights, optimizer state, schedule and random stream continue from the previous call.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            The target. It does not need to contain all classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights, normalized by the mean weight of all samples so far; samples
            without a weight have weight one.
        classes : array-like of shape (n_classes,), default=None
            Classes across all calls to `partial_fit`. Only required for the first call.
        X_val : {array-like, sparse matrix or array} of shape (n_val, n_features), default=None
            Held-out samples, as in `fit`. Their loss and score after this epoch are appended to
            `validation_loss_curve_` and `validation_scores_`, which are None without them.
        y_val : array-like of shape (n_val,) or (n_val, n_labels), default=None
            The target of `X_val`.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of `X_val`, in loss and score.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        AttributeError
            If the solver does not take steps, such as lbfgs.
        ValueError
            As in `fit`, or if `y` has a new class. The estimator is then unchanged.
        """
        held_out = (X_val, y_val, sample_weight_val)
        return self._partial_fit(X, y, sample_weight, held_out, classes=classes)

    def _learn_target(self, y, labels, warm=False, incremental=False, classes=None):
        """Find the classes or check them against the known classes, and encode the target."""
        if classes is not None:
            with naming("classes"):
                check_complete(classes, "classes")
        if incremental and labels is None and classes is None and np.ndim(y) == 1:
            raise ValueError("classes must be passed on the first call to partial_fit, got None")
        labels = Labels.learn(y, classes) if labels is None else labels.continued(y, warm)
        if classes is not None:
            labels.check_given(classes)
        return Target(labels.encode(y), labels.kind, len(labels.classes), labels)

    def _class_weight(self, plan, rows, incremental):
        """The weight of each class in the loss; None if `class_weight` is None."""
        return weights_of_classes(plan.class_weight, rows, incremental)

    def _strata(self, plan, target):
        """The classes that stratify the validation split; None if the split is not stratified."""
        return strata(target, plan.validation_fraction)

    def _score(self, target, predicted, sample_weight):
        return target.labels.accuracy(target.codes, predicted, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
