"""BLAS threads: small products run on one thread, since waking a second costs more than it saves.

This module holds the package's only global state: which calls are under way. The number of BLAS
threads is a setting of the process, so calls that overlap in several Python threads share it. It is
one while only small calls are under way, and what the user gave otherwise: a large call computes
the same bits whatever runs beside it.
"""

import os
import threading
from contextlib import contextmanager, nullcontext
from weakref import WeakSet

from threadpoolctl import ThreadpoolController

from ..core.interrupts import interrupts_deferred

# From this number of multiplications in the largest product of a call on, two threads are not
# slower than one thread, even if another process keeps one of two processors busy. On an idle
# machine, they save a fifth of the time from a fifth of this number on. `benchmarks/threads.py`
# prints the measurements.
WORTH_THREADS = 15_000_000
# Up to this number, OpenBLAS takes one thread of its own accord, even for a single row.
ALWAYS_ONE_THREAD = 9_000


def _set(library, n_threads):
    """Set the number of threads of a library, from any Python thread."""
    # With newer versions of threadpoolctl, one Python thread controls OpenBLAS until it is cleared,
    # and what others set is ignored. Calls begin and end in any thread.
    clear = getattr(library, "clear_controlling_thread", lambda force: None)
    clear(force=True)
    library.set_num_threads(n_threads)
    clear(force=True)


class Threads:
    """The number of BLAS threads of this process, by the calls that are under way.

    A Ctrl-C can come between any two lines. So a call that is not referenced any more has ended,
    and `update` can be repeated: it completes what an interrupted one began.
    """

    def __init__(self):
        self._lock = threading.RLock()
        self.small, self.large = WeakSet(), WeakSet()
        self._libraries = None
        self._before = []
        self._is_one = False

    def update(self):
        """Set the number of threads that the calls under way ask for."""
        with self._lock:
            wants_one = len(self.small) > 0 and len(self.large) == 0
            if wants_one and not self._is_one:
                if self._libraries is None:
                    # Finding the libraries takes 2 ms: once per process, not once per fit.
                    found = ThreadpoolController().select(user_api="blas")
                    self._libraries = found.lib_controllers
                self._before = [library.num_threads for library in self._libraries]
                self._is_one = True
                for library in self._libraries:
                    _set(library, 1)
            elif self._is_one and not wants_one:
                for library, n_threads in zip(self._libraries, self._before):
                    # Any other number was set by other code in the meantime: leave it.
                    if library.num_threads == 1:
                        _set(library, n_threads)
                self._is_one = False

    def forget(self):
        """Reset in a forked process, where the calls of the parent process do not run."""
        self._lock = threading.RLock()
        self.small, self.large = WeakSet(), WeakSet()
        self.update()


class _Call:
    """A context for a call under way; what is not referenced any more has ended, too."""

    def __init__(self, threads, calls):
        self._threads = threads
        self._calls = calls

    def __enter__(self):
        try:
            self._calls.add(self)
            self._threads.update()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *error):
        self._calls.discard(self)
        self._threads.update()


_threads = Threads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.forget)


def blas_threads(largest_product, threads=_threads):
    """A context for training whose largest product has the given number of multiplications.

    Examples
    --------
    >>> with blas_threads(200 * 64 * 64):  # Batches of 200 rows, two layers of 64 units.
    ...     pass  # BLAS has one thread here, unless a larger call runs in another Python thread.
    """
    return _Call(threads, threads.large if largest_product >= WORTH_THREADS else threads.small)


def blas_threads_of_products(largest_product):
    """A context for matrix products and nothing else; for a few rows, it costs nothing."""
    if largest_product <= ALWAYS_ONE_THREAD:
        return nullcontext()
    return _entered_and_left(blas_threads(largest_product))


@contextmanager
def _entered_and_left(call):
    """The context, which a Ctrl-C interrupts only inside."""
    with interrupts_deferred() as interrupts, call, interrupts.allowed():
        yield
