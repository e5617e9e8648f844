"""Files that are written completely or not at all, and that notice when they are damaged.

A file is a joblib file of a `Sealed` value: `joblib.load` compares the checksum, and gives the
value itself. A second checksum at the end, of the whole file, is for `read`. `write` goes by a new
file beside the old one. A killed program leaves the new file there; `remove_leftovers` removes it,
but not the file of a program that still writes.
"""

import hashlib
import io
import os
import re
import shutil
import zlib
from contextlib import suppress

import joblib

from ..core.interrupts import interrupts_deferred

try:
    import fcntl
except ImportError:
    # Windows neither removes nor renames a file that is open, so that no lock is needed.
    fcntl = None

_CHECKSUM_BYTES = 4
_PIECE = 2**20


def checked(path, name):
    """The path as a string.

    Parameters
    ----------
    path : str, bytes or path-like
    name : str
        The parameter that an error names.

    Raises
    ------
    TypeError
        If it is not a path.
    ValueError
        If no file can have this path.
    """
    try:
        found = os.fsdecode(path)
    except TypeError as error:
        raise TypeError(f"{name} must be the path of a file, got {path!r}") from error
    if not found or "\0" in found:
        raise ValueError(f"{name} must be the path of a file, got {path!r}")
    return found


class Sealed:
    """A value that is pickled with a checksum and unpickled as the value itself.

    Examples
    --------
    >>> import pickle
    >>> pickle.loads(pickle.dumps(Sealed([1, 2])))
    [1, 2]
    """

    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        content = io.BytesIO()
        joblib.dump(self.value, content)
        content = content.getvalue()
        return opened, (content, hashlib.sha256(content).digest())


def opened(content, checksum):
    """The value in the content of a `Sealed`, which must have this checksum.

    Raises
    ------
    ValueError
        If it has another one.
    """
    if hashlib.sha256(content).digest() != checksum:
        raise ValueError("the file is damaged: its content does not match its checksum")
    return joblib.load(io.BytesIO(content))


def read(path, name):
    """The value in a file.

    Parameters
    ----------
    path : str
    name : str
        The parameter that an OSError names.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is damaged, or not a file of `write`.
    """
    try:
        file = open(path, "rb")
    except OSError as error:
        raise _explained(error, f"{name} must name a file that can be read", path) from error
    with file:
        try:
            if not _is_whole(file):
                raise ValueError("the file is damaged, or Checkpoint has not written it")
            return joblib.load(file)
        except OSError as error:
            raise _explained(error, f"{name} must name a file that can be read", path) from error


def write(value, path):
    """Write a value into a new file, flush it to disk, and rename it to `path`.

    A symbolic link is followed. The file has the mode of the file that it replaces, or the one that
    the system gives to new files.

    Parameters
    ----------
    value : object
    path : str

    Raises
    ------
    OSError
        If the file cannot be written. A file that was there is unchanged.
    """
    target = os.path.realpath(path)
    try:
        while not _is_written(value, _new_path(target), target):
            pass
    except OSError as error:
        raise _explained(error, "path must name a file that can be written", path) from error
    _flush_folder(os.path.dirname(target))


def check_writable(path):
    """Raise an OSError that names `path` unless a file can be written there."""
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"path must name a file in an existing folder, got the folder {folder}"
        )
    if os.path.isdir(target):
        raise IsADirectoryError(f"path must name a file, got the folder {target}")
    new = _new_path(target)
    try:
        # Another program that begins now may take the file for a leftover, and remove it first.
        with interrupts_deferred():
            open(new, "xb").close()
            with suppress(FileNotFoundError):
                os.unlink(new)
    except OSError as error:
        raise _explained(error, "path must name a file that can be written", path) from error


def remove_leftovers(path):
    """Remove the new files that killed programs left beside the file of this path."""
    folder, name = os.path.split(os.path.realpath(path))
    pattern = re.compile(re.escape(name) + r"\.[0-9a-f]{16}\.new")
    with suppress(OSError):
        for each in filter(pattern.fullmatch, os.listdir(folder)):
            with suppress(OSError):
                _remove_if_nobody_writes(os.path.join(folder, each))


def _remove_if_nobody_writes(path):
    # Locking over a network needs a file that is open for writing.
    with open(path, "r+b") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
    if fcntl is None:
        os.unlink(path)


def _new_path(target):
    return f"{target}.{os.urandom(8).hex()}.new"


def _is_written(value, new, target):
    """Write by the new file; False if another program took it for a leftover."""
    try:
        with open(new, "x+b") as file:
            if not _is_locked(file):
                return False
            joblib.dump(Sealed(value), file)
            file.write(_checksum(file, file.tell()))
            file.flush()
            os.fsync(file.fileno())
            with suppress(OSError):
                shutil.copymode(target, new)
            if fcntl is not None:
                os.replace(new, target)
        if fcntl is None:
            os.replace(new, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise
    return True


def _checksum(file, n_bytes):
    """The checksum of the first bytes of a file, which is then read or written behind them."""
    checksum = 0
    file.seek(0)
    while n_bytes > 0 and (piece := file.read(min(n_bytes, _PIECE))):
        checksum = zlib.crc32(piece, checksum)
        n_bytes -= len(piece)
    file.seek(0, os.SEEK_CUR)
    return checksum.to_bytes(_CHECKSUM_BYTES, "little")


def _is_whole(file):
    """Whether a file ends with its checksum; it is then read from its beginning."""
    n_bytes = file.seek(0, os.SEEK_END) - _CHECKSUM_BYTES
    is_whole = n_bytes > 0 and _checksum(file, n_bytes) == file.read()
    file.seek(0)
    return is_whole


def _is_locked(file):
    """Lock a new file, so that nobody takes it for a leftover; False if somebody has before."""
    if fcntl is not None:
        # The system ends the lock when the program ends. Where it cannot lock, nobody can.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
    return os.path.exists(file.name)


def _explained(error, rule, path):
    """The OSError with the rule and the path in its message; of the same kind."""
    if error.errno is None:
        return error
    return OSError(error.errno, f"{rule}: {error.strerror}", path)


def _flush_folder(folder):
    """Flush a rename to disk if the system supports flushing a folder."""
    # The file is complete even if this fails: do not end the fit.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
