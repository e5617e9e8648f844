"""Write a model of each kind by joblib: `python -m tests.old_models.write`.

Makes a folder for this version of the package and this NumPy, with a file for each kind of
tests/kinds.py and what it predicts, which tests/test_old_models.py loads. Run it once for each
release, on the oldest and on the newest NumPy; a folder of a release never changes again.
"""

import json
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np

import sknumpy_mlp

from ..kinds import KINDS, shown, trained


def main(folder):
    """Write the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    for kind in KINDS:
        # So that it can be trained on where Numba is not installed.
        model = trained(kind, engine="numpy")
        joblib.dump(model, folder / f"{kind.replace(' ', '_')}.joblib")
        expected[kind] = shown(model, kind).tolist()
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    numpy_version = ".".join(np.__version__.split(".")[:2])
    name = f"{sknumpy_mlp.__version__}-numpy-{numpy_version}"
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent / name)
