"""Do two versions of the package compute the same, to the last bit?

    python benchmarks/same_fits.py TREE > a.txt
    python benchmarks/same_fits.py OTHER_TREE > b.txt
    diff a.txt b.txt

Fits several hundred small networks with the package in the folder TREE and prints a line for each
fit, or for each step of those that go on (a warm start, `partial_fit`, `resume_from`):

    label: weights=... record=... predictions=... warnings=...

The first three are digests of what is public on the estimator: its arrays; its curves, counters and
best epoch; and what its methods predict, with types, dtypes and shapes. Behind them stand the names
of the categories of the warnings that the step gave. A case that raises says the type of the error
instead, which is meant only where the label says "fails". So a line that differs tells what
differs, and in which setting.

It is for changes that must not change any result. Nothing is imported but from public addresses,
and parts get their arguments by name, so that it runs on trees whose insides differ. Compare
outputs of one machine and one environment only: other versions of NumPy, SciPy or BLAS round
differently. BLAS has one thread here, since the bits of a product may depend on their number.
`Checkpoint` needs scikit-learn 1.9, `make_tabular_mlp` is given a pandas DataFrame. It takes a
minute.
"""

import os
import sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
sys.path.insert(0, os.path.abspath(sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__)))

import copy
import hashlib
import io
import pickle
import tempfile
import warnings
from contextlib import redirect_stdout
from functools import cache, partial
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits

import sknumpy_mlp
from sknumpy_mlp import (
    RobustSmoothScaler,
    activations,
    initializers,
    losses,
    make_tabular_mlp,
    optimizers,
    schedules,
)
from sknumpy_mlp import ScratchMLPClassifier as Classifier
from sknumpy_mlp import ScratchMLPRegressor as Regressor
from sknumpy_mlp.callbacks import Checkpoint

# The editable install of another tree must not be what is tested.
assert sknumpy_mlp.__file__.startswith(os.path.join(sys.path[0], "")), sknumpy_mlp.__file__

ARRAYS = ("coefs_", "intercepts_", "feature_scale_", "temperature_")
RECORD = (
    *("loss_", "loss_curve_", "best_loss_", "n_iter_", "t_"),
    *("validation_loss_curve_", "validation_scores_", "best_validation_score_", "best_iter_"),
    *("n_layers_", "n_outputs_", "out_activation_", "n_features_in_", "feature_names_in_"),
    "classes_",
)
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")
BASE = {"max_iter": 4, "n_iter_no_change": None, "random_state": 0}


# ---- what is looked at ----


def feed(hasher, value):
    """Put a value into a hash, with all that tells it from others: type, dtype, shape, bits."""
    if sparse.issparse(value):
        value = value.tocsr()
        feed(hasher, [type(value).__name__, value.shape, value.indptr, value.indices, value.data])
    elif isinstance(value, np.ndarray) and value.dtype != object:
        hasher.update(f"array {value.dtype.str} {value.shape}:".encode())
        hasher.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, (list, tuple, np.ndarray)):
        hasher.update(f"{type(value).__name__} {len(value)}:".encode())
        for each in value:
            feed(hasher, each)
    elif isinstance(value, dict):
        feed(hasher, list(value.items()))
    else:
        hasher.update(f"{type(value).__name__} {value!r};".encode())


def digest(value):
    """Sixteen characters that stand for a value."""
    hasher = hashlib.sha256()
    feed(hasher, value)
    return hasher.hexdigest()[:16]


def attributes(model, names):
    """Those of the attributes that the model has, by name."""
    return {name: getattr(model, name) for name in names if hasattr(model, name)}


def predictions(model, X):
    """What each of its methods says of these rows, by the method's name."""
    return {name: getattr(model, name)(X) for name in METHODS if hasattr(model, name)}


def look(model, X=None):
    """All that is public on a model that may be fitted or not; predictions only with rows."""
    seen = {"weights": attributes(model, ARRAYS), "record": attributes(model, RECORD)}
    if X is not None and hasattr(model, "coefs_"):
        seen["predictions"] = predictions(model, X)
    return seen


# ---- data and settings ----


@cache
def digits(dtype=np.float64):
    """600 images of digits, in [0, 1]."""
    return (load_digits().data[:600] / 16).astype(dtype)


@cache
def diabetes(dtype=np.float64):
    """442 rows of ten numbers."""
    return load_diabetes().data.astype(dtype)


DIGIT = load_digits().target[:600]
SEVERAL_LABELS = np.column_stack([DIGIT % 2, DIGIT > 4]).astype(int)
PROGRESSION = load_diabetes().target
PROGRESSION = (PROGRESSION - PROGRESSION.mean()) / PROGRESSION.std()
THREE_NUMBERS = np.column_stack([PROGRESSION, PROGRESSION**2, -PROGRESSION])
# Some rows weigh nothing.
WEIGHTS = np.arange(600) % 4 / 2


class Variant(NamedTuple):
    """A dtype and a number of members: most settings are tried with all four pairs."""

    dtype: type
    members: int

    def __str__(self):
        return f"{np.dtype(self.dtype).name} members={self.members}"

    def parameters(self, given=()):
        """Those of a short fit of so many members, and these."""
        return BASE | {"members": self.members} | dict(given)


VARIANTS = [Variant(dtype, members) for dtype in (np.float32, np.float64) for members in (1, 3)]


def words(parameters):
    """The parameters of a label; only for values whose repr says no address."""
    return ", ".join(f"{name}={value!r}" for name, value in parameters.items()) or "defaults"


# ---- functions that fit: generators of (step, what is looked at) ----


def make(cls, parameters):
    """A new estimator; of streams and counters it gets copies, so that no case uses them up."""
    return cls(**copy.deepcopy(parameters))


def fit(cls, parameters, X, y, sample_weight=None, seen=None, **options):
    """One fit, and predictions of the same rows or of those `seen`."""
    model = make(cls, parameters).fit(X, y, sample_weight=sample_weight, **options)
    yield "", look(model, X if seen is None else seen)


def fit_again(cls, parameters, changes, X, y, **options):
    """A fit, then one for each of the changes of its parameters, on the same estimator."""
    model = make(cls, parameters).fit(X, y, **options)
    yield "first", look(model, X)
    for number, change in enumerate(changes, 2):
        model.set_params(**change).fit(X, y, **options)
        yield f"fit {number}", look(model, X)


def fit_blocks(model, X, y, sample_weight=None, sizes=(150, 250, 37, 163), classes=None):
    """`partial_fit` of one block of rows after another."""
    start = 0
    first = {} if classes is None else {"classes": classes}
    for number, size in enumerate(sizes, 1):
        part = slice(start, start + size)
        weights = None if sample_weight is None else sample_weight[part]
        model.partial_fit(X[part], y[part], sample_weight=weights, **first)
        yield f"block {number}", look(model, X)
        first, start = {}, start + size


def incremental(cls, parameters, X, y, *args, **options):
    """Blocks of rows from the start."""
    yield from fit_blocks(make(cls, parameters), X, y, *args, **options)


def incremental_after(cls, parameters, X, y, prepare, sizes):
    """Blocks of rows after something else was done."""
    model = prepare(make(cls, parameters), X, y)
    yield "before", look(model, X)
    yield from fit_blocks(model, X, y, sizes=sizes)


def fitted(model, X, y):
    """After a fit."""
    return model.fit(X, y)


def fitted_twice(model, X, y):
    """After two fits, the second warm."""
    return model.set_params(warm_start=True).fit(X, y).fit(X, y)


def fitted_and_pickled(model, X, y):
    """After a fit and a copy by pickle."""
    return pickle.loads(pickle.dumps(model.set_params(warm_start=True).fit(X, y)))


def fitted_and_copied(model, X, y):
    """After a fit and a deep copy."""
    return copy.deepcopy(model.fit(X, y))


def resume(cls, parameters, X, y, every=1, seconds=None, before=None, **options):
    """Three epochs with a checkpoint; the file; six epochs from there; six without a pause."""
    whole = make(cls, parameters | {"max_iter": 6})
    part = make(cls, parameters | {"max_iter": 3})
    if before is not None:
        before(whole, X, y)
        before(part, X, y)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fit.joblib")
        part.set_callbacks(Checkpoint(path=path, epochs=every, seconds=seconds))
        part.fit(X, y, **options)
        yield "part", look(part, X)
        saved = joblib.load(path)
        yield "in the file", look(saved, X)
        model = make(cls, parameters | {"max_iter": 6}).fit(X, y, resume_from=path, **options)
        yield "resumed", look(model, X)
        model.set_params(early_stopping=False).partial_fit(X[:100], y[:100])
        yield "resumed, then partial_fit", look(model, X)
        yield (
            "of the file, partial_fit",
            look(saved.set_params(early_stopping=False).partial_fit(X[:100], y[:100]), X),
        )
    whole.fit(X, y, **options)
    model = whole.set_params(early_stopping=False).partial_fit(X[:100], y[:100])
    yield "whole, then partial_fit", look(model, X)


class Interrupting:
    """A schedule or a scorer that gives ever smaller numbers and is interrupted at one call."""

    def __init__(self, call):
        self.call = call
        self.calls = 0

    def __call__(self, *args):
        self.calls += 1
        if self.calls == self.call:
            raise KeyboardInterrupt
        return 1 / self.calls


class Listener:
    """A callback that ends the fit at an epoch, or is interrupted at the end of a task."""

    def __init__(self, stops_after=None, interrupts=None):
        self.stops_after = stops_after
        self.interrupts = interrupts
        self.ended = 0

    def setup(self, estimator, context):
        """Nothing to do."""

    def teardown(self, estimator, context):
        """Nothing to do."""

    def on_fit_task_begin(self, estimator, context, **told):
        """Nothing to do."""

    def on_fit_task_end(self, estimator, context, **told):
        """Count, then do what it is for."""
        is_epoch = context.task_name == "epoch"
        self.ended += is_epoch
        if self.interrupts == (self.ended if is_epoch else "fit"):
            self.interrupts = None
            raise KeyboardInterrupt
        return is_epoch and self.ended == self.stops_after


def interrupted(model, method, X, y):
    """Call a method that must be interrupted; look at the model before and after, then go on."""
    before = digest(look(model, X))
    yield "before", look(model, X)
    try:
        getattr(model, method)(X, y)
        yield "was not interrupted", look(model, X)
    except KeyboardInterrupt:
        yield "after", look(model, X) | {"unchanged": before == digest(look(model, X))}
    yield "later fit", look(model.fit(X, y), X)
    if not model.early_stopping:
        yield "later partial_fit", look(model.partial_fit(X, y), X)


def interrupt_first_fit(cls, parameters, X, y, listener=None):
    """The first fit of an estimator is interrupted."""
    model = make(cls, parameters)
    if listener is not None:
        model.set_callbacks(copy.deepcopy(listener))
    yield from interrupted(model, "fit", X, y)


def interrupt_second(cls, parameters, X, y, method):
    """A fitted estimator is interrupted in a fit or in `partial_fit`."""
    yield from interrupted(make(cls, parameters).fit(X, y), method, X, y)


def fail_after_fit(cls, parameters, change, X, y):
    """A fit that raises leaves a fitted estimator as it was."""
    model = make(cls, parameters).fit(X, y)
    before = digest(look(model, X))
    model.set_params(**change)
    try:
        model.fit(X, y)
        yield "did not fail", look(model, X)
    except ValueError:
        yield "failed", {"unchanged": before == digest(look(model, X))}
    model.set_params(**{name: parameters[name] for name in change}).partial_fit(X, y)
    yield "later", look(model, X)


# ---- the cases: (label, function that fits) ----


def first_cases():
    """The cases that the tool began with."""
    settings = [
        {},
        {"activation": "tanh", "solver": "sgd"},
        {"activation": "mish", "solver": "rmsprop", "alpha": 0.1},
        {"dropout": 0.2},
        {"feature_scale": True, "parametrization": "ntk"},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": (32, 16), "activation": ["selu", "gelu"], "clip_norm": 0.5},
        {"early_stopping": True, "temperature_scaling": True},
        {"batch_size": "full"},
        {"loss": "squared_error"},
        {"solver": "adamw", "learning_rate": "cosine", "label_smoothing": 0.1},
    ]
    for v in VARIANTS:
        X, parameters = digits(v.dtype), v.parameters()
        for given in settings:
            run = partial(fit, Classifier, v.parameters(given), X, DIGIT)
            yield f"C {v} {words(given)}", run
        yield f"C {v} sparse", partial(fit, Classifier, parameters, sparse.csr_array(X), DIGIT)
        yield f"C {v} multilabel", partial(fit, Classifier, parameters, X, SEVERAL_LABELS)
        weights = np.arange(600) % 3 + 1.0
        yield f"C {v} weights", partial(fit, Classifier, parameters, X, DIGIT % 2, weights)
        warm = parameters | {"warm_start": True}
        yield f"C {v} warm", partial(fit_again, Classifier, warm, [{}], X, DIGIT)
        for loss in ("squared_error", "huber", "poisson"):
            given = parameters | {"loss": loss}
            run = partial(fit, Regressor, given, diabetes(v.dtype), np.abs(PROGRESSION))
            yield f"R {v} {loss}", run
    for dtype in (np.float32, np.float64):
        run = partial(fit, Classifier, BASE | {"solver": "lbfgs"}, digits(dtype), DIGIT)
        yield f"C {np.dtype(dtype).name} lbfgs", run


ACTIVATIONS = (
    *("identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish"),
    "softplus",
)
SOLVERS = ("sgd", "momentum", "rmsprop", "adagrad", "adam", "adamw")
SCHEDULES = (
    *("constant", "invscaling", "adaptive", "step", "exponential", "cosine", "coslog4"),
    *("one_cycle", "warmup"),
)
INITIALIZERS = (
    *("auto", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_normal"),
    "zeros",
)
SETTINGS = [
    *({"activation": name, "hidden_layer_sizes": (20, 10)} for name in ACTIVATIONS),
    *({"activation": name, "feature_scale": True} for name in ("relu", "mish", "softplus")),
    *({"solver": name, "learning_rate_init": 0.01} for name in SOLVERS),
    *({"learning_rate": name, "solver": s} for s in ("sgd", "adam") for name in SCHEDULES),
    *({"init": name, "hidden_layer_sizes": (20, 10)} for name in INITIALIZERS),
    {"init": "lecun_normal", "parametrization": "ntk", "solver": "adamw"},
    {"init": ("he_normal", "zeros")},
    *({"batch_size": size} for size in (1, 7, "auto", "up to 64", "up to 1000", 600, 1000)),
    {"batch_size": "full", "solver": "momentum", "dropout": 0.1},
    {"batch_size": 7, "clip_norm": 0.1, "solver": "rmsprop"},
    {"shuffle": False},
    {"shuffle": False, "batch_size": 64, "early_stopping": True},
    {"alpha": 0.0},
    {"alpha": 10.0, "hidden_layer_sizes": (20, 10), "feature_scale": True},
    {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5},
    {"solver": "sgd", "momentum": 0.0, "learning_rate": "invscaling", "power_t": 0.3},
    {"beta_1": 0.5, "beta_2": 0.95, "epsilon": 1e-4},
    {"dropout": [0.1, 0.5], "hidden_layer_sizes": (30, 20)},
    {"dropout": [0.0, 0.5], "hidden_layer_sizes": (30, 20), "early_stopping": True},
    {"hidden_layer_sizes": 12},
    {"hidden_layer_sizes": (), "feature_scale": True, "dropout": 0.5},
    {"hidden_layer_sizes": (20, 15, 10, 5), "activation": ["relu", "elu", "tanh", "identity"]},
    {"learning_rate_factors": {"biases": 0.1}},
    {"learning_rate_factors": {"weights": 0.5, "biases": 0.0}, "solver": "adamw"},
    {
        "learning_rate_factors": {"feature_scale": 6.0, "biases": 0.1},
        "feature_scale": True,
        "parametrization": "ntk",
        "clip_norm": 0.5,
        "solver": "sgd",
        "hidden_layer_sizes": (20, 10),
    },
    {"n_iter_no_change": 10},
    {"random_state": 7},
]


def settings_of_classifiers():
    """One setting after another, of ten classes."""
    for v in VARIANTS:
        for given in SETTINGS:
            run = partial(fit, Classifier, v.parameters(given), digits(v.dtype), DIGIT)
            yield f"C {v} setting {words(given)}", run


def half(fraction):
    """A schedule that is a function."""
    return 1 - fraction / 2


def objects():
    """Parts as objects, with settings of their own; the text is that of the label."""
    yield "LeakyReLU", {"activation": activations.LeakyReLU(negative_slope=0.2)}
    yield "ELU", {"activation": activations.ELU(alpha=0.5)}
    pair = [activations.GELU(), activations.LeakyReLU(negative_slope=0.3)]
    yield "GELU LeakyReLU", {"activation": pair, "hidden_layer_sizes": (20, 10)}
    yield "SGD", {"solver": optimizers.SGD(momentum=0.5, nesterovs_momentum=False)}
    yield "Momentum", {"solver": optimizers.Momentum(momentum=0.7)}
    yield "RMSprop", {"solver": optimizers.RMSprop(rho=0.7, epsilon=1e-5)}
    yield "AdaGrad", {"solver": optimizers.AdaGrad(epsilon=1e-5)}
    yield "Adam", {"solver": optimizers.Adam(beta_1=0.8, beta_2=0.9, epsilon=1e-5)}
    decaying = optimizers.AdamW(beta_1=0.8, beta_2=0.9, epsilon=1e-5, weight_decay=0.5)
    yield "AdamW", {"solver": decaying, "learning_rate_factors": {"weights": 0.5}}
    rates = {
        "InvScaling": schedules.InvScaling(power_t=0.2),
        "Adaptive": schedules.Adaptive(),
        "Step": schedules.Step(boundaries=(0.3, 0.6), factors=(1.0, 0.5, 0.2)),
        "Exponential": schedules.Exponential(final=0.1),
        "Cosine": schedules.Cosine(final=0.1),
        "CosLog4": schedules.CosLog4(),
        "OneCycle": schedules.OneCycle(peak=0.5, start=0.1, final=0.01),
        "Warmup": schedules.Warmup(fraction=0.3, then="cosine"),
        "Warmup of InvScaling": schedules.Warmup(fraction=0.3, then=schedules.InvScaling()),
        "function": half,
        "Warmup of a function": schedules.Warmup(fraction=0.2, then=half),
    }
    for name, rate in rates.items():
        yield name, {"learning_rate": rate, "solver": "sgd"}
        yield f"{name}, AdamW", {"learning_rate": rate, "solver": optimizers.AdamW()}
    normal = initializers.Normal(scale=0.2)
    starts = {
        "Auto": initializers.Auto(),
        "Zeros": initializers.Zeros(),
        "Uniform": initializers.Uniform(low=-0.1, high=0.3),
        "Uniform, Uniform biases": initializers.Uniform(biases=initializers.Uniform(high=0.1)),
        "Normal": normal,
        "HeUniform, Normal biases": initializers.HeUniform(biases=normal),
        "GlorotNormal, biases by name": initializers.GlorotNormal(biases="he_normal"),
        "pair": (initializers.LecunNormal(biases=initializers.Normal(scale=1.0)), "zeros"),
    }
    for name, start in starts.items():
        yield name, {"init": start, "hidden_layer_sizes": (20, 10)}


def parts_as_objects():
    """Each part that is an object, in both estimators."""
    for v in VARIANTS:
        for name, given in objects():
            parameters = v.parameters(given)
            yield (
                f"C {v} object {name}",
                partial(fit, Classifier, parameters, digits(v.dtype), DIGIT),
            )
            yield (
                f"R {v} object {name}",
                partial(fit, Regressor, parameters, diabetes(v.dtype), PROGRESSION),
            )


TARGETS = {
    "ten classes": DIGIT,
    "two classes": DIGIT % 2,
    "labels": SEVERAL_LABELS,
    "sparse labels": sparse.csr_matrix(SEVERAL_LABELS),
    "text": np.array(["odd" if digit % 2 else "even" for digit in DIGIT]),
    "negative numbers": DIGIT % 3 - 5,
    "truth": DIGIT > 4,
    "text objects": np.array([f"digit {digit}" for digit in DIGIT], dtype=object),
    "one class": np.zeros(600, int),
}


def losses_of_classifiers():
    """Each loss of each kind of target, with and without smoothed labels and weights."""
    smooth = {"label_smoothing": 0.1}
    given_losses = {
        "log_loss": {"loss": "log_loss"},
        "log_loss smoothed": {"loss": "log_loss"} | smooth,
        "binary_log_loss": {"loss": "binary_log_loss"},
        "binary_log_loss smoothed": {"loss": "binary_log_loss"} | smooth,
        "squared_error": {"loss": "squared_error"},
        "LogLoss": {"loss": losses.LogLoss(label_smoothing=0.3)},
        "BinaryLogLoss": {"loss": losses.BinaryLogLoss(label_smoothing=0.3)},
        "SquaredError": {"loss": losses.SquaredError()},
    }
    for v in VARIANTS:
        X = digits(v.dtype)
        for (loss, given), target in [(x, t) for x in given_losses.items() for t in TARGETS]:
            parameters, y = v.parameters(given), TARGETS[target]
            yield f"C {v} {loss} of {target}", partial(fit, Classifier, parameters, X, y)
            run = partial(fit, Classifier, parameters, X, y, WEIGHTS)
            yield f"C {v} {loss} of {target}, weights", run
        parameters = v.parameters({"loss": "squared_error"} | smooth)
        run = partial(fit, Classifier, parameters, X, DIGIT)
        yield f"C {v} squared_error smoothed fails", run


def class_weights():
    """Weights of classes, alone and multiplied with those of rows."""
    settings = {
        "balanced": {"class_weight": "balanced"},
        "dict": {"class_weight": {0: 2.0, 3: 0.5, 9: 0.0}},
        "balanced, stopped early": {"class_weight": "balanced", "early_stopping": True},
        "dict, binary_log_loss": {"class_weight": {1: 3}, "loss": "binary_log_loss"},
    }
    for v in VARIANTS:
        for name, given in settings.items():
            for y, sample_weight in [(DIGIT, None), (DIGIT, WEIGHTS), (DIGIT**2 % 5, None)]:
                if max(given["class_weight"], default=0) == 9 and y.max() < 9:
                    continue
                run = partial(
                    fit, Classifier, v.parameters(given), digits(v.dtype), y, sample_weight
                )
                rows = "no weights" if sample_weight is None else "weights"
                yield f"C {v} class_weight {name}, {y.max() + 1} classes, {rows}", run


def regressors():
    """Each loss of one number and of three; weights, early stopping and other settings."""
    given_losses = {
        "squared_error": "squared_error",
        "absolute_error": "absolute_error",
        "huber": "huber",
        "pinball": "pinball",
        "poisson": "poisson",
        "SquaredError": losses.SquaredError(),
        "Huber": losses.Huber(delta=0.3),
        "Pinball": losses.Pinball(quantile=0.9),
        "AbsoluteError": losses.AbsoluteError(),
        "Poisson": losses.Poisson(),
    }
    settings = [
        {},
        {"early_stopping": True},
        {"early_stopping": True, "scoring": "neg_mean_absolute_error", "feature_scale": True},
        {"solver": "sgd", "learning_rate": "adaptive", "hidden_layer_sizes": ()},
        {"dropout": 0.2, "clip_norm": 0.1, "batch_size": 33},
    ]
    for v in VARIANTS:
        X = diabetes(v.dtype)
        for name, loss in given_losses.items():
            for y in (PROGRESSION, THREE_NUMBERS):
                y = np.abs(y) if "oisson" in name else y
                for given in settings:
                    parameters = v.parameters({"loss": loss} | given)
                    label = f"R {v} {name}, {np.size(y[0])} numbers, {words(given)}"
                    yield label, partial(fit, Regressor, parameters, X, y)
                    label += ", weights"
                    yield label, partial(fit, Regressor, parameters, X, y, WEIGHTS[:442])


def targets_of_regressors():
    """Targets of other types and shapes."""
    targets = {
        "integers": np.arange(442) % 9,
        "float32": PROGRESSION.astype(np.float32),
        "a column": PROGRESSION[:, np.newaxis],
        "objects": PROGRESSION.astype(object),
        "every second": np.repeat(PROGRESSION, 2)[::2],
    }
    for v in VARIANTS:
        for name, y in targets.items():
            run = partial(fit, Regressor, v.parameters(), diabetes(v.dtype), y)
            yield f"R {v} target of {name}", run


def blocks():
    """`partial_fit`, from the start and after other things."""
    settings = [
        *({"solver": name} for name in SOLVERS),
        {"solver": "sgd", "momentum": 0.5, "learning_rate": "invscaling"},
        {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 9.0},
        {"learning_rate": "cosine", "dropout": 0.2, "clip_norm": 0.5},
        {"feature_scale": True, "parametrization": "ntk", "batch_size": "full"},
        {"shuffle": False, "random_state": np.random.RandomState(3), "batch_size": 32},
    ]
    classes = np.arange(10)
    for v in VARIANTS:
        X, Xd, weights = digits(v.dtype), diabetes(v.dtype), WEIGHTS[:442]
        for number, given in enumerate(settings):
            parameters = v.parameters(given)
            given = {name: value for name, value in given.items() if name != "random_state"}
            label = f"{v} blocks {number}, {words(given)}"
            run = partial(incremental, Classifier, parameters, X, DIGIT, classes=classes)
            yield f"C {label}", run
            yield f"C {label}, weights", partial(run, sample_weight=WEIGHTS)
            run = partial(incremental, Regressor, parameters, Xd, PROGRESSION, sizes=(99, 200, 7))
            yield f"R {label}", run
            yield f"R {label}, weights", partial(run, sample_weight=weights)
        yield from blocks_of_other_targets(v, X, Xd)
        yield from blocks_after(v, X, Xd)


def blocks_of_other_targets(v, X, Xd):
    """Two classes, several labels, three numbers, weights of classes, sparse rows."""
    given = v.parameters({"class_weight": {0: 2.0, 1: 0.5}})
    run = partial(incremental, Classifier, given, X, DIGIT % 2, classes=[0, 1])
    yield f"C {v} blocks of two classes, class_weight", run
    run = partial(incremental, Classifier, v.parameters(), X, SEVERAL_LABELS)
    yield f"C {v} blocks of labels", run
    rows = sparse.csr_array(X)
    run = partial(incremental, Classifier, v.parameters(), rows, DIGIT, classes=range(10))
    yield f"C {v} blocks of sparse rows", run
    run = partial(incremental, Regressor, v.parameters(), Xd, THREE_NUMBERS, sizes=(99, 200, 7))
    yield f"R {v} blocks of three numbers", run


def blocks_after(v, X, Xd):
    """After a fit, a warm fit, pickle and copy."""
    for prepare in (fitted, fitted_twice, fitted_and_pickled, fitted_and_copied):
        for given in ({"solver": "adam"}, {"solver": "sgd"}, {"dropout": 0.2}):
            label = f"{v} blocks after {prepare.__name__}, {words(given)}"
            parameters = v.parameters(given)
            data = X, DIGIT, prepare, (200, 55)
            yield f"C {label}", partial(incremental_after, Classifier, parameters, *data)
            data = Xd, PROGRESSION, prepare, (200, 55)
            yield f"R {label}", partial(incremental_after, Regressor, parameters, *data)


def warm_starts():
    """Fits that go on from the weights of an earlier one."""
    cases = [
        ({}, [{}, {"max_iter": 2}]),
        ({"early_stopping": True}, [{}, {}]),
        ({"early_stopping": True, "temperature_scaling": True}, [{}]),
        ({}, [{"early_stopping": True}, {"early_stopping": False}]),
        ({"solver": "adam"}, [{"solver": "sgd"}, {"solver": "adam"}]),
        ({"solver": "sgd"}, [{"solver": "momentum"}]),
        ({"solver": "sgd", "learning_rate": "adaptive"}, [{}, {"tol": 5.0, "n_iter_no_change": 1}]),
        ({"solver": "sgd", "learning_rate": "invscaling"}, [{}, {"learning_rate": "constant"}]),
        ({"learning_rate": "one_cycle"}, [{}]),
        ({"dropout": 0.3, "batch_size": 50}, [{}, {"dropout": 0.1}]),
        ({"feature_scale": True, "parametrization": "ntk"}, [{}]),
        ({"shuffle": False}, [{"shuffle": True}]),
        ({"random_state": np.random.RandomState(5)}, [{}, {}]),
        ({}, [{"warm_start": False}, {"warm_start": True}]),
    ]
    for v in VARIANTS:
        for number, (given, changes) in enumerate(cases):
            parameters = v.parameters({"warm_start": True} | given)
            shown = {name: x for name, x in given.items() if name != "random_state"}
            label = f"{v} warm {number}, {words(shown)}"
            run = partial(fit_again, Classifier, parameters, changes, digits(v.dtype), DIGIT)
            yield f"C {label}", run
            if "temperature_scaling" not in given:
                data = diabetes(v.dtype), PROGRESSION
                yield f"R {label}", partial(fit_again, Regressor, parameters, changes, *data)
        given = v.parameters({"warm_start": True})
        X, data = digits(v.dtype), {"X_val": digits(v.dtype)[:50], "y_val": DIGIT[:50]}
        yield f"C {v} warm, X_val", partial(fit_again, Classifier, given, [{}], X, DIGIT, **data)
        run = partial(fit_again, Classifier, given, [{}], X, DIGIT, sample_weight=WEIGHTS)
        yield f"C {v} warm, weights", run
        # Without a warm start the second fit is the first one again, but for a stream.
        given = v.parameters({"random_state": np.random.RandomState(5)})
        yield f"C {v} anew from a stream", partial(fit_again, Classifier, given, [{}], X, DIGIT)


def smallness(estimator, X, y):
    """A scorer that falls as weights grow, so that for many networks the first epoch is best."""
    return -float(np.abs(estimator.coefs_[0]).sum())


def resumed_fits():
    """Checkpoints, and fits that go on from them."""
    settings = [
        {},
        {"early_stopping": True},
        {"early_stopping": True, "learning_rate_init": 0.5},
        # Often the first epoch is the best.
        {"early_stopping": True, "scoring": smallness},
        {"early_stopping": True, "scoring": smallness, "solver": "sgd", "dropout": 0.2},
        {"early_stopping": True, "restore_best": False, "best_of_ties": "last"},
        {"dropout": 0.2},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 5.0, "n_iter_no_change": 1},
        {"solver": "rmsprop", "learning_rate": "invscaling", "batch_size": 64},
        {"feature_scale": True, "parametrization": "ntk", "early_stopping": True},
        {"shuffle": False, "random_state": np.random.RandomState(2)},
    ]
    for v in VARIANTS:
        X, Xd = digits(v.dtype), diabetes(v.dtype)
        for number, given in enumerate(settings):
            shown = {name: getattr(x, "__name__", x) for name, x in given.items()}
            shown.pop("random_state", None)
            label = f"{v} resumed {number}, {words(shown)}"
            parameters = v.parameters(given)
            yield f"C {label}", partial(resume, Classifier, parameters, X, DIGIT)
            yield f"R {label}", partial(resume, Regressor, parameters, Xd, PROGRESSION)
        parameters = v.parameters()
        yield (
            f"C {v} resumed, weights",
            partial(resume, Classifier, parameters, X, DIGIT, sample_weight=WEIGHTS),
        )
        yield (
            f"C {v} resumed, written every second epoch",
            partial(resume, Classifier, parameters, X, DIGIT, every=2, seconds=0.0),
        )
        yield (
            f"C {v} resumed, X_val",
            partial(resume, Classifier, parameters, X, DIGIT, X_val=X[:50], y_val=DIGIT[:50]),
        )
        warm = v.parameters({"warm_start": True})
        yield f"C {v} resumed, warm", partial(resume, Classifier, warm, X, DIGIT, before=fitted)


def sureness(estimator, X, y):
    """A scorer: the mean logarithm of the probability of what is true."""
    return float(np.mean(estimator.predict_log_proba(X)[np.arange(len(y)), y]))


def nearness(estimator, X, y, sample_weight=None):
    """A scorer of numbers, with weights."""
    return -float(np.average(np.abs(estimator.predict(X) - y), weights=sample_weight))


def validated_fits():
    """Rows to validate on, given or split off, and how they are scored."""
    settings = [
        {},
        {"scoring": "loss"},
        {"scoring": "roc_auc_ovr"},
        {"scoring": "neg_log_loss", "class_weight": "balanced"},
        {"scoring": sureness},
        {"temperature_scaling": True, "early_stopping": True, "label_smoothing": 0.1},
        {"best_of_ties": "last", "learning_rate_init": 0.05},
        {"restore_best": False, "learning_rate_init": 0.05},
        {"max_iter": 40, "n_iter_no_change": 2, "learning_rate_init": 0.05},
        {"validation_fraction": 0.35, "loss": "binary_log_loss"},
        {"hidden_layer_sizes": (), "feature_scale": True},
    ]
    for v in VARIANTS:
        X, y = digits(v.dtype), DIGIT
        given_rows = {"X_val": X[450:], "y_val": y[450:]}
        weighted = given_rows | {"sample_weight_val": WEIGHTS[450:]}
        for given in settings:
            shown = {name: getattr(x, "__name__", x) for name, x in given.items()}
            label = f"C {v} validated, {words(shown)}"
            early = v.parameters(given | {"early_stopping": True})
            run = partial(fit, Classifier, early, X, y)
            yield f"{label}: split", run
            if given.get("scoring") is not sureness:
                yield f"{label}: split, weights", partial(run, WEIGHTS)
            for how, parameters in (("X_val", v.parameters(given)), ("X_val, early", early)):
                run = partial(fit, Classifier, parameters, X[:450], y[:450], seen=X)
                yield f"{label}: {how}", partial(run, **given_rows)
                if given.get("scoring") is not sureness:
                    yield f"{label}: {how}, weights", partial(run, WEIGHTS[:450], **weighted)
        yield from validated_otherwise(v)


def validated_otherwise(v):
    """Other targets and other rows; a temperature of each kind of loss."""
    X, early = digits(v.dtype), {"early_stopping": True, "temperature_scaling": True}
    for target in ("two classes", "labels", "text", "sparse labels"):
        for loss in ("log_loss", "binary_log_loss", "squared_error"):
            parameters = v.parameters(early | {"loss": loss})
            run = partial(fit, Classifier, parameters, X, TARGETS[target])
            yield f"C {v} temperature, {loss} of {target}", run
    rows = sparse.csr_array(X)
    run = partial(fit, Classifier, v.parameters(early), rows, DIGIT)
    yield f"C {v} validated, sparse", run
    # A class of one row cannot be split.
    y = np.where(np.arange(600) == 5, 99, DIGIT)
    yield f"C {v} validated, a small class", partial(fit, Classifier, v.parameters(early), X, y)
    Xd, y = diabetes(v.dtype), PROGRESSION
    for scoring in (None, "loss", "r2", "neg_median_absolute_error", nearness):
        shown = getattr(scoring, "__name__", scoring)
        for stops in (False, True):
            parameters = v.parameters({"scoring": scoring, "early_stopping": stops})
            run = partial(fit, Regressor, parameters, Xd[:300], y[:300], seen=Xd)
            label = f"R {v} validated, scoring={shown}, early_stopping={stops}"
            yield label, partial(run, X_val=Xd[300:], y_val=y[300:])
            if scoring != "neg_median_absolute_error":
                given = {"X_val": Xd[300:], "y_val": y[300:], "sample_weight_val": WEIGHTS[:142]}
                yield f"{label}, weights", partial(run, WEIGHTS[:300], **given)


def interrupted_fits():
    """A KeyboardInterrupt in a step, in a scorer or in a callback; three steps are an epoch."""
    for v in VARIANTS:
        for cls, X, y in (
            (Classifier, digits(v.dtype), DIGIT),
            (Regressor, diabetes(v.dtype), PROGRESSION),
        ):
            label = f"{cls.__name__[10]} {v} interrupted"
            data = cls, v, X, y
            yield from interrupts_of_first_fits(label, *data)
            yield from interrupts_of_second_calls(label, *data)


def interrupts_of_first_fits(label, cls, v, X, y):
    """In the first fit, warm or not, in the first epoch or in the third."""
    for warm in (False, True):
        for number in (2, 8):
            given = {"learning_rate": Interrupting(number), "warm_start": warm}
            for more in ({}, {"solver": "sgd"}, {"early_stopping": True}, {"dropout": 0.2}):
                run = partial(interrupt_first_fit, cls, v.parameters(given | more), X, y)
                yield f"{label} at step {number}, warm_start={warm}, {words(more)}", run
        # A scorer is called once an epoch for each member.
        given = {"scoring": Interrupting(3 * v.members), "early_stopping": True}
        run = partial(interrupt_first_fit, cls, v.parameters(given | {"warm_start": warm}), X, y)
        yield f"{label} in a scorer, warm_start={warm}", run
        for place in (3, "fit"):
            given = v.parameters({"warm_start": warm})
            listener = Listener(interrupts=place)
            run = partial(interrupt_first_fit, cls, given, X, y, listener)
            yield f"{label} in a callback at {place}, warm_start={warm}", run


def interrupts_of_second_calls(label, cls, v, X, y):
    """In a second fit, warm or not, and in `partial_fit`; the first has 12 steps."""
    streams = {"a seed": 0, "a stream": np.random.RandomState(4)}
    for warm in (False, True):
        for name, stream in streams.items():
            given = {"warm_start": warm, "random_state": stream}
            for method, number in (("fit", 20), ("partial_fit", 14)):
                parameters = v.parameters(given | {"learning_rate": Interrupting(number)})
                run = partial(interrupt_second, cls, parameters, X, y, method)
                yield f"{label} in the second call, {method}, warm_start={warm}, {name}", run


def stopped_fits():
    """Fits that end before `max_iter`: out of patience, or by a callback."""
    settings = [
        {"tol": 0.5, "n_iter_no_change": 2},
        {"tol": 0.5, "n_iter_no_change": 2, "early_stopping": True},
        {"tol": 0.5, "n_iter_no_change": 1, "early_stopping": True, "restore_best": False},
        {"tol": 0.5, "n_iter_no_change": 1, "solver": "sgd", "learning_rate": "adaptive"},
        {"tol": 0.5, "n_iter_no_change": 3, "learning_rate": "cosine"},
        {"tol": 0.01, "n_iter_no_change": np.inf, "max_iter": 3},
    ]
    falling = schedules.Warmup(fraction=0.1, then="adaptive")
    for v in VARIANTS:
        given = {"learning_rate": falling, "solver": "sgd", "tol": 0.5, "n_iter_no_change": 1}
        parameters = v.parameters({"max_iter": 50} | given)
        run = partial(fit, Classifier, parameters, digits(v.dtype), DIGIT)
        yield f"C {v} stopped, Warmup of Adaptive", run
        for given in settings:
            parameters = v.parameters({"max_iter": 200} | given)
            label = f"{v} stopped, {words(given)}"
            yield f"C {label}", partial(fit, Classifier, parameters, digits(v.dtype), DIGIT)
            data = diabetes(v.dtype), PROGRESSION
            yield f"R {label}", partial(fit, Regressor, parameters, *data)
        for given in ({}, {"early_stopping": True}):
            run = partial(stop_by_callback, v.parameters(given), digits(v.dtype))
            yield f"C {v} stopped by a callback, {words(given)}", run


def stop_by_callback(parameters, X):
    """A callback ends the fit after its second epoch."""
    model = make(Classifier, parameters | {"n_iter_no_change": 10})
    model.set_callbacks(Listener(stops_after=2)).fit(X, DIGIT)
    yield "", look(model, X)


def lbfgs():
    """The solver without steps."""
    settings = [
        {},
        {"alpha": 1.0},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": (20, 10), "activation": "tanh", "feature_scale": True},
        {"max_iter": 12, "max_fun": 7},
        {"max_iter": 200, "tol": 0.1},
        {"n_iter_no_change": 10, "init": "he_normal"},
    ]
    for dtype in (np.float32, np.float64):
        X, Xd, name = digits(dtype), diabetes(dtype), np.dtype(dtype).name
        for given in settings:
            parameters = BASE | {"solver": "lbfgs"} | given
            for target in ("ten classes", "two classes", "labels"):
                run = partial(fit, Classifier, parameters, X, TARGETS[target])
                yield f"C {name} lbfgs, {words(given)}, {target}", run
            for y in (PROGRESSION, THREE_NUMBERS):
                run = partial(fit, Regressor, parameters, Xd, y)
                yield f"R {name} lbfgs, {words(given)}, {np.size(y[0])} numbers", run
        parameters = BASE | {"solver": optimizers.LBFGS(max_fun=9)}
        run = partial(fit, Classifier, parameters, X, DIGIT, WEIGHTS)
        yield f"C {name} lbfgs as an object, weights", run
        for loss in ("poisson", "huber"):
            parameters = BASE | {"solver": "lbfgs", "loss": loss}
            yield (
                f"R {name} lbfgs, {loss}",
                partial(fit, Regressor, parameters, Xd, np.abs(PROGRESSION), WEIGHTS[:442]),
            )
        warm = BASE | {"solver": "lbfgs", "warm_start": True}
        changes = [{}, {"solver": "adam"}, {"solver": "lbfgs"}]
        yield f"C {name} lbfgs warm", partial(fit_again, Classifier, warm, changes, X, DIGIT)
        yield f"R {name} lbfgs warm", partial(fit_again, Regressor, warm, changes, Xd, PROGRESSION)
        rows = sparse.csr_array(X)
        run = partial(fit, Classifier, BASE | {"solver": "lbfgs"}, rows, DIGIT)
        yield f"C {name} lbfgs sparse", run


@cache
def table():
    """300 rows of numbers, truths and categories, all with gaps."""
    random_state = np.random.RandomState(0)
    size = random_state.lognormal(size=300)
    count = random_state.randint(5, size=300).astype(object)
    frame = pd.DataFrame(
        {
            "size": np.where(random_state.uniform(size=300) < 0.1, np.nan, size),
            "weight": random_state.normal(size=300).astype(np.float32),
            "count": random_state.randint(9, size=300),
            "is new": random_state.uniform(size=300) < 0.3,
            "color": random_state.choice(np.array(["red", "green", "blue", None]), 300),
            "grade": pd.Categorical(random_state.choice(["a", "b", "c"], 300)),
            "mixed": np.where(random_state.uniform(size=300) < 0.2, None, count),
            "constant": 1.0,
            "rank": pd.Categorical(random_state.choice(np.array([1, 2, 3, np.nan]), 300)),
            "is sold": pd.array(random_state.choice(np.array([True, False, None]), 300), "boolean"),
            "bytes": random_state.choice(np.array([b"one", b"two"], dtype=object), 300),
        }
    )
    y = np.log(size) + (frame["color"] == "red") + random_state.normal(size=300) / 4
    return frame, y.to_numpy()


def tables():
    """The tuned pipeline, as it is and with other settings."""
    settings = [
        {},
        {"max_iter": 8, "members": 1},
        {"max_iter": 8, "members": 2, "hidden_layer_sizes": (40, 20)},
        {"max_iter": 8, "solver": "adamw", "activation": "relu", "feature_scale": False},
        {"max_iter": 8, "batch_size": 50, "learning_rate": "constant", "dropout": 0.1},
    ]
    frame, y = table()
    labels = np.where(y > 0.5, "much", "little")
    for given in settings:
        run = partial(fit_table, frame, labels, "classification", given)
        yield f"table of labels, {words(given)}", run
        run = partial(fit_table, frame, 1000 * y + 5000, "regression", given)
        yield f"table of numbers, {words(given)}", run
    mixed = frame.to_numpy(dtype=object)
    run = partial(fit_table, mixed, labels, "classification", {"max_iter": 8})
    yield "table as an array of objects", run
    numbers = frame[["size", "weight", "count"]].to_numpy()
    run = partial(fit_table, numbers, y, "regression", {"max_iter": 8})
    yield "table of numbers only", run
    for dtype in (np.float32, np.float64):
        yield f"RobustSmoothScaler {np.dtype(dtype).name}", partial(scale, dtype)


def fit_table(X, y, task, given):
    """The columns, the network and the predictions of the pipeline."""
    model = make_tabular_mlp(task, **{"random_state": 0} | given)
    # The last rows have gaps and a category that were not seen.
    model.fit(X[:240], y[:240])
    network = model["network"] if task == "classification" else model["network"].regressor_
    columns = model["columns"]
    seen = {
        "columns": [columns.transform(X), columns.get_feature_names_out()],
        "predictions": predictions(model, X),
        "text": network.summary(),
    }
    yield "", look(network) | seen


def scale(dtype):
    """The transformer, alone."""
    X = np.column_stack([np.exp(9 * digits(dtype)[:, :20]), np.ones(600, dtype)])
    scaler = RobustSmoothScaler().fit(X)
    Z = scaler.transform(X)
    seen = {"weights": [scaler.center_, scaler.scale_], "predictions": Z}
    yield "", seen | {"back": scaler.inverse_transform(Z)}
    names = pd.DataFrame(X).add_prefix("column ")
    scaler = RobustSmoothScaler(dtype="float32").fit(names)
    seen = {"predictions": scaler.transform(names), "back": scaler.inverse_transform(names)}
    yield "to float32", seen | {"text": [scaler.get_feature_names_out(), repr(scaler)]}


def inputs():
    """Rows of other types and in other layouts; the network is of float64, or of float32."""
    X = digits()
    counts = np.rint(16 * X)
    names = [f"pixel {number}" for number in range(64)]
    frozen = X.copy()
    frozen.setflags(write=False)
    given = {
        "csc": sparse.csc_array(X),
        "csr matrix": sparse.csr_matrix(X),
        "csc float32": sparse.csc_array(digits(np.float32)),
        "integers": counts.astype(int),
        "uint8": counts.astype(np.uint8),
        "float16": X.astype(np.float16),
        "truths": X > 0.5,
        "column by column": np.asfortranarray(X),
        "column by column, float32": np.asfortranarray(digits(np.float32)),
        "every second": np.repeat(X, 2, axis=0)[::2],
        "read-only": frozen,
        "list": X.tolist(),
        "DataFrame": pd.DataFrame(X, columns=names),
        "DataFrame of float32": pd.DataFrame(digits(np.float32), columns=names),
        "big-endian": X.astype(">f8"),
    }
    for members in (1, 3):
        for name, rows in given.items():
            for more in ({}, {"early_stopping": True, "scoring": "neg_log_loss"}):
                parameters = BASE | {"members": members} | more
                label = f"C {name} members={members}, {words(more)}"
                yield label, partial(fit, Classifier, parameters, rows, DIGIT)
            parameters = BASE | {"members": members}
            data = rows, DIGIT, WEIGHTS
            yield (
                f"C {name} members={members}, weights",
                partial(fit, Classifier, parameters, *data),
            )
    for v in VARIANTS:
        yield f"C {v} predicts rows of other types", partial(predict_others, v)


def predict_others(v):
    """One network, and rows that are not as those that it was trained on."""
    X = digits()
    model = make(Classifier, v.parameters()).fit(X.astype(v.dtype), DIGIT)
    others = {
        "float32": digits(np.float32),
        "float64": X,
        "one row": X[:1].astype(v.dtype),
        "csc": sparse.csc_array(X),
        "uint8": np.rint(X).astype(np.uint8),
        "column by column": np.asfortranarray(X.astype(v.dtype)),
        "list": X[:9].tolist(),
    }
    for name, rows in others.items():
        yield name, {"predictions": predictions(model, rows)}
    model.coefs_ = [2 * W for W in model.coefs_]
    model.intercepts_ = [b.astype(np.float64) for b in model.intercepts_]
    yield "weights of the user's", look(model, X) | {"text": model.summary()}


def streams():
    """Where a fit leaves the stream that it draws from."""
    for v in VARIANTS:
        for given in ({}, {"dropout": 0.3}, {"early_stopping": True}, {"shuffle": False}):
            yield f"C {v} stream, {words(given)}", partial(draw_after, v, given)


def draw_after(v, given):
    """Two fits from one stream, and the number that it gives next."""
    stream = np.random.RandomState(11)
    for step in ("first", "second"):
        model = Classifier(**v.parameters(given) | {"random_state": stream})
        model.fit(digits(v.dtype), DIGIT)
        yield step, look(model, digits(v.dtype)) | {"next": stream.get_state()[1:3]}


def given_weights():
    """Estimators made of weights that are there."""
    for dtype in (np.float32, np.float64):
        for target in ("ten classes", "two classes", "labels"):
            name = f"C {np.dtype(dtype).name} from_weights, {target}"
            yield name, partial(classifier_from_weights, dtype, TARGETS[target])
        for y in (PROGRESSION, THREE_NUMBERS):
            label = f"R {np.dtype(dtype).name} from_weights, {np.size(y[0])} numbers"
            yield label, partial(regressor_from_weights, dtype, y)


def go_on(model, X, y):
    """What a model of given weights is, and becomes."""
    yield "made", look(model, X) | {"text": model.summary()}
    yield from fit_blocks(model, X, y, sizes=(100, 60))
    yield "warm", look(model.set_params(warm_start=True).fit(X, y), X)


def classifier_from_weights(dtype, y):
    """From those of another fit."""
    X = digits(dtype)
    first = make(Classifier, BASE | {"hidden_layer_sizes": (20, 10)}).fit(X, y)
    model = Classifier.from_weights(
        coefs=first.coefs_,
        intercepts=first.intercepts_,
        classes=first.classes_,
        multilabel=y.ndim == 2,
        **BASE,
    )
    yield from go_on(model, X, y)


def regressor_from_weights(dtype, y):
    """From those of another fit."""
    X = diabetes(dtype)
    first = make(Regressor, BASE | {"activation": "tanh"}).fit(X, y)
    model = Regressor.from_weights(
        coefs=first.coefs_, intercepts=first.intercepts_, activation="tanh", **BASE
    )
    yield from go_on(model, X, y)


def texts():
    """What is printed: the log, the table of layers, and the estimator itself."""
    settings = [
        {},
        {"early_stopping": True, "feature_scale": True, "hidden_layer_sizes": (20, 10)},
        {"max_iter": 90, "tol": 0.5, "n_iter_no_change": 1},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 5.0, "n_iter_no_change": 1},
    ]
    for v in VARIANTS:
        for given in settings:
            run = partial(fit_aloud, v.parameters(given), digits(v.dtype))
            yield f"C {v} text, {words(given)}", run
        for name, given in objects():
            if given.get("learning_rate") is not half and "function" not in name:
                yield f"C {v} text of {name}", partial(print_only, v.parameters(given))
    run = partial(fit_aloud, BASE | {"solver": "lbfgs"}, digits())
    yield "C text, solver='lbfgs'", run


def fit_aloud(parameters, X):
    """A fit that prints."""
    with redirect_stdout(io.StringIO()) as log:
        model = make(Classifier, parameters | {"verbose": True}).fit(X, DIGIT)
    yield "", look(model, X) | {"text": [log.getvalue(), model.summary(), str(model), repr(model)]}


def print_only(parameters):
    """An estimator that is not fitted."""
    yield "", {"text": repr(make(Classifier, parameters))}


def large_fits():
    """Batches that are streamed in blocks, and predictions in chunks."""
    random_state = np.random.RandomState(0)
    rows = random_state.normal(size=(3000, 20))
    y = (rows[:, 0] * rows[:, 1] > 0) + (rows[:, 2] > 1)
    weights = np.arange(3000) % 3 / 1.0
    given = {"hidden_layer_sizes": (1000,), "batch_size": "full", "max_iter": 2}
    for v in VARIANTS:
        X, parameters = rows.astype(v.dtype), v.parameters(given)
        run = partial(fit, Classifier, parameters, X, y)
        yield f"C {v} streamed", run
        yield f"C {v} streamed, weights", partial(run, weights)
        for more in ({"dropout": 0.2, "clip_norm": 0.1}, {"early_stopping": True, "alpha": 0.0}):
            run = partial(fit, Classifier, parameters | more, X, y)
            yield f"C {v} streamed, {words(more)}", run
        numbers = rows[:, 3] ** 2
        yield f"R {v} streamed", partial(fit, Regressor, parameters, X, numbers)
        yield (
            f"C {v} streamed, sparse",
            partial(fit, Classifier, parameters, sparse.csr_array(np.maximum(X, 0)), y),
        )
        yield f"C {v} many rows to predict", partial(predict_many, v)
    for dtype in (np.float32, np.float64):
        parameters = BASE | given | {"solver": "lbfgs"}
        run = partial(fit, Classifier, parameters, rows.astype(dtype), y)
        yield f"C {np.dtype(dtype).name} streamed, lbfgs", run
    yield "C large, column by column", large_columns


def predict_many(v):
    """More rows than are pooled at once."""
    X = np.random.RandomState(1).normal(size=(70_000, 5)).astype(v.dtype)
    given = {"hidden_layer_sizes": (16,), "early_stopping": True, "temperature_scaling": True}
    model = make(Classifier, v.parameters(given)).fit(X[:900], X[:900, 0] > 0)
    yield "", look(model, X)


def large_columns():
    """More than is copied at once of an array that lies column by column: 64 MB."""
    X = np.random.RandomState(2).normal(size=(80, 110_000)).T
    model = make(Classifier, BASE | {"hidden_layer_sizes": (4,), "max_iter": 1, "batch_size": 5000})
    yield "", look(model.fit(X, X[:, 0] > 0), X[:500])


def failures():
    """Fits that must raise, and leave a fitted estimator as it was."""
    for v in VARIANTS:
        X, parameters = digits(v.dtype), v.parameters({"learning_rate_init": 0.01})
        change = {"learning_rate_init": 1e30}
        # The squared error of the regressor diverges; the classifier is told of a bad parameter.
        data = diabetes(v.dtype), PROGRESSION
        given = parameters | {"solver": "sgd"}
        yield f"R {v} diverges", partial(fail_after_fit, Regressor, given, change, *data)
        yield (
            f"C {v} wrong parameter",
            partial(fail_after_fit, Classifier, parameters, {"learning_rate_init": -1.0}, X, DIGIT),
        )
        run = partial(fit, Regressor, given | change, *data)
        yield f"R {v} diverges, fails", run
        run = partial(fit, Classifier, parameters, X, DIGIT, 0 * WEIGHTS)
        yield f"C {v} weights of zero, fails", run


def rare_branches():
    """What few fits come by."""
    first_rows_weigh_nothing = np.where(np.arange(600) < 150, 0.0, WEIGHTS)
    for v in VARIANTS:
        X, Xd = digits(v.dtype), diabetes(v.dtype)
        in_order = v.parameters({"shuffle": False, "batch_size": 64})
        for given in ({}, {"early_stopping": True}, {"dropout": 0.1, "alpha": 0.1}):
            parameters, weights = in_order | given, first_rows_weigh_nothing
            run = partial(fit, Classifier, parameters, X, DIGIT, weights)
            yield f"C {v} batches that weigh nothing, {words(given)}", run
            run = partial(fit, Regressor, parameters, Xd, PROGRESSION, weights[:442])
            yield f"R {v} batches that weigh nothing, {words(given)}", run
        # The square of the gradient's norm overflows in float32.
        data = 1e4 * Xd, 1e17 * PROGRESSION
        yield f"R {v} steep", partial(fit, Regressor, v.parameters({"clip_norm": 1.0}), *data)
        # The exponential overflows on the validation rows.
        run = partial(fit, Regressor, v.parameters({"loss": "poisson"}), Xd, np.abs(PROGRESSION))
        data = {"X_val": 1e7 * Xd[:50], "y_val": np.abs(PROGRESSION[:50])}
        yield f"R {v} overflows on X_val", partial(run, **data)
        parameters = v.parameters({"n_iter_no_change": 10})
        yield f"C {v} large inputs", partial(fit, Classifier, parameters, 16 * X, DIGIT)
        yield f"C {v} set_params of parts", partial(set_parts, v)


def set_parts(v):
    """Parameters of parts, set and read through the estimator; and a clone."""
    parts = {"solver": optimizers.RMSprop(), "loss": losses.LogLoss()}
    model = make(Classifier, v.parameters(parts | {"init": initializers.Normal()}))
    model.set_params(solver__rho=0.5, loss__label_smoothing=0.1, init__scale=0.3)
    parameters = {name: repr(value) for name, value in sorted(model.get_params().items())}
    yield "", look(model.fit(digits(v.dtype), DIGIT), digits(v.dtype)) | {"text": parameters}
    yield "clone", look(clone(model).fit(digits(v.dtype), DIGIT), digits(v.dtype))


def cases():
    """All cases: a label, and a function that gives a generator of (step, what is looked at)."""
    yield from first_cases()
    yield from settings_of_classifiers()
    yield from parts_as_objects()
    yield from losses_of_classifiers()
    yield from class_weights()
    yield from regressors()
    yield from targets_of_regressors()
    yield from blocks()
    yield from warm_starts()
    yield from resumed_fits()
    yield from validated_fits()
    yield from interrupted_fits()
    yield from stopped_fits()
    yield from lbfgs()
    yield from tables()
    yield from inputs()
    yield from streams()
    yield from given_weights()
    yield from texts()
    yield from large_fits()
    yield from rare_branches()
    yield from failures()


# ---- running them ----


def shown(seen, caught):
    """What is looked at, and the warnings since the last step, as the end of a line."""
    parts = [
        f"{name}={value if isinstance(value, bool) else digest(value)}"
        for name, value in seen.items()
    ]
    names = sorted({warning.category.__name__ for warning in caught})
    caught.clear()
    return " ".join([*parts, f"warnings={','.join(names) or 'none'}"])


def lines(label, run):
    """Yield a line for each step of a case; the last one may be an error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # OpenBLAS reads past the end of small matrices, and what lies there may look like a NaN.
        warnings.filterwarnings("ignore", "invalid value encountered in matmul", RuntimeWarning)
        try:
            for step, seen in run():
                yield f"{label}{step and f' | {step}'}: {shown(seen, caught)}"
        except (Exception, KeyboardInterrupt) as error:
            yield f"{label}: raised {type(error).__name__}"


def main():
    """Print all lines, and how many there were."""
    count = 0
    for label, run in cases():
        for line in lines(label, run):
            print(line, flush=True)
            count += 1
    print(f"{count} fits")


if __name__ == "__main__":
    main()
