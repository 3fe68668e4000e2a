"""The run record: complete, readable by machines and people, and without personal data."""

import getpass
import html
import json
import platform
import re
import socket
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import numpy as np
import pytest

from retriever.run_record import RunRecord, cpu_name, machine, utc_timestamp, versions

SETTINGS = {"model": "all-MiniLM-L6-v2", "k": 10, "ef": None, "efs": [10, 20]}


def record(title="ef curve", **data):
    return RunRecord(title, SETTINGS, {"name": "日本語 café", **data}, {"p50_ms": 0.21}, "One query at a time.")


def test_json_holds_every_part():
    read = json.loads(record(size=np.int64(3)).to_json())
    parts = [
        "title",
        "settings",
        "data",
        "observed",
        "protocol",
        "versions",
        "machine",
        "time",
        "record_version",
        "kind",
    ]
    assert list(read) == parts
    assert read["settings"] == SETTINGS
    assert read["data"] == {"name": "日本語 café", "size": 3}
    assert read["observed"] == {"p50_ms": 0.21}
    assert {name: read["versions"][name] for name in ("python", "numpy")} == {
        "python": platform.python_version(),
        "numpy": version("numpy"),
    }
    assert read["record_version"] == 1
    assert "日本語 café" in record().to_json()
    with pytest.raises(TypeError, match="does not belong into a run record"):
        record(wrong=object()).to_json()


def test_versions_and_machine_are_read_only_and_versions_leave_out_what_is_not_installed(monkeypatch):
    for found in (versions(), machine()):
        with pytest.raises(TypeError):
            found["python"] = "4"
    monkeypatch.setattr("retriever.run_record.RECORDED_PACKAGES", ("numpy", "no-such-package-anywhere"))
    assert set(versions.__wrapped__()) == {"python", "numpy"}  # without the cache


def test_the_machine_is_described_without_names_of_hosts_or_people(monkeypatch):
    found = machine()
    assert set(found) == {"cpu", "cores", "system"}
    assert found["cores"] >= 1
    for name in (socket.gethostname(), getpass.getuser()):
        assert name not in str(found)

    def missing(*args, **kwargs):
        raise FileNotFoundError

    monkeypatch.setattr("pathlib.Path.read_text", missing)
    assert cpu_name(), "also without /proc"


def test_the_time_is_utc_to_the_second():
    read = datetime.fromisoformat(utc_timestamp())
    assert (read.utcoffset(), read.microsecond) == (timedelta(0), 0)
    assert abs(datetime.now(UTC) - read) < timedelta(seconds=60)


def test_markdown_has_one_table_per_part():
    text = record().to_markdown()
    assert text.startswith("# Run record: ef curve\n")
    for name in ("Observed", "Settings", "Data", "Versions", "Machine"):
        assert f"\n## {name}\n\n| what | value |\n|---|---|\n" in text
    for part in ("One query at a time.", "| p50_ms | 0.21 |", "| ef | null |", "| efs | [10, 20] |", "日本語 café"):
        assert part in text


EVIL = "a | b\n\n# heading\r\n<script>x</script> \\| c"


@pytest.mark.parametrize("made", [record(EVIL), record(**{EVIL: 1}), record(name=EVIL)], ids=["title", "key", "value"])
def test_nothing_breaks_out_of_a_table_cell(made):
    text = made.to_markdown()
    assert "<script" not in text
    assert "\n# heading" not in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.replace("\\\\", "").replace("\\|", "").count("|") == 3, line


@pytest.mark.parametrize(
    "question", ["![seen](https://host.test/p.png)", "a [b](https://host.test) | `code` *b* ~~s~~ $x$", "&lt;b>"]
)
def test_a_question_is_no_markup_in_markdown(question):
    [line] = [line for line in record(question=question).to_markdown().splitlines() if line.startswith("| question |")]
    cell = line.removeprefix("| question | ").removesuffix(" |")
    assert "](" not in cell
    assert not re.search(r"(?<!\\)[|`*~$]", cell)
    assert html.unescape(re.sub(r"\\(.)", r"\1", cell)) == question
