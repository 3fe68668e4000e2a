"""Tests of scripts and notebooks: each measures again what was recorded, and says what is not equal."""

import copy
import json
import os
import subprocess
import sys
from dataclasses import replace

import nbformat
import pytest

import retriever
from tests.support.page import files_of
from tests.support.paths import ROOT
from tests.support.records import KINDS, QUESTION, record_of
from ui.render.export import folded_record, record_section
from ui.take_home.script import TakeHome

FALSIFIED = {  # kind of record -> a number in what was observed, by its keys, and the name that the table gives it
    "search": (["recall_at_10"], "recall"),
    "search bm25": (["BM25", 0, 0], "BM25: passages"),
    "search late": (["exact", 3, 1], "exact: scores"),
    "measurement": (["hnsw", "mean_recall"], "HNSW, ef=11: recall"),
    "curve": (["curve", 2, "mean_distances"], "HNSW, ef=20: distances"),
    "walk": (["distances"], "HNSW: distances"),
    "hardest walk": (["missed", 0, "smallest_ef"], "HNSW: smallest ef that finds them"),
    "build lab": (["M=8 ef_construction=20", "link_bytes"], "HNSW, M=8, efConstruction=20: bytes of links"),
    "size lab": (["n=57", "hnsw", "mean_recall"], "HNSW, n=57: recall"),
    "shard lab": (["shards=8", "bytes_of_largest_shard"], "HNSW, shards=8: bytes"),
    "build": (["graph_link_bytes"], "HNSW: bytes of links"),
    "ef below k": (["outcome"], "HNSW: below k"),
    "copies": (["recall_by_score"], "HNSW: recall by score"),
    "graph again": (["seed_7", "mean_distances"], "HNSW, seed_7: distances"),
    "two models": (["map", "first", 0], "map, wordllama-256"),
    "three retrievers": (
        ["map", "pairs", "first_minus_third", "p"],
        "map, all-MiniLM-L6-v2 minus BM25 + all-MiniLM-L6-v2: p and corrected p",
    ),
    "no model": (["second_two_errors", "lost_by_model"], "lost by the model, all-MiniLM-L6-v2, late interaction"),
}


def falsified(kind):
    """Return a record with one number changed, and the name of that number."""
    keys, name = FALSIFIED[kind]
    run = record_of(kind)
    observed = copy.deepcopy(dict(run.observed))
    part = observed
    for key in keys[:-1]:
        part = part[key]
    value = part[keys[-1]]
    part[keys[-1]] = f"not {value}" if isinstance(value, str) else value + 1
    return replace(run, observed=observed), name


def run_here(source):
    """Run a script in this process, where the models are loaded; return how it ended, and its variables."""
    variables = {"__name__": "__main__"}
    try:
        exec(compile(source, "script", "exec"), variables)
    except SystemExit as ended:
        return str(ended.code), variables
    return "", variables


def run_fresh(source, folder):
    """Run a script in a process of its own, and return what it printed and its exit status."""
    (folder / "script.py").write_text(source, encoding="utf-8")
    command = [sys.executable, str(folder / "script.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)
    return ended.stdout + ended.stderr, ended.returncode


def code_of(notebook):
    """Return the code of a notebook's cells, in order."""
    return ["".join(cell["source"]) for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]


@pytest.fixture
def indexed_once(monkeypatch):
    """Let scripts that are run here share what they index: a fresh process indexes it anew."""
    made, index = INDEXED, retriever.index_collection

    def once(collection, settings):
        if (collection.name, settings) not in made:
            made[collection.name, settings] = index(collection, settings)
        return made[collection.name, settings]

    monkeypatch.setattr(retriever, "index_collection", once)


INDEXED = {}
SLOW = ("search late", "three retrievers", "no model")  # token vectors and many tests of significance take long
QUICK = [kind for kind in KINDS if kind not in SLOW]


@pytest.mark.parametrize("kind", QUICK)
def test_a_script_measures_what_was_recorded(kind, indexed_once, minilm, wordllama):
    ended, variables = run_here(TakeHome(record_of(kind)).script)
    assert ended == ""
    outcome = variables["outcome"]
    assert outcome.different == [] and len(outcome.numbers) > 4
    assert {name for name in variables["RECORD"]["seconds"]} <= set(variables["seconds"]), "all times were measured"
    assert variables.get("QUESTION", QUESTION) in (QUESTION, record_of(kind).settings.get("question"))


@pytest.mark.parametrize("kind", ["search", "curve"])
def test_cells_of_a_notebook_one_after_the_other_say_which_number_is_false(kind, indexed_once, minilm, capsys):
    run, name = falsified(kind)
    *cells, last = code_of(TakeHome(run).notebook)
    variables = {"__name__": "__main__"}
    for cell in cells:
        exec(compile(cell, "cell", "exec"), variables)
    with pytest.raises(SystemExit, match="Not as recorded") as ended:
        exec(compile(last, "cell", "exec"), variables)
    assert ended.value.code == f"Not as recorded: {name}."
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.endswith("DIFFERS")]
    assert line.startswith(name)


def test_a_script_runs_in_a_fresh_process(tmp_path, minilm):
    printed, status = run_fresh(TakeHome(record_of("search")).script, tmp_path)
    assert status == 0, printed
    assert "numbers that must be equal are equal." in printed and "time, may differ" in printed


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_script_and_notebook_of_each_kind_in_fresh_processes(kind, tmp_path, minilm, wordllama):
    printed, status = run_fresh(TakeHome(record_of(kind)).script, tmp_path)
    assert status == 0, printed
    run, name = falsified(kind)
    printed, status = run_fresh("\n".join(code_of(TakeHome(run).notebook)), tmp_path)
    assert (status, printed.splitlines()[-1]) == (1, f"Not as recorded: {name}."), printed


@pytest.mark.parametrize("kind", QUICK)
def test_a_notebook_is_valid_and_holds_the_cells_of_the_script(kind, minilm, wordllama):
    made = TakeHome(record_of(kind))
    notebook = nbformat.reads(made.notebook, as_version=4)
    nbformat.validate(notebook)
    assert [cell.cell_type for cell in notebook.cells[:2]] == ["markdown", "code"]
    assert notebook.cells[0].source.startswith("# ") and "    pip install ." in notebook.cells[0].source
    code = [line for line in made.script.splitlines() if line and not line.startswith("#")]
    kept = [line for cell in code_of(made.notebook) for line in cell.splitlines() if line and not line.startswith("#")]
    assert kept == code
    assert made.name.startswith(record_of(kind).kind.replace(" ", "-")) and made.name[-10:] == made.run.time[:10]


def test_both_files_are_offered_below_the_record_in_every_place(minilm):
    run = record_of("search")
    made, offered = TakeHome(run), files_of(record_section(run))
    assert list(offered) == ["run-record.json", "run-record.md", f"{made.name}.py", f"{made.name}.ipynb"]
    assert offered[f"{made.name}.py"] == made.script and offered[f"{made.name}.ipynb"] == made.notebook
    assert record_section(run) in folded_record(run)


def test_scripts_take_public_names_only_and_no_linter_finds_a_fault(tmp_path, minilm, wordllama):
    for number, kind in enumerate(QUICK):
        (tmp_path / f"take_{number}.py").write_text(TakeHome(record_of(kind)).script, encoding="utf-8")
        assert "from retriever." not in TakeHome(record_of(kind)).script
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E4,E7,E9,F,I", str(tmp_path)]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
