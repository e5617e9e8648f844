"""What pytest collects where an extra is missing, and how long tests/stress takes."""

import importlib
import importlib.util
import os

import pytest

# The doctests of compiled kernels need numba, the extra "fast".
collect_ignore_glob = []
if importlib.util.find_spec("numba") is None:
    collect_ignore_glob = ["sknumpy_mlp/core/compiled/*.py", "tests/core/compiled/runs.py"]
# Those of converters need skl2onnx, the extra "onnx".
if importlib.util.find_spec("skl2onnx") is None:
    collect_ignore_glob += ["sknumpy_mlp/onnx/*.py"]
# Those of displays need matplotlib, the extra "plot".
if importlib.util.find_spec("matplotlib") is None:
    collect_ignore_glob += ["sknumpy_mlp/displays/*.py"]
# Scripts that need torch, which no test does.
collect_ignore = ["tests/recorded/pytorch.py", "tests/recorded/attributions.py"]


def pytest_addoption(parser):
    """Add the option --stress."""
    parser.addoption(
        "--stress",
        choices=["quick", "full"],
        default="quick",
        help="how many cases tests/stress draws: some for each change, or all before a release",
    )

    parser.addoption(
        "--require-tools",
        action="store_true",
        help="fail a test that would be skipped because a package is missing",
    )


def pytest_configure(config):
    """Keep the options --stress and --require-tools."""
    if importlib.util.find_spec("hypothesis") is not None:
        import hypothesis

        # Each change draws the same cases; new ones are for the long form.
        hypothesis.settings.register_profile("quick", derandomize=True)
        hypothesis.settings.register_profile("full")
        hypothesis.settings.load_profile(config.getoption("--stress"))
    # In the environment, since tests/stress asks at import, also in the processes that it starts.
    os.environ["SKNUMPY_MLP_STRESS"] = config.getoption("--stress")
    if config.getoption("--require-tools"):
        # With the import alone, a missing package is an error.
        pytest.importorskip = lambda name, **reason: importlib.import_module(name)
