"""The README and the guides: every code block runs, every link resolves, every name is there."""

import inspect
import re
import tomllib
import warnings
from pathlib import Path

import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

import sknumpy_mlp
from sknumpy_mlp import (
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    callbacks,
    displays,
    inspection,
    onnx,
)
from sknumpy_mlp._family import Family

from .common import blocks, paragraphs
from .pages import TOOLS, import_tools

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
USE = sorted((ROOT / "docs/use").glob("*.md"))


def relative(page):
    return page.relative_to(ROOT).as_posix()


def parameters(cls, function):
    return inspect.signature(getattr(cls, function)).parameters.keys()


def run(page, code, folder, monkeypatch):
    """Run blocks of a page in one new namespace, in a folder of its own."""
    import_tools(page)
    monkeypatch.chdir(folder)
    session = {"__name__": page.stem}
    with warnings.catch_warnings():
        if page.name in TOOLS:
            # What tools say of each other is not about the page.
            for category in (DeprecationWarning, FutureWarning, ResourceWarning):
                warnings.simplefilter("ignore", category)
        for number, block in enumerate(code, 1):
            exec(compile(block, f"{page.name}, block {number}", "exec"), session)


def sections_of(page):
    """Titles and texts of the sections of the second level."""
    parts = re.split(r"^## (.*)\n", page.read_text(), flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2]))


def texts_of_the_project():
    folders = ["sknumpy_mlp", "tests", "examples", "docs", "benchmarks"]
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".md", ".txt", ".toml"):
                yield path
    yield from (ROOT / name for name in ("README.md", "CHANGELOG.md", "pyproject.toml"))


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=relative)
def test_the_code_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    run(page, blocks(page), tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "page", [p for p in USE if p.name != "index.md"], ids=lambda page: page.stem
)
def test_a_use_page_ends_with_a_program_that_runs_alone(page, tmp_path, monkeypatch):
    *_, (title, last) = sections_of(page)
    assert title == "The whole program", "the last section holds the program"
    program = r"```python\n[^`]*```(\n\n```text\n[^`]*```)?"
    *_, rest = re.split(r"\n\n(?=```python)", f"\n\n{last.strip()}")
    assert re.fullmatch(program, rest), "and after it nothing but what it prints"
    run(page, blocks(page)[-1:], tmp_path, monkeypatch)


def test_readme_shows_what_its_code_prints(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = ROOT / "README.md"
    (block,) = blocks(page)
    (shown,) = re.findall(r"^```text\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    exec(compile(block, page.name, "exec"), {})
    assert capsys.readouterr().out == shown


def source(path):
    """The file behind a page; those of the gallery are made from scripts and headers."""
    gallery = ROOT / "docs/gallery"
    if not path.is_relative_to(gallery):
        return path
    script = ROOT / "examples/gallery" / path.relative_to(gallery).with_suffix(".py")
    return script.with_name("GALLERY_HEADER.rst") if path.stem == "index" else script


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_relative_links_resolve(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        path = (page.parent / target).resolve()
        assert target.startswith("https://") or source(path).exists(), target


def test_the_readme_leads_to_every_section_of_the_documentation():
    linked = set(re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text()))
    sections = {page.relative_to(ROOT).as_posix() for page in (ROOT / "docs").glob("*/index.md")}
    assert sections and sections | {"docs/index.md", "docs/get-started.md"} <= linked


def test_the_numbers_of_the_first_page_are_those_of_the_benchmarks():
    rows = re.findall(r"^(\| .*\d) \|$", (ROOT / "docs/index.md").read_text(), re.MULTILINE)
    measured = (ROOT / "docs/reference/benchmarks.md").read_text()
    assert len(rows) >= 5
    for row in rows:
        name, error, loss, seconds = row.strip("| ").split(" | ")
        assert re.search(
            rf"^\| {re.escape(name)} \| {error} \| {loss} \| .* \| {seconds} \| \d+ \|$",
            measured,
            re.MULTILINE,
        ), row


def test_readme_installs_extras_that_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    readme = (ROOT / "README.md").read_text()
    assert set(re.findall(r'"\.\[(\w+)\]"', readme)) <= set(project["optional-dependencies"])
    assert '    pip install ".[plot]" && python examples/digits.py\n' in readme
    assert '    pip install -e ".[test]" && pytest\n' in readme


def public_classes():
    modules = {"activations", "embeddings", "initializers", "losses", "optimizers", "schedules"}
    names = set(sknumpy_mlp.__all__) - modules
    names |= {
        name
        for name, value in vars(callbacks).items()
        if hasattr(value, "on_fit_task_end") and value.__module__ == callbacks.__name__
    }
    names |= set(onnx.__all__)
    names |= set(inspection.__all__)
    names |= set(displays.__all__)
    for family in Family.__subclasses__():
        for part in (family, *family.members()):
            if part.__module__.startswith("sknumpy_mlp.") and not part.__name__.startswith("_"):
                names.add(part.__name__)
                names.update([part.name] if vars(part).get("name") else [])
    return names


def test_the_page_of_public_names_lists_them_all_and_no_others():
    rows = re.findall(r"^\| (.*) \|$", (ROOT / "docs/reference/api.md").read_text(), re.MULTILINE)
    listed = {
        name for row in rows for name in re.findall(r"`(\w+)`", " | ".join(row.split("|")[:2]))
    }
    assert public_classes() == listed
    assert {"ScratchMLPClassifier", "ScratchMLPRegressor"} <= set(sknumpy_mlp.__all__)


# What the docstrings of the two estimators say otherwise of the same name, and why.
DIFFERENT = {
    "hidden_layer_sizes": "without hidden layers one is logistic regression, one a linear model",
    "loss": "a loss serves classes or numbers",
    "early_stopping": "classes are stratified",
    "scoring": "the default is the accuracy or R^2",
    "members": "probabilities are averaged, or predictions; only probabilities have temperatures",
    "n_outputs_": "several quantiles are of one column",
    "out_activation_": "the link of a loss, which serves classes or numbers",
}


@pytest.mark.parametrize("title", ["Parameters", "Attributes"])
def test_estimators_say_the_same_of_what_they_share(title):
    one, other = (paragraphs(cls, title) for cls in (ScratchMLPClassifier, ScratchMLPRegressor))
    for name in one.keys() & other.keys():
        assert (one[name] == other[name]) == (name not in DIFFERENT), (
            f"the paragraphs of {name} must be the same word for word, or DIFFERENT must say why "
            f"they are not:\n{one[name]}\n{other[name]}"
        )


def test_the_page_of_differences_names_every_new_parameter():
    page = (ROOT / "docs/reference/differences.md").read_text(encoding="utf-8")
    for ours, theirs in (
        (ScratchMLPClassifier, MLPClassifier),
        (ScratchMLPRegressor, MLPRegressor),
    ):
        for function in ("__init__", "fit"):
            new = parameters(ours, function) - parameters(theirs, function)
            missing = sorted(name for name in new if f"`{name}`" not in page)
            assert not missing, f"docs/reference/differences.md: {missing} among the new parameters"


def test_the_tour_names_every_module():
    tour = (ROOT / "docs/explain/source-tour.md").read_text()
    for path in (ROOT / "sknumpy_mlp").rglob("*.py"):
        if path.name != "__init__.py":
            assert f"`{path.relative_to(ROOT).as_posix()}`" in tour


def test_nothing_points_to_the_machine_it_was_written_on():
    forbidden = re.compile(r"/(work|tmp|root|home)/")
    for path in texts_of_the_project():
        if path != Path(__file__):
            assert not forbidden.search(path.read_text()), path
