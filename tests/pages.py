"""What the code of a page needs, and what Chromium says of its texts."""

from pathlib import Path

import pytest

# What the code of a page needs beside the package; sklearn.callback is in scikit-learn 1.9.
TOOLS = {
    "callbacks.md": ("sklearn.callback", "rich"),
    "explanations.md": ("pandas",),
    "messages.md": ("pandas",),
    "intervals.md": ("mapie",),
    "larger-than-memory.md": ("distributed", "dask_ml", "pyarrow", "rich"),
    "onnx.md": ("skl2onnx", "onnxruntime"),
    "resume.md": ("sklearn.callback",),
    "monitoring.md": ("sklearn.callback", "mlflow", "tensorboardX"),
    "searches.md": ("sklearn.callback", "optuna"),
}

CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
LOWEST_CONTRAST = 4.5  # of WCAG 2, level AA


def contrasts(page):
    """The number of visible texts, and those whose contrast with their background is too low."""
    return page.evaluate(f"({CONTRAST})({LOWEST_CONTRAST})")


def import_tools(page):
    """Skip a test where a tool that a page needs is missing."""
    for tool in TOOLS.get(page.name, ()):
        pytest.importorskip(tool, reason=f"{tool} is not installed; {page.name} needs it")
