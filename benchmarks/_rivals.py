"""The rivals in `tabular.py`: models of other packages, each as its users would use it.

Contract: a rival is a function of a seed and a `Table` that returns an unfitted estimator. The
estimator takes what `Table.take` returns, and class indices or numbers as the target. `rivals`
returns those whose packages are installed, cheap ones first. To add one, add it to the dict of its
package.

Categories are declared to every model that accepts them, and one-hot encoded for the others.
Missing numbers are replaced by the median, with a column that marks them, where a model does not
accept them.
"""

import importlib.util
import logging

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

# pytabkit's tuned ("TD") and untuned ("D") defaults. Its trees, with the package that grows them.
TREES = {"LGBM_TD": "lightgbm", "XGB_TD": "xgboost", "CatBoost_TD": "catboost"}
NETWORKS = ("RealMLP_TD_S", "RealMLP_TD", "TabM_D")


def rivals(task, n_threads):
    """A dict from displayed names to rivals."""
    found = scikit_learn(task)
    for package, function in BOOSTERS.items():
        if importlib.util.find_spec(package):
            found |= function(task, n_threads)
    if importlib.util.find_spec("pytabkit"):
        found |= pytabkit(task, n_threads)
    return found


def standardised(table, estimator):
    """A pipeline of standardized numbers, one-hot encoded categories and an estimator."""
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    numbers = StandardScaler()
    if table.has_gaps:
        numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), numbers)
    columns = ColumnTransformer(
        [("numbers", numbers, ~table.is_category), ("categories", one_hot, table.is_category)]
    )
    return make_pipeline(columns, estimator)


def standardised_target(estimator):
    """An estimator of a standardized target."""
    return TransformedTargetRegressor(estimator, transformer=StandardScaler())


def coded(table, estimator):
    """A pipeline of numbers, then categories as integers (nan if `fit` has not seen them)."""
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = ColumnTransformer(
        [
            ("numbers", "passthrough", ~table.is_category),
            ("categories", encoder, table.is_category),
        ]
    )
    return make_pipeline(columns, estimator)


def coded_categories(table):
    """Indices of the categorical columns behind `coded`."""
    return list(range(int((~table.is_category).sum()), len(table.is_category)))


def scikit_learn(task):
    """A linear model, a network and gradient boosting."""
    if task == "classification":
        return {
            "LogisticRegression": lambda seed, table: standardised(
                table, LogisticRegression(max_iter=1000)
            ),
            "HistGradientBoosting": _histogram(HistGradientBoostingClassifier),
            "MLPClassifier": lambda seed, table: standardised(
                table, MLPClassifier(random_state=seed)
            ),
        }
    return {
        "RidgeCV": lambda seed, table: standardised(table, RidgeCV(np.logspace(-3, 3, 13))),
        "HistGradientBoosting": _histogram(HistGradientBoostingRegressor),
        "MLPRegressor": lambda seed, table: standardised(
            table, standardised_target(MLPRegressor(random_state=seed))
        ),
    }


def _histogram(cls):
    def make(seed, table):
        categories = coded_categories(table) or None
        return coded(table, cls(categorical_features=categories, random_state=seed))

    return make


def lightgbm(task, n_threads):
    """LightGBM with its defaults."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    cls = LGBMClassifier if task == "classification" else LGBMRegressor

    def make(seed, table):
        model = cls(random_state=seed, n_jobs=n_threads, verbosity=-1)
        if table.is_category.any():
            model.set_params(categorical_feature=coded_categories(table))
        return coded(table, model)

    return {"LightGBM": make}


def xgboost(task, n_threads):
    """XGBoost with its defaults."""
    from xgboost import XGBClassifier, XGBRegressor

    cls = XGBClassifier if task == "classification" else XGBRegressor

    def make(seed, table):
        n_categories = int(table.is_category.sum())
        kinds = ["q"] * (len(table.columns) - n_categories) + ["c"] * n_categories
        model = cls(
            random_state=seed, n_jobs=n_threads, enable_categorical=True, feature_types=kinds
        )
        return coded(table, model)

    return {"XGBoost": make}


def catboost(task, n_threads):
    """CatBoost with its defaults."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    cls = CatBoostClassifier if task == "classification" else CatBoostRegressor

    def make(seed, table):
        return cls(
            random_seed=seed,
            thread_count=n_threads,
            verbose=False,
            # Otherwise it writes a folder of logs into the current one.
            allow_writing_files=False,
            cat_features=np.flatnonzero(table.is_category).tolist(),
        )

    return {"CatBoost": make}


BOOSTERS = {"lightgbm": lightgbm, "xgboost": xgboost, "catboost": catboost}


def pytabkit(task, n_threads):
    """The default models of pytabkit, and its trees with a temperature.

    Every one of them holds out a fifth of its rows, on which it chooses the number of its trees or
    epochs.
    """
    import pytabkit as package

    # Lightning logs advice in every fit.
    for name in ("lightning", "lightning.pytorch", "lightning.fabric", "pytorch_lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    kind = "Classifier" if task == "classification" else "Regressor"

    def rival(name, wrap=lambda model, seed: model):
        cls = getattr(package, f"{name}_{kind}")

        # At 0, LightGBM warns in every tree that cannot grow.
        verbosity = -1 if name == "LGBM_TD" else 0

        def make(seed, table):
            model = cls(random_state=seed, device="cpu", n_threads=n_threads, verbosity=verbosity)
            # pytabkit refuses gaps in numbers, for trees too.
            frame = Frame(table.is_category, fills_gaps=table.has_gaps)
            return make_pipeline(frame, wrap(model, seed))

        return make

    installed = [name for name, grower in TREES.items() if importlib.util.find_spec(grower)]
    trees = {name: rival(name) for name in installed}
    tempered = {}
    if task == "classification":
        tempered = {f"{name}, temperature": rival(name, WithTemperature) for name in installed}
    return trees | tempered | {name: rival(name) for name in NETWORKS}


class Frame(TransformerMixin, BaseEstimator):
    """Rows of a `Table` as a pandas DataFrame, with gaps in numbers as they are or filled.

    Parameters
    ----------
    is_category : ndarray of bool
    fills_gaps : bool
        Replace missing numbers by the median of the column, and add a column of 0 and 1 for each
        column that had any in `fit`.
    """

    def __init__(self, is_category, fills_gaps=False):
        self.is_category = is_category
        self.fills_gaps = fills_gaps

    def fit(self, X, y=None):
        """Find the medians."""
        self.imputer_ = None
        if self.fills_gaps:
            self.imputer_ = SimpleImputer(strategy="median", add_indicator=True)
            self.imputer_.fit(self._numbers(X))
        return self

    def _numbers(self, X):
        return X[:, ~self.is_category].astype(np.float64)

    def transform(self, X):
        """Return the DataFrame; columns are in their order, indicators of gaps are last."""
        import pandas as pd

        numbers = self._numbers(X)
        if self.imputer_ is not None:
            numbers = self.imputer_.transform(numbers)
        numbers, categories = iter(numbers.T), iter(X[:, self.is_category].T)
        columns = [
            pd.Series(next(categories)).astype("category") if is_category else next(numbers)
            for is_category in self.is_category
        ]
        return pd.DataFrame(dict(enumerate([*columns, *numbers])))


class WithTemperature(ClassifierMixin, BaseEstimator):
    """A classifier of pytabkit whose probabilities are recalibrated by a temperature.

    A fifth of the training rows is held out, stratified. The model chooses the number of its trees
    on these rows, as it does without this class, and the temperature is then fitted on the same
    rows. So the model trains on as many rows as without a temperature, and the rows for both
    choices are the same, as in our recipe.

    Parameters
    ----------
    model : estimator
        Its `fit` takes the indices of held-out rows as `val_idxs`.
    random_state : int
        Chooses the held-out rows.
    """

    def __init__(self, model, random_state):
        self.model = model
        self.random_state = random_state

    def fit(self, X, y):
        """Fit the model and the temperature."""
        held_out = train_test_split(
            np.arange(len(y)), test_size=0.2, stratify=y, random_state=self.random_state
        )[1]
        self.model.fit(X, y, val_idxs=held_out)
        self.classes_ = self.model.classes_
        proba = self.model.predict_proba(X.iloc[held_out])
        self.temperature_ = fit_temperature(proba, np.searchsorted(self.classes_, y[held_out]))
        return self

    def predict_proba(self, X):
        """The model's probabilities at the fitted temperature."""
        return softened(self.model.predict_proba(X), self.temperature_)


def softened(proba, temperature):
    """Probabilities whose logarithms are divided by a temperature, normalized."""
    # float32 probabilities may be 0.
    scores = np.log(np.maximum(proba, 1e-12, dtype=np.float64))
    return softmax(scores / temperature, axis=1)


def fit_temperature(proba, y):
    """The temperature between 1/20 and 20 that minimizes the log-loss of class indices `y`."""

    def loss(log_temperature):
        own = softened(proba, np.exp(log_temperature))[np.arange(len(y)), y]
        return -np.mean(np.log(np.maximum(own, 1e-300)))

    limit = np.log(20)
    return float(np.exp(minimize_scalar(loss, bounds=(-limit, limit), method="bounded").x))
