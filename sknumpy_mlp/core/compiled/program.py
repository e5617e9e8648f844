"""A network, a loss and an optimizer as a sequence of kernel calls.

A `Program` is a table with a row for each call: the address of a kernel, and those of its integers
and its numbers. Everything that a kernel touches is made here once, kept alive, and found by its
address.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np

from ..._types import Array

# The table of a program without calls.
NO_CALLS = np.empty((0, 3), np.int64)


class Program:
    """Kernel calls and what they need.

    Attributes
    ----------
    calls : list of (int, int, int)
    """

    def __init__(self) -> None:
        self.calls: list[tuple[int, int, int]] = []
        self._kept: list[Array] = []

    def add(self, kernel: int, ints: Iterable[Any], floats: Iterable[float] = ()) -> Array:
        """Append a call; arrays among the integers stand for their address.

        Returns
        -------
        ndarray of int64
            The integers of the call, which may be changed between runs.
        """
        given = []
        for each in ints:
            if isinstance(each, np.ndarray):
                self._kept.append(each)
                each = each.ctypes.data
            given.append(each)
        words, numbers = np.array(given, np.int64), np.array([*floats, 0.0], np.float64)
        self._kept += [words, numbers]
        self.calls.append((kernel, words.ctypes.data, numbers.ctypes.data))
        return words

    @cached_property
    def table(self) -> Array:
        """The calls as an array of shape (n_calls, 3); none can be added afterwards."""
        return np.array(self.calls, np.int64).reshape(-1, 3)
