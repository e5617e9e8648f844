"""What a report of a problem has to say of its machine: versions, engine and BLAS.

Contract: nothing is imported that is not installed, and nothing printed names a user or a folder.
To report another package, add its name to `PACKAGES`.
"""

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from .core.engines import has_kernels

# Packages by the names under which they are installed: required ones, then those of extras.
PACKAGES = (
    "numpy scipy scikit-learn joblib threadpoolctl "
    "numba llvmlite pandas polars matplotlib onnx skl2onnx onnxruntime skops"
).split()


def show_versions() -> None:
    """Print the versions of Python and of packages, the engine of training, and the BLAS.

    Paste what it prints into a report of a problem. The speed of training depends on the engine and
    on the kernel of the BLAS, and so do the last digits of a model.

    Examples
    --------
    >>> import sknumpy_mlp
    >>> sknumpy_mlp.show_versions()  # doctest: +ELLIPSIS
    System
        python         3...
        ...
    Packages
        sknumpy_mlp    ...
        numpy          ...
        ...
    Engine
        auto           ...
    BLAS
        ...
    """
    sections = {
        "System": _system(),
        "Packages": _packages(),
        "Engine": {"auto": "compiled" if has_kernels() else "numpy (numba is not installed)"},
        "BLAS": _blas(),
    }
    width = max(len(name) for rows in sections.values() for name in rows)
    for title, rows in sections.items():
        print(title, *(f"    {name:{width}}  {value}" for name, value in rows.items()), sep="\n")


def _system():
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "machine": platform.platform(),
        "processors": os.cpu_count(),
    }


def _packages():
    """The version of each package; a dash where it is not installed."""
    found = {"sknumpy_mlp": sys.modules[__package__].__version__}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "-"
    return found


def _blas():
    """A line for each BLAS library in memory, by the package that brings it."""
    libraries = [each for each in threadpool_info() if each["user_api"] == "blas"]
    if not libraries:
        # threadpoolctl does not know Apple's Accelerate.
        config = getattr(np.__config__, "CONFIG", {}).get("Build Dependencies", {})
        return {"numpy": f"{config.get('blas', {}).get('name', 'unknown')}"}
    return dict(map(_line, libraries))


def _line(library):
    # Wheels keep their libraries in a folder such as numpy.libs; other libraries are the system's.
    folder = Path(library["filepath"]).parent.name
    package, _, kind = folder.partition(".")
    owner = package if kind in ("libs", "dylibs") else library["prefix"]
    words = [f"{library['internal_api']} {library['version']}"]
    if kernel := library.get("architecture"):
        words.append(f"kernel {kernel}")
    words.append(f"threads {library['num_threads']}")
    return owner, ", ".join(words)
