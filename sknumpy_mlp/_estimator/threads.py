"""BLAS threads: small products run on one thread, since waking a second costs more than it saves.

This module holds the package's only global state: a counter with a lock. The number of BLAS threads
is a setting of the process. Fits that overlap in several Python threads must therefore share one
change: the first fit to begin sets one thread, and the last fit to end restores the old number.
"""

import os
import threading

from threadpoolctl import ThreadpoolController


def _release(library):
    # With newer versions of threadpoolctl, one Python thread controls OpenBLAS until it is cleared.
    # The last fit to end may run in another thread than the first fit to begin.
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread(force=True)


class _OneThread:
    """A context in which BLAS has one thread; any number of Python threads can enter it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._inside = 0
        self._libraries = None
        self._before = []

    def __enter__(self):
        with self._lock:
            self._inside += 1
            if self._inside > 1:
                return
            try:
                if self._libraries is None:
                    # Finding the libraries takes 2 ms: once per process, not once per fit.
                    found = ThreadpoolController().select(user_api="blas")
                    self._libraries = found.lib_controllers
                self._before = [library.num_threads for library in self._libraries]
                for library in self._libraries:
                    library.set_num_threads(1)
            except BaseException:
                self._give_back()
                self._inside -= 1
                raise

    def __exit__(self, *error):
        with self._lock:
            if self._inside == 1:
                self._give_back()
            self._inside -= 1

    def _give_back(self):
        for library, n_threads in zip(self._libraries or [], self._before):
            # Any other number was set by other code in the meantime: leave it.
            if library.num_threads == 1:
                _release(library)
                library.set_num_threads(n_threads)
                _release(library)

    def forget(self):
        """Reset in a forked process, where the fits of the parent process do not run."""
        self._lock = threading.Lock()
        if self._inside:
            self._give_back()
        self._inside = 0


class _AsItIs:
    """A context that does not change BLAS."""

    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


_one_thread = _OneThread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_one_thread.forget)
_as_it_is = _AsItIs()

# From this number of multiplications in the largest product of a step on, two threads are not
# slower than one thread, even if another process keeps one of two processors busy. On an idle
# machine, they save a fifth of the time from a fifth of this number on. `benchmarks/threads.py`
# prints the measurements.
WORTH_THREADS = 15_000_000


def blas_threads(largest_product):
    """A context for training whose largest product has the given number of multiplications.

    Examples
    --------
    >>> with blas_threads(200 * 64 * 64):  # Batches of 200 rows, two layers of 64 units.
    ...     pass  # BLAS has one thread here.
    """
    return _as_it_is if largest_product >= WORTH_THREADS else _one_thread
