"""Ctrl-C that waits for what must not be done by half.

`interrupts_deferred` makes it wait; ``with interrupts.allowed()`` inside lets it through. The first
interrupt that gets through makes the next ones wait, so that nothing interrupts the undoing.
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

# Besides Ctrl-C, what programs set a handler for that raises: a request to end, and a time limit.
_NUMBERS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name)
]


class interrupts_deferred:
    """A context that handles a Ctrl-C at its end, and likewise SIGTERM and SIGALRM.

    Only the main thread is interrupted by Python, so nothing changes in other threads. A signal
    without a handler in Python keeps its meaning.

    Examples
    --------
    >>> with interrupts_deferred():
    ...     pass  # Numba, for example, is unusable after half an import.

    Where work may be interrupted, but what surrounds it may not:

    >>> with interrupts_deferred() as interrupts:
    ...     with interrupts.allowed():
    ...         pass
    """

    def __init__(self) -> None:
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._pending: list[tuple[int, FrameType | None]] = []
        self._is_open = False

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        try:
            for number in _NUMBERS:
                handler = signal.getsignal(number)
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._handle)
        except BaseException:
            # The handler of a signal that was not deferred yet has raised.
            self._give_back()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._is_open = False
        self._give_back()
        for number, frame in self._pending:
            self._handlers[number](number, frame)

    def _give_back(self) -> None:
        for number, handler in self._handlers.items():
            # Any other handler was set by other code in the meantime: leave it.
            if signal.getsignal(number) == self._handle:
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._is_open:
            self._pending.append((number, frame))
            return
        # Closed first: the handler raises, and what it interrupts is undone without interruption.
        self._is_open = False
        self._handlers[number](number, frame)
        self._is_open = True

    def allowed(self) -> "_Allowed":
        """A context in which an interrupt gets through at once, also one that has waited."""
        return _Allowed(self)

    def wait(self) -> None:
        """Let no interrupt through in the rest of this context, unless it is allowed again."""
        self._is_open = False

    def _open(self) -> None:
        self._is_open = True
        while self._pending:
            self._handle(*self._pending.pop())


class _Allowed:
    def __init__(self, interrupts: interrupts_deferred) -> None:
        self._interrupts = interrupts

    def __enter__(self) -> None:
        self._interrupts._open()

    def __exit__(self, *error: object) -> None:
        self._interrupts.wait()
