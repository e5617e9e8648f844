"""BLAS threads: small products run on one, since waking a second costs more than it saves.

This holds the package's only global state: a counter behind a lock. The number of BLAS threads
belongs to the process, so fits that overlap in Python threads must not each restore what they
found: the first to begin sets one thread, the last to end gives back what was there.
"""

import os
import threading

from threadpoolctl import ThreadpoolController


def _release(library):
    # In newer threadpoolctl OpenBLAS listens to one Python thread until that lets go; the last
    # fit to end may run in another thread than the first to begin.
    if hasattr(library, "clear_controlling_thread"):
        library.clear_controlling_thread(force=True)


class _OneThread:
    """A context in which BLAS has one thread, entered by any number of Python threads."""

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
                    # Looking for the libraries takes 2 ms: once a process, not once a fit.
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
            # Another number than ours was set by somebody else meanwhile, and is theirs.
            if library.num_threads == 1:
                _release(library)
                library.set_num_threads(n_threads)
                _release(library)

    def forget(self):
        """Begin anew in a forked process, in which the fits of its parent do not run."""
        self._lock = threading.Lock()
        if self._inside:
            self._give_back()
        self._inside = 0


class _AsItIs:
    """A context that leaves BLAS as it is."""

    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


_one_thread = _OneThread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_one_thread.forget)
_as_it_is = _AsItIs()

# Multiplications in the largest product of a step from which two threads are no loss where another
# process keeps one of two processors busy; on an idle machine they save a fifth from a fifth of it.
# `benchmarks/threads.py` prints the table that this is read off.
WORTH_THREADS = 15_000_000


def blas_threads(largest_product):
    """A context for training whose largest product has so many multiplications.

    Examples
    --------
    >>> with blas_threads(200 * 64 * 64):  # Batches of 200 rows, two layers of 64 units.
    ...     pass  # BLAS has one thread here.
    """
    return _as_it_is if largest_product >= WORTH_THREADS else _one_thread
