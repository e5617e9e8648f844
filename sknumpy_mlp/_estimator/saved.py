"""What a saved model holds: parameters, public attributes, and dicts of plain values.

A file names every class in it. A loader that asks which classes to trust would ask about each of
ours, and a class that moves could not be loaded. So private objects of a fitted model, and parts of
the network that it was fitted with, are saved as dicts with the bare name of their class. Objects
that a user gave as parameters, and classes defined elsewhere, are saved as they are.
"""

from dataclasses import replace
from functools import cache

import numpy as np

from ..activations import Activation
from ..core.layers import Layer
from ..core.network import Network
from ..core.state import TrainingState
from ..losses import Loss
from ..schedules import Clock
from .labels import Labels
from .passes import ForwardPasses

# Attributes of a fitted model that are private objects.
PRIVATE = ("_labels", "_loss", "_network", "_training")
CLASS = "class"


def packed(state, own_stream):
    """The state of a model with its private objects as dicts.

    Parameters
    ----------
    state : dict
        The attributes of a model.
    own_stream : object
        The user's `random_state`, which stays an object that is shared.
    """
    training = state.get("_training")
    if training is not None:
        state = state | {"_training": _without_streams(training, own_stream)}
    state = state | {name: _packed(state[name]) for name in PRIVATE if name in state}
    # Passes have buffers, and are made again.
    return {name: value for name, value in state.items() if name != "_passes"}


def unpacked(state):
    """The attributes of a model, from a state that `packed` returned."""
    state = state | {name: _unpacked(state[name]) for name in PRIVATE if name in state}
    if "_training" in state:
        state["_training"] = _with_streams(state["_training"])
    if "_network" in state:
        state["_passes"] = ForwardPasses()
    return state


def _without_streams(training, own_stream):
    """The training state with positions, which are dicts, instead of its random streams."""
    # NumPy pickles a stream at twice the size of its position.
    if training.random_state is not own_stream:
        position = training.random_state.get_state(legacy=False)
        if position["bit_generator"] == "MT19937":
            training = replace(training, random_state=position)
    # NumPy 1 does not read the pickle of a generator that NumPy 2 has written.
    if training.generator is not None:
        training = replace(training, generator=training.generator.bit_generator.state)
    return training


def _with_streams(training):
    """The training state with random streams at these positions."""
    if isinstance(training.random_state, dict):
        stream = np.random.RandomState(0)
        stream.set_state(training.random_state)
        training = replace(training, random_state=stream)
    if isinstance(training.generator, dict):
        generator = np.random.default_rng(0)
        generator.bit_generator.state = training.generator
        training = replace(training, generator=generator)
    return training


@cache
def _classes():
    """The package's classes that are saved as dicts, by their bare names."""
    found = {cls.__name__: cls for cls in (Clock, Labels, Network, TrainingState)}
    waiting = [Activation, Layer, Loss]
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        if cls.__module__.startswith(__package__.partition(".")[0] + "."):
            found[cls.__name__] = cls
    return found


def _packed(value):
    if isinstance(value, list):
        return [_packed(each) for each in value]
    if isinstance(value, dict):
        return {name: _packed(each) for name, each in value.items()}
    cls = type(value)
    if _classes().get(cls.__name__) is not cls:
        return value
    return {CLASS: cls.__name__} | _packed(value.__getstate__() or {})


def _unpacked(value):
    if isinstance(value, list):
        return [_unpacked(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: _unpacked(each) for name, each in value.items()}
    name = found.pop(CLASS, None)
    if name is None:
        return found
    made = object.__new__(_classes()[name])
    # Gives what the version of the file did not have its default.
    getattr(made, "__setstate__", vars(made).update)(found)
    return made
