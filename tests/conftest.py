import shutil
import signal

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def doctest_names(doctest_namespace):
    """Core doctests write ``np`` as their files do."""
    doctest_namespace["np"] = np


@pytest.fixture
def usual_handler():
    """Let Ctrl-C raise KeyboardInterrupt, even where the shell has tests ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def browser(request):
    """Chromium, headless; closed after each file, since its event loop would meet others."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        if request.config.getoption("--require-tools"):
            pytest.fail("chromium is not installed: apt-get install chromium")
        pytest.skip("chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        # Without the sandbox, since checks run as root; only pages of this machine are opened.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def pytest_collection_modifyitems(items):
    """Refuse ids with addresses: nobody can repeat them, nor share them between processes."""
    addressed = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if addressed:
        raise pytest.UsageError(f"ids=label of tests/common.py names these: {addressed}")
