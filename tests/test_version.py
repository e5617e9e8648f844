"""The version in every pickle, and files from before a parameter or an attribute existed."""

import copy
import inspect
import pickle
import warnings
from dataclasses import fields

import joblib
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning

import sknumpy_mlp
from sknumpy_mlp import (
    CrossFittedTargetEncoder,
    GaussianImputer,
    RobustSmoothScaler,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    _version,
)
from sknumpy_mlp._estimator.files import write
from sknumpy_mlp._estimator.fit import Past
from sknumpy_mlp._family import Family, integer
from sknumpy_mlp.core.state import Record, TrainingState
from sknumpy_mlp.schedules import Clock

from .common import assert_same_weights, brief, digits, label, state_of
from .families import default, families, members

ESTIMATORS = [
    brief(ScratchMLPClassifier),
    brief(ScratchMLPRegressor),
    RobustSmoothScaler(),
    GaussianImputer(),
    CrossFittedTargetEncoder(),
]
PARTS = [default(cls) for family in families() for cls in members(family)]


def fitted(estimator):
    """A fitted copy of the estimator, and the data."""
    X, y = digits("binary")
    return copy.deepcopy(estimator).fit(X, y), X, y


def loaded(model, state):
    """What the pickle of a model with this state would be loaded as."""
    blank = type(model).__new__(type(model))
    blank.__setstate__(state)
    return blank


def test_every_class_with_parameters_of_scikit_learn_s_kind_is_stamped():
    stamped = {type(each) for each in ESTIMATORS}
    exported = {getattr(sknumpy_mlp, name) for name in sknumpy_mlp.__all__}
    assert stamped == {each for each in exported if inspect.isclass(each)}
    assert all(issubclass(each, _version.Versioned) for each in stamped)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=label)
def test_a_pickle_of_this_version_loads_without_a_word_and_without_the_stamp(estimator):
    model = fitted(estimator)[0]
    before = state_of(model)
    assert model.__getstate__()["_sknumpy_mlp_version"] == sknumpy_mlp.__version__
    for copied in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        assert vars(copied).keys() == vars(model).keys()
    assert state_of(model) == before


@pytest.mark.parametrize("written_by", ["0.0.9", "99.0", None])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=label)
def test_a_pickle_of_another_version_loads_with_a_warning(
    estimator, written_by, tmp_path, monkeypatch
):
    model, X, _ = fitted(estimator)
    if written_by is None:
        # Files from before there were stamps.
        monkeypatch.setattr(_version.Versioned, "__getstate__", lambda self: dict(vars(self)))
        blob = pickle.dumps(model)
        monkeypatch.undo()
    else:
        monkeypatch.setattr(_version, "__version__", written_by)
        blob = pickle.dumps(model)
        joblib.dump(model, tmp_path / "model.joblib")
        monkeypatch.undo()
        with pytest.warns(InconsistentVersionWarning):
            joblib.load(tmp_path / "model.joblib")
    words = written_by or "of before version stamps"
    expected = (
        f"^{type(model).__name__} was written by sknumpy_mlp {words} and is loaded by "
        f"{sknumpy_mlp.__version__}. Compare its predictions"
    )
    with pytest.warns(InconsistentVersionWarning, match=expected):
        again = pickle.loads(blob)
    assert "_sknumpy_mlp_version" not in vars(again)
    use = "predict" if hasattr(model, "predict") else "transform"
    assert_array_equal(getattr(again, use)(X), getattr(model, use)(X))


# ---- files from before a parameter or an attribute existed ----


@pytest.mark.parametrize(
    "estimator, parameter",
    [(each, name) for each in ESTIMATORS for name in each.get_params(deep=False)],
    ids=label,
)
def test_a_file_from_before_a_parameter_is_whole(estimator, parameter):
    model = fitted(estimator)[0]
    state = model.__getstate__()
    del state[parameter]
    again = loaded(model, state)
    expected = inspect.signature(type(model)).parameters[parameter].default
    assert getattr(again, parameter) is expected
    repr(again), clone(again), again.get_params(), again.set_params(**{parameter: expected})


@pytest.mark.parametrize("estimator", ESTIMATORS[:2], ids=label)
def test_a_network_from_before_most_parameters_is_used_and_trained_like_any_other(estimator):
    X, y = digits("binary")
    kept = ("hidden_layer_sizes", "batch_size", "random_state", "max_iter", "n_iter_no_change")
    model = type(estimator)(**{name: getattr(estimator, name) for name in kept}).fit(X, y)
    state = model.__getstate__()
    for name in model.get_params(deep=False):
        if name not in kept:
            del state[name]
    again = loaded(model, state)
    assert_array_equal(again.predict(X), model.predict(X))
    assert repr(again) == repr(model)
    assert_same_weights(loaded(model, state).partial_fit(X, y), clone_of(model).partial_fit(X, y))
    assert_same_weights(again.fit(X, y), model)


def clone_of(model):
    return pickle.loads(pickle.dumps(model))


def test_a_checkpoint_from_before_a_parameter_is_resumed(tmp_path):
    pytest.importorskip("sklearn.callback", reason="scikit-learn has no callbacks")
    from sknumpy_mlp.callbacks import Checkpoint

    X, y = digits("binary")
    path = tmp_path / "c.joblib"
    whole = brief(max_iter=6).fit(X, y)
    brief(max_iter=3).set_callbacks(Checkpoint(path)).fit(X, y)
    saved = joblib.load(path)
    for name in ("members", "engine", "clip_norm"):
        delattr(saved, name)
    for record in (saved._past, saved._past.record, saved._training):
        for name in ("best_loss", "interrupt", "n_rows_weighted"):
            vars(record).pop(name, None)
    saved._training.n_rows_weighted = saved._training.weight_sum
    write(saved, str(path))
    assert_same_weights(brief(max_iter=6).fit(X, y, resume_from=path), whole)


@pytest.mark.parametrize("cls", [TrainingState, Record, Past, Clock], ids=lambda cls: cls.__name__)
def test_a_record_from_before_a_field_has_its_default(cls):
    for each in fields(cls):
        record = cls()
        del vars(record)[each.name]
        again = pickle.loads(pickle.dumps(record))
        assert getattr(again, each.name) == getattr(cls(), each.name)
        record, other = pickle.loads(pickle.dumps(record)), cls()
        value = getattr(record, each.name)
        # Two records share no list.
        assert not isinstance(value, (list, dict)) or value is not getattr(other, each.name)


@pytest.mark.parametrize("part", PARTS, ids=label)
def test_a_part_from_before_a_parameter_has_its_default(part):
    for name in part.parameter_names():
        argument = inspect.signature(type(part).__init__).parameters[name]
        if argument.default is argument.empty:
            continue
        old = copy.copy(part)
        del vars(old)[name]
        again = pickle.loads(pickle.dumps(old))
        assert getattr(again, name) == argument.default
        assert repr(again) == repr(part)


class Plain(Family):
    """A part without parameters, which gets one in a later version."""


def test_a_part_from_before_its_first_parameter_has_its_default(monkeypatch):
    blob = pickle.dumps(Plain())

    def __init__(self, *, size=3):
        self.size = size

    monkeypatch.setattr(Plain, "__init__", __init__)
    monkeypatch.setattr(Plain, "rules", {"size": integer(1)})
    assert pickle.loads(blob).size == 3


def test_copies_of_parts_keep_their_parameters():
    for part in PARTS:
        for copied in (copy.copy(part), copy.deepcopy(part), pickle.loads(pickle.dumps(part))):
            assert repr(copied) == repr(part) and type(copied) is type(part)


def test_a_warning_that_is_an_error_is_raised_by_loading():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = ScratchMLPClassifier()
        state = model.__getstate__() | {"_sknumpy_mlp_version": "0.0.9"}
        with pytest.raises(InconsistentVersionWarning, match=r"sknumpy_mlp 0\.0\.9 and is"):
            loaded(model, state)
