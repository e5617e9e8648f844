"""Files that are whole or not there: damage, symbolic links, modes, errors, leftovers."""

import errno
import os
import pickle
import stat

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sknumpy_mlp._estimator import files
from sknumpy_mlp._estimator.files import Sealed, checked, read, remove_leftovers, write

VALUE = {"W": np.arange(30.0), "of what": "a file"}
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "file.joblib")


def content(path):
    with open(path, "rb") as file:
        return file.read()


def test_what_was_written_is_read_by_us_and_by_joblib(path):
    write(VALUE, path)
    for found in (read(path, "here"), joblib.load(path), joblib.load(path, mmap_mode="r")):
        assert_array_equal(found["W"], VALUE["W"])
        assert found["of what"] == "a file"


class TestDamage:
    def spoil(self, path, blob):
        with open(path, "wb") as file:
            file.write(blob)
        with pytest.raises(ValueError, match="the file is damaged"):
            read(path, "here")

    def test_of_any_bit_is_noticed(self, path):
        write(VALUE, path)
        whole = content(path)
        for place in range(8 * len(whole)):
            blob = bytearray(whole)
            blob[place // 8] ^= 1 << place % 8
            self.spoil(path, blob)

    def test_by_a_cut_at_any_byte_or_an_insertion_is_noticed(self, path):
        write(VALUE, path)
        whole = content(path)
        for place in range(len(whole)):
            self.spoil(path, whole[:place])
            self.spoil(path, whole[:place] + b"\x00" + whole[place:])
        self.spoil(path, whole + b".")

    def test_of_the_value_is_noticed_by_joblib_too(self, path):
        write(VALUE, path)
        blob = bytearray(content(path))
        blob[blob.find(VALUE["W"].tobytes()) + 7] ^= 1
        with open(path, "wb") as file:
            file.write(blob)
        with pytest.raises(ValueError, match="does not match its checksum"):
            joblib.load(path)

    def test_a_sealed_value_is_pickled_as_itself(self):
        assert pickle.loads(pickle.dumps(Sealed(VALUE)))["of what"] == "a file"


@posix
class TestPlace:
    def test_a_symbolic_link_is_followed(self, path, tmp_path):
        (tmp_path / "there").mkdir()
        target = tmp_path / "there" / "target"
        os.symlink(target, path)
        # The target does not exist yet, then it does.
        for _ in range(2):
            write(VALUE, path)
            assert os.path.islink(path) and not os.path.islink(target)
            assert read(path, "here")["of what"] == read(target, "here")["of what"] == "a file"
        assert os.listdir(tmp_path / "there") == ["target"]

    @pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
    def test_the_mode_is_that_of_any_new_file(self, path, mask):
        before = os.umask(mask)
        try:
            write(VALUE, path)
        finally:
            os.umask(before)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o666 & ~mask

    def test_the_mode_of_a_file_that_is_replaced_stays(self, path):
        write(VALUE, path)
        os.chmod(path, 0o640)
        write(VALUE, path)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o640


class TestErrors:
    @pytest.mark.parametrize("function", ["fsync", "replace"])
    def test_a_system_that_refuses_names_the_parameter_and_the_path(
        self, function, path, monkeypatch
    ):
        write(VALUE, path)
        before = content(path)

        def full(*args):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(files.os, function, full)
        with pytest.raises(OSError, match=r"path must name a file.*No space left") as caught:
            write({"another": 1}, path)
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, path)
        assert content(path) == before
        assert os.listdir(os.path.dirname(path)) == ["file.joblib"]

    def test_a_missing_file_names_the_parameter_and_the_path(self, path):
        with pytest.raises(FileNotFoundError, match=r"resume_from must name a file.*file.joblib"):
            read(path, "resume_from")

    def test_the_path_is_a_path(self, path):
        assert checked(os.fsencode(path), "here") == checked(path, "here") == path
        for wrong in (5, None, ["a"]):
            with pytest.raises(TypeError, match="here must be the path of a file, got"):
                checked(wrong, "here")
        for wrong in ("", b"", "a\0b"):
            with pytest.raises(ValueError, match="here must be the path of a file, got"):
                checked(wrong, "here")


class Watches:
    """A value that looks for leftovers while it is written."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        remove_leftovers(self.path)
        return str, ()


def test_the_new_file_of_a_program_that_writes_is_no_leftover(path):
    write(Watches(path), path)
    assert read(path, "here") == ""
    assert os.listdir(os.path.dirname(path)) == ["file.joblib"]


def test_a_check_whose_file_was_taken_for_a_leftover_passes(path, monkeypatch):
    """Two fits with one path may begin at the same time."""
    unlink = os.unlink

    def after_another_program(name):
        unlink(name)
        unlink(name)

    monkeypatch.setattr(files.os, "unlink", after_another_program)
    files.check_writable(str(path))
    assert os.listdir(os.path.dirname(path)) == []


@posix
def test_a_new_file_that_was_taken_for_a_leftover_is_written_again(path, monkeypatch):
    removed = []

    def remove_first(file, operation):
        if not removed:
            removed.append(file.name)
            os.unlink(file.name)

    monkeypatch.setattr(files.fcntl, "flock", remove_first)
    write(VALUE, path)
    assert removed and read(path, "here")["of what"] == "a file"
    assert os.listdir(os.path.dirname(path)) == ["file.joblib"]
