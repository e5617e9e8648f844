import numpy as np
import pytest


@pytest.fixture(autouse=True)
def doctest_names(doctest_namespace):
    """Core doctests write ``np`` as their files do."""
    doctest_namespace["np"] = np
