"""Small data and networks, what pages and docstrings say, and estimators compared to the bit."""

import ast
import importlib.util
import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sknumpy_mlp import ScratchMLPClassifier

KINDS = ("binary", "multiclass", "multilabel")
# No parameter takes any of these.
NONSENSE = [np.nan, -1, -0.5, 1j, b"x", "no such name", object(), {"a": 1}, np.array([1.5, 2.5])]


def digits(kind="multiclass", n_samples=150, dtype=np.float64):
    """Digits with pixels in [0, 1], and classes or labels of one kind."""
    X, y = load_digits(return_X_y=True)
    X, y = (X[:n_samples] / 16).astype(dtype), y[:n_samples]
    targets = {
        "binary": y % 2,
        "multiclass": y,
        "multilabel": np.column_stack([y % 2, y > 4, y % 3 == 0]).astype(int),
    }
    return X, targets[kind]


def halves(kind="multiclass", dtype=np.float64):
    """Rows to train on, then rows to hold out."""
    X, y = digits(kind, 300, dtype)
    return X[:200], y[:200], X[200:], y[200:]


def brief(cls=ScratchMLPClassifier, **parameters):
    """A small network that trains all its epochs, of several batches, without a warning."""
    settings = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.01, "batch_size": "up to 40"}
    settings |= {"random_state": 0, "max_iter": 4, "n_iter_no_change": None}
    return cls(**settings | parameters)


def section(text, title):
    """The body of a section of a numpydoc docstring; empty if there is none."""
    pattern = rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n---+\n|\Z)"
    found = re.search(pattern, inspect.cleandoc(text or ""), re.DOTALL | re.MULTILINE)
    return found.group(1) if found else ""


def paragraphs(cls, title):
    """The paragraphs of a section of a numpydoc docstring, each with its heading, by name."""
    parts = re.split(r"^(?=\S)", section(cls.__doc__, title), flags=re.MULTILINE)
    return {
        name: part.rstrip()
        for part in filter(str.strip, parts)
        for name in part.partition(" : ")[0].split(", ")
    }


def refusal(action, *kinds):
    """The message of the exception of one of these kinds that the action must raise."""
    with pytest.raises(kinds or ValueError) as caught:
        action()
    return str(caught.value)


def blocks(page):
    """The code blocks of a page."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def script(name):
    """The module of a script in the folder of examples."""
    file = Path(__file__).parent.parent / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up by name.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def classes_of(page):
    """The classes that a page defines, by name; nothing else of the page is run."""
    nodes = [node for block in blocks(page) for node in ast.parse(block).body]
    kept = [each for each in nodes if isinstance(each, (ast.Import, ast.ImportFrom, ast.ClassDef))]
    session = {"__name__": page.stem}
    exec(compile(ast.Module(kept, []), page.name, "exec"), session)
    return {each.name: session[each.name] for each in kept if isinstance(each, ast.ClassDef)}


def label(value):
    """A repr for test ids: without addresses, which differ from process to process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def frozen(value):
    """A value made comparable by ``==``: arrays to the bit, streams, objects by their state."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, np.random.RandomState):
        return frozen(value.get_state(legacy=False))
    if isinstance(value, np.random.Generator):
        return frozen(value.bit_generator.state)
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [frozen(item) for item in value]
    if value is None or isinstance(value, (str, bytes, int, float, np.generic)):
        return type(value), repr(value)
    if not type(value).__module__.startswith("sknumpy_mlp"):
        # A user's function or object: all that counts is that it is the same one.
        return id(value)
    return type(value), frozen(value.__getstate__())


def state_of(estimator):
    """All that an estimator holds: parameters, fitted attributes, random streams."""
    return frozen(vars(estimator))


def assert_same_weights(one, other, atol=0.0):
    """Both have the same weights and biases, to the bit unless `atol` says otherwise."""
    arrays = zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True)
    for a, b in arrays:
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)
