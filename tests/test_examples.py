"""The example scripts, run as a user runs them, in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(script, *arguments, path=None):
    """Run an example with warnings as errors; returns what it did and printed."""
    # In front of what the caller has there: the package itself may be found by it.
    paths = [str(each) for each in (path, os.environ.get("PYTHONPATH")) if each]
    return subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / script, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )


def test_digits_trains_searches_saves_and_draws(tmp_path):
    done = run("digits.py", tmp_path / "output")
    assert (done.returncode, done.stderr) == (0, "")
    picture = tmp_path / "output" / "digits.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "output" / "digits.joblib").is_file()
    for said in (
        "hidden 1     64  relu             4,160",
        "Iteration 1, loss",
        "Test accuracy: 0.9",
        "true \\ predicted",
        "activation=silu, learning_rate_init",
        "One single image",
        "the same to the bit",
        f"Picture: {picture}",
    ):
        assert said in done.stdout


def test_digits_without_matplotlib_says_what_to_install_and_goes_on(tmp_path):
    missing = tmp_path / "missing"
    missing.mkdir()
    # The first matplotlib on the path is one that cannot be imported.
    (missing / "matplotlib.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'matplotlib'\", name='matplotlib')\n"
    )
    done = run("digits.py", tmp_path / "output", path=missing)
    assert (done.returncode, done.stderr) == (0, "")
    assert 'pip install ".[plot]"' in done.stdout
    assert "Done in" in done.stdout
    assert not (tmp_path / "output" / "digits.png").exists()


def test_recipes_prints_published_and_reached_side_by_side():
    done = run("recipes.py", "--only", "R4", "--seeds", "1")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("R4 "))
    assert "93.06 +- 1.34" in line
    assert line.split()[-2] == "reached"
    assert "epoch 1000   training" in done.stdout
    assert "4,810" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "no_such_folder"], "--data must be a folder that holds mnist.npz"),
        (["--seeds", "0"], "--seeds must be at least 1"),
        (["--only", "R9"], "invalid choice"),
    ],
)
def test_recipes_refuses_a_wrong_command_line_in_words(arguments, said):
    done = run("recipes.py", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_draw_a_digit_writes_a_page_and_reads_an_image(tmp_path):
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    gray = np.full((60, 40), 220, np.uint8)
    gray[8:52, 18:23] = 30
    Image.fromarray(gray).save(tmp_path / "one.png")
    done = run("draw_a_digit.py", tmp_path / "output", "--image", tmp_path / "one.png")
    assert (done.returncode, done.stderr) == (0, "")
    page = tmp_path / "output" / "draw_a_digit.html"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "Test accuracy: 0.9" in done.stdout
    assert f"Open in a browser: {page}" in done.stdout
    assert "one.png: 1 with probability 0.9" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "no_such_folder"], "--data must be a folder that holds mnist.npz"),
        (["--image", "no_such_file"], "--image must be a file"),
        (["--activation", "gelu"], "invalid choice"),
    ],
)
def test_draw_a_digit_refuses_a_wrong_command_line_in_words(arguments, said):
    done = run("draw_a_digit.py", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
