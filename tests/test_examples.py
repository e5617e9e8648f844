"""The example scripts, run as a user runs them, in a process of their own."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
GALLERY = sorted((EXAMPLES / "gallery").rglob("plot_*.py"))
# Runs a script of the gallery, and prints what is wrong with its pictures.
LOOK = """
import runpy, sys
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
plt.show = lambda: None
runpy.run_path(sys.argv[1], run_name="__main__")
figures = [plt.figure(number) for number in plt.get_fignums()]
print("" if figures else "PICTURE: there is none")
for number, figure in enumerate(figures, 1):
    figure.canvas.draw()
    # Sphinx-Gallery makes the text for the blind from titles.
    if not (figure.get_suptitle() or any(ax.get_title() for ax in figure.axes)):
        print(f"PICTURE {number} has no title")
    width, height = figure.get_size_inches()
    # A phone shows six inches as 390 pixels, in which nine points are eight pixels high.
    if width > 7 or height > 10:
        print(f"PICTURE {number} is too large: {width} x {height} inches")
    for text in figure.findobj(matplotlib.text.Text):
        if text.get_text() and text.get_visible() and text.get_fontsize() < 9:
            print(f"PICTURE {number}: {text.get_text()!r} is of {text.get_fontsize()} points")
"""


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


def test_recipes_prints_published_and_reached_side_by_side(tmp_path):
    done = run("recipes.py", "--only", "R4", "--seeds", "1", "--output", tmp_path / "output")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("R4 "))
    assert "93.06 +- 1.34" in line
    assert line.split()[-2] == "reached"
    assert "epoch 1000   training" in done.stdout
    assert "4,810" in done.stdout
    assert '"Neural network from scratch" by Qi Wang' in done.stdout
    assert (tmp_path / "output" / "R4.png").read_bytes().startswith(b"\x89PNG")


def test_replay_prints_the_published_digits_and_draws_them(tmp_path):
    done = run("replay.py", "--output", tmp_path / "output")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("   100 "))
    assert line.split() == ["100", "100.00", "100.00", "2.189685762860", "2.189685762860", "="]
    assert "88.06 % of the 360 test rows" in done.stdout
    assert "<svg" in (tmp_path / "output" / "replay-r0.svg").read_text()


def test_replay_refuses_a_folder_without_data_in_words(tmp_path):
    done = run("replay.py", "--data", tmp_path)
    assert done.returncode == 2
    assert "--data must be a folder that holds mnist.npz" in done.stderr


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


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
class TestGallery:
    def test_a_script_has_the_form_that_the_gallery_reads(self, path):
        text = path.read_text(encoding="utf-8")
        title, rule, empty = ast.get_docstring(ast.parse(text)).splitlines()[:3]
        assert rule == "=" * len(title) and empty == ""
        assert text.count("\n# %%\n") >= 1
        assert "plt.show()" in text
        for heading, rule in re.findall(r"^# (.+)\n# (-{4,})$", text, re.MULTILINE):
            assert len(heading) == len(rule), heading
        assert (path.parent / "GALLERY_HEADER.rst").is_file()

    def test_a_script_draws_the_same_for_everyone(self, path):
        """Every random number has a seed, and nothing is fetched."""
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                keywords = {keyword.arg for keyword in node.keywords}
                # Two stars may hold it.
                if called.startswith("ScratchMLP") and "." not in called and None not in keywords:
                    assert "random_state" in keywords, ast.unparse(node)
                if called.endswith(("RandomState", "default_rng")):
                    assert node.args, ast.unparse(node)
                assert "fetch" not in called, called

    def test_a_script_runs_and_its_pictures_can_be_read_on_a_phone(self, path, pytestconfig):
        # The build of the site runs all of them as well.
        if not pytestconfig.getoption("--require-tools"):
            pytest.skip("this takes minutes: run with --require-tools")
        text = path.read_text(encoding="utf-8")
        needed = re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE)
        for name in [*needed, *(["sklearn.callback"] if "set_callbacks" in text else [])]:
            pytest.importorskip(name, reason=f"{name} is not installed")
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", LOOK, path],
            cwd=path.parent,  # as Sphinx-Gallery runs it
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "PICTURE" not in done.stdout, done.stdout
