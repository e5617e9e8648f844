"""A running fit: new, continued from a fitted model, or resumed from a checkpoint."""

import copy
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from .._family import shown
from ..core.batches import Batches
from ..core.batches import rows as rows_of
from ..core.embeddings import layer_class
from ..core.engines import choose
from ..core.held_out import HeldOut
from ..core.memory import check_memory
from ..core.network import Network, perceptron
from ..core.state import Record, Saved, TrainingState
from ..losses import Loss
from ..losses.links import Link
from .labels import Labels
from .parameters import Plan
from .rows import (
    Rows,
    check_format,
    check_mean_weight,
    check_numbers,
    check_some_weight,
    refuse_sparse,
)


@dataclass
class Past(Saved):
    """The state that a call continues from; empty by default.

    Attributes
    ----------
    parameters : dict of str to list of ndarray, or None
        The parameters of the network in training, by kind; None for a new network.
    state : TrainingState
        Its random stream is None if the stream starts new.
    curves : dict of str to list
        The curves of the previous calls, by attribute.
    best_loss : float or None
        The smallest loss of an epoch of the previous calls.
    labels : Labels or None
        The classes that the classifier knows.
    record : Record
        The record of the resumed fit; otherwise empty.
    split : tuple of integer ndarray or None
        Indices of the training rows and of the held-out rows of the resumed fit.
    facts : dict or None
        `Rows.facts` of the resumed fit.
    engine : str or None
        Name of the engine that has trained the network; None if none has.
    columns : dict
        Number and names of the columns of the resumed fit.
    """

    parameters: dict | None = None
    state: TrainingState = field(default_factory=TrainingState)
    curves: dict = field(default_factory=dict)
    labels: Labels | None = None
    record: Record = field(default_factory=Record)
    split: tuple | None = None
    facts: dict | None = None
    engine: str | None = None
    columns: dict = field(default_factory=dict)
    best_loss: float | None = None

    @property
    def exists(self):
        """Whether there is a network to continue with."""
        return self.parameters is not None

    def check_rows(self, rows):
        """Raise a ValueError if the rows differ from those of the resumed fit."""
        facts = rows.facts()
        for name, theirs in (self.facts or {}).items():
            if facts.get(name) != theirs:
                raise ValueError(
                    f"{name} must be the same as when the file of resume_from was written, "
                    f"{theirs!r}, got {facts.get(name)!r}"
                )

    def check_engine(self, engine, wanted):
        """Raise a ValueError if another engine has trained the network so far."""
        if self.engine not in (None, engine.name):
            raise ValueError(
                f"engine must stay what trained the fitted network, {self.engine!r}, got "
                f"{wanted!r}, which is {engine.name!r} here; set engine={self.engine!r}, or clone "
                "the estimator to start anew"
            )

    def check_shape(self, network):
        """Raise a ValueError unless the new network has the shape of the fitted one."""
        weights = self.parameters["weights"]
        n_members = 1 if weights[0].ndim == 2 else len(weights[0])
        if n_members != network.n_members:
            raise ValueError(
                f"members must be {n_members}, as in the fitted network, "
                f"got {network.n_members}; clone the estimator to start from new weights"
            )
        changed = sorted(self.parameters.keys() ^ network.kinds)
        if changed:
            raise ValueError(
                f"{changed[0]} must be {changed[0] in self.parameters}, as in the fitted network, "
                f"got {changed[0] in network.kinds}; clone the estimator to start from new weights"
            )
        layers = network.dense_layers
        fitted = [weights[0].shape[-2], *(W.shape[-1] for W in weights)]
        wanted = [layers[0].fan_in, *(layer.fan_out for layer in layers)]
        if fitted != wanted:
            raise ValueError(
                f"hidden_layer_sizes, loss and data must keep the shape of the fitted network, "
                f"which has {fitted} units from input to output, got {wanted}; clone the "
                "estimator to start from new weights"
            )


@dataclass
class Fit:
    """A running fit.

    Attributes
    ----------
    plan : Plan
        The checked parameters of the estimator.
    rows : Rows or None
        The data; None if only weights were given.
    network : Network
        The network in training.
    loss : Loss
        The loss for the kind of target of the rows.
    state : TrainingState
    record : Record
    labels : Labels or None
    curves : dict of str to list
        The curves of the calls that this call continues, by attribute.
    best_loss : float or None
        The smallest loss of an epoch of these calls.
    batches : Batches or None
    split : tuple of integer ndarray or None
        Indices of the training rows and of the held-out rows; None without a split.
    held_out : list of HeldOut
        One entry per member; empty without held-out rows.
    n_epochs : int or None
        Number of epochs of this call; ``plan.max_iter`` if None.
    engine : NumpyEngine
        The engine that trains the network.
    """

    plan: Plan
    rows: Rows | None
    network: Network
    loss: Loss
    state: TrainingState
    record: Record
    labels: Labels | None = None
    curves: dict = field(default_factory=dict)
    batches: Batches | None = None
    split: tuple | None = None
    held_out: list = field(default_factory=list)
    n_epochs: int | None = None
    engine: object = None
    best_loss: float | None = None

    @property
    def largest_product(self):
        """Number of multiplications in the largest matrix product of a step."""
        return self.batches.batch_size * self.network.largest_layer

    def copy(self):
        """A copy of everything that training changes; the rest is shared."""
        network = self.network.unbound()
        network.allocate(self.network.theta.dtype)
        network.theta[:] = self.network.theta
        state = replace(self.state.copy(), random_state=copy.deepcopy(self.state.random_state))
        return replace(self, network=network, state=state, record=self.record.copy())


def begin(plan, rows, past, stream, scorer=None, n_epochs=None):
    """Begin a fit.

    Parameters
    ----------
    plan : Plan
    rows : Rows
    past : Past
        The state that the fit continues from.
    stream : numpy.random.RandomState
        The random stream, unless `past` has one.
    scorer : callable, default=None
        Takes a network, a loss and the held-out rows, and returns a function that computes their
        score from raw scores, or None if the score is minus their loss.
    n_epochs : int, default=None
        `Fit.n_epochs`.

    Returns
    -------
    Fit
    """
    state, record = past.state, past.record
    if state.random_state is None:
        state.random_state = stream
    loss = plan.loss.for_target(rows.target.kind)
    if not isinstance(loss.link, Link):
        raise ValueError(f"link of {loss!r} must be a Link, such as Softmax(), got {loss.link!r}")
    network = _network(plan, rows, loss, past, state.random_state)
    engine = choose(plan.engine, network, loss)
    past.check_engine(engine, plan.engine)
    if network.is_random:
        state.seed_generator()
    split = past.split
    if split is None and splits(plan, rows):
        split = rows.split(plan, state.random_state)
    subset = None if split is None else split[0]
    weights, n_samples = rows.weights, rows.X.shape[0]
    check_some_weight(weights, "trained on", subset)
    if not record.n_iter:
        state.count_weights(weights, n_samples, subset)
    check_mean_weight(state, plan.alpha)
    dtype = network.theta.dtype
    n_trained_on = n_samples if subset is None else subset.shape[-1]
    batches = Batches(
        rows.X,
        loss.encode_target(rows.target.codes, dtype),
        dtype,
        plan.rows_of_a_step(n_trained_on, warn=not (past.exists and n_epochs)),
        state.relative_weights(weights, n_samples),
        subset,
        plan.members,
        plan.cut,
    )
    return Fit(
        plan,
        rows,
        network,
        loss,
        state,
        record,
        labels=rows.target.labels,
        curves=past.curves,
        best_loss=past.best_loss,
        batches=batches,
        split=split,
        held_out=_held_out(plan, rows, network, loss, engine, batches.X, split, scorer),
        n_epochs=n_epochs,
        engine=engine,
    )


def splits(plan, rows):
    """Whether a part of the rows is held out for early stopping."""
    return plan.early_stopping and plan.optimizer.takes_steps and rows.held_out is None


def _network(plan, rows, loss, past, random_state):
    """A network for these rows, with initial parameters or with the parameters of `past`."""
    X, target = rows.X, rows.target
    dtype = past.parameters["weights"][0].dtype if past.exists else X.dtype
    dtype = np.dtype(np.float32 if dtype == np.float32 else np.float64)
    check_numbers(X, dtype)
    check_numbers(target.codes, dtype, "y")
    network = perceptron(
        [X.shape[1], *plan.hidden_units, loss.link.n_outputs(target.n_columns)],
        plan.activations,
        plan.output_activation,
        plan.dropout,
        plan.feature_scale,
        plan.members,
        _embedding(plan, rows, past, dtype),
    )
    check_format(X, network)
    if plan.members > 1 and not loss.link.pools:
        raise ValueError(
            f"members must be 1 with the loss {loss!r}, whose link has no pool(Z) to average the "
            f"predictions of several members, got {plan.members}"
        )
    if past.exists:
        past.check_shape(network)
        network.bind(past.parameters)
        network.allocate(dtype)
    else:
        _allocate(network, plan, dtype)
        network.draw(plan.initializer, random_state, plan.output_initializer)
    return network


def _allocate(network, plan, dtype):
    """Allocate a network; a MemoryError that names the parameters if it is too large."""
    asked = {"hidden_layer_sizes": plan.hidden_layer_sizes, "members": plan.members}
    asked |= {} if plan.embedding is None else {"embedding": plan.embedding}
    what = ", ".join(f"{name}={shown(value)}" for name, value in asked.items())
    what += f" ask for {network.n_parameters:,} parameters with {network.n_inputs} features"
    # The parameters, their gradient and the moments of the optimizer.
    check_memory(network.n_parameters * dtype.itemsize * (2 + len(plan.optimizer.moments)), what)
    try:
        network.allocate(dtype)
    except MemoryError as error:
        raise MemoryError(f"{what}: {error}") from error


def _embedding(plan, rows, past, dtype):
    """The first layer of a network with an embedding; None without one."""
    if plan.embedding is None:
        return None
    cls, X, weights = layer_class(plan.embedding), rows.X, rows.weights
    if past.exists and past.parameters.keys() >= {*cls.kinds.values()}:
        return cls.like(plan.embedding, X.shape[1], past.parameters)
    if sparse.issparse(X):
        refuse_sparse(X, "embedding")
    check_some_weight(weights, "trained on")
    return cls.of(plan.embedding, X.astype(dtype, copy=False), weights)


def _held_out(plan, rows, network, loss, engine, X, split, scorer):
    """The held-out rows of each member; an empty list if no rows are held out.

    Parameters
    ----------
    X : DenseRows or SparseRows
        The inputs of `rows`.
    """
    if rows.held_out is not None:
        _check_like(rows.held_out, rows, network)
        parts = [rows.held_out] * network.n_members
        X = rows_of(rows.held_out.X, X.dtype)
    elif split is not None:
        parts = [rows.take(index) for index in np.atleast_2d(split[1])]
    elif plan.temperature_scaling:
        raise ValueError(
            "temperature_scaling must be False where no rows are held out, got True; "
            "set early_stopping=True or pass X_val and y_val"
        )
    else:
        return []
    held_out = []
    for member, part in zip(network.members, parts):
        weights = part.weights
        check_some_weight(weights, "held out by early_stopping or given as X_val")
        codes = loss.encode_target(part.target.codes, X.dtype)
        score = None if scorer is None else scorer(member, loss, part)
        held_out.append(HeldOut(engine.forward(member), loss, X, codes, weights, part.index, score))
    return held_out


def _check_like(held_out, rows, network):
    """Raise a ValueError unless the given held-out rows match the network and the training rows."""
    dtype = network.theta.dtype
    check_numbers(held_out.X, dtype, "X_val")
    check_format(held_out.X, network, "X_val")
    check_numbers(held_out.target.codes, dtype, "y_val")
    if held_out.target.n_columns != rows.target.n_columns:
        raise ValueError(
            f"y_val must have as many columns as y, {rows.target.n_columns}, "
            f"got {held_out.target.n_columns}"
        )
