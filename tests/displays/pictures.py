"""Fits and figures that the tests of displays share."""

import subprocess
import sys

import pytest

plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")


def iris():
    from sklearn.datasets import load_iris

    return load_iris(return_X_y=True)


def fitted(make, X, y, **parameters):
    """A network of a few units, fitted for a few epochs."""
    given = {"hidden_layer_sizes": (5,), "max_iter": 6, "n_iter_no_change": None, "random_state": 0}
    return make(**given | parameters).fit(X, y)


def message_without_matplotlib(call):
    """What a new process raises for a call on `displays` where Matplotlib cannot be imported."""
    program = (
        "import sys\n"
        "sys.modules['matplotlib'] = None\n"
        "import numpy as np\n"
        "from sknumpy_mlp import ScratchMLPClassifier, displays\n"
        "model = ScratchMLPClassifier.from_weights([np.eye(4, 3)], [np.zeros(3)], [0, 1, 2])\n"
        f"try:\n    displays.{call}\n"
        "except ImportError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout
