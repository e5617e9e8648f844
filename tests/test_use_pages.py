"""Pages of docs/use that show what their code prints, to the end."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

from .common import blocks
from .pages import import_tools

USE = Path(__file__).parent.parent / "docs/use"
# The share by which figures may differ: those of a fit depend on how a machine rounds.
PAGES = {"hyperparameters.md": 0.1, "imbalanced.md": 0.1, "messages.md": 0.0, "migrate.md": 0.1}
# A block of code, and what it prints.
SHOWN = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def printed(code, name, session):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, name, "exec"), session)
    return out.getvalue()


def assert_alike(found, shown, share):
    """Assert equal text. If a share is given, numbers may differ by it, and the order of lines."""
    if not share:
        assert found == shown
        return
    assert sorted(NUMBER.sub("N", found).split()) == sorted(NUMBER.sub("N", shown).split())
    numbers = [sorted(map(float, NUMBER.findall(text))) for text in (found, shown)]
    np.testing.assert_allclose(*numbers, rtol=share, atol=0.02, err_msg=found)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_its_code_prints(page, tmp_path, monkeypatch):
    import_tools(USE / page)
    monkeypatch.chdir(tmp_path)
    session = {"__name__": page}
    shown = SHOWN.findall((USE / page).read_text(encoding="utf-8"))
    assert any(text for _, text in shown)
    # test_documentation.py runs the last block alone; here, it must print.
    last, text_of_the_last = shown[-1]
    assert last == blocks(USE / page)[-1] and text_of_the_last
    for number, (code, text) in enumerate(shown, 1):
        assert_alike(printed(code, f"{page}, block {number}", session), text, PAGES[page])


@pytest.mark.parametrize("change", ["0.154", "0.5 nats", "log-loss 0.11\nmore"])
def test_a_page_that_shows_something_else_is_found(change):
    assert_alike("log-loss 0.110\n", "log-loss 0.113\n", 0.1)
    for share in (0.0, 0.1):
        with pytest.raises(AssertionError):
            assert_alike("log-loss 0.110\n", f"log-loss {change}\n", share)
