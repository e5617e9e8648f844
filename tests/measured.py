"""What a call finds, measured by what it does to the next step.

These are the columns of docs/reference/state.md.
"""

import contextlib
import copy
import io

import numpy as np

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor

SEED = 3
N = 8
X = np.eye(N)
ESTIMATORS = {"classifier": ScratchMLPClassifier, "regressor": ScratchMLPRegressor}
TARGETS = {ScratchMLPClassifier: np.arange(N) % 2, ScratchMLPRegressor: np.arange(N) % 2 * 6.0 - 3}


class Rate:
    """A learning-rate function that records when it is asked, and presses Ctrl-C."""

    def __init__(self, *factors):
        self.reset(*factors)

    def reset(self, *factors, interrupt_at=None):
        self.factors, self.interrupt_at, self.times = factors or (1.0,), interrupt_at, []

    def __call__(self, t):
        self.times.append(t)
        if len(self.times) == self.interrupt_at:
            raise KeyboardInterrupt
        return self.factors[(len(self.times) - 1) % len(self.factors)]


def by_fit(model, target, epochs=1, **given):
    return model.set_params(max_iter=epochs).fit(X, target, **given)


def by_partial_fit(model, target, epochs=1, **given):
    classes = {"classes": [0, 1]} if isinstance(model, ScratchMLPClassifier) else {}
    for _ in range(epochs):
        model.partial_fit(X, target, **given, **classes)
    return model


def weights_of(model):
    return np.concatenate([a.ravel() for a in model.coefs_ + model.intercepts_])


def started(model, call, target):
    """The weights that a call starts from: those after a call that takes no step."""
    twin = copy.deepcopy(model).set_params(momentum=0.0)
    twin.learning_rate.reset(0.0)
    return weights_of(call(twin, target))


class Column:
    """What is measured: `measure` makes the call and observes; `word` says what that means."""

    # Of the estimator, the history, and the call that an interrupt ends.
    parameters = {}
    factors = (1.0,)
    epochs = 2
    validates = False
    call_factors = (1.0,)
    call_weight = 1.0
    flips = False

    def make(self, estimator, **parameters):
        settings = {
            "hidden_layer_sizes": (),
            "solver": "sgd",
            "momentum": 0.0,
            "alpha": 0.0,
            "shuffle": False,
            "batch_size": 4,
            "n_iter_no_change": None,
            "learning_rate": Rate(*self.factors),
            "learning_rate_init": 0.1,
            "random_state": SEED,
        }
        return estimator(**settings | self.parameters | parameters)

    def target(self, model):
        return TARGETS[type(model)]

    def other_target(self, model):
        target = TARGETS[type(model)]
        return target[::-1].copy() if self.flips else target

    def given(self, model):
        return {"X_val": X, "y_val": self.target(model)} if self.validates else {}

    def history(self, model, call):
        return call(model, self.target(model), self.epochs, **self.given(model))

    def measure(self, model, call):
        raise NotImplementedError

    def word(self, measured, before, call, past):
        raise NotImplementedError

    def signature(self, model):
        """What a `partial_fit` that follows finds, on a copy."""
        return self.measure(copy.deepcopy(model), by_partial_fit)


class Weights(Column):
    """A call that takes no step leaves the weights that it started from."""

    def measure(self, model, call):
        return started(model, call, self.target(model)).tolist()

    def word(self, measured, before, call, past):
        if measured == weights_of(before).tolist():
            return "continues"
        fresh = self.make(type(before))
        assert measured == started(fresh, call, self.target(before)).tolist()
        return "new"


class Moments(Column):
    """Where the rate is zero, only a velocity that was there before moves the weights."""

    parameters = {"momentum": 0.9}

    def measure(self, model, call):
        start = started(model, call, self.target(model))
        model.learning_rate.reset(0.0)
        return (weights_of(call(model, self.target(model))) - start).tolist()

    def word(self, measured, before, call, past):
        return "continues" if np.any(measured) else "new"


class Clock(Column):
    """The schedule is asked for the rate of the first step: at which fraction of ten epochs?"""

    def measure(self, model, call):
        model.set_params(max_iter=10).learning_rate.reset()
        call(model, self.target(model), 10)
        return model.learning_rate.times[0]

    def word(self, measured, before, call, past):
        return {0.0: "new", 0.2: "continues"}[measured]


class Stream(Column):
    """The order of the rows: every step is ten times the one before, and moves its row's weight."""

    parameters = {"batch_size": 1, "shuffle": True, "learning_rate_init": 1e-12}
    factors = call_factors = tuple(10.0**k for k in range(N))

    def measure(self, model, call):
        start = started(model, call, self.target(model))
        model.learning_rate.reset(*self.factors)
        moved = weights_of(call(model, self.target(model))) - start
        return np.argsort(abs(moved[:N])).tolist()

    def order(self, n_drawn, n_shuffled):
        """The rows of the next epoch, by NumPy alone, after so many draws and epochs."""
        stream = np.random.RandomState(SEED)
        stream.uniform(size=n_drawn)
        for _ in range(n_shuffled + 1):
            order = np.arange(N)
            stream.shuffle(order)
        return order.tolist()

    def word(self, measured, before, call, past):
        # A cold fit draws eight weights and a bias first; a warm one has no need to.
        if measured == self.order(N + 1, self.epochs):
            return "continues"
        assert measured == self.order(0 if before.warm_start else N + 1, 0)
        return "new"


class MeanWeight(Column):
    """Rows that weigh three: how much longer is the step than that of rows that weigh one?"""

    factors = call_factors = (1e-6,)
    call_weight = 5.0

    def measure(self, model, call):
        target = self.target(model)
        start = started(model, call, target)
        plain = weights_of(call(copy.deepcopy(model), target)) - start
        weighted = weights_of(call(model, target, sample_weight=np.full(N, 3.0))) - start
        # The second step of the two in an epoch feels the first: a millionth.
        return np.unique((weighted / plain).round(4)).tolist()

    def word(self, measured, before, call, past):
        n_seen = N * (self.epochs if past is by_partial_fit else 1)
        mean = (n_seen + 3 * N) / (n_seen + N)
        return {1.0: "new", round(3 / mean, 4): "continues"}[measured[0]]


class Counter(Column):
    def measure(self, model, call):
        return getattr(call(model, self.target(model)), self.name)

    def word(self, measured, before, call, past):
        # One epoch after two.
        return {self.one: "new", 3 * self.one: "continues"}[measured]

    def signature(self, model):
        return getattr(model, self.name)


class Iterations(Counter):
    """Epochs."""

    name, one = "n_iter_", 1


class Rows(Counter):
    """Rows seen."""

    name, one = "t_", N


class Curve(Column):
    names = ("loss_curve_",)

    def measure(self, model, call):
        call(model, self.target(model), **self.given(model))
        return self.signature(model)

    def word(self, measured, before, call, past):
        earlier = self.signature(before)
        if [len(curve) for curve in measured] == [1] * len(measured):
            return "new"
        assert all(
            curve[:-1] == begun and len(begun) == 2
            for curve, begun in zip(measured, earlier, strict=True)
        )
        return "continues"

    def signature(self, model):
        return [getattr(model, name) for name in self.names]


class ValidationCurves(Curve):
    """Of the rows themselves, given to every call."""

    names = ("validation_loss_curve_", "validation_scores_")
    validates = True


def epochs_to_plateau(model, call, target, limit):
    """After how many epochs the model says that it has stalled; None within the limit."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        call(model.set_params(verbose=True), target, limit)
    before, found, _ = said.getvalue().partition("did not improve")
    assert 1 <= before.count("Iteration") <= limit
    return before.count("Iteration") if found else None


class Patience(Column):
    """Nothing improves by so much: the first epoch is the best, four more are accepted."""

    parameters = {"tol": 1e6, "n_iter_no_change": 4}

    def measure(self, model, call):
        return epochs_to_plateau(model, call, self.target(model), 10)

    def word(self, measured, before, call, past):
        return {6: "new", 4: "continues"}[measured]


class Best(Column):
    """After a low loss, other targets at a small rate: better each epoch, but than what?"""

    parameters = {"tol": 1e-9, "n_iter_no_change": 1}
    factors = (10.0,)
    call_factors = (0.1,)
    epochs = 30
    flips = True

    def measure(self, model, call):
        model.learning_rate.reset(*self.call_factors)
        return epochs_to_plateau(model, call, self.other_target(model), 6)

    def word(self, measured, before, call, past):
        return {None: "new", 2: "continues"}[measured]


COLUMNS = {
    "weights": Weights(),
    "moments": Moments(),
    "clock": Clock(),
    "random stream": Stream(),
    "mean weight": MeanWeight(),
    "`n_iter_`": Iterations(),
    "`t_`": Rows(),
    "`loss_curve_`": Curve(),
    "validation curves": ValidationCurves(),
    "patience": Patience(),
    "best": Best(),
}


class Pressed(io.StringIO):
    """An output at whose so-manieth line Ctrl-C is pressed."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def write(self, text):
        self.at -= text.count("\n")
        if self.at <= 0:
            raise KeyboardInterrupt
        return super().write(text)
