"""The benchmarks' own arithmetic: turns, ratios, exponents and tables; no peer is needed, and no time is asserted."""

import ast
import json
import re
import runpy
import sys

import numpy as np
import pytest
from pypdfium2 import PdfDocument

from benchmarks import protocol, report, summary
from benchmarks.pdf import pdf_of
from benchmarks.plot import ROOM, apart
from benchmarks.protocol import Comparison, Target, interleaved, one_at_a_time, wall
from benchmarks.report import Stage, record_of, short, spread, table_of
from tests.support.paths import ROOT

HELPERS = {"__init__", "__main__", "app_process", "data", "documents", "plot", "protocol", "report", "summary", "words"}
ALONE = {"quality"}  # of collections that the user names, so no stage of all that is measured
MODULES = {path.stem: path for path in (ROOT / "benchmarks").glob("*.py")}
STAGES = set(MODULES) - HELPERS - ALONE


def test_every_stage_can_be_run_by_itself_and_imports_no_peer_at_once():
    """A peer that is missing is named by the stage that needs it, and the others run."""
    pins = (ROOT / "benchmarks" / "requirements.txt").read_text(encoding="utf-8")
    peers = {name.split("-")[0] for name in re.findall(r"^([\w-]+)(?:\[.+\])?==", pins, re.MULTILINE)}
    assert {"faiss", "usearch", "pypdf", "pdfplumber", "markitdown", "matplotlib"} <= peers
    assert len(STAGES) >= 13
    listed = re.findall(r"^    (\w+),$", MODULES["__main__"].read_text(encoding="utf-8"), re.MULTILINE)
    assert set(listed) == STAGES
    for name, path in MODULES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree)
        for node in tree.body:
            imported = [alias.name for alias in getattr(node, "names", ())] + [getattr(node, "module", "") or ""]
            assert not peers & {word.split(".")[0] for word in imported}, name
        if name in STAGES:
            assert any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in tree.body), name
            assert ast.unparse(tree.body[-1]) == "if __name__ == '__main__':\n    main(run)", name


def test_peers_take_turns_and_another_one_is_first_in_every_round():
    calls = []

    def case(name):
        return lambda: calls.append(name) or float(len(calls) - 1)

    values = interleaved({name: case(name) for name in "abc"}, 3)
    assert "".join(calls) == "cab" + "abc" + "bca" + "cab"
    assert {name: found.tolist() for name, found in values.items()} == {
        "a": [3, 8, 10],
        "b": [4, 6, 11],
        "c": [5, 7, 9],
    }


def test_ratios_are_taken_within_a_round():
    found = Comparison("case", "s", {"ours": np.array([1.0, 20.0, 3.0]), "peer": np.array([2.0, 10.0, 6.0])})
    assert found.ours == "ours"
    assert found.ratio("peer").tolist() == [0.5, 2.0, 0.5]
    none = Comparison("none", "", {"ours": np.array([0.0, 1.0]), "peer": np.array([0.0, 0.0])})
    assert none.ratio("peer").tolist() == [1.0, np.inf]
    for target, met in (((0.5, "peer"), True), ((0.49, "peer"), False), ((3.0,), True), ((2.9,), False)):
        assert found.met(Target(*target)) == met


def test_the_clocks_are_read_around_the_work(monkeypatch):
    seconds, nanoseconds = iter([1.0, 1.25]), iter([0, 3_000, 10_000, 15_000, 20_000, 24_000])
    monkeypatch.setattr(protocol.time, "perf_counter", lambda: next(seconds))
    monkeypatch.setattr(protocol.time, "perf_counter_ns", lambda: next(nanoseconds))
    assert wall(lambda: None, scale=1e3)() == 250
    asked, queries = [], np.arange(6, dtype=np.float32).reshape(3, 2)
    assert one_at_a_time(lambda query: asked.append(query.copy()), queries)() == 4.0  # microseconds: 3, 5 and 4
    np.testing.assert_array_equal(asked, queries[:, None])


def test_a_table_has_a_line_a_peer_with_what_was_met():
    values = {"retriever": np.array([1.0, 1.0]), "fast": np.array([0.5, 0.5]), "slow": np.array([4.0, 4.0])}
    lines = [
        Comparison("both", "ms", values, [Target(1.1, "fast"), Target(0.5, "slow")]),
        Comparison("alone", "MB", {"retriever": np.array([12.0])}, [Target(16)]),
    ]
    stage = Stage("A stage", lines, {"vectors": "none"}, {"k": 10}, ["A note."])
    rows = [line.split(" | ") for line in table_of(stage).splitlines() if line.startswith(("| both", "| alone"))]
    assert [row[2] for row in rows] == ["fast", "slow", "–"]
    assert [row[4].split()[0] for row in rows] == ["2.00", "0.25", "–"]
    assert [row[5] for row in rows] == ["≤ 1.1", "≤ 0.5", "≤ 16 MB"]
    assert [row[6].rstrip(" |") for row in rows] == ["**no**", "yes", "yes"]
    assert table_of(stage).endswith("\n\nA note.")
    record = record_of(stage, full=True)
    assert record.settings == {"mode": "full", "k": 10}
    assert record.observed["both"]["rounds"]["fast"] == [0.5, 0.5]
    assert record.observed["both"]["targets"] == {"≤ 1.1 × fast": "missed", "≤ 0.5 × slow": "met"}
    assert record.versions["numpy"] == np.__version__


def test_numbers_have_about_three_digits_and_a_spread_is_the_median_and_the_quartiles():
    values = {1234.5: "1,234", 99.96: "100.0", 12.34: "12.3", 1.234: "1.23", 0.00123: "0.0012"}
    assert {value: short(value) for value in values} == values
    assert spread(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), "s") == "3.00 s (2.00–4.00)"
    assert spread(np.array([2.0]), "s") == "2.00 s"
    assert spread(np.array([0.0])) == "0"
    assert spread(np.array([1.0, np.inf])) == "–", "no ratio to 0"


def test_the_written_pdf_holds_its_lines():
    pages = [["first (line)", r"back\slash"], ["second page"]]
    with PdfDocument(pdf_of(pages)) as document:
        read = [page.get_textpage().get_text_bounded().split("\r\n") for page in document]
    assert read == pages


def test_a_stage_prints_its_table_and_record_and_writes_both(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report, "load_libraries", lambda: None)
    monkeypatch.setattr(sys, "argv", ["benchmarks.pdf", "--full", "--out", str(tmp_path)])
    seen = []

    def run(full):
        seen.append(full)
        return Stage("A stage", [Comparison("case", "s", {"retriever": np.array([1.0])})])

    report.main(run)
    assert seen == [True]
    printed = capsys.readouterr().out
    assert "## A stage" in printed
    assert '"mode": "full"' in printed
    assert report.read_record(tmp_path / "test_benchmarks.json")["title"] == "A stage"
    assert "| case | 1.00 s |" in (tmp_path / "test_benchmarks.md").read_text(encoding="utf-8")


def test_a_stage_that_lacks_a_peer_says_so_and_the_others_run(monkeypatch, capsys):
    monkeypatch.setattr(report, "load_libraries", lambda: None)
    monkeypatch.setattr(sys, "argv", ["benchmarks"])

    def without(full):
        raise ModuleNotFoundError("No module named 'faiss'", name="faiss")

    def other(full):
        return Stage("Another stage", [])

    with pytest.raises(SystemExit) as ended:
        report.run_all([without, other], None)
    assert ended.value.code == 1
    printed = capsys.readouterr()
    assert "test_benchmarks was left out: No module named 'faiss'" in printed.err
    assert "benchmarks/requirements.txt" in printed.err
    assert "## Another stage" in printed.out


def test_the_summary_has_a_line_a_peer_and_a_line_a_target_without_one():
    observed = {
        "fast": {"unit": "ms", "rounds": {"retriever": [1.0, 3.0], "a": [2.0, 2.0], "b": [1.0, 1.0]}, "targets": {}},
        "large": {"unit": "MB", "rounds": {"retriever": [12.0]}, "targets": {"≤ 16": "met"}},
        "notes": ["not a case"],
    }
    observed["fast"]["targets"] = {"≤ 1.1 × a": "met", "≤ 0.5 × b": "missed"}
    assert list(summary.lines({"observed": observed})) == [
        "| fast | 2.00 ms | a 2.00 ms | 1.00 (0.75–1.25) | ≤ 1.1 | yes |",
        "| fast | 2.00 ms | b 1.00 ms | 2.00 (1.50–2.50) | ≤ 0.5 | **no** |",
        "| large | 12.0 MB | – | – | ≤ 16 MB | yes |",
    ]


def test_the_readme_has_the_table_of_the_record(capsys, monkeypatch, tmp_path):
    records = json.loads(summary.RECORD.read_text(encoding="utf-8"))
    assert set(records) == STAGES
    for name, record in records.items():
        assert record["settings"]["mode"] == "full"
        (tmp_path / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
    monkeypatch.setattr(summary, "RECORD", tmp_path / "record")
    summary.main(tmp_path)
    assert capsys.readouterr().out.strip() in (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")


def test_labels_on_a_logarithmic_axis_have_room():
    assert apart([1000.0, 1.0, 990.0, 950.0]) == pytest.approx([1000, 1, 1000 / ROOM, 1000 / ROOM**2])


def test_help_says_what_the_benchmarks_are(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("benchmarks", run_name="__main__")
    assert ended.value.code == 0
    assert "under three minutes" in capsys.readouterr().out
