"""The site as it was built by ``python -m sphinx -W docs build/docs``."""

from pathlib import Path

BUILT = Path(__file__).parents[2] / "build" / "docs"
PAGES = sorted(
    path.relative_to(BUILT).as_posix()
    for path in BUILT.rglob("*.html")
    # The theme keeps a template there.
    if "_static" not in path.relative_to(BUILT).parts
)
