"""A file is written wholly or not at all, any damage is noticed, and nothing is left over."""

import os
import random
import stat
import subprocess
import sys

import joblib
import numpy as np
import pytest

from sknumpy_mlp._estimator import files

posix = pytest.mark.skipif(os.name != "posix", reason="modes, links and signals of POSIX")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fit.joblib"


def value(seed=0):
    return {"weights": np.random.RandomState(seed).randn(40, 30), "name": "a"}


def bit(blob, draw):
    blob[draw.randrange(len(blob))] ^= 1 << draw.randrange(8)


def byte(blob, draw):
    place = draw.randrange(len(blob))
    blob[place] = (blob[place] + draw.randrange(1, 256)) % 256


def block(blob, draw):
    place = draw.randrange(len(blob) - 64)
    blob[place : place + 64] = bytes(255 - each for each in blob[place : place + 64])


def swap(blob, draw):
    i, j = draw.sample(range(0, len(blob) - 64, 64), 2)
    before = bytes(blob)
    blob[i : i + 64], blob[j : j + 64] = before[j : j + 64], before[i : i + 64]
    if blob == before:
        bit(blob, draw)


def insertion(blob, draw):
    blob[(place := draw.randrange(len(blob))) : place] = b"x" * draw.randrange(1, 9)


def cut(blob, draw):
    del blob[draw.randrange(len(blob)) :]


def longer(blob, draw):
    blob += b"y" * draw.randrange(1, 99)


@pytest.mark.parametrize("damage", [bit, byte, block, swap, insertion, cut, longer])
def test_damage_of_any_kind_is_noticed(damage, path):
    files.write(value(), path)
    whole = path.read_bytes()
    np.testing.assert_array_equal(files.read(path)["weights"], value()["weights"])
    draw = random.Random(0)
    for _ in range(100):
        blob = bytearray(whole)
        damage(blob, draw)
        path.write_bytes(blob)
        with pytest.raises(ValueError, match="checksum"):
            files.read(path)


def test_joblib_loads_the_file_too(path):
    files.write(value(), path)
    np.testing.assert_array_equal(joblib.load(path)["weights"], value()["weights"])


@posix
def test_a_symbolic_link_is_followed(path, tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    path.symlink_to(there / "real.joblib")
    files.write(value(), path)
    assert path.is_symlink()
    assert os.listdir(there) == ["real.joblib"]
    assert files.read(path)["name"] == "a"


@posix
@pytest.mark.parametrize("umask, mode", [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_of_the_umask_and_keeps_what_it_is_given(umask, mode, path):
    before = os.umask(umask)
    try:
        files.write(value(), path)
        assert stat.S_IMODE(path.stat().st_mode) == mode
        path.chmod(0o640)
        files.write(value(), path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
    finally:
        os.umask(before)


WRITES = """
import os, signal, sys, joblib
from sknumpy_mlp._estimator import files
joblib.dump = lambda value, file: os.kill(os.getpid(), signal.SIGKILL)
files.write(1, sys.argv[1])
"""


@posix
def test_new_files_of_killed_processes_are_removed_and_no_others(path, tmp_path):
    assert subprocess.run([sys.executable, "-c", WRITES, str(path)]).returncode < 0
    (left,) = os.listdir(tmp_path)
    mine = f"{path.name}.{files._HOST}-{os.getpid()}-00000000.new"
    others = [mine, f"{path.name}.00000000-1-00000000.new", "fit.joblib.new", "another.new"]
    others.append(left.replace(path.name, "fit2.joblib"))
    for name in others:
        (tmp_path / name).touch()
    files.remove_leftovers(path)
    assert sorted(os.listdir(tmp_path)) == sorted(others)
    # Nothing takes an hour to write, on another machine either.
    os.utime(tmp_path / others[1], (0, 0))
    files.remove_leftovers(path)
    assert sorted(os.listdir(tmp_path)) == sorted([*others[:1], *others[2:]])


@pytest.mark.parametrize("nth", range(6))
def test_an_error_of_any_write_leaves_the_file_of_before(nth, path, monkeypatch):
    files.write(value(), path)
    before = path.read_bytes()
    count = 0

    class Full(files._Hashed):
        def write(self, data):
            nonlocal count
            count += 1
            if count == nth + 1:
                raise OSError(28, "No space left on device")
            return super().write(data)

    monkeypatch.setattr(files, "_Hashed", Full)
    found = {f"{k}": np.full(9, k) for k in range(6)}
    with pytest.raises(OSError, match="No space left on device; the file could not") as caught:
        files.write(found, path)
    assert caught.value.filename == os.path.realpath(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
