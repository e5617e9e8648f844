"""The figures of the pages: drawn by docs/_figures/make.py, described, and shown."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed; the figures need it")

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "_static" / "figures"
# Drawn by examples/replay.py and examples/recipes.py, two of them on MNIST.
OF_EXAMPLES = {"replay-r0.svg", "replay-r3.svg", "r4.svg"}


def shown():
    """The description and the file of every figure that a page shows."""
    pages = (page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))
    return [
        each
        for page in pages
        for each in re.findall(r"!\[(.*?)\]\(\.\./_static/figures/(.*?)\)", page)
    ]


def test_every_figure_is_shown_and_described():
    assert {name for _, name in shown()} == {path.name for path in FOLDER.iterdir()}
    assert all(len(description) > 30 for description, _ in shown())


def test_the_script_draws_the_figures(tmp_path):
    command = [sys.executable, "-W", "error", ROOT / "docs" / "_figures" / "make.py", tmp_path]
    subprocess.run(command, check=True)
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn | OF_EXAMPLES == {path.name for path in FOLDER.iterdir()}
    assert all("<svg" in path.read_text() for path in tmp_path.iterdir())
