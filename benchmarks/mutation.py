"""How many small faults in the network's code the tests notice: a mutation score by room.

A mutant is the package with one comparison, operation, number or condition changed. For a seeded
sample of each room of the core and the parts, each mutant runs the tests of its room: first those
that were seen to execute the changed line, the fastest first. Those that survive run the tests of
the whole package.
cosmic-ray (``pip install cosmic-ray``) makes the mutants; a test that fails, or an endless loop,
kills one.

    python benchmarks/mutation.py --mutants 50 --workers 2 --results mutants.jsonl

The results are written as they come, and a run that was interrupted goes on where it stopped.
"""

import argparse
import ast
import collections
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "sknumpy_mlp"

# The modules of a room, and its tests; some are in files for all parts.
PARTS = ["tests/test_elementary.py", "tests/test_family.py"]
COMPILED = ["tests/core/compiled", "tests/core/test_compiled.py"]
ROOMS = {
    "activations": (["activations/*.py"], ["tests/test_activations.py", *PARTS]),
    "losses": (["losses/*.py"], ["tests/losses", *PARTS]),
    "initializers": (["initializers.py"], ["tests/test_initializers.py", *PARTS]),
    "optimizers": (["optimizers/*.py"], ["tests/test_optimizers.py", *PARTS]),
    "schedules": (["schedules.py"], ["tests/test_schedules.py", *PARTS]),
    "embeddings": (
        ["embeddings.py", "core/embeddings.py"],
        ["tests/core/test_embeddings.py", "tests/test_embeddings.py", *PARTS],
    ),
    "core": (["core/*.py"], ["tests/core", *PARTS, *(f"--ignore={path}" for path in COMPILED)]),
    "compiled": (["core/compiled/*.py"], COMPILED),
}
OPERATORS = ("Comparison", "BinaryOperator", "UnaryOperator", "Number", "AndWithOr", "OrWithAnd")
OPERATORS += ("TrueWithFalse", "FalseWithTrue", "AddNot", "BreakWithContinue", "ContinueWithBreak")

# Tests of other things than the code of the network: pages, style, tools.
SUITE = [
    "tests",
    "--ignore=tests/stress",
    "--ignore=tests/test_documentation.py",
    "--ignore=tests/test_benchmarks.py",
    "--ignore=tests/test_examples.py",
    "--ignore=tests/test_sklearn_conventions.py",
]
SECONDS = {"room": 600, "suite": 2400}  # an endless loop ends here
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]


def places(modules):
    """Places that can be mutated, as a dict of (module, line, column) to a list of mutations."""
    from cosmic_ray.commands.init import _all_work_items

    found = collections.defaultdict(list)
    for item in _all_work_items(modules, {}):
        (mutation,) = item.mutations
        if any(name in mutation.operator_name for name in OPERATORS):
            found[str(mutation.module_path), mutation.start_pos].append(mutation)
    return found


def sample(n_mutants, seed):
    """Draw so many mutants of each room, each at another place."""
    os.chdir(ROOT)
    drawn = []
    for room, (patterns, _) in ROOMS.items():
        modules = sorted(path for p in patterns for path in Path(PACKAGE).glob(p))
        spots = places([m for m in modules if room != "core" or m.name != "embeddings.py"])
        draw = random.Random(f"{room} {seed}")
        for spot in draw.sample(sorted(spots), min(n_mutants, len(spots))):
            drawn.append((room, draw.choice(spots[spot])))
    return drawn


def key(room, mutation):
    """The name of a mutant in the file of results."""
    line, column = mutation.start_pos
    name = mutation.operator_name.removeprefix("core/")
    return f"{room} {mutation.module_path}:{line}:{column} {name} {mutation.occurrence}"


def enter_a_copy():
    """Let this worker mutate a copy of the project: never the one that is at hand."""
    copy = Path(tempfile.mkdtemp(prefix="mutants-")) / "project"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", "build", "*.pyc", ".venv"))
    os.chdir(copy)
    # Bytecode of a mutant must not outlive it: a change within a second keeps the file's stamp.
    os.environ |= {
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_CACHE_DIR": str(copy / "kernels"),
    }


class Executed:
    """A plugin of pytest that records the seconds of each test, and the lines that it executes."""

    def __init__(self):
        import coverage

        self.coverage = coverage.Coverage(data_file=None, source=[PACKAGE])
        self.coverage.start()
        self.seconds = collections.defaultdict(float)

    def pytest_runtest_logstart(self, nodeid):
        self.coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] += report.duration

    def write(self, path):
        """Write the tests as JSON, the fastest first, and those of each line of each module."""
        self.coverage.stop()
        data = self.coverage.get_data()
        lines = {
            os.path.relpath(file): {k: [t for t in v if t] for k, v in found.items()}
            for file in data.measured_files()
            if (found := data.contexts_by_lineno(file))
        }
        tests = sorted(self.seconds, key=self.seconds.get)
        Path(path).write_text(json.dumps({"tests": tests, "lines": lines}))


def executed(room):
    """The tests of a room and the lines that they execute, measured in a process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "executed.json")
        command = [sys.executable, __file__, "--rooms", room, "--executed", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.loads(path.read_text())


def ordered(mutation, found):
    """The tests of a room, with those first that execute the changed statement.

    No other is left out: compiled code is not seen, nor code behind a tracer of a test's own.
    """
    source = mutation.module_path.read_text()
    line = mutation.start_pos[0]
    around = [
        (node.lineno, node.end_lineno)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt) and node.lineno <= line <= node.end_lineno
    ]
    first, last = max(around)
    lines = found["lines"].get(str(mutation.module_path), {})
    names = {name for n in range(first, last + 1) for name in lines.get(str(n), ())}
    return sorted(found["tests"], key=lambda name: name not in names)


def run(job):
    """Run the tests on a mutant: a record for the file of results."""
    from cosmic_ray.mutating import mutate_and_test

    room, mutation, stage, tests = job
    Path("tests-of-the-mutant").write_text("\n".join(tests))
    command = [*PYTEST, "-x", "@tests-of-the-mutant"]
    result = mutate_and_test([mutation], " ".join(command), SECONDS[stage])
    return {
        "mutant": key(room, mutation),
        "room": room,
        "stage": stage,
        "outcome": result.test_outcome.value,
        "diff": result.diff,
        "output": (result.output or "")[-400:],
    }


def judge(jobs, results, workers):
    """Run all jobs that the file of results does not have, and return its records."""
    done = [json.loads(line) for line in results.open()] if results.exists() else []
    names = {(record["mutant"], record["stage"]) for record in done}
    left = [job for job in jobs if (key(*job[:2]), job[2]) not in names]
    rooms = {room for room, _, stage in left if stage == "room"}
    found = {room: executed(room) for room in rooms}
    left = [
        (room, m, stage, ordered(m, found[room]) if stage == "room" else SUITE)
        for room, m, stage in left
    ]
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, enter_a_copy) as pool, results.open("a") as file:
        for record in pool.imap_unordered(run, left):
            print(f"{record['outcome']:11} {record['stage']:5} {record['mutant']}", flush=True)
            print(json.dumps(record), file=file, flush=True)
            done.append(record)
    return done


def table(records):
    """Print the score of each room, and the survivors."""
    last = {}
    for record in records:
        name = record["mutant"]
        if name not in last or record["outcome"] != "survived":
            last[name] = record
    print(f"\n{'room':14}{'mutants':>8}{'killed':>8}{'score, %':>10}")
    for room in [*ROOMS, "all"]:
        outcomes = [r["outcome"] for r in last.values() if room in (r["room"], "all")]
        killed = sum(outcome != "survived" for outcome in outcomes)
        if outcomes:
            print(f"{room:14}{len(outcomes):8}{killed:8}{100 * killed / len(outcomes):10.1f}")
    for name, record in sorted(last.items()):
        if record["outcome"] == "survived":
            print(f"\n{name}\n{record['diff']}")


def main():
    """Draw the mutants, judge them and print the score."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mutants", type=int, default=50, help="of each room (default: 50)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rooms", nargs="+", choices=list(ROOMS), default=list(ROOMS))
    parser.add_argument("--stage", choices=["room", "suite"], default="suite")
    parser.add_argument("--results", type=Path, default=Path("mutants.jsonl"))
    parser.add_argument("--executed", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.executed:
        import pytest

        os.chdir(ROOT)
        recorder = Executed()
        tests = ROOMS[options.rooms[0]][1]
        status = pytest.main([*PYTEST[3:], *tests], plugins=[recorder])
        recorder.write(options.executed)
        sys.exit(status)
    results = options.results.resolve()
    drawn = [
        (room, m) for room, m in sample(options.mutants, options.seed) if room in options.rooms
    ]
    records = judge([(room, m, "room") for room, m in drawn], results, options.workers)
    if options.stage == "suite":
        survivors = {r["mutant"] for r in records if r["outcome"] == "survived"}
        again = [(room, m, "suite") for room, m in drawn if key(room, m) in survivors]
        records = judge(again, results, options.workers)
    table(records)


if __name__ == "__main__":
    main()
