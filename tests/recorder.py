"""Small fits with a callback that records what it is told."""

import pytest

from sknumpy_mlp import ScratchMLPClassifier

HAS_CALLBACKS = hasattr(ScratchMLPClassifier, "set_callbacks")
needs_callbacks = pytest.mark.skipif(
    not HAS_CALLBACKS, reason="this scikit-learn has no callbacks; 1.9 has"
)

if HAS_CALLBACKS:
    from sklearn.callback import ScoringMonitor

EPOCHS = 4


def make(cls=ScratchMLPClassifier, **parameters):
    defaults = {"hidden_layer_sizes": (9,), "max_iter": EPOCHS, "n_iter_no_change": None}
    return cls(**defaults | {"random_state": 0, "learning_rate_init": 0.01} | parameters)


def monitor(scoring="accuracy"):
    return ScoringMonitor(scoring=scoring)


class Recorder:
    """Keeps all that it is told; stops or raises where it is asked to."""

    def __init__(self, stop_at=None, raise_at=None):
        self.stop_at = stop_at
        self.raise_at = raise_at
        self.heard = []
        self.told = []
        self.twins = []

    def _hear(self, hook, context):
        self.heard.append((hook, context.task_name))
        if self.raise_at in (hook, (hook, context.task_name)):
            raise RuntimeError(f"raised in {hook}")

    def setup(self, estimator, context):
        self._hear("setup", context)

    def teardown(self, estimator, context):
        self._hear("teardown", context)

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self._hear("begin", context)

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.told.append((X, y, metadata))
        if context.task_name == "epoch":
            self.twins.append(fitted_estimator)
        self._hear("end", context)
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_at

    def count(self, hook, task="epoch"):
        return self.heard.count((hook, task))
