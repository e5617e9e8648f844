"""A failed call leaves the estimator as it was, whatever was wrong and whenever it failed."""

import warnings

import numpy as np
import pytest
from scipy import sparse

from ..common import brief, digits, state_of

X, Y = digits(n_samples=60)


def spoiled(value, dtype=None):
    wrong = X.astype(dtype or X.dtype)
    wrong[3, 2] = value
    return wrong


class Interrupts:
    """A learning rate that is interrupted by Ctrl-C at its third step."""

    def __init__(self):
        self.steps = 0

    def __call__(self, t):
        self.steps += 1
        if self.steps == 3:
            raise KeyboardInterrupt
        return 1.0


BAD_INPUT = {
    "nan": (spoiled(np.nan), "Input X contains NaN"),
    "inf": (spoiled(np.inf), "Input X contains infinity"),
    "one dimension": (X[0], "Expected 2D array, got 1D array"),
    "three dimensions": (X[:, :, None], "Found array with dim 3|dim 3, while dim <= 2"),
    "no rows": (X[:0], "Found array with 0 sample"),
    "no columns": (X[:, :0], r"0 feature\(s\)"),
    "strings": (X.astype(str), "dtype='numeric' is not compatible with arrays of bytes/strings"),
    "complex": (X + 1j, "Complex data not supported"),
    "sparse nan": (sparse.csr_array(spoiled(np.nan)), "contains NaN"),
    "a number": (3.0, "Expected 2D array, got scalar"),
}
BAD_TARGETS = {
    "continuous": (X[:, 3] + 0.5, "Unknown label type: continuous"),
    "nan": (np.where(Y == 3, np.nan, Y), "Input y contains NaN"),
    "wrong length": (Y[:-1], "inconsistent numbers of samples"),
    "columns of classes": (np.column_stack([Y, Y]), "multiclass-multioutput|y must be a vector"),
    "none": (None, "requires y to be passed"),
}
BAD_WEIGHTS = {
    "negative": (-np.ones(60), "sample_weight must not be negative, got -1.0"),
    "all zero": (np.zeros(60), "sample_weight must hold a weight that is not zero"),
    "wrong length": (np.ones(59), "sample_weight must have one value for each of the 60 rows"),
    "two dimensions": (np.ones((60, 1)), r"sample_weight must .*got shape \(60, 1\)"),
    "nan": (np.full(60, np.nan), "sample_weight contains NaN"),
    "inf": (np.full(60, np.inf), "sample_weight contains infinity"),
    "sum overflows": (np.full(60, 1e308), r"sample_weight must have a finite sum"),
}
CLASSES = {"classes": np.arange(10)}
CALLS = {}
for name, (bad, words) in BAD_INPUT.items():
    CALLS[f"fit X {name}"] = (
        lambda m, bad=bad: m.fit(bad, Y[: np.shape(bad)[:1] == (0,) or None]),
        words,
    )
    CALLS[f"partial_fit X {name}"] = lambda m, bad=bad: m.partial_fit(bad, Y, **CLASSES), words
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        CALLS[f"{method} X {name}"] = (
            lambda m, bad=bad, method=method: getattr(m, method)(bad),
            f"{words}|not fitted|is expecting 64 features",
        )
for name, (bad, words) in BAD_TARGETS.items():
    CALLS[f"fit y {name}"] = lambda m, bad=bad: m.fit(X, bad), words
    CALLS[f"partial_fit y {name}"] = lambda m, bad=bad: m.partial_fit(X, bad, **CLASSES), words
for name, (bad, words) in BAD_WEIGHTS.items():
    CALLS[f"fit weight {name}"] = lambda m, bad=bad: m.fit(X, Y, bad), words
    CALLS[f"partial_fit weight {name}"] = (
        lambda m, bad=bad: m.partial_fit(X, Y, bad, **CLASSES),
        words,
    )
CALLS["predict width"] = lambda m: m.predict(X[:, :-1]), "is expecting 64 features|not fitted"

STARTS = {
    "unfitted": lambda m: m,
    "after fit": lambda m: m.fit(X, Y),
    "after partial_fit": lambda m: m.partial_fit(X, Y, **CLASSES),
    "warm": lambda m: m.set_params(warm_start=True).fit(X, Y),
    "after early stopping": lambda m: (
        m.set_params(early_stopping=True, validation_fraction=0.5)
        .fit(X, Y)
        .set_params(early_stopping=False)
    ),
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("call", CALLS)
def test_a_failed_call_leaves_the_estimator_as_it_was(call, start):
    action, words = CALLS[call]
    model = brief(batch_size=20)
    with warnings.catch_warnings():
        # Some digits have too few rows for a stratified split.
        warnings.simplefilter("ignore", UserWarning)
        STARTS[start](model)
    before = state_of(model)
    with pytest.raises((ValueError, TypeError), match=words):
        action(model)
    assert state_of(model) == before


@pytest.mark.filterwarnings("ignore:early_stopping splits without")
@pytest.mark.parametrize("seed", [0, np.random.RandomState(0)], ids=["int", "RandomState"])
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
class TestBrokenOff:
    def train(self, model, method):
        return model.fit(X, Y) if method == "fit" else model.partial_fit(X, Y, **CLASSES)

    def check(self, model, method, error):
        before = state_of(model)
        with pytest.raises(error):
            self.train(model, method)
        assert state_of(model) == before

    def test_by_divergence(self, method, start, seed):
        model = STARTS[start](brief(random_state=seed, batch_size=20))
        model.set_params(solver="sgd", learning_rate_init=1e300)
        self.check(model, method, ValueError)

    def test_by_a_part_that_fails(self, method, start, seed):
        def fails(t):
            raise ZeroDivisionError

        model = STARTS[start](brief(random_state=seed, batch_size=20))
        self.check(model.set_params(learning_rate=fails), method, ZeroDivisionError)

    def test_by_ctrl_c(self, method, start, seed):
        model = STARTS[start](brief(random_state=seed, batch_size=20))
        self.check(model.set_params(learning_rate=Interrupts()), method, KeyboardInterrupt)


@pytest.mark.parametrize("start", ["after fit", "after partial_fit"])
def test_training_goes_on_after_a_failure_as_if_it_had_not_been(start):
    undisturbed, disturbed = (STARTS[start](brief(batch_size=20)) for _ in range(2))
    with pytest.raises(ValueError, match="non-finite"):
        disturbed.set_params(solver="sgd", learning_rate_init=1e300).partial_fit(X, Y)
    disturbed.set_params(solver="adam", learning_rate_init=0.01)
    assert state_of(disturbed.partial_fit(X, Y)) == state_of(undisturbed.partial_fit(X, Y))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_numbers_beyond_the_network_are_refused(container):
    model = brief().fit(X.astype(np.float32), Y)
    beyond = container(spoiled(-1e300))
    words = r"X must hold no value too large for float32.*1e\+300"
    before = state_of(model)
    for call in (
        lambda: model.predict_proba(beyond),
        lambda: model.partial_fit(beyond, Y),
        lambda: model.set_params(warm_start=True).fit(beyond, Y),
    ):
        with pytest.raises(ValueError, match=words):
            call()
        model.set_params(warm_start=False)
        assert state_of(model) == before
    # What float32 can hold it takes.
    assert model.predict(container(spoiled(1e30))).shape == (60,)
