"""The built site: every link resolves, and a browser shows every page as it should be."""

import html.parser
from urllib.parse import unquote, urldefrag, urlparse

import pytest

from ..pages import contrasts
from . import BUILT, PAGES

# Widths of a telephone and of a laptop.
WIDTHS = (390, 1280)
PICTURES = "main img, article img"


def test_the_site_is_built(request):
    if not PAGES and not request.config.getoption("--require-tools"):
        pytest.skip("the site is not built: python -m sphinx -W docs build/docs")
    assert "index.html" in PAGES
    assert {"learn", "use", "explain", "reference", "project", "gallery"} <= {
        name.partition("/")[0] for name in PAGES
    }


class Links(html.parser.HTMLParser):
    """The targets of links, and the anchors that can be linked to."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.anchors = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.targets.add(value)
            elif name == "id":
                self.anchors.add(value)


@pytest.fixture(scope="module")
def links():
    return {name: Links((BUILT / name).read_text(encoding="utf-8")) for name in PAGES}


@pytest.mark.parametrize("name", PAGES)
def test_links_within_the_site_resolve(name, links):
    for target in links[name].targets:
        path, anchor = urldefrag(target)
        if urlparse(target).scheme:
            assert target.startswith(("https://", "mailto:", "data:")), target
            continue
        path = unquote(path.partition("?")[0])
        found = ((BUILT / name).parent / path).resolve() if path else BUILT / name
        assert found.is_file(), target
        if anchor and found.suffix == ".html":
            page = found.relative_to(BUILT.resolve()).as_posix()
            assert unquote(anchor) in links[page].anchors, target


@pytest.mark.parametrize("name", PAGES)
def test_a_browser_shows_the_page(name, visit):
    page = visit.page
    page.emulate_media(color_scheme="light")
    visit.open(name)
    assert page.locator(".katex-error").count() == 0
    assert page.locator("span.math, div.math").count() <= page.locator(".katex").count()
    without = page.eval_on_selector_all(
        PICTURES,
        """pictures => pictures.filter(
            each => !each.closest(".sphx-glr-thumbcontainer") && !each.getAttribute("alt")
        ).map(each => each.src)""",
    )
    assert not without, "pictures without a text"
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(f"document.documentElement.dataset.theme == '{scheme}'")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (scheme, width)
            too_low = contrasts(page)["low"]
            assert not too_low, (scheme, width, too_low[:5])
    assert not visit.wrong


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("temperature", "use/calibration.html"),
        ("make_tabular_mlp", "sknumpy_mlp.make_tabular_mlp.html"),
        ("softmax", "explain/mathematics.html"),
    ],
)
@pytest.mark.skipif(not PAGES, reason="the site is not built")
def test_the_search_finds(words, page, visit):
    visit.open(f"search.html?q={words}")
    visit.page.wait_for_selector("ul.search li a")
    visit.page.wait_for_function("document.querySelectorAll('ul.search li a').length > 1")
    found = visit.page.eval_on_selector_all("ul.search li a", "all => all.map(each => each.href)")
    assert any(page in each for each in found), found
    assert not visit.wrong
