"""What a public project carries: tasks, templates, workflows, citation, checked by their tools."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
# Each file, and the schema of check-jsonschema that it has to follow.
SCHEMAS = {
    "CITATION.cff": "citation-file-format",
    ".github/ISSUE_TEMPLATE/bug_report.yml": "github-issue-forms",
    ".github/ISSUE_TEMPLATE/feature_request.yml": "github-issue-forms",
    ".github/ISSUE_TEMPLATE/config.yml": "github-issue-config",
    **{path.relative_to(ROOT).as_posix(): "github-workflows" for path in WORKFLOWS},
}
# Every host that a file for contributors may name; all belong to others.
HOSTS = {"github.com", "semver.org", "www.contributor-covenant.org"}


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def tool(module, *arguments):
    """Run the command that a package installs beside this Python."""
    pytest.importorskip(module, reason=f"{module} is not installed")
    name = module.replace("_", "-")
    program = shutil.which(name, path=str(Path(sys.executable).parent))
    command = [program, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    return done.returncode, done.stdout + done.stderr


class TestWorkflows:
    def test_there_is_one_that_checks_and_one_that_releases(self):
        assert [path.name for path in WORKFLOWS] == ["check.yml", "release.yml"]

    def test_zizmor_finds_nothing(self):
        # Its package is a program, without a module.
        program = shutil.which("zizmor", path=str(Path(sys.executable).parent))
        if program is None:
            pytest.importorskip("zizmor", reason="zizmor is not installed")
        command = [program, "--offline", "--pedantic", ".github"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "No findings" in done.stdout

    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
    def test_nothing_is_permitted_unless_a_job_says_so(self, path):
        content = text(path)
        assert "\npermissions: {}\n" in content
        granted = set(re.findall(r"^ {6}([\w-]+): (?:read|write)", content, re.MULTILINE))
        assert granted <= {"contents", "id-token"}
        assert "contents: write" not in content
        jobs = content.partition("\njobs:\n")[2]
        assert jobs.count("timeout-minutes:") == len(re.findall(r"^  \w+:$", jobs, re.MULTILINE))

    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
    def test_it_says_that_it_has_never_run_and_what_to_pin(self, path):
        content = text(path)
        assert content.startswith("# This workflow has never run")
        uses = re.findall(r"uses: (\S+)@(\S+)", content)
        assert uses and all(re.fullmatch(r"v\d+(\.\d+)*", tag) for _, tag in uses)
        assert "TODO(owner): replace the tag of each action by the hash" in content

    def test_three_systems_and_every_supported_python_are_checked(self):
        content = text(".github/workflows/check.yml")
        for system in ("ubuntu-latest", "macos-latest", "windows-latest"):
            assert system in content
        (matrix,) = re.findall(r"python: \[(.*)\]", content)
        prefix = "Programming Language :: Python :: 3."
        supported = {each[len(prefix) - 2 :] for each in PROJECT["classifiers"] if prefix in each}
        assert supported < set(re.findall(r'"(.*?)"', matrix))
        assert f">={min(supported, key=lambda v: int(v[2:]))}" == PROJECT["requires-python"]

    def test_both_call_scripts_that_also_run_here(self):
        called = re.findall(r"bash (\.ci/\w+)", "".join(map(text, WORKFLOWS)))
        assert {".ci/run", ".ci/smoke"} == set(called)
        for script in set(called):
            bash = shutil.which("bash")
            if bash:
                subprocess.run([bash, "-n", script], cwd=ROOT, check=True)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_file_follows_its_schema(name):
    options = ["--builtin-schema", f"vendor.{SCHEMAS[name]}", name]
    status, printed = tool("check_jsonschema", *options)
    assert status == 0, printed


def test_hooks_are_well_formed_and_check_the_style_as_the_gate_does():
    status, printed = tool("pre_commit", "validate-config")
    assert status == 0, printed
    (hook,) = re.findall(
        r"ruff-pre-commit\n    rev: v(\d+\.\d+)\.", text(".pre-commit-config.yaml")
    )
    for name in (".ci/run", "noxfile.py"):
        assert f'"ruff=={hook}.*"' in text(name), name


class TestTasks:
    @pytest.fixture
    def sessions(self):
        status, printed = tool("nox", "--list")
        assert status == 0, printed
        return dict(re.findall(r"^[-*] (\w+) -> (.*)$", printed, re.MULTILINE))

    def test_the_page_lists_every_one_and_no_other(self, sessions):
        listed = set(re.findall(r"`nox -s (\w+)", text("CONTRIBUTING.md")))
        assert listed == sessions.keys()
        assert all(sessions.values()), "a session has no docstring"

    def test_they_install_extras_that_exist(self):
        extras = re.findall(r'"\.\[([\w,]+)\]"', text("noxfile.py") + text("CONTRIBUTING.md"))
        wanted = {extra for found in extras for extra in found.split(",")}
        assert wanted and wanted <= set(PROJECT["optional-dependencies"])


class TestPages:
    def test_links_lead_to_files(self):
        for name in ("CONTRIBUTING.md", "CODE_OF_CONDUCT.md"):
            for target in re.findall(r"\]\(([^)#]+)\)", text(name)):
                is_given = target == "SECURITY.md" or (ROOT / target).exists()
                assert target.startswith("https://") or is_given, target

    @pytest.mark.parametrize(
        "name", ["CONTRIBUTING.md", "CODE_OF_CONDUCT.md", ".pre-commit-config.yaml", *SCHEMAS]
    )
    def test_no_address_is_invented(self, name):
        content = text(name)
        hosts = set(re.findall(r"https?://([^/\s)\"']+)", content))
        assert hosts <= HOSTS
        # An address of mail, not the tag of an action.
        assert not re.search(r"\w@\w+\.[a-z]", content)
        if "github.com" in hosts:
            owners = set(re.findall(r"github\.com/([\w-]+)/", content))
            assert owners == {"astral-sh", "pre-commit", "zizmorcore"}

    def test_what_the_owner_fills_in_is_marked(self):
        for name in ("CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "CITATION.cff", "pyproject.toml"):
            assert "TODO(owner)" in text(name), name

    def test_reports_ask_for_what_show_versions_prints(self):
        assert "sknumpy_mlp.show_versions()" in text(".github/ISSUE_TEMPLATE/bug_report.yml")

    def test_the_citation_has_the_licence_and_the_name_of_the_project(self):
        citation = text("CITATION.cff")
        assert f"\nlicense: {PROJECT['license']}\n" in citation
        assert f"\ntitle: {PROJECT['name']}\n" in citation
        assert f"- name: {PROJECT['authors'][0]['name']}\n" in citation
