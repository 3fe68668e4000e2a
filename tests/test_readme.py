"""README.md: its blocks run and print what it says, its header fits the pins, its settings and links exist."""

import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO

import pytest
import yaml

from retriever.indexing import sample_cache as cache
from retriever.indexing.sample_cache import cache_folder
from tests.support.paths import ROOT
from ui.settings import limits

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
BLOCKS = [(code, shown) for code, shown in BLOCK.findall(README)]
LOCAL = [block for block in BLOCKS if "Client(" not in block[0]]
REMOTE = [block for block in BLOCKS if "Client(" in block[0]]
SPACES_COLORS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
NUMBER = re.compile(r"-?\d+\.\d+")
MICROSECONDS = re.compile(r"\d+ µs")
ADDRESS = "http://127.0.0.1:7860/"
SERVE_AND_RUN = """  # in a process of its own: a server leaves sockets and event loops to the end of its process
import sys
from ui.page import build_page
from ui.jobs.shared_samples import SharedSamples

demo = build_page(SharedSamples(names=("documents",)))
_, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
exec(sys.stdin.read().replace(sys.argv[1], address))
"""
SETTING = re.compile(r"^\| `(\w+)` \| (.+?) \| .+ \|$", re.MULTILINE)


@pytest.fixture
def beside_samples(tmp_path, monkeypatch):
    """Stand in a folder that holds the samples and may be written to."""
    (tmp_path / "samples").symlink_to(ROOT / "samples", target_is_directory=True)
    monkeypatch.chdir(tmp_path)


def run(code, names):
    """Run a block and return what it prints."""
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), names)  # noqa: S102 - our own README
    return printed.getvalue()


def check_output(printed, shown):
    """Compare words and whole numbers exactly, decimals roughly (models round by the CPU), times not at all."""
    words = [NUMBER.sub("#", MICROSECONDS.sub("µs", text)) for text in (printed, shown)]
    assert words[0] == words[1]
    decimals = [[float(number) for number in NUMBER.findall(text)] for text in (printed, shown)]
    assert decimals[0] == pytest.approx(decimals[1], abs=0.03)


def test_the_library_blocks_print_what_is_shown(beside_samples):
    names = {}
    assert len(LOCAL) >= 4
    for code, shown in LOCAL:
        assert shown, f"no output is shown for:\n{code}"
        check_output(run(code, names), shown)


def test_the_api_block_prints_what_is_shown(beside_samples):
    [(code, shown)] = REMOTE
    assert ADDRESS in code
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "GRADIO_ANALYTICS_ENABLED": "0"}
    done = subprocess.run(
        [sys.executable, "-c", SERVE_AND_RUN, ADDRESS],
        input=code,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    check_output(done.stdout, shown)


def test_the_output_check_sees_differences():
    check_output("ef=10 recall 0.958 median 50 µs", "ef=10 recall 0.957 median 8000 µs")
    for printed in ("ef=20 recall 0.958 median 50 µs", "ef=10 recall 0.858 median 50 µs", "ef=10 recall 0.958"):
        with pytest.raises(AssertionError):
            check_output(printed, "ef=10 recall 0.957 median 50 µs")


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


@pytest.mark.parametrize(("heading", "end"), [("Start it", "python app.py"), ("Run the tests", "python -m pytest")])
def test_the_commands_name_files_that_exist(heading, end):
    line = command(heading)
    assert line.startswith("python3.11 -m venv .venv && . .venv/bin/activate && pip install ") and line.endswith(end)
    files = re.findall(r"[\w/]+\.(?:txt|py)\b", line)
    assert "requirements.txt" in files
    assert all((ROOT / file).is_file() for file in files)
    assert README.count("```bash\n") == 2


def test_ci_reads_the_test_command_out_of_the_readme():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    [expression] = re.findall(r"sed -n '(.+)' README\.md", script.read_text(encoding="utf-8"))
    found = subprocess.run(["sed", "-n", expression, "README.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == command("Run the tests")


def test_every_setting_is_listed_and_every_listed_one_is_read():
    sources = [ROOT / "app.py", *(ROOT / "retriever").rglob("*.py"), *(ROOT / "ui").rglob("*.py")]
    read = {name for file in sources for name in re.findall(r"\bLAB_[A-Z_]+\b", file.read_text(encoding="utf-8"))}
    listed = {name for name, _ in SETTING.findall(README) if name.startswith("LAB_")}
    assert listed == read


def test_the_listed_defaults_are_in_force(monkeypatch):
    listed = dict(SETTING.findall(README))
    for name in listed:
        monkeypatch.delenv(name, raising=False)
    defaults = [int(value) for value in listed.values() if value.isdigit()][: len(vars(limits()))]
    assert defaults == list(vars(limits()).values())
    assert cache_folder() == cache.user_cache_path("dense-retrieval-lab")


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "samples/README.md", "samples/python_docs/README.md"])
def test_links_to_local_files_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)\)", text) if not re.match(r"[a-z]+:", link)]
    missing = [link for link in links if not ((ROOT / name).parent / link).exists()]
    assert not missing


def test_the_tree_names_what_exists():
    tree = README.split("\n## Where things are\n", 1)[1].split("```text\n", 1)[1].split("```", 1)[0]
    paths = [line.split()[0] for line in tree.splitlines()]
    assert len(paths) >= 5
    assert all((ROOT / path).exists() for path in paths)


def test_the_versions_agree():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [version] = re.findall(r'^version = "(.+)"$', project, re.MULTILINE)
    [newest, *_] = re.findall(r"^## \[(.+)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest == version
