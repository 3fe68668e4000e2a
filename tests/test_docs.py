"""README.md and docs/: their code blocks run and print what they show, and what they say of the project is so."""

import ast
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO

import pytest
import yaml
from huggingface_hub.utils import filter_repo_objects

from retriever.indexing.sample_cache import cache_folder, user_cache_path
from tests.support.paths import ROOT
from ui.settings import limits

PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in ROOT.glob("docs/*.md")}
PAGES |= {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")}
README = PAGES["README.md"]
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
BLOCKS = {name: BLOCK.findall(text) for name, text in PAGES.items() if BLOCK.search(text)}
SPACES_COLORS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
NUMBER = re.compile(r"-?\d+\.\d+")
MICROSECONDS = re.compile(r"\d+ µs")
ADDRESS, MILVUS = "http://127.0.0.1:7860/", "http://127.0.0.1:19530"
PATIENCE = 180  # seconds for a block in a process of its own
SERVE_AND_RUN = """  # in a process of its own: a server leaves sockets and event loops to the end of its process
import os
import sys
from tests.support.serving import server_of
from ui.jobs.shared_samples import SharedSamples

with server_of(SharedSamples(names=("documents",))) as server:
    exec(sys.stdin.read().replace(sys.argv[1], f"{server.address}/"))
sys.stdout.flush()
os._exit(0)
"""
SETTING = re.compile(r"^\| `(\w+)` \| (.+?) \| .+ \|$", re.MULTILINE)
STARTED_FROM_OUTSIDE = {"stream_build", "SearchTab", "read_content"}  # by an event of the page, by a request
STEP = re.compile(r"^\| (\d+) \| `([\w/]+\.py)` \| `(\w+)` \| .+ \|$", re.MULTILINE)


@pytest.fixture
def beside_samples(tmp_path, monkeypatch):
    """Stand in a folder that holds the samples and may be written to."""
    (tmp_path / "samples").symlink_to(ROOT / "samples", target_is_directory=True)
    monkeypatch.chdir(tmp_path)


def run(code, names):
    """Run a block and return what it prints."""
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(code, "a page", "exec"), names)
    return printed.getvalue()


def check_output(printed, shown):
    """Compare words and whole numbers exactly, decimals roughly (models round by the CPU), times not at all."""
    words = [NUMBER.sub("#", MICROSECONDS.sub("µs", text)) for text in (printed, shown)]
    assert words[0] == words[1]
    decimals = [[float(number) for number in NUMBER.findall(text)] for text in (printed, shown)]
    assert decimals[0] == pytest.approx(decimals[1], abs=0.03)


def test_the_pages_with_code_are_these():
    assert set(BLOCKS) == {"README.md", "docs/library.md", "docs/api.md", "docs/scaling.md"}
    assert len(BLOCKS["docs/library.md"]) >= 6


@pytest.mark.parametrize("page", ["README.md", "docs/library.md"])
def test_the_blocks_print_what_is_shown(page, beside_samples, milvus_server):
    names = {}
    for code, shown in BLOCKS[page]:
        assert shown, f"no output is shown for:\n{code}"
        check_output(run(code.replace(MILVUS, milvus_server), names), shown)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        pytest.param(code, shown, marks=[pytest.mark.ray] if "ray" in code else [])
        for code, shown in BLOCKS["docs/scaling.md"]
    ],
)
def test_the_scaling_blocks_print_what_is_shown(code, shown, milvus_server):
    """Each in a process of its own, as a reader runs them; the large collection has fewer passages."""
    code = code.replace(MILVUS, milvus_server).replace("= 1_000_000", "= 2_000")
    shown = shown.replace("1,000,000 passages", "2,000 passages").replace("1,000,000 are", "2,000 are")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    check_output(done.stdout, shown)


@pytest.mark.parametrize("number", range(len(BLOCKS["docs/api.md"])))
def test_the_api_blocks_print_what_is_shown(number, beside_samples):
    code, shown = BLOCKS["docs/api.md"][number]
    assert ADDRESS in code
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "GRADIO_ANALYTICS_ENABLED": "0"}
    done = subprocess.run(
        [sys.executable, "-c", SERVE_AND_RUN, ADDRESS],
        input=code,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    check_output(done.stdout, shown)


def test_the_output_check_sees_differences():
    check_output("ef=10 recall 0.958 median 50 µs", "ef=10 recall 0.957 median 8000 µs")
    for printed in ("ef=20 recall 0.958 median 50 µs", "ef=10 recall 0.858 median 50 µs", "ef=10 recall 0.958"):
        with pytest.raises(AssertionError):
            check_output(printed, "ef=10 recall 0.957 median 50 µs")


# --- README.md


def test_the_readme_is_short():
    assert len(README.encode()) <= 9_000


def front_matter():
    """Return the header that Hugging Face Spaces reads."""
    head, _ = README.removeprefix("---\n").split("\n---\n", 1)
    return yaml.safe_load(head)


def test_the_front_matter_is_what_spaces_takes():
    header = front_matter()
    assert README.startswith("---\n")
    assert header["sdk"] == "gradio" and header["license"] == "mit" and header["title"] == "Dense Retrieval Lab"
    assert header["python_version"] == "3.11"  # a string: 3.10 as a number would be 3.1
    assert (ROOT / header["app_file"]).is_file()
    assert 0 < len(header["short_description"]) <= 60
    assert {header["colorFrom"], header["colorTo"]} <= SPACES_COLORS
    assert not header["emoji"].isascii()


def test_the_front_matter_names_the_pinned_gradio():
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").split()
    assert f"gradio=={front_matter()['sdk_version']}" in pins


def command(heading):
    """Return the one command under a heading."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    [block] = re.findall(r"^```bash\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    [line] = block.splitlines()
    return line


@pytest.mark.parametrize(
    ("heading", "end"), [("Start it", "python app.py"), ("Run the tests", "pytest -n auto --dist loadfile")]
)
def test_the_commands_name_files_that_exist(heading, end):
    line = command(heading)
    assert line.startswith("python3 -m venv .venv && . .venv/bin/activate && pip install ") and line.endswith(end)
    files = re.findall(r"[\w/]+\.(?:txt|py)\b", line)
    assert {"requirements.txt", "locks/app.txt"} & set(files)
    assert all((ROOT / file).is_file() for file in files)
    assert README.count("```bash\n") == 2


def test_ci_reads_the_test_command_out_of_the_readme():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    [expression] = re.findall(r"sed -n '(.+)' README\.md", script.read_text(encoding="utf-8"))
    found = subprocess.run(["sed", "-n", expression, "README.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == command("Run the tests")


def test_the_tree_names_what_exists():
    tree = README.split("\n## Where things are\n", 1)[1].split("```text\n", 1)[1].split("```", 1)[0]
    paths = [line.split()[0] for line in tree.splitlines()]
    assert len(paths) >= 5
    assert all((ROOT / path).exists() for path in paths)


# --- all pages


def test_the_readme_leads_to_every_page():
    assert {name for name in PAGES if name.startswith("docs/")} <= set(re.findall(r"\]\(([^)#\s]+)\)", README))


@pytest.mark.parametrize("name", [*PAGES, "samples/README.md", "samples/python_docs/README.md"])
def test_links_to_local_files_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)\)", text) if not re.match(r"[a-z]+:", link)]
    missing = [link for link in links if not ((ROOT / name).parent / link).exists()]
    assert not missing


def test_every_setting_is_listed_and_every_listed_one_is_read():
    sources = [
        ROOT / "app.py",
        *(path for top in ("retriever", "sandbox", "ui") for path in (ROOT / top).rglob("*.py")),
    ]
    read = {name for file in sources for name in re.findall(r"\bLAB_[A-Z_]+\b", file.read_text(encoding="utf-8"))}
    listed = {name for name, _ in SETTING.findall(PAGES["docs/settings.md"]) if name.startswith("LAB_")}
    assert listed == read


def test_the_listed_defaults_are_in_force(monkeypatch):
    listed = dict(SETTING.findall(PAGES["docs/settings.md"]))
    for name in listed:
        monkeypatch.delenv(name, raising=False)
    defaults = [int(value) for value in listed.values() if value.isdigit()][: len(vars(limits()))]
    assert defaults == list(vars(limits()).values())
    assert cache_folder() == user_cache_path("dense-retrieval-lab")


def test_the_hosting_guide_uploads_all_that_the_app_needs():
    patterns = re.findall(r'--include "([^"]+)"', PAGES["docs/hosting.md"])
    needed = [
        path.relative_to(ROOT).as_posix() for path in (ROOT / "app.py", ROOT / "requirements.txt", ROOT / "README.md")
    ]
    needed += ["pyproject.toml", "LICENSE"]  # with these, whoever has the files of a Space can install the library
    for top in ("retriever", "sandbox", "ui", "samples"):
        files = [path for path in (ROOT / top).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        needed += [path.relative_to(ROOT).as_posix() for path in files]
    assert list(filter_repo_objects(needed, allow_patterns=patterns)) == needed


# --- docs/architecture.md


def defined_in(path):
    """Return the names that a file defines: functions, classes, methods and constants."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def journeys():
    """Return the journeys of docs/architecture.md: heading -> its steps, (file, name) each."""
    parts = PAGES["docs/architecture.md"].split("\n### ")[1:]
    return {part.partition("\n")[0]: [step[1:] for step in STEP.findall(part)] for part in parts}


def test_there_are_four_journeys():
    assert len(journeys()) == 4
    assert all(len(steps) >= 8 for steps in journeys().values())


@pytest.mark.parametrize("journey", journeys())
def test_each_step_of_a_journey_is_defined_there_and_used_by_an_earlier_file(journey):
    earlier = []
    for path, name in journeys()[journey]:
        assert name in defined_in(path), f"{path} does not define {name}"
        used = any(re.search(rf"\b{name}\b", (ROOT / file).read_text(encoding="utf-8")) for file in earlier)
        assert used or not earlier or name in STARTED_FROM_OUTSIDE, f"nothing before {path} uses {name}"
        earlier.append(path)


def test_the_rooms_of_the_architecture_page_are_those_of_the_code():
    text = PAGES["docs/architecture.md"]
    for package in ("retriever", "ui"):
        for path in (ROOT / package).iterdir():
            if path.is_dir() and path.name != "__pycache__":
                assert re.search(rf"\b{path.name}/", text), f"{package}/{path.name}/ is not described"
