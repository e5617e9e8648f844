"""A named part is one class, its formula in a test, and a row of the reference.

Every other place that lists names is checked against the registry, `Activation.named()` and its
like. A failure says what to add, and where.
"""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp._estimator.parameters import FAMILIES
from sknumpy_mlp.activations import Activation
from sknumpy_mlp.initializers import Initializer, VarianceScaling
from sknumpy_mlp.losses import Loss
from sknumpy_mlp.optimizers import Optimizer
from sknumpy_mlp.schedules import Schedule

from . import test_activations, test_initializers, test_optimizers, test_regressor, test_schedules
from .common import paragraphs
from .families import default, members
from .losses import exact

ROOT = Path(__file__).parent.parent
ESTIMATORS = [ScratchMLPClassifier, ScratchMLPRegressor]
# The parameter of the estimators that takes a part of each family.
PARAMETERS = {family: name for name, family in FAMILIES.items()}
# Of a count of parts in words, such as "eleven activations", the noun and the number.
COUNTED = {
    "activations?": lambda: len(Activation.named()),
    "activation functions?": lambda: len(Activation.named()),
    "solvers?": lambda: len(Optimizer.named()),
    "weight initializers?": lambda: len(usable(Initializer)),
}
NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve thirteen".split()
NUMBERS += "fourteen fifteen sixteen seventeen eighteen nineteen twenty".split()


def page(name):
    return (ROOT / name).read_text(encoding="utf-8")


def usable(family):
    """The classes of a family that users pass, not those that others only derive from."""
    return [cls for cls in members(family) if vars(cls).get("name") or not members(cls)]


def summary(cls):
    """The first line of a docstring."""
    return inspect.getdoc(cls).splitlines()[0]


def is_for_numbers(cls):
    return "continuous" in cls.kinds


def estimators_of(family, cls):
    """The estimators that take the part; a loss those whose targets it serves."""
    if family is not Loss:
        return ESTIMATORS
    is_for_classes = set(cls.kinds) != {"continuous"}
    return [
        each for each, wanted in zip(ESTIMATORS, (is_for_classes, is_for_numbers(cls))) if wanted
    ]


# ---- the places: each yields what to add for a part that it does not know ----


def in_docstrings(family, name, cls):
    for estimator in estimators_of(family, cls):
        paragraph = paragraphs(estimator, "Parameters")[PARAMETERS[family]]
        if f'"{name}"' not in paragraph:
            where = inspect.getsourcefile(estimator).replace(os.sep, "/").rpartition("/")[2]
            yield f'{where}: "{name}" in the paragraph of `{PARAMETERS[family]}`'


def in_reference(family, name, cls):
    row = f"| {f'`{name}`' if name else ''} | `{cls.__name__}` | {summary(cls)} |"
    if " ".join(row.split()) not in " ".join(page("docs/reference/api.md").split()):
        yield f"docs/reference/api.md: the row {row}"


def in_mathematics(family, name, cls):
    """A row in the table of formulas: the page, and the heading above the table."""
    tables = {
        Activation: ("mathematics", "Derivatives of the activations"),
        Loss: ("mathematics", "Regression losses"),
        Optimizer: ("optimizers", "Optimizers"),
        Initializer: ("initializers", "What there is"),
    }
    if family not in tables or (family is Loss and not is_for_numbers(cls)):
        return
    where, title = tables[family]
    table = page(f"docs/explain/{where}.md").partition(f"# {title}\n")[2].partition("\n#")[0]
    if f"\n| {name} |" not in table:
        yield f"docs/explain/{where}.md: a row of {name} in the table of {title!r}"


def in_guide(family, name, cls):
    listed = family is Schedule or (family is Loss and is_for_numbers(cls))
    where = f"docs/use/{'learning-rates' if family is Schedule else 'regression'}.md"
    if listed and f'"{name}"' not in page(where):
        yield f'{where}: "{name}"'


def in_differences(family, name, cls):
    listed = family in (Optimizer, Schedule) or (family is Loss and is_for_numbers(cls))
    known = {"sgd", "adam", "lbfgs", "squared_error", "poisson"}
    if listed and name not in known and f'"{name}"' not in page("docs/reference/differences.md"):
        yield f'docs/reference/differences.md: "{name}" among the values of `{PARAMETERS[family]}`'


def in_formulas(family, name, cls):
    """The formula by which a test knows better than the class."""
    if family is Activation and name not in test_activations.EXACT:
        yield "tests/test_activations.py: the formula in EXACT"
    elif family is Optimizer and cls.takes_steps and name not in test_optimizers.TEXTBOOK:
        yield "tests/test_optimizers.py: the formula in TEXTBOOK"
    elif family is Schedule and name not in test_schedules.EXACT:
        yield "tests/test_schedules.py: the factor in EXACT"
    elif family is Initializer:
        # Theirs is read from the docstring.
        if not issubclass(cls, VarianceScaling) and cls not in test_initializers.VARIANCES:
            yield "tests/test_initializers.py: the variance in VARIANCES"
    elif family is Loss:
        formulas = {type(default(cls).for_target(kind)) for kind in cls.kinds}
        for each in sorted(formulas - exact.EXACT.keys(), key=lambda each: each.__name__):
            yield f"tests/losses/exact.py: the formula of {each.__name__} in EXACT"
        if is_for_numbers(cls) and name not in test_regressor.CENTERS:
            yield "tests/test_regressor.py: what a loss predicts without information in CENTERS"


PLACES = [in_docstrings, in_reference, in_mathematics, in_guide, in_differences, in_formulas]


def complaints(family, name, cls):
    """What to add for this part, and where."""
    return [complaint for place in PLACES for complaint in place(family, name, cls)]


def counts(text):
    """Yield each count of parts in a text, the number that is right, and where it stands."""
    numbers = "|".join(NUMBERS[1:])
    for noun, number in COUNTED.items():
        for found in re.finditer(rf"\b({numbers}|\d+)\s+{noun}\b", text, re.IGNORECASE):
            yield found[1].lower(), number(), found[0]
    for parameter, found in re.findall(rf"^- `(\w+)`: ({numbers}|\d+) names", text, re.MULTILINE):
        yield found, len(FAMILIES[parameter].named()), f"`{parameter}`: {found} names"


# ---- the tests ----

# Those of the package: other tests define names of their own, which live on for a while.
NAMED = [
    (family, name, cls)
    for family in PARAMETERS
    for name, cls in family.named().items()
    if cls in members(family)
]


@pytest.mark.parametrize(("family", "name", "cls"), NAMED, ids=[name for _, name, _ in NAMED])
def test_every_place_knows_the_name(family, name, cls):
    missing = complaints(family, name, cls)
    assert not missing, f"{name!r} is missing from these places:\n" + "\n".join(missing)


@pytest.mark.parametrize("family", PARAMETERS, ids=lambda family: family.__name__)
def test_the_reference_has_the_first_line_of_every_class(family):
    classes = [family, *(cls for cls in members(family) if not cls.__name__.startswith("_"))]
    missing = [
        complaint
        for cls in classes
        for complaint in in_reference(family, vars(cls).get("name"), cls)
    ]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "CHANGELOG.md",
        *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
    ],
)
def test_counts_in_words_are_right(name):
    text = page(name)
    if name == "CHANGELOG.md":
        # What a version had it has for ever.
        text = text.partition("## Unreleased")[2].partition("\n## ")[0]
    for written, number, where in counts(text):
        assert written in (str(number), NUMBERS[number]), (
            f"{name}: {where!r}, but there are {number}"
        )


@pytest.mark.parametrize("parameter", FAMILIES)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_docstrings_list_no_name_that_is_not_there(estimator, parameter):
    family = FAMILIES[parameter]
    paragraph = paragraphs(estimator, "Parameters")[parameter]
    listed = set(re.findall(r'"(\w+)"', paragraph))
    assert listed <= {
        name for name, cls in family.named().items() if estimator in estimators_of(family, cls)
    }


# ---- a new name is missed in every place ----

NEW_PARTS = """
from sknumpy_mlp import activations, embeddings, initializers, losses, optimizers, schedules

def new(base, family, **members):
    address = f"sknumpy_mlp.{family}"
    members |= {"__module__": address, "name": "new", "__doc__": "A new part."}
    return type("New", (base,), members)

parts = [
    new(activations.Activation, "activations"),
    new(embeddings.Embedding, "embeddings"),
    new(initializers.Initializer, "initializers"),
    new(losses.NumericLoss, "losses", value_and_gradient=lambda self, Z, y, losses, scratch: None),
    new(optimizers.Optimizer, "optimizers"),
    new(schedules.Schedule, "schedules"),
]
# Registered before the tests are imported, as a part of the package is.
from tests import test_registry

for family, name, cls in test_registry.NAMED:
    if name == "new":
        for complaint in test_registry.complaints(family, name, cls):
            print(f"{family.__name__}: {complaint}")
for text in ("eleven activations", "seven\\nsolvers", "nine weight initializers",
             "- `loss`: seven names"):
    ((written, number, _),) = test_registry.counts(text)
    print(f"{written} -> {number}")
"""


def test_a_new_name_is_missed_in_every_place():
    """Classes without an entry anywhere: the failures say what to do."""
    run = subprocess.run(
        [sys.executable, "-c", NEW_PARTS],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    row = "docs/reference/api.md: the row | `new` | `New` | A new part. |"
    files = ("classifier.py", "regressor.py")
    expected = {
        *(f'Activation: {f}: "new" in the paragraph of `activation`' for f in files),
        *(f'Embedding: {f}: "new" in the paragraph of `embedding`' for f in files),
        *(f'Initializer: {f}: "new" in the paragraph of `init`' for f in files),
        'Loss: regressor.py: "new" in the paragraph of `loss`',
        *(f'Optimizer: {f}: "new" in the paragraph of `solver`' for f in files),
        *(f'Schedule: {f}: "new" in the paragraph of `learning_rate`' for f in files),
        *(f"{family.__name__}: {row}" for family in PARAMETERS),
        "Activation: docs/explain/mathematics.md: a row of new in the table of 'Derivatives of the "
        "activations'",
        "Loss: docs/explain/mathematics.md: a row of new in the table of 'Regression losses'",
        "Optimizer: docs/explain/optimizers.md: a row of new in the table of 'Optimizers'",
        "Initializer: docs/explain/initializers.md: a row of new in the table of 'What there is'",
        'Loss: docs/use/regression.md: "new"',
        'Schedule: docs/use/learning-rates.md: "new"',
        'Loss: docs/reference/differences.md: "new" among the values of `loss`',
        'Optimizer: docs/reference/differences.md: "new" among the values of `solver`',
        'Schedule: docs/reference/differences.md: "new" among the values of `learning_rate`',
        "Activation: tests/test_activations.py: the formula in EXACT",
        "Initializer: tests/test_initializers.py: the variance in VARIANCES",
        "Loss: tests/losses/exact.py: the formula of New in EXACT",
        "Loss: tests/test_regressor.py: what a loss predicts without information in CENTERS",
        "Optimizer: tests/test_optimizers.py: the formula in TEXTBOOK",
        "Schedule: tests/test_schedules.py: the factor in EXACT",
        "eleven -> 12",
        "seven -> 8",
        "nine -> 10",
    }
    assert set(run.stdout.splitlines()) == expected
