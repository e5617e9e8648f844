"""The short check of a plain array gives the verdicts and messages of `validate_data`."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp.optimizers import RMSprop

RNG = np.random.RandomState(0)
X = RNG.uniform(size=(40, 3))
y = np.arange(40) % 2


def changed(value):
    Z = X.copy()
    Z[7, 1] = value
    return Z


INPUTS = {
    "plain": X,
    "one row": X[:1],
    "float32": X.astype(np.float32),
    "integers": (9 * X).astype(int),
    "uint8": (9 * X).astype(np.uint8),
    "booleans": X > 0.5,
    "Fortran order": np.asfortranarray(X),
    "every other row": np.repeat(X, 2, axis=0)[::2],
    "objects": X.astype(object),
    "list": X.tolist(),
    "frame": pd.DataFrame(X, columns=["a", "b", "c"]),
    "sparse": sparse.csr_array(X),
    "huge": changed(1e307),
    "sum overflows": np.full((40, 3), 1e307),
    "nan": changed(np.nan),
    "inf": changed(np.inf),
    "both infs": np.r_[changed(np.inf), changed(-np.inf)],
    "too wide": np.c_[X, X],
    "too narrow": X[:, :2],
    "no rows": X[:0],
    "one dimension": X[0],
    "three dimensions": X[np.newaxis],
    "strings": np.array([["a", "b", "c"]]),
    "complex": X + 1j,
    "matrix-like subclass": np.ma.masked_array(X),
    "None": None,
}


class Slow(ScratchMLPClassifier):
    """Sends every input through `validate_data`."""

    def _is_plain(self, X, dtype):
        return False


def verdict(estimator, X):
    """Probabilities or the error, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            outcome = estimator.predict_proba(X)
        except Exception as error:
            outcome = type(error).__name__, str(error).replace("Slow", "ScratchMLPClassifier")
    return outcome, [str(each.message).replace("Slow", "ScratchMLPClassifier") for each in caught]


@pytest.fixture(scope="module", params=["array", "frame", "float32"])
def pair(request):
    train = {"array": X, "frame": INPUTS["frame"], "float32": INPUTS["float32"]}[request.param]
    parameters = {"max_iter": 3, "n_iter_no_change": None, "random_state": 0}
    return [each((4,), **parameters).fit(train, y) for each in (ScratchMLPClassifier, Slow)]


@pytest.mark.parametrize("assume_finite", [False, True])
@pytest.mark.parametrize("kind", INPUTS)
def test_short_and_long_check_agree(pair, kind, assume_finite):
    with sklearn.config_context(assume_finite=assume_finite):
        (short, warned_short), (long, warned_long) = (verdict(e, INPUTS[kind]) for e in pair)
    assert warned_short == warned_long
    if isinstance(long, tuple):
        assert short == long
    else:
        np.testing.assert_array_equal(short, long)


def test_only_a_plain_array_is_spared_the_long_check():
    clf = ScratchMLPClassifier((4,), max_iter=3, n_iter_no_change=None).fit(X, y)
    plain = {kind for kind, given in INPUTS.items() if clf._is_plain(given, np.dtype(float))}
    assert plain == {"plain", "one row", "Fortran order"}


def test_an_unfitted_estimator_says_so():
    with pytest.raises(sklearn.exceptions.NotFittedError, match="not fitted yet"):
        ScratchMLPClassifier().predict(X)


def test_set_params_sets_all_or_nothing():
    solver, new = RMSprop(), RMSprop(rho=0.7)
    model = ScratchMLPClassifier(solver=solver)
    for wrong in (
        {"bogus": 1},
        {"solver__bogus": 1},
        {"activation__bogus": 1},
        {"tol__bogus": 1},
        {"solver": new, "bogus": 1},
        {"solver": "rmsprop", "solver__rho": 0.2},
    ):
        with pytest.raises(ValueError):
            model.set_params(**{"alpha": 5.0, "solver__rho": 0.1, "solver__epsilon": 1.0} | wrong)
        assert (model.alpha, model.solver, solver.rho, solver.epsilon) == (1e-4, solver, 0.9, 1e-8)
        assert new.rho == 0.7
    model.set_params(alpha=5.0, solver=new, solver__rho=0.1)
    assert (model.alpha, model.solver, new.rho, solver.rho) == (5.0, new, 0.1, 0.9)


@pytest.mark.parametrize("huge", [10**400, -(10**400), 10**5000], ids=["high", "low", "long"])
def test_integers_beyond_float64_are_refused_by_name(huge):
    objects = X.astype(object)
    objects[3, 1] = huge
    with pytest.raises(ValueError, match=r"^X is invalid: .*too (large|big)"):
        ScratchMLPClassifier().fit(objects, y)
    with pytest.raises(ValueError, match=r"^X is invalid: .*too (large|big)"):
        ScratchMLPClassifier(max_iter=1, n_iter_no_change=None).fit(X, y).predict(objects)
    with pytest.raises(ValueError, match=r"^y is invalid: .*too (large|big)"):
        ScratchMLPRegressor().fit(X, [huge, *y[1:].tolist()])
    with pytest.raises(ValueError, match=r"^X_val and y_val must be .*X is invalid"):
        ScratchMLPClassifier().fit(X, y, X_val=objects, y_val=y)
