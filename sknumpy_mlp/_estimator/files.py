"""A file with one pickled value: written completely or not at all, and checked before it is read.

The pickle is followed by its checksum, which `joblib.load` does not read.
"""

import hashlib
import os
import platform
import re
import secrets
import shutil
import time
import zlib
from contextlib import suppress

import joblib

# What precedes the checksum at the end of a file.
MARK = b"sha256 of the above: "
_CHECKSUM = len(MARK) + hashlib.sha256().digest_size
# New files of a process on this machine that was killed are known by its number.
_HOST = f"{zlib.crc32(platform.node().encode()):08x}"
_NEW = re.compile(r"\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.new")
# Of other machines, new files of this age in seconds: nothing takes so long to write.
_OLD = 3600


class _Hashed:
    """A file that is written and hashed at once."""

    def __init__(self, file):
        self._file = file
        self._hash = hashlib.sha256()
        self.tell = file.tell

    def write(self, data):
        """Write the bytes."""
        self._hash.update(data)
        return self._file.write(data)

    def close_with_checksum(self):
        """Write the checksum of all bytes, and flush the file to disk."""
        self._file.write(MARK + self._hash.digest())
        self._file.flush()
        os.fsync(self._file.fileno())


def write(value, path):
    """Dump the value into a new file, flush it to disk, and rename it to `path`.

    A symbolic link is followed. A new file has the mode that the umask allows, a replaced one
    keeps its mode.

    Raises
    ------
    OSError
        If the file cannot be written; the error names `path`.
    """
    path = os.path.realpath(path)
    new = f"{path}.{_HOST}-{os.getpid()}-{secrets.token_hex(4)}.new"
    try:
        with open(new, "xb") as file:
            hashed = _Hashed(file)
            joblib.dump(value, hashed)
            hashed.close_with_checksum()
        with suppress(FileNotFoundError):
            shutil.copymode(path, new)
        os.replace(new, path)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(new)
        if isinstance(error, OSError):
            words = f"{error.strerror}; the file could not be written"
            raise OSError(error.errno, words, path) from error
        raise
    _flush_folder(os.path.dirname(path))


def read(path):
    """Load the value in a file that `write` wrote.

    Raises
    ------
    ValueError
        If the file is damaged, or another program wrote it.
    OSError
        If the file cannot be read.
    """
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END) - _CHECKSUM
        file.seek(0)
        found, left = hashlib.sha256(), size
        while left > 0:
            found.update(chunk := file.read(min(left, 2**20)))
            left -= len(chunk)
        if size <= 0 or file.read() != MARK + found.digest():
            raise ValueError("the checksum at its end is missing or wrong, so it may be damaged")
        file.seek(0)
        return joblib.load(file)


def remove_leftovers(path):
    """Remove new files beside `path` of processes that were killed while they wrote."""
    folder, name = os.path.split(os.path.realpath(path))
    with os.scandir(folder) as entries:
        for entry in entries:
            found = _NEW.fullmatch(entry.name.removeprefix(name))
            # Another process may remove it at the same time.
            with suppress(OSError):
                if entry.name.startswith(name) and found and _is_abandoned(entry, *found.groups()):
                    os.unlink(entry.path)


def _is_abandoned(entry, host, process):
    # On Windows, asking for a process in this way would end it.
    if host == _HOST and os.name == "posix":
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False
    return time.time() - entry.stat().st_mtime > _OLD


def _flush_folder(folder):
    """Flush a rename to disk if the system supports flushing a folder."""
    # The file is complete even if this fails: do not end the fit.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
