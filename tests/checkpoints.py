"""Fits that are killed and leave a checkpoint, and what two models are compared by."""

import copy

import pytest

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp._estimator.tasks import CALLBACK_ATTRIBUTES
from sknumpy_mlp.callbacks import Checkpoint

from .common import frozen

EPOCHS = 7


def make(cls=ScratchMLPClassifier, **parameters):
    """An estimator; streams are copied, so that each has its own."""
    defaults = {"hidden_layer_sizes": (9,), "max_iter": EPOCHS, "n_iter_no_change": None}
    return cls(**copy.deepcopy(defaults | {"random_state": 0, "batch_size": 40} | parameters))


def comparable(model):
    """All that a model holds, but its callbacks and the scorer, which copying made another."""
    held = {
        k: v for k, v in vars(model).items() if not k.startswith((*CALLBACK_ATTRIBUTES, "scoring"))
    }
    return frozen(held)


class Killed(BaseException):
    """What no handler of ours catches."""


class Kill:
    """A callback that ends the program, as far as a fit can tell, at the end of an epoch."""

    def __init__(self, after):
        self.after = after

    def setup(self, estimator, context): ...
    def teardown(self, estimator, context): ...
    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch" and context.task_id + 1 == self.after:
            raise Killed


def checkpoint_of(model, path, after, *data, **fit_options):
    """Fit a model that is killed after so many epochs; the file is what is left."""
    model.set_callbacks(Checkpoint(path), Kill(after))
    with pytest.raises(Killed):
        model.fit(*data, **fit_options)
    model.set_callbacks()
    return path
