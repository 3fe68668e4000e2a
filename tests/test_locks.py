"""What is installed comes by version and hash: lock files, Dockerfile, and the workflow that reports on them."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import distributions

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.paths import ROOT

LOCKS = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "locks").glob("*.txt"))}
ENTRY = re.compile(r"^([\w.-]+)==([\w.+!]+)(?: ; .+?)? \\$(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+", re.MULTILINE)
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture
def copy(tmp_path):
    """Return a copy of all that the lock files are checked against."""
    for name in (".ci/lock.py", "requirements.txt", "tests/requirements.txt", "benchmarks/requirements.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "locks", tmp_path / "locks")
    return tmp_path


def check(folder):
    """Check the lock files of a folder; return the exit status and what was wrong."""
    command = [sys.executable, "-I", "-S", str(folder / ".ci" / "lock.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


def change(folder, file, old, new):
    """Replace the first match of a pattern in a file of the folder."""
    path = folder / file
    text, count = re.subn(old, new, path.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    assert count == 1
    path.write_text(text, encoding="utf-8")


# --- the lock files


def test_the_lock_files_belong_to_the_requirements_files():
    assert check(ROOT) == (0, "")


def test_ci_checks_them_before_anything_is_installed():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert 0 < script.index(".ci/lock.py --check") < script.index("pip install")


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("requirements.txt", "^scipy==.*", "scipy==0.1", "not 0.1"),
        ("requirements.txt", "^filelock==.*\n", "", "locks/app.txt was not made from requirements.txt"),
        ("tests/requirements.txt", "^(mypy==.*)", "\\1\nnose==1.3.7", "no lock file has nose"),
        ("locks/app.txt", "^h11==", "h11>=", "h11 has no version or no hash"),
        ("locks/build.in", "^wheel==", "wheel==0.", "locks/build.txt was not made from locks/build.in"),
        ("locks/torch-cpu.txt", r"==.*\+cpu", "==2.12.0+cpu", "torch-cpu.txt has torch 2.12.0+cpu"),
    ],
)
def test_what_does_not_belong_together_is_found(copy, file, old, new, words):
    change(copy, file, old, new)
    status, said = check(copy)
    assert status == 1 and words in said and "Run .ci/lock.py" in said


def test_an_entry_without_a_hash_is_found(copy):
    change(copy, "locks/app.txt", r"^(h11==\S+) \\\n(    --hash.*\n)+", "\\1\n")
    status, said = check(copy)
    assert status == 1 and "h11 has no version or no hash" in said


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_of_a_lock_file_is_an_entry_with_hashes(name):
    rest = re.sub(r"^(#|--extra-index-url https://download\.pytorch\.org/).*\n", "", LOCKS[name], flags=re.MULTILINE)
    assert ENTRY.search(rest) and not ENTRY.sub("", rest).strip()


def test_no_package_is_in_two_files_that_are_installed_together():
    names = [name for lock in ("app", "cuda", "tests", "benchmarks") for name, _ in ENTRY.findall(LOCKS[lock])]
    assert len(set(names)) == len(names) > 100


def test_what_the_installed_packages_need_is_locked_too():
    """Look at those that are installed in their locked version: another version may need something else."""
    locked = dict(entry for lock in ("app", "cuda", "tests") for entry in ENTRY.findall(LOCKS[lock]))
    looked_at = 0
    for package in distributions():
        if locked.get(canonicalize_name(package.name)) == package.version.partition("+")[0]:
            needed = [Requirement(line) for line in package.requires or ()]
            needed = [one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
            missing = {str(one) for one in needed if canonicalize_name(one.name) not in locked}
            assert not missing, package.name
            looked_at += 1
    assert looked_at > 50


# --- the Dockerfile


def test_the_image_is_named_by_its_digest():
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2 and len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", bases[0])


def test_the_image_installs_nothing_without_a_hash():
    installed = re.findall(r"pip install (.+)", DOCKERFILE)
    assert len(installed) == 3 and all("--require-hashes" in options for options in installed)
    assert [re.findall(r"-r (\S+)", options) for options in installed] == [
        [f"locks/{name}.txt"] for name in ("build", "torch-cpu", "app")
    ]


def test_the_image_holds_all_that_the_app_needs():
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    copied = [path for line in lines for path in line.split()]
    assert all((ROOT / path).exists() for path in copied)
    assert {"app.py", "retriever/", "sandbox/", "ui/", "samples/"} <= set(copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not {path.strip("/") for path in copied} & set(ignored)


# --- the workflows


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_names_actions_by_commit(path):
    text = path.read_text(encoding="utf-8")
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    uses = re.findall(r"uses: (.+)", text)
    assert uses and all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v[\d.]+", used) for used in uses)


def test_a_workflow_looks_at_every_lock_file_each_week():
    text = (ROOT / ".github" / "workflows" / "pins.yml").read_text(encoding="utf-8")
    assert re.search(r"cron: \"\d+ \d+ \* \* \d\"", text)
    [names] = re.findall(r"for lock in (.+); do", text)
    assert set(names.split()) == set(LOCKS) - {"torch-cpu"}, "whose version is that of app.txt"
    tools = dict(line.split("==") for line in (ROOT / "locks" / "tools.in").read_text().splitlines() if "==" in line)
    assert set(tools) == {"pip-audit", "uv"}
    assert "pip install --require-hashes -r locks/tools.txt" in text and ".ci/lock.py --outdated" in text


def test_dependabot_looks_after_what_the_lock_files_do_not_hold():
    config = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    assert {one["package-ecosystem"] for one in config["updates"]} == {"github-actions", "docker"}
