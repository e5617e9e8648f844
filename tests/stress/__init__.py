"""Faults, odd input and load: the conditions under which nothing may be lost and nothing be silent.

`pytest tests/stress --stress=full` draws every case; without the option, a few of each kind run.
"""

import os


def cases(quick, full):
    """How many cases to draw, by the option --stress."""
    return full if os.environ.get("SKNUMPY_MLP_STRESS") == "full" else quick
