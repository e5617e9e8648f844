"""Docstrings of every public object, by numpydoc and by the rules of scikit-learn's own tests."""

import importlib
import inspect
import pkgutil
import re
import warnings
from types import ModuleType

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils._testing import check_docstring_parameters

import sknumpy_mlp
from sknumpy_mlp._family import Family
from sknumpy_mlp.losses import Loss

docscrape = pytest.importorskip("numpydoc.docscrape", reason="numpydoc is not installed")
validate = pytest.importorskip("numpydoc.validate").validate
with warnings.catch_warnings():
    # It imports all of scikit-learn.
    warnings.simplefilter("ignore")
    theirs = pytest.importorskip("sklearn.tests.test_docstrings")
    attributes = pytest.importorskip("sklearn.tests.test_docstring_parameters")


def exporting_modules():
    """The package, the modules that it exports, and every public module that says what it does."""
    yield sknumpy_mlp
    for info in pkgutil.walk_packages(sknumpy_mlp.__path__, "sknumpy_mlp."):
        if any(part.startswith("_") for part in info.name.split(".")):
            continue
        try:
            module = importlib.import_module(info.name)
        except ModuleNotFoundError as error:
            # Converters and kernels need an extra.
            assert error.name in ("numba", "onnx", "skl2onnx")
            continue
        package = importlib.import_module(info.name.rpartition(".")[0])
        is_exported = info.name.rpartition(".")[2] in getattr(package, "__all__", ())
        if hasattr(module, "__all__") or is_exported:
            yield module


def exported_objects():
    """The classes and functions that these modules export, by their addresses."""
    found = {}
    for module in exporting_modules():
        for name, value in vars(module).items():
            is_object = inspect.isclass(value) or inspect.isfunction(value)
            # Without a list, what is defined there.
            is_here = getattr(value, "__module__", "") == module.__name__ and name[0] != "_"
            if is_object and (name in module.__all__ if hasattr(module, "__all__") else is_here):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return found


OBJECTS = exported_objects()
CLASSES = {path: value for path, value in OBJECTS.items() if inspect.isclass(value)}
FUNCTIONS = {path: value for path, value in OBJECTS.items() if inspect.isfunction(value)}
METHODS = [
    (path, name)
    for path, cls in CLASSES.items()
    for name in dir(cls)
    if not name.startswith("_")
    and (callable(getattr(cls, name)) or isinstance(getattr(cls, name), property))
    and not inspect.isclass(getattr(cls, name))
]
ESTIMATORS = [cls for cls in CLASSES.values() if issubclass(cls, BaseEstimator)]


def is_documented_by_a_base(cls, name):
    """Whether a class that it comes from has this method, or lists it among its attributes."""
    for base in cls.__mro__:
        written = vars(base).get(name)
        if getattr(written, "__doc__", None) and not isinstance(written, (type(None), str)):
            return True
        headings = docscrape.ClassDoc(base)["Attributes"] if base.__doc__ else []
        if any(name in heading.name.split(", ") for heading in headings):
            return True
    return False


def errors(path, method=None, cls=None):
    """What numpydoc finds and scikit-learn does not ignore."""
    found = list(theirs.filter_errors(validate(path)["errors"], method, cls))
    if cls is not None and method is not None and is_documented_by_a_base(cls, method):
        # Written again without a docstring, it keeps that of the first.
        found = [(code, message) for code, message in found if code != "GL08"]
    return [f"{code}: {message}" for code, message in found]


def test_all_that_is_exported_is_found():
    assert {
        "ScratchMLPClassifier",
        "Adam",
        "Softmax",
        "Clock",
        "Checkpoint",
        "input_gradients",
    } <= {value.__name__ for value in OBJECTS.values()}
    exported = {getattr(sknumpy_mlp, name) for name in sknumpy_mlp.__all__}
    parts = {
        part
        for family in Family.__subclasses__()
        for part in (family, *family.members())
        if part.__module__.startswith("sknumpy_mlp.") and not part.__name__.startswith("_")
    }
    wanted = {each for each in exported if not isinstance(each, ModuleType)} | parts
    assert wanted <= set(OBJECTS.values())


@pytest.mark.parametrize("path", CLASSES)
def test_a_class_passes_numpydoc(path):
    assert not errors(path, None, CLASSES[path])


@pytest.mark.parametrize("path", FUNCTIONS)
def test_a_function_passes_numpydoc(path):
    assert not errors(path, "function")


@pytest.mark.parametrize(("path", "name"), METHODS)
def test_a_method_passes_numpydoc(path, name):
    assert not errors(f"{path}.{name}", name, CLASSES[path])


@pytest.mark.parametrize("path", CLASSES)
def test_parameters_of_a_class_are_documented_in_their_order(path):
    cls = CLASSES[path]
    found = []
    # Without a constructor of its own, it has no parameters.
    if cls.__init__ is not object.__init__:
        found += check_docstring_parameters(cls.__init__, docscrape.ClassDoc(cls))
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        if not name.startswith("_") and method.__doc__:
            is_ignored = inspect.signature(method).parameters.get("y")
            ignore = ["y"] if is_ignored is not None and is_ignored.default is None else None
            found += check_docstring_parameters(method, ignore=ignore)
    assert not found


@pytest.mark.parametrize("path", FUNCTIONS)
def test_parameters_of_a_function_are_documented_in_their_order(path):
    assert not check_docstring_parameters(FUNCTIONS[path])


@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
@pytest.mark.filterwarnings("ignore")
def test_every_fitted_attribute_is_documented_and_every_documented_one_is_there(cls):
    attributes.test_fit_docstring_attributes(cls.__name__, cls)


# ---- losses ----

LOSSES = {
    path: cls
    for path, cls in CLASSES.items()
    if issubclass(cls, Loss) and "Base class" not in inspect.getdoc(cls)
}


@pytest.mark.parametrize("path", LOSSES)
def test_a_loss_states_its_domain_and_its_link(path):
    cls = LOSSES[path]
    text = inspect.getdoc(cls)
    (domain,) = re.findall(r"^Domain: (.+)\.$", text, re.MULTILINE)
    (link,) = re.findall(r"^Link: (.+)\.$", text, re.MULTILINE)
    used = {type(cls().for_target(kind).link).__name__ for kind in cls.kinds}
    assert set(re.findall(r"`(\w+)`", link)) == used
    assert ("y >= 0" in domain) == cls.nonnegative
    assert ("number" in domain or "y >=" in domain) == ("continuous" in cls.kinds)
    assert ("class" in domain) == bool({"binary", "multiclass"} & set(cls.kinds))
    assert ("label" in domain) == ("multilabel" in cls.kinds)


# ---- formulas in help() ----

WITH_FORMULAS = {
    path: inspect.getdoc(value)
    for path, value in OBJECTS.items()
    if "math:" in (value.__doc__ or "")
} | {
    f"{path}.{name}": inspect.getdoc(getattr(CLASSES[path], name))
    for path, name in METHODS
    if "math:" in (getattr(CLASSES[path], name).__doc__ or "")
}


@pytest.mark.parametrize("path", WITH_FORMULAS)
def test_formulas_are_also_in_plain_text(path):
    """LaTeX is for the site: what `help` shows has the same formula in characters beside it."""
    text = WITH_FORMULAS[path]
    assert ":math:`" not in text, "write a short formula in Unicode, between double backticks"
    _, _, after = text.rpartition(".. math::")
    assert re.search(r"\bIn plain text: .*?``[^`]+``", after, re.DOTALL)
