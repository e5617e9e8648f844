"""The built site, a server for it on this machine alone, and visits to it."""

import functools
import http.server
import threading

import pytest

from . import BUILT


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, *arguments):
        """Print nothing."""


@pytest.fixture(scope="session")
def address():
    """The address of a server of the site."""
    handler = functools.partial(Quiet, directory=BUILT)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        worker = threading.Thread(target=server.serve_forever)
        worker.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        worker.join()


class Visit:
    """A page in a context of its own, and what went wrong on it."""

    def __init__(self, browser, address):
        self.wrong, self.address = [], address
        self.context = browser.new_context(
            viewport={"width": 390, "height": 800}, reduced_motion="reduce"
        )
        self.context.route("**/*", self._allow)
        self.page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("requestfailed", lambda request: self.wrong.append(f"failed: {request.url}"))
        self.page.on("response", self._answered)

    def _allow(self, route):
        if route.request.url.startswith((self.address, "data:", "blob:")):
            route.continue_()
        else:
            self.wrong.append(f"request beyond this machine: {route.request.url}")
            route.abort()

    def _said(self, message):
        if message.type == "error":
            self.wrong.append(f"console: {message.text}")

    def _answered(self, response):
        if response.status >= 400:
            self.wrong.append(f"{response.status}: {response.url}")

    def open(self, name):
        """Load a page of the site, with its fonts and without transitions between colours."""
        self.page.goto(f"{self.address}/{name}")
        self.page.add_style_tag(content="* { transition: none !important }")
        self.page.evaluate("document.fonts.ready.then(() => true)")


@pytest.fixture
def visit(browser, address):
    """A new visit."""
    visit = Visit(browser, address)
    yield visit
    visit.context.close()
