"""Ctrl-C that waits for what must not be done by half."""

import signal
import threading
from contextlib import contextmanager


class Interrupts:
    """A context whose code decides from when on a Ctrl-C waits for the end of the context.

    Until `hold` is called, a Ctrl-C is handled at once, as without the context. Only the main
    thread is interrupted by Python, so nothing changes in other threads.

    Examples
    --------
    >>> with Interrupts() as interrupts:
    ...     pass  # Handled at once.
    ...     interrupts.hold()
    ...     pass  # Handled at the end.
    """

    def __init__(self):
        self._handler = None
        self._is_holding = False
        self._pressed = None

    def hold(self):
        """Let a Ctrl-C wait from now on."""
        self._is_holding = True

    def _handle(self, *given):
        if self._is_holding:
            self._pressed = given
        else:
            self._handler(*given)

    def __enter__(self):
        handler = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread() and callable(handler):
            self._handler = handler
            try:
                signal.signal(signal.SIGINT, self._handle)
            except BaseException:
                # A Ctrl-C just now: the context is not entered.
                signal.signal(signal.SIGINT, handler)
                raise
        return self

    def __exit__(self, *error):
        if self._handler is None:
            return
        signal.signal(signal.SIGINT, self._handler)
        if self._pressed is not None:
            self._handler(*self._pressed)


@contextmanager
def interrupts_deferred():
    """Handle a Ctrl-C of this context at its end.

    Examples
    --------
    >>> with interrupts_deferred():
    ...     pass  # Numba, for example, is unusable after half an import.
    """
    with Interrupts() as interrupts:
        interrupts.hold()
        yield
