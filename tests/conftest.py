import signal

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def doctest_names(doctest_namespace):
    """Core doctests write ``np`` as their files do."""
    doctest_namespace["np"] = np


@pytest.fixture
def usual_handler():
    """Let Ctrl-C raise KeyboardInterrupt, even where the shell has tests ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def pytest_collection_modifyitems(items):
    """Refuse ids with addresses: nobody can repeat them, nor share them between processes."""
    addressed = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if addressed:
        raise pytest.UsageError(f"ids=label of tests/common.py names these: {addressed}")
