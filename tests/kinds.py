"""A small fit of each kind, for numbers that are recorded and models that are kept."""

import numpy as np
from sklearn.base import clone

from sknumpy_mlp import (
    GaussianImputer,
    RobustSmoothScaler,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
)
from sknumpy_mlp.activations import LeakyReLU
from sknumpy_mlp.embeddings import PiecewiseLinear
from sknumpy_mlp.losses import Huber
from sknumpy_mlp.optimizers import RMSprop
from sknumpy_mlp.schedules import Cosine, Warmup

N_SAMPLES, N_FEATURES, N_SHOWN = 80, 5, 12


def data(target):
    """Rows and a target of one kind, the same on every machine."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((N_SAMPLES, N_FEATURES))
    scores = X @ rng.standard_normal((N_FEATURES, 3)) + 0.3 * rng.standard_normal((N_SAMPLES, 3))
    return X, {
        "binary": scores[:, 0] > 0,
        "multiclass": np.array(["ash", "elm", "oak"])[scores.argmax(axis=1)],
        "multilabel": (scores > 0).astype(int),
        "number": scores[:, 0],
        "columns": scores,
        "counts": np.floor(np.exp(scores[:, 0] / 2)),
    }[target]


def classifier(**parameters):
    return ScratchMLPClassifier(**SETTINGS | parameters)


def regressor(loss="squared_error", **parameters):
    return ScratchMLPRegressor(loss, **SETTINGS | parameters)


SETTINGS = {
    "hidden_layer_sizes": (6,),
    "learning_rate_init": 0.02,
    "batch_size": 16,
    "max_iter": 5,
    "n_iter_no_change": None,
    "random_state": 0,
}
OBJECTS = {
    "activation": [LeakyReLU(negative_slope=0.1), "gelu"],
    "hidden_layer_sizes": (6, 4),
    "solver": RMSprop(rho=0.95),
    "learning_rate": Warmup(fraction=0.2, then=Cosine()),
}
HELD_OUT = {"early_stopping": True, "validation_fraction": 0.3}
# What is fitted, the target, and the method that trains it.
KINDS = {
    "binary": (classifier(), "binary", "fit"),
    "multiclass": (classifier(), "multiclass", "fit"),
    "multilabel": (classifier(), "multilabel", "fit"),
    "one logistic output per class": (classifier(loss="binary_log_loss"), "multiclass", "fit"),
    "squared error of classes": (classifier(loss="squared_error"), "multiclass", "fit"),
    "float32": (classifier(), "multiclass", "fit"),
    "lbfgs": (classifier(solver="lbfgs", alpha=1.0, max_iter=20), "multiclass", "fit"),
    "sgd": (classifier(solver="sgd", learning_rate="invscaling"), "multiclass", "fit"),
    "objects": (classifier(**OBJECTS), "multiclass", "fit"),
    "no hidden layer": (classifier(hidden_layer_sizes=()), "multiclass", "fit"),
    "class weights": (classifier(class_weight={"elm": 3.0}), "multiclass", "fit"),
    "smoothed labels": (classifier(label_smoothing=0.1), "multiclass", "fit"),
    "dropout": (classifier(dropout=0.2), "multiclass", "fit"),
    "feature scale": (classifier(feature_scale=True, parametrization="ntk"), "multiclass", "fit"),
    "embedding": (classifier(embedding=PiecewiseLinear(n_bins=4)), "multiclass", "fit"),
    "early stopping": (classifier(**HELD_OUT), "multiclass", "fit"),
    "temperature": (classifier(**HELD_OUT, temperature_scaling=True), "multiclass", "fit"),
    "members": (classifier(**HELD_OUT, members=3, temperature_scaling=True), "multiclass", "fit"),
    "members that differ": (classifier(members={"alpha": [0.0, 1.0]}), "multiclass", "fit"),
    "warm start": (classifier(warm_start=True, solver="momentum"), "multiclass", "fit"),
    "partial fit": (classifier(solver="adamw"), "multiclass", "partial_fit"),
    "numbers": (regressor(), "number", "fit"),
    "columns of numbers": (regressor(), "columns", "fit"),
    "counts": (regressor("poisson"), "counts", "fit"),
    "median": (regressor("absolute_error"), "number", "fit"),
    "outliers": (regressor(Huber(delta=0.5)), "number", "fit"),
    "quantile": (regressor("pinball", members=2), "number", "fit"),
    "robust smooth scaler": (RobustSmoothScaler(), "number", "fit"),
    "gaussian imputer": (GaussianImputer(), "number", "fit"),
}


def trained(kind, engine="auto"):
    """The fitted estimator of this kind; transformers have no engine."""
    estimator, target, method = KINDS[kind]
    estimator = clone(estimator)
    if hasattr(estimator, "engine"):
        estimator.set_params(engine=engine)
    X, y = data(target)
    if kind == "float32":
        X = X.astype(np.float32)
    if kind == "gaussian imputer":
        X[::3, 1] = np.nan
    if method == "partial_fit":
        return estimator.partial_fit(X, y, classes=np.unique(y)).partial_fit(X, y)
    return estimator.fit(X, y)


def shown(model, kind):
    """What a fitted estimator gives for the first rows: probabilities, numbers or columns."""
    X = data(KINDS[kind][1])[0][:N_SHOWN]
    if kind == "gaussian imputer":
        X[::2, 2] = np.nan
    use = next(n for n in ("predict_proba", "predict", "transform") if hasattr(model, n))
    return np.asarray(getattr(model, use)(X), np.float64)
