"""Whether arrays fit in memory, found out before work starts.

A process that asks for more than there is may be killed without a word, hours later, when the
arrays are first written.
"""

import os
from decimal import Decimal


def physical_memory() -> int | None:
    """Number of bytes of the memory of this machine; None where the system does not say."""
    try:
        found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
    return found if found > 0 else None


def check_memory(n_bytes: int, what: str) -> None:
    """Raise a MemoryError if arrays are larger than the memory of this machine.

    Parameters
    ----------
    n_bytes : int
    what : str
        Names the parameters and what they ask for, the beginning of the message.

    Examples
    --------
    >>> check_memory(8, "hidden_layer_sizes=1 asks for 1 parameter")
    >>> check_memory(10**30, "hidden_layer_sizes=10**29 asks for many")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    MemoryError: hidden_layer_sizes=10**29 asks for many, 1.00e+21 GB in all...
    """
    available = physical_memory()
    # Without a size, what no pointer can reach.
    if n_bytes <= (available or 2**62):
        return
    there = f", more than the {in_gigabytes(available)} of this machine" if available else ""
    raise MemoryError(f"{what}, {in_gigabytes(n_bytes)} in all{there}")


def in_gigabytes(n_bytes: int) -> str:
    """A size in words.

    Examples
    --------
    >>> in_gigabytes(25_000_000_000)
    '25.0 GB'
    """
    # Products of sizes can be beyond float64.
    size = Decimal(n_bytes) / 10**9
    return f"{size:,.1f} GB" if size < 10**6 else f"{size:.3g} GB"
