import numpy as np
import pytest


@pytest.fixture(autouse=True)
def doctest_names(doctest_namespace):
    """Core doctests write ``np`` as their files do."""
    doctest_namespace["np"] = np


def pytest_collection_modifyitems(items):
    """Refuse ids with addresses: nobody can repeat them, nor share them between processes."""
    addressed = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if addressed:
        raise pytest.UsageError(f"ids=label of tests/common.py names these: {addressed}")
