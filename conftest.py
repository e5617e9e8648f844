"""What pytest collects where an extra is missing, and how long tests/stress takes."""

import importlib.util
import os

# The doctests of compiled kernels need numba, the extra "fast".
collect_ignore_glob = []
if importlib.util.find_spec("numba") is None:
    collect_ignore_glob = ["sknumpy_mlp/core/compiled/*.py", "tests/core/compiled/runs.py"]
# A script that needs torch, which no test does.
collect_ignore = ["tests/recorded/pytorch.py"]


def pytest_addoption(parser):
    """Add the option --stress."""
    parser.addoption(
        "--stress",
        choices=["quick", "full"],
        default="quick",
        help="how many cases tests/stress draws: some for each change, or all before a release",
    )


def pytest_configure(config):
    """Keep the option --stress."""
    # In the environment, since tests/stress asks at import, also in the processes that it starts.
    os.environ["SKNUMPY_MLP_STRESS"] = config.getoption("--stress")
