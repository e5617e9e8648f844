"""What Chromium says of the texts of a page."""

from pathlib import Path

CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
LOWEST_CONTRAST = 4.5  # of WCAG 2, level AA


def contrasts(page):
    """The number of visible texts, and those whose contrast with their background is too low."""
    return page.evaluate(f"({CONTRAST})({LOWEST_CONTRAST})")
