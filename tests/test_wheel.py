"""The wheel and the source distribution, as they would be published."""

import email
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import sknumpy_mlp

from .common import blocks

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """A folder with the source distribution, and the wheel that was built from it."""
    # Not the bare name: a folder "build" of the project would be found.
    pytest.importorskip("build.env", reason="build is not installed")
    pytest.importorskip("hatchling.build", reason="hatchling is not installed")
    pytest.importorskip("hatch_fancy_pypi_readme", reason="its plugin is not installed")
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT))
    return folder


@pytest.fixture(scope="module")
def wheel(dist):
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("/METADATA"))
        return email.message_from_string(archive.read(name).decode())


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    """A folder that holds the wheel as it is installed, which is a copy of pure Python."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_twine_would_upload_both(dist):
    pytest.importorskip("twine", reason="twine is not installed")
    files = map(str, dist.iterdir())
    assert run(sys.executable, "-m", "twine", "check", "--strict", *files).count("PASSED") == 2


def test_the_wheel_is_pure_python_of_less_than_270_kilobytes(wheel):
    assert wheel.name == f"sknumpy_mlp-{sknumpy_mlp.__version__}-py3-none-any.whl"
    assert wheel.stat().st_size < 270_000


def test_the_wheel_holds_the_package_its_licence_and_nothing_else(wheel):
    package = ROOT / "sknumpy_mlp"
    sources = {
        path.relative_to(ROOT).as_posix()
        for path in package.rglob("*")
        if path.suffix == ".py" or path.name == "py.typed"
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    described = {name for name in names if ".dist-info/" in name}
    assert names - described == sources
    assert any(name.endswith("licenses/LICENSE") for name in described)


def test_the_source_distribution_runs_its_own_tests(dist, tmp_path):
    """What tests read is there: a file of tests that needs most of it, and the options."""
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--stress=quick"]
    command += ["tests/test_documentation.py", "-k", "not code_of_a_page"]
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTEST_ADDOPTS": ""}
    assert " passed" in run(*command, cwd=folder, env=environment)


def test_only_the_run_time_needs_are_installed_without_an_extra(metadata):
    needed = [each for each in metadata.get_all("Requires-Dist") if "extra ==" not in each]
    assert {re.match(r"[\w-]+", each)[0] for each in needed} == {"numpy", "scipy", "scikit-learn"}


def test_the_description_has_no_link_that_leads_nowhere(metadata):
    text = metadata.get_payload()
    assert metadata["Description-Content-Type"] == "text/markdown"
    targets = re.findall(r"\]\(([^)]*)\)", text)
    assert all(target.startswith("https://") for target in targets), targets
    assert "docs/" in README.read_text(encoding="utf-8") and "docs/" not in text
    # What is cut is the table of links, and nothing before it.
    for heading in ("Installation", "Quick start", "Documentation"):
        assert f"\n## {heading}\n" in text
    assert blocks(README)[0] in text


def test_the_example_of_the_readme_runs_from_the_wheel(unpacked, tmp_path):
    (block,) = blocks(README)
    (shown,) = re.findall(r"^```text\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    program = f"{block}\nimport sknumpy_mlp\nassert {str(unpacked)!r} in sknumpy_mlp.__file__\n"
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    command = [sys.executable, "-W", "error", "-c", program]
    assert run(*command, cwd=tmp_path, env=environment) == shown
