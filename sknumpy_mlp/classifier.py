"""`ScratchMLPClassifier`: labels in, labels out."""

import warnings

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import unique_labels

from ._estimator.base import BaseScratchMLP
from ._estimator.labels import Labels, has_several_labels
from ._estimator.parameters import takes_steps
from ._estimator.rows import Target
from ._keywords import with_known_keywords


class ScratchMLPClassifier(ClassifierMixin, BaseScratchMLP):
    r"""Multilayer perceptron classifier: a drop-in for scikit-learn's `MLPClassifier`.

    Minimizes, over weights W and biases b,

    .. math:: \frac1n \sum_i w_i\, \ell(z_i, y_i) + \frac{\alpha}{2 n} \lVert W \rVert^2,
       \qquad z = W_L^T f(\dots f(W_1^T x + b_1) \dots) + b_L

    over the n rows of a batch. With the parameters of `MLPClassifier` and the same `random_state`
    it gives the same model; `docs/differences.md` lists where it means to differ.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; ``()`` is (multinomial) logistic regression.
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
        or else split off from `X`. The split is stratified unless the target is multilabel;
        where a class is too small for that, it is plain, and a warning names the class.
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
    loss : str or Loss, default="log_loss"
        "log_loss" (softmax; one logistic output for two classes, one per label for multilabel
        targets), "binary_log_loss" (one logistic output per class), "squared_error" (likewise,
        half the squared error), or an object of a class derived from `sknumpy_mlp.losses.Loss`.
        Probabilities of exclusive classes from logistic outputs are normalised to sum to one.
    init : str, Initializer or a pair of them, default="auto"
        Starting weights: "auto" (scikit-learn's), "glorot_uniform", "glorot_normal",
        "he_uniform", "he_normal", "lecun_normal", "zeros", or an object from
        `sknumpy_mlp.initializers`, which also says what biases get. Of a pair, the second is that
        of the output layer.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss, multiplied into `sample_weight`; a class that a dict
        does not name weighs one. "balanced" is ``n_samples / (n_classes * count)``, of weighted
        rows if there are weights; `partial_fit`, which never sees all rows, refuses it. The
        accuracy of validation rows is weighted likewise, a `scoring` of the user's only by
        `sample_weight`. Not for multilabel targets.
    scoring : None, "loss", str or callable, default=None
        What validation rows are scored by after every epoch: the accuracy, minus their loss (that
        of training, without the L2 term), or a scorer, as a name or a function of an estimator, X
        and y. The larger, the better.
    restore_best : bool, default=True
        Whether `early_stopping` ends with the weights of the best epoch, or with the last ones.
    best_of_ties : {"first", "last"}, default="first"
        Which of several epochs with the same score is the best.
    dropout : float in [0, 1) or list of one per hidden layer, default=0.0
        The probability of leaving a hidden unit out of a training step; the others are scaled up
        so that expectations stay. Predictions use all units. Not for lbfgs.
    label_smoothing : float in [0, 1), default=0.0
        The share of every target that is spread over all classes. Part of the loss: for
        "log_loss" and "binary_log_loss"; a loss that is an object brings its own.
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
    temperature_scaling : bool, default=False
        Whether to end with scores divided by `temperature_`, the number that fits the validation
        rows best if numbers far from one are held to be unlikely. Labels stay (those of several
        members, each with a temperature of its own, but for a few), and probabilities lose the
        caution of smoothed labels and the sureness of long training. Needs `early_stopping` or
        `X_val`.
    members : int >= 1, default=1
        Networks that are trained as one, an ensemble: each has its own starting weights, its own
        order of rows, and with `early_stopping` its own validation rows (unless `X_val` is given),
        best epoch and temperature. Predicted is the mean of their probabilities. Curves are means
        over the members, and training ends when none improves any more. Sample weights are over the
        mean of all members' rows, and only a batch that weighs nothing for all of them is left out.
        Not for lbfgs.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; the numbers of the columns for a multilabel target.
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
    temperature_ : float or ndarray of shape (members,)
        What raw scores are divided by, those of each member before the mean. Present after a fit
        with `temperature_scaling=True`.
    n_iter_ : int
        Epochs of the last call, or iterations of lbfgs.
    t_ : int
        Rows that training has seen, counted over all epochs.
    n_layers_ : int
        Layers, input and output included.
    n_outputs_ : int
        Units of the output layer.
    out_activation_ : str
        The link from raw scores to probabilities: "softmax" or "logistic".
    n_features_in_ : int
        Columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` had names that are all strings.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : The model that this one is a drop-in for.

    References
    ----------
    Bishop, "Pattern Recognition and Machine Learning", chapter 5.
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010.

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
        loss="log_loss",
        init="auto",
        class_weight=None,
        scoring=None,
        restore_best=True,
        best_of_ties="first",
        dropout=0.0,
        label_smoothing=0.0,
        clip_norm=None,
        feature_scale=False,
        parametrization="standard",
        learning_rate_factors=None,
        temperature_scaling=False,
        members=1,
    ):
        self._store(locals())

    @classmethod
    def from_weights(cls, coefs, intercepts, classes, *, multilabel=False, **parameters):
        """Make a fitted classifier of weights that are there already.

        Predictions, `partial_fit` and a warm start go on from them.

        Parameters
        ----------
        coefs : list of array-like of shape (n_in, n_out)
            Weights of each layer, as `coefs_` of a fitted classifier or of scikit-learn's
            `MLPClassifier`; copied. float32 if all are, else float64.
        intercepts : list of array-like of shape (n_out,)
            Biases of each layer.
        classes : array-like of shape (n_classes,)
            The labels, sorted, as in `classes_`.
        multilabel : bool, default=False
            Whether the target is several labels a row.
        **parameters : dict
            Those of the constructor. `hidden_layer_sizes` is read off the weights; `activation`
            and `loss` must be said, if they are not the defaults.

        Returns
        -------
        ScratchMLPClassifier
            Fitted; `n_iter_` is 0 and `loss_` is nan.

        Raises
        ------
        ValueError
            If shapes, classes and parameters do not fit each other.

        Examples
        --------
        >>> from sknumpy_mlp import ScratchMLPClassifier
        >>> clf = ScratchMLPClassifier.from_weights([[[2.0], [-1.0]]], [[0.5]], ["no", "yes"])
        >>> clf.predict([[1.0, 1.0], [-1.0, 1.0]]).tolist()
        ['yes', 'no']
        """
        classes = np.asarray(classes)
        if classes.ndim != 1 or not np.array_equal(classes, np.unique(classes)) or not len(classes):
            raise ValueError(f"classes must be sorted and different, got {classes!r}")
        if multilabel and classes.tolist() != list(range(len(classes))):
            raise ValueError(
                f"classes must be the numbers of the columns for several labels, got {classes!r}"
            )
        labels = Labels.of(classes, multilabel)
        return cls._from_weights(coefs, intercepts, labels.kind, labels, parameters)

    def predict(self, X):
        """Predict labels.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_labels) of 0 and 1 for a multilabel target
            Of the labels' own type, integers for a multilabel target; sparse if that was.
        """
        raw = self._raw_scores(X)
        return self._labels.decode(self._loss.link.predict(raw))

    def predict_proba(self, X):
        """Predict probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), of the dtype of the network
            In the order of `classes_`. Rows sum to one, unless the target was multilabel. Where
            training saw one class, log-loss gives two columns all the same, as in scikit-learn.
        """
        raw = self._raw_scores(X)
        return self._loss.link.probabilities(raw)

    def predict_log_proba(self, X):
        """Predict logarithms of probabilities, from raw scores: never of a rounded zero.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), of the dtype of the network
        """
        raw = self._raw_scores(X)
        return self._loss.link.log_probabilities(raw)

    def decision_function(self, X):
        """Scores before the link: the larger, the likelier the class.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            For two classes the log-odds of ``classes_[1]``.
        """
        raw = self._raw_scores(X)
        return self._loss.link.decision(raw)

    @available_if(takes_steps)
    @with_known_keywords
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Train for one epoch on these rows, going on from where training was.

        Weights, moments, the learning-rate clock and the random stream go on from call to call.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            It need not hold all classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights, over the mean of all rows so far; no weights are ones.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come; needed in the first call only.

        Returns
        -------
        self : object

        Raises
        ------
        AttributeError
            If the solver takes no steps, as lbfgs.
        ValueError
            As `fit`, and if a class is new; the estimator is then what it was before.
        """
        return self._partial_fit(X, y, sample_weight, classes=classes)

    def _learn_target(self, y, labels, warm=False, incremental=False, classes=None):
        """Find the classes, or check them against those that are known; encode the target."""
        is_first = labels is None
        if incremental and is_first and classes is None and np.ndim(y) == 1:
            raise ValueError("classes must be passed on the first call to partial_fit, got None")
        if is_first:
            labels = Labels.learn(y, classes)
        else:
            has_several_labels(y)
        if classes is not None and not np.array_equal(unique_labels(classes), labels.classes):
            raise ValueError(
                f"classes must be the same in all calls to partial_fit: they were "
                f"{labels.classes}, got {classes!r}"
            )
        if warm and not is_first and set(unique_labels(y)) != set(labels.classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {labels.classes}, `y` has {unique_labels(y)}"
            )
        return Target(labels.encode(y), labels.kind, len(labels.classes), labels)

    def _class_weight(self, rows, incremental):
        """The weight of each class in the loss; None where all have weight one."""
        if self.class_weight is None:
            return None
        target = rows.target
        if target.kind == "multilabel":
            raise ValueError(
                "class_weight must be None for a multilabel target, whose labels are no classes, "
                f"got {self.class_weight!r}; sample_weight can weigh its rows"
            )
        if incremental and not isinstance(self.class_weight, dict):
            raise ValueError(
                "class_weight must be a dict or None for partial_fit, which cannot count rows that "
                f"are still to come, got {self.class_weight!r}; "
                "sklearn.utils.class_weight.compute_class_weight makes a dict"
            )
        classes = target.labels.classes
        known = set(classes.tolist())
        named = self.class_weight if isinstance(self.class_weight, dict) else ()
        unknown = [name for name in named if name not in known]
        if unknown:
            raise ValueError(
                f"class_weight must be a dict of classes among {classes}, got {self.class_weight!r}"
            )
        # A class whose rows have zero weight has no balance, and needs none.
        with np.errstate(divide="ignore"):
            weights = compute_class_weight(
                self.class_weight,
                classes=classes,
                y=classes[target.codes],
                sample_weight=rows.sample_weight,
            )
        return np.where(np.isfinite(weights), weights, 0.0)

    def _strata(self, target):
        """What early stopping's split is stratified by: the classes, where each can be split."""
        if target.kind == "multilabel":
            return None
        classes = target.labels.classes
        counts = np.bincount(target.codes, minlength=target.n_columns)
        n_held_out = int(np.ceil(self.validation_fraction * len(target.codes)))
        smaller = min(n_held_out, len(target.codes) - n_held_out)
        if counts.min() >= 2 and smaller >= target.n_columns:
            return target.codes
        warnings.warn(
            "early_stopping splits without stratification: "
            + (
                f"the classes {classes[counts < 2].tolist()} have fewer than two rows"
                if counts.min() < 2
                else f"{smaller} rows cannot hold all {target.n_columns} classes {classes.tolist()}"
            )
        )
        return None

    def _score(self, target, predicted, sample_weight):
        predicted = target.labels.clip(predicted)
        return accuracy_score(target.codes, predicted, sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
