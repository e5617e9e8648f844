"""The site as it was built by ``python -m sphinx -W docs build/docs``."""

from pathlib import Path

BUILT = Path(__file__).parents[2] / "build" / "docs"
PAGES = sorted(
    path.relative_to(BUILT).as_posix()
    for path in BUILT.rglob("*.html")
    # The theme keeps a template in one, and examples that are downloaded are in the other.
    if not {"_static", "_downloads"} & set(path.relative_to(BUILT).parts)
)
