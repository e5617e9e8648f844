"""The types of parameters and fitted attributes, for type checkers and editors.

Nothing here has a value: parameters get theirs in the constructors, fitted attributes by a fit. A
new parameter or attribute is declared here, and `tests/test_types.py` compares with the docstrings.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

from ..activations import Activation
from ..embeddings import Embedding
from ..initializers import Initializer
from ..losses import Loss
from ..optimizers import Optimizer
from ..schedules import Schedule

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.floating[Any]]
# An array-like, a sparse matrix or array, or a frame: no type of another package is needed.
Matrix: TypeAlias = Any
Sizes: TypeAlias = int | Sequence[int]
Activations: TypeAlias = str | Activation | Sequence[str | Activation]
Initializers: TypeAlias = str | Initializer | Sequence[str | Initializer]
Rate: TypeAlias = str | Schedule | Callable[[float], float]
Scoring: TypeAlias = str | Callable[..., float] | None
Stream: TypeAlias = int | np.random.RandomState | None
Members: TypeAlias = int | Mapping[str, Sequence[Any]]
Solver: TypeAlias = str | Optimizer
Objective: TypeAlias = str | Loss
Embeddings: TypeAlias = str | Embedding | None
Patience: TypeAlias = int | float | None
Dropout: TypeAlias = float | Sequence[float]
Factors: TypeAlias = Mapping[str, float] | None
Ties: TypeAlias = Literal["first", "last"]
Parametrization: TypeAlias = Literal["standard", "ntk"]
Engine: TypeAlias = Literal["auto", "numpy", "compiled"]
ClassWeight: TypeAlias = Mapping[Any, float] | Literal["balanced"] | None


class Parameters(TypedDict, total=False):
    """Parameters of the estimators, as keywords of functions that pass them on."""

    hidden_layer_sizes: Sizes
    activation: Activations
    solver: Solver
    alpha: float
    batch_size: int | str
    learning_rate: Rate
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: Stream
    tol: float
    verbose: bool | int
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: Patience
    max_fun: int
    loss: Objective
    init: Initializers
    class_weight: ClassWeight
    scoring: Scoring
    restore_best: bool
    best_of_ties: Ties
    dropout: Dropout
    label_smoothing: float
    clip_norm: float | None
    feature_scale: bool
    embedding: Embeddings
    parametrization: Parametrization
    learning_rate_factors: Factors
    temperature_scaling: bool
    members: Members
    engine: Engine


class Declared:
    """Mixin of estimators with their parameters and what a fit sets; before BaseEstimator."""

    hidden_layer_sizes: Sizes
    activation: Activations
    solver: Solver
    alpha: float
    batch_size: int | str
    learning_rate: Rate
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: Stream
    tol: float
    verbose: bool | int
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: Patience
    max_fun: int
    loss: Objective
    init: Initializers
    scoring: Scoring
    restore_best: bool
    best_of_ties: Ties
    dropout: Dropout
    clip_norm: float | None
    feature_scale: bool
    embedding: Embeddings
    parametrization: Parametrization
    learning_rate_factors: Factors
    members: Members
    engine: Engine

    coefs_: list[Floats]
    intercepts_: list[Floats]
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    validation_loss_curve_: list[float] | None
    best_validation_score_: float | None
    best_validation_scores_: Floats
    best_iter_: int | NDArray[np.integer[Any]] | None
    feature_scale_: Floats
    embedding_: Floats
    embedding_edges_: Floats
    embedding_columns_: NDArray[np.integer[Any]]
    engine_: Literal["numpy", "compiled"]
    n_iter_: int
    t_: int
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    n_features_in_: int
    feature_names_in_: Array


class DeclaredClassifier(Declared):
    """What a classifier has besides."""

    class_weight: ClassWeight
    label_smoothing: float
    temperature_scaling: bool

    classes_: Array
    temperature_: float | Floats
