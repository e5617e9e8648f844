"""Ctrl-C that waits for what must not be done by half."""

import signal
import threading
from contextlib import contextmanager


@contextmanager
def interrupts_deferred():
    """Handle a Ctrl-C of this context at its end.

    Only the main thread is interrupted by Python, so nothing changes in other threads.

    Examples
    --------
    >>> with interrupts_deferred():
    ...     pass  # Numba, for example, is unusable after half an import.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    pressed = []
    signal.signal(signal.SIGINT, lambda *given: pressed.append(given))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if pressed:
            handler(*pressed[0])
