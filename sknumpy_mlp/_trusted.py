"""The classes that a saved model of this package may name, for loaders that ask for trust."""

import inspect

from . import (
    activations,
    classifier,
    columns,
    embeddings,
    initializers,
    losses,
    optimizers,
    preprocessing,
    regressor,
    schedules,
    tabular,
)

_MODULES = [activations, classifier, columns, embeddings, initializers, losses, optimizers]
_MODULES += [preprocessing, regressor, schedules, tabular]


def trusted_types() -> list[str]:
    """The addresses of all classes of this package that saved models name.

    All of them are public. A model whose parts are given by name contains its own class and no
    other; the network and the state of training are saved as plain values.

    Returns
    -------
    list of str
        In alphabetical order, for ``skops.io.load(file, trusted=...)``.

    Examples
    --------
    >>> "sknumpy_mlp.classifier.ScratchMLPClassifier" in trusted_types()
    True
    """
    return sorted(
        f"{cls.__module__}.{cls.__qualname__}"
        for module in _MODULES
        for name, cls in inspect.getmembers(module, inspect.isclass)
        if cls.__module__.startswith(module.__name__) and not name.startswith("_")
    )
