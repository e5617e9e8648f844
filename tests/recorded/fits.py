"""Record the fits of tests/kinds.py: `python -m tests.recorded.fits`.

Writes fits.json beside this file, which tests/test_goldens.py compares with fits of today. Run it
again only after a change that means to change what is fitted, and say so in CHANGELOG.md.
"""

import json
import warnings
from pathlib import Path

from ..kinds import KINDS, shown, trained


def main():
    """Write the file."""
    recorded = {}
    for kind in KINDS:
        model = trained(kind, engine="numpy")
        curve = vars(model).get("loss_curve_", [])
        recorded[kind] = {"loss_curve": curve, "shown": shown(model, kind).tolist()}
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(recorded, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
