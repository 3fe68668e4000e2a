"""The run record: complete, readable by machines and people, and without personal data."""

import getpass
import html
import json
import platform
import re
import socket
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import pytest

from retriever.run_record import RunRecord, cpu_name, machine, utc_timestamp, versions


def record(**changed):
    parts = {
        "title": "ef curve",
        "settings": {"model": "all-MiniLM-L6-v2", "k": 10, "ef": None, "efs": [10, 20]},
        "data": {"name": "Python docs", "vectors": 11000},
        "observed": {"mean_recall": 0.93, "p50_ms": 0.21},
        "protocol": "One query at a time.",
    }
    return RunRecord(**parts | changed)


def test_json_holds_every_part():
    made = record()
    read = json.loads(made.to_json())
    assert list(read) == [
        "title",
        "settings",
        "data",
        "observed",
        "protocol",
        "versions",
        "machine",
        "time",
        "record_version",
    ]
    assert read["settings"] == {"model": "all-MiniLM-L6-v2", "k": 10, "ef": None, "efs": [10, 20]}
    assert read["observed"] == {"mean_recall": 0.93, "p50_ms": 0.21}
    assert read["versions"]["numpy"] == version("numpy")
    assert read["versions"]["hnswlib"] == version("hnswlib")
    assert read["versions"]["python"] == platform.python_version()
    assert read["record_version"] == 1


def test_versions_and_machine_are_shared_and_read_only():
    for found in (versions(), machine()):
        with pytest.raises(TypeError):
            found["python"] = "4"


def test_versions_leave_out_what_is_not_installed(monkeypatch):
    monkeypatch.setattr("retriever.run_record.RECORDED_PACKAGES", ("numpy", "no-such-package-anywhere"))
    assert set(versions.__wrapped__()) == {"python", "numpy"}  # without the cache


def test_the_machine_is_described_without_names_of_hosts_or_people():
    found = machine()
    assert set(found) == {"cpu", "cores", "system"}
    assert found["cores"] >= 1
    assert cpu_name()
    for name in (socket.gethostname(), getpass.getuser()):
        assert name not in str(found)


def test_a_machine_without_proc_is_described_too(monkeypatch):
    def missing(*args, **kwargs):
        raise FileNotFoundError

    monkeypatch.setattr("pathlib.Path.read_text", missing)
    assert cpu_name()


def test_the_time_is_utc_to_the_second():
    read = datetime.fromisoformat(utc_timestamp())
    assert read.utcoffset() == timedelta(0)
    assert read.microsecond == 0
    assert abs(datetime.now(UTC) - read) < timedelta(seconds=60)


def test_markdown_has_one_table_per_part():
    text = record().to_markdown()
    assert text.startswith("# Run record: ef curve\n")
    assert "One query at a time." in text
    for name in ("Observed", "Settings", "Data", "Versions", "Machine"):
        assert f"\n## {name}\n\n| what | value |\n|---|---|\n" in text
    assert "| mean_recall | 0.93 |" in text
    assert "| ef | null |" in text
    assert "| efs | [10, 20] |" in text


@pytest.mark.parametrize("where", ["title", "key", "value"])
def test_nothing_breaks_out_of_a_table_cell(where):
    evil = "a | b\n\n# heading\r\n<script>x</script> \\| c"
    made = {
        "title": lambda: record(title=evil),
        "key": lambda: record(data={evil: 1}),
        "value": lambda: record(data={"name": evil}),
    }[where]()
    text = made.to_markdown()
    assert "<script" not in text
    assert "\n# heading" not in text
    for line in text.splitlines():
        if line.startswith("|"):
            bars = line.replace("\\\\", "").replace("\\|", "").count("|")
            assert bars == 3, line


def test_text_of_any_script_stays_readable():
    made = record(data={"name": "日本語 café"})
    assert "日本語 café" in made.to_json()
    assert "日本語 café" in made.to_markdown()


@pytest.mark.parametrize(
    "question",
    ["![seen](https://host.test/p.png)", "[press](https://host.test)", "a | b", "`code` *b* ~~s~~ $x$", "&lt;b>"],
)
def test_a_question_is_no_markup_in_markdown(question):
    text = RunRecord("One question", {"question": question}, {}, {}).to_markdown()
    [line] = [line for line in text.splitlines() if line.startswith("| question |")]
    cell = line.removeprefix("| question | ").removesuffix(" |")
    assert "](" not in cell
    assert not re.search(r"(?<!\\)[|`*~$]", cell)
    assert html.unescape(re.sub(r"\\(.)", r"\1", cell)) == question
