"""The pages of docs/learn: what they quote of the source is there."""

import ast
import re
from pathlib import Path

import pytest

from .common import blocks

ROOT = Path(__file__).parent.parent
LEARN = ROOT / "docs" / "learn"
# A link to the source: a name, as `Class.method` or `function`, and the file that defines it.
PLACE = re.compile(r"\[`([\w.]+)`\]\((\.\./\.\./sknumpy_mlp/[\w/]+\.py)\)")
PLACES = sorted(
    {(page.name, *each) for page in LEARN.glob("*.md") for each in PLACE.findall(page.read_text())}
)


def defined(path):
    """The names of functions, classes and methods that a file defines."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{each.name}" for each in node.body if hasattr(each, "name")}
    return names


@pytest.mark.parametrize(("page", "name", "target"), PLACES)
def test_a_linked_place_is_in_its_file(page, name, target):
    assert name in defined((LEARN / page).parent / target)


def test_each_line_of_the_network_is_linked_to_its_place():
    page = LEARN / "network-in-40-lines.md"
    source = blocks(page)[0]
    lines = [line.strip() for line in source.splitlines()]
    wanted = [line for line in lines if line and not line.startswith(("import ", "class ", "def "))]
    linked = re.findall(rf"^\| `(.*)` \| {PLACE.pattern} \|", page.read_text(), re.MULTILINE)
    assert [line for line, *_ in linked] == wanted


def test_the_network_has_40_lines():
    source = blocks(LEARN / "network-in-40-lines.md")[0]
    (network,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    statements = [line for line in ast.get_source_segment(source, network).splitlines() if line]
    assert len(statements) == 40
