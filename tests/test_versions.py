"""`show_versions`: what it prints is what is installed, and what trains."""

import re
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import sknumpy_mlp
from sknumpy_mlp import ScratchMLPRegressor, _versions, show_versions


@pytest.fixture
def printed(capsys):
    """What `show_versions` prints: a dict of lines for each title."""

    def sections():
        show_versions()
        rows, found = {}, {}
        for line in capsys.readouterr().out.splitlines():
            if line.startswith(" "):
                name, value = re.fullmatch(r" {4}(\S+) +(.*)", line).groups()
                rows[name] = value
            else:
                rows = found[line] = {}
        return found

    return sections


def test_versions_are_those_of_the_installed_packages(printed):
    packages = printed()["Packages"]
    assert packages.pop("sknumpy_mlp") == sknumpy_mlp.__version__
    installed = {each.metadata["Name"]: each.version for each in metadata.distributions()}
    assert packages == {name: installed.get(name, "-") for name in packages}
    assert packages["numpy"] == np.__version__
    assert {"scipy", "scikit-learn", "numba", "matplotlib"} <= packages.keys()


def test_python_is_the_one_that_runs(printed):
    version = ".".join(map(str, sys.version_info[:3]))
    assert printed()["System"]["python"] == version


def test_a_missing_package_has_a_dash(printed, monkeypatch):
    monkeypatch.setattr(_versions, "PACKAGES", ["numpy", "no-such-package"])
    assert printed()["Packages"]["no-such-package"] == "-"


def test_the_engine_is_the_one_that_trains(printed):
    model = ScratchMLPRegressor(max_iter=1, n_iter_no_change=None).fit(np.eye(3), np.ones(3))
    assert printed()["Engine"]["auto"].split()[0] == model.engine_


def test_each_blas_has_its_kernel_and_its_threads(printed):
    libraries = [each for each in threadpool_info() if each["user_api"] == "blas"]
    lines = printed()["BLAS"].values()
    assert len(lines) == max(1, len({each["filepath"] for each in libraries}))
    for library in libraries:
        kernel = library.get("architecture", "")
        expected = [library["version"], kernel, f"threads {library['num_threads']}"]
        assert any(all(word in line for word in expected) for line in lines)


def test_a_library_of_the_system_goes_by_its_own_name(printed, monkeypatch):
    library = {
        "user_api": "blas",
        "internal_api": "mkl",
        "version": "2025.1",
        "num_threads": 4,
        "prefix": "libmkl_rt",
        "filepath": "/usr/lib/libmkl_rt.so.2",
    }
    monkeypatch.setattr(_versions, "threadpool_info", lambda: [library])
    assert printed()["BLAS"] == {"libmkl_rt": "mkl 2025.1, threads 4"}


def test_without_a_known_blas_the_line_names_what_numpy_was_built_with(printed, monkeypatch):
    monkeypatch.setattr(_versions, "threadpool_info", list)
    config = {"Build Dependencies": {"blas": {"name": "accelerate"}}}
    monkeypatch.setattr(np.__config__, "CONFIG", config, raising=False)
    assert printed()["BLAS"] == {"numpy": "accelerate"}
    monkeypatch.setattr(np.__config__, "CONFIG", {})
    assert printed()["BLAS"] == {"numpy": "unknown"}


def test_nothing_printed_names_a_folder(capsys):
    show_versions()
    text = capsys.readouterr().out
    for folder in (Path.home(), Path.cwd(), Path(sys.prefix), Path(np.__file__).parent):
        assert str(folder) not in text
