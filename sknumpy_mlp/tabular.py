"""The tuned recipe for tables, as an ordinary `Pipeline` of a column transformer and an estimator.

`make_tabular_mlp` puts a network with the recipe's settings behind the columns of `_columns`.
Every part is scikit-learn's or this package's, and can be replaced by `set_params`. To change the
recipe, change `_settings`.
"""

import inspect
from typing import Literal, Unpack

import numpy as np
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if

from ._estimator.declared import Parameters
from ._estimator.errstate import with_errstate
from ._estimator.naming import naming
from ._estimator.parameters import NOT_WITH_LBFGS
from ._estimator.rollback import unchanged_on_failure
from ._estimator.rows import check_complete, check_unmasked
from .classifier import ScratchMLPClassifier
from .columns import columns_of_tables
from .embeddings import PiecewiseLinear
from .initializers import LecunNormal, Normal
from .losses import Loss
from .optimizers import Optimizer
from .preprocessing.checks import check_variance
from .regressor import ScratchMLPRegressor

TASKS = ("classification", "regression")
BUDGETS = ("fast", "default", "best")


def make_tabular_mlp(
    task: Literal["classification", "regression"] = "classification",
    *,
    budget: Literal["fast", "default", "best"] = "default",
    **overrides: Unpack[Parameters],
) -> Pipeline:
    """Make a pipeline for tables, with settings that were tuned on many data sets.

    The pipeline accepts a pandas or polars DataFrame, or an array. Columns may contain numbers,
    booleans and categories (strings, or the categorical types of the frames), all with missing
    values:

    - Numbers and booleans: `RobustSmoothScaler` scales them, and `GaussianImputer` replaces missing
      values by what the other numbers of the row suggest. Each column with missing values in `fit`
      gets a second column that marks them.
    - Categories: each category becomes a column of 0 and 1, and so do missing values. Categories
      not seen in `fit` are encoded as all zeros. If a column has more than 128 categories, the rare
      ones share a column, and `CrossFittedTargetEncoder` adds the mean of the target for each.

    The estimator is an ensemble of networks behind a `PiecewiseLinear` embedding, trained together
    in float32 for `max_iter` epochs: for labels, eight networks with three layers of 96 units; for
    numbers, four with three layers of 128 units. Each network holds out an eighth of the samples
    and keeps the weights of its best epoch. The prediction is the mean of all networks.

    A table larger than memory is trained on in parts: the columns are fitted to a sample of rows,
    and the network by `partial_fit`; see `docs/use/larger-than-memory.md`.

    Parameters
    ----------
    task : {"classification", "regression"}, default="classification"
        Whether the target consists of labels or numbers. Numbers are standardized for the network,
        and predictions are scaled back. A `y_val` that is passed to the network is not
        standardized; standardize it first.
    budget : {"fast", "default", "best"}, default="default"
        How much time to spend. "fast" has four networks of 64 units and half the epochs, "best"
        has sixteen networks. `docs/reference/benchmarks.md` compares the time and the errors of
        the three.
    **overrides : dict
        Parameters of `ScratchMLPClassifier` or `ScratchMLPRegressor` that replace those of the
        recipe, for example ``members=16`` or ``random_state=0``; a `random_state` also controls the
        folds of the `CrossFittedTargetEncoder`. Some belong together: the recipe
        uses ``early_stopping`` for its ``temperature_scaling``, and ``label_smoothing`` with its
        loss. If an override rules out another setting, the error names the setting.

    Returns
    -------
    sklearn.pipeline.Pipeline
        A pipeline with the steps "columns" and "network". Parameters of the network are set as
        ``network__max_iter`` for labels, and as ``network__regressor__max_iter`` for numbers.

    Raises
    ------
    ValueError
        If `task` or `budget` is invalid, if an override is not a parameter of the estimator, or if
        it rules out a setting of the recipe.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, "Better by default: Strong pre-tuned MLPs and boosted
    trees on tabular data", NeurIPS 2024: RealMLP-TD-S.
    Gorishniy, Rubachev and Babenko, "On embeddings for numerical features in tabular deep
    learning", NeurIPS 2022.
    Berta, Holzmüller, Jordan and Bach, "Rethinking early stopping: refine, then calibrate", 2025.

    Examples
    --------
    >>> from sknumpy_mlp import make_tabular_mlp
    >>> X = [[21.0, "red"], [None, "blue"], [64.0, None], [35.0, "red"]] * 10
    >>> y = ["no", "yes", "yes", "no"] * 10
    >>> model = make_tabular_mlp(max_iter=20, random_state=0).fit(X, y)
    >>> model.predict([[30.0, "red"], [70.0, "green"]]).tolist()
    ['no', 'yes']
    >>> model["columns"].get_feature_names_out().tolist()
    ['numbers__x0', 'missing__missingindicator_x0', 'categories__x1_blue', 'categories__x1_red',
     'categories__x1 is missing']
    """
    if not isinstance(task, str) or task not in TASKS:
        raise ValueError(f"task must be one of {list(TASKS)}, got {task!r}")
    if not isinstance(budget, str) or budget not in BUDGETS:
        raise ValueError(f"budget must be one of {list(BUDGETS)}, got {budget!r}")
    estimator = ScratchMLPClassifier if task == "classification" else ScratchMLPRegressor
    known = estimator._get_param_names()
    unknown = sorted(set(overrides) - set(known))
    if unknown:
        raise ValueError(
            f"overrides must be parameters of {estimator.__name__}, got {unknown}; it has {known}"
        )
    settings = _settings(task, budget)
    _check_what_belongs_together(estimator, settings, overrides)
    network = estimator(**settings | overrides)
    if task == "regression":
        loss = network.loss
        if getattr(Loss.named().get(loss) if isinstance(loss, str) else loss, "nonnegative", False):
            raise ValueError(
                f"loss must take numbers of any sign, as standardised targets are, got {loss!r}"
            )
        # Not checked, since float32 is scaled back with a rounding.
        network = StandardizedTarget(network, transformer=TargetScaler(), check_inverse=False)
    columns = columns_of_tables(task, overrides.get("random_state"))
    return Pipeline([("columns", columns), ("network", network)])


def _settings(task, budget="default"):
    """The recipe: parameters of the estimator, in new objects."""
    settings = {
        "feature_scale": True,
        "parametrization": "ntk",
        "learning_rate_factors": {"biases": 0.1, "feature_scale": 6.0},
        "init": (LecunNormal(biases=Normal(scale=1.0)), "zeros"),
        "solver": "adam",
        "beta_2": 0.95,
        "alpha": 0.0,
        "max_iter": 64,
        "learning_rate": "coslog4",
        "early_stopping": True,
        "validation_fraction": 0.125,
        "n_iter_no_change": None,
        "best_of_ties": "last",
    }
    if task == "regression":
        settings |= {
            "members": 4,
            "hidden_layer_sizes": (128, 128, 128),
            "activation": "mish",
            "embedding": PiecewiseLinear(),
            "batch_size": "equal up to 64",
            "learning_rate_init": 0.05,
        }
    else:
        settings |= {
            "members": 8,
            "hidden_layer_sizes": (96, 96, 96),
            "activation": "selu",
            "embedding": PiecewiseLinear(size=1),
            "batch_size": "equal up to 128",
            "learning_rate_init": 0.04,
            "label_smoothing": 0.03,
            "scoring": "calibrated_loss",
            "temperature_scaling": True,
        }
        # Learned slowly: at the full rate, small tables without steps lose.
        settings["learning_rate_factors"]["embedding"] = 0.01
    if budget == "fast":
        settings |= {"members": 4, "hidden_layer_sizes": (64, 64, 64), "max_iter": 32}
    elif budget == "best":
        settings |= {"members": 16}
    return settings


def _check_what_belongs_together(estimator, settings, overrides):
    """Raise a ValueError that names the settings of the recipe that an override rules out."""
    solver, loss = (
        family.named().get(value) if isinstance(value, str) else value
        for family, value in ((Optimizer, overrides.get("solver")), (Loss, overrides.get("loss")))
    )
    rules = {
        "solver": (
            {*NOT_WITH_LBFGS, "learning_rate"},
            "the recipe sets them for a solver that takes steps",
            not getattr(solver, "takes_steps", True),
        ),
        "early_stopping": (
            {"temperature_scaling"},
            "the recipe fits the temperature to the rows that early stopping holds out",
            not overrides.get("early_stopping", True),
        ),
        # An object has its own label_smoothing.
        "loss": (
            {"label_smoothing"},
            "the recipe smooths the labels, which this loss cannot do",
            isinstance(loss, type) and "label_smoothing" not in loss.flat,
        ),
    }
    defaults = inspect.signature(estimator).parameters
    for name, (ruled_out, reason, applies) in rules.items():
        others = sorted(ruled_out & settings.keys() - overrides.keys())
        if applies and others:
            needed = ", ".join(f"{other}={defaults[other].default!r}" for other in others)
            raise ValueError(
                f"make_tabular_mlp({name}={overrides[name]!r}) needs {needed} too, since {reason}"
            )


class StandardizedTarget(TransformedTargetRegressor):
    """The `TransformedTargetRegressor` of scikit-learn, whose errors about the target name `y`.

    A target without numbers, or with a variance that is not finite, is refused.

    Parameters
    ----------
    regressor, transformer, func, inverse_func, check_inverse : object
        As in `TransformedTargetRegressor`.

    See Also
    --------
    sklearn.compose.TransformedTargetRegressor : The class that this one derives from.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> model = StandardizedTarget(Ridge(), transformer=TargetScaler())
    >>> model.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]).predict([[1.0]])
    array([3.])
    """

    @with_errstate(all="ignore")
    def fit(self, X, y, **fit_params):
        _checked_target(y)
        return super().fit(X, y, **fit_params)

    @available_if(lambda self: hasattr(self.regressor, "partial_fit"))
    @unchanged_on_failure
    @with_errstate(all="ignore")
    def partial_fit(self, X, y, **params):
        """Train the regressor for one epoch on the given samples.

        The mean and the standard deviation of the target are those of the first call, so `y` must
        then be a random sample. Later calls keep them: a change would alter what the network has
        learned.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        **params : dict
            Arguments of the `partial_fit` of the regressor. Unlike in `fit`, a `y_val` is
            standardized like `y`.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If `X` or `y` is invalid. The estimator is then unchanged.
        """
        if not hasattr(self, "regressor_"):
            target = _checked_target(y)
            self._training_dim = target.ndim
            self._fit_transformer(target.reshape(len(target), -1))
            self.regressor_ = clone(self.regressor)
        if params.get("y_val") is not None:
            params["y_val"] = self._standardized(params["y_val"], "y_val")
        self.regressor_.partial_fit(X, self._standardized(y, "y"), **params)
        return self

    def _standardized(self, y, name):
        """The target as the regressor sees it, of one axis if it has one column."""
        target = _checked_target(y, name)
        with naming(name):
            found = self.transformer_.transform(target.reshape(len(target), -1))
        return found[:, 0] if found.shape[1] == 1 else found


def _checked_target(y, name="y"):
    """A numeric target as float64; a ValueError that names it if it is invalid."""
    check_unmasked(y, name)
    with naming(name):
        check_complete(y, name)
        target = check_array(y, dtype=np.float64, ensure_2d=False, input_name=name)
        check_variance(target)
    return target


class TargetScaler(StandardScaler):
    """The `StandardScaler` of scikit-learn, which scales back in float64.

    In float32, large targets would lose digits.

    Parameters
    ----------
    copy, with_mean, with_std : bool, default=True
        As in `StandardScaler`.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : The class that this one derives from.

    Examples
    --------
    >>> scaler = TargetScaler().fit([[1.0], [3.0]])
    >>> scaler.inverse_transform(np.array([[0.5]], dtype=np.float32)).dtype
    dtype('float64')
    """

    def inverse_transform(self, X, copy=None):
        return super().inverse_transform(np.asarray(X, dtype=np.float64), copy)
