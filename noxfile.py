"""One session for each task of a contributor: ``nox --list`` shows them, ``nox -s NAME`` runs one.

Arguments after two dashes go to the tool: ``nox -s test -- tests/core -x``.
"""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.sessions = ["style", "test"]
nox.options.reuse_existing_virtualenvs = True

DIST = Path(__file__).parent / "dist"


@nox.session(venv_backend="none")
def setup(session):
    """Set up the running environment: the package in place, its tests and tools, the hooks."""
    session.run("python", "-m", "pip", "install", "-e", ".[test,fast,tools]")
    session.run("pre-commit", "install", "--hook-type", "pre-commit", "--hook-type", "pre-push")


@nox.session
def test(session):
    """Run the tests; ``-- --stress=full tests/stress`` draws every case of the stress tests."""
    session.install("-e", ".[test,fast]")
    session.run("pytest", *session.posargs)


@nox.session
def style(session):
    """Check the style of the sources and the workflows; ``-- --fix`` mends what can be mended."""
    session.install("ruff==0.17.*", "zizmor>=1.20")
    is_fixing = "--fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if is_fixing else []), ".")
    session.run("ruff", "format", *([] if is_fixing else ["--check"]), ".")
    session.run("zizmor", "--offline", "--quiet", ".github")


@nox.session
def docs(session):
    """Run the code of the documentation: guides, docstrings and examples."""
    session.install("-e", ".[test,fast]")
    session.run("pytest", "tests/test_documentation.py", "tests/test_examples.py", *session.posargs)
    session.run("pytest", "sknumpy_mlp")


@nox.session
def site(session):
    """Build the site, and look at each of its pages with Chromium, where that is installed."""
    session.install("-e", ".[test,fast,docs,tools]")
    session.run("python", "-m", "sphinx", "-W", "docs", "build/docs")
    session.run("pytest", "tests/site", *session.posargs)


@nox.session
def benchmark(session):
    """Run a benchmark on one thread: ``-- fit.py --cells digits``; benchmarks/README.md has all."""
    session.install("-e", ".[fast]")
    name, *options = session.posargs or ["predict.py"]
    threads = {f"{each}_NUM_THREADS": "1" for each in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    session.run("python", f"benchmarks/{name}", *options, env=threads)


@nox.session
def release(session):
    """Build the wheel and the source distribution in dist/, check and test both."""
    shutil.rmtree(DIST, ignore_errors=True)
    session.install("-e", ".[test,tools]")
    session.run("pytest", "--require-tools", "tests/test_wheel.py", "tests/test_project.py")
    session.run("python", "-m", "build", "--no-isolation")
    session.run("twine", "check", "--strict", *map(str, DIST.iterdir()))


@nox.session(venv_backend="none")
def check(session):
    """Run every check, as before a release: all versions, kernels, tools, the wheel."""
    session.run("bash", ".ci/run", *session.posargs, external=True)
