"""Hostile files: reading any file gives a text or a reason, in bounded time and memory, and harms nothing."""

import copy
import io
import json
import os
import re
import socket
import sys
import time
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from retriever.documents.loading import ACCEPTED_SUFFIXES, _unique_id, load_documents
from retriever.documents.readers.tabular import MAX_DEPTH
from retriever.errors import CollectionError, DocumentError, StorageError
from sandbox.reading_process import ReadingProcess
from tests.support.hostile import CASES, frame, overlapping, with_size, zip_of
from tests.support.mutations import mutation, outcome, table
from tests.support.paths import ROOT

SAMPLES = ROOT / "samples" / "documents"
MUTATIONS = 20_000 if os.environ.get("LAB_FULL_TESTS") else 350
SECONDS, MEGABYTES, PAGES = 10, 300, 3_000
SLACK = 10  # seconds beyond a limit, for a machine under load
MANY = 20_000_000  # bytes that an archive may unpack to
SECRET = "root:"  # in the file that some of these try to have read


@pytest.fixture
def process(tmp_path):
    limits = {"seconds": SECONDS, "megabytes": MEGABYTES, "max_pages": PAGES}
    with ReadingProcess([tmp_path], **limits) as process:
        yield process


@pytest.fixture
def load(tmp_path, process):
    """Write one file and load it in the reading process; a good file after it must still be read."""

    def load(name, content):
        folder = tmp_path / "upload"
        folder.mkdir()
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        (folder / "good.txt").write_text("good")
        documents = load_documents([folder / name, folder / "good.txt"], read=process.read)
        assert documents.pop().text == "good"
        assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(["upload", name, "good.txt"])
        return documents

    return load


# --- each kind of attack -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_gives_a_text_or_a_reason(load, name):
    build, expected = CASES[name]
    content, start = build(), time.monotonic()
    documents = load(name, content)
    assert time.monotonic() - start < SECONDS + SLACK
    reason = documents.failed.get(name, "")
    assert bool(documents) != bool(reason)
    found = reason or "\n".join(document.text for document in documents)
    assert re.search(expected, found), found[:300]
    assert len(reason) < 350 and (not reason or reason.endswith("."))
    titles = " ".join(document.title for document in documents)
    assert not [secret for secret in (SECRET, "steal") if secret in found or secret in titles]


def test_a_page_that_takes_too_long_is_stopped(tmp_path):
    attributes = " ".join(f"a{number}=1" for number in range(100_000))  # each is compared with all before it
    (tmp_path / "a.html").write_text(frame(f"<p {attributes}>owl</p>"))
    (tmp_path / "b.html").write_text(frame("<p>Owls hunt at night.</p>"))
    with ReadingProcess(seconds=1.5) as process:
        start = time.monotonic()
        documents = load_documents(tmp_path, read=process.read)
    assert time.monotonic() - start < 3 + SLACK
    assert "longer than 1.5 s" in documents.failed["a.html"] and [d.doc_id for d in documents] == ["b.html"]


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0", "\t=2+2", "\u200b=1"]


def test_formulas_are_text_and_stay_as_they_are(load):
    cells = ['"' + formula.replace('"', '""') + '"' for formula in FORMULAS]
    documents = load("a.csv", "id,title,text,other\n" + "".join(f"{cell},{cell},{cell},{cell}\n" for cell in cells))
    assert documents.failed == {}
    assert [document.text for document in documents] == FORMULAS
    assert [document.metadata["other"] for document in documents] == FORMULAS
    assert [document.doc_id for document in documents] == [formula.strip() for formula in FORMULAS]


@pytest.mark.parametrize("line", ['{"text": "a", "deep": %s}', '{"text": "a", "metadata": {"deep": %s}}'])
def test_metadata_is_nested_no_deeper_than_all_that_comes_later_can_take(tmp_path, line):
    path = tmp_path / "a.jsonl"
    path.write_text(line % ("[" * (MAX_DEPTH - 2) + "]" * (MAX_DEPTH - 2)))
    (document,) = load_documents(path)
    assert copy.deepcopy(document) == document and json.dumps(document.metadata)
    path.write_text(line % ("[" * MAX_DEPTH + "]" * MAX_DEPTH))
    assert "nested too deeply" in load_documents(path).failed["a.jsonl"]


def test_ids_made_to_collide_are_not_all_tried_each_time():
    class Counting(dict):
        looked = 0

        def __contains__(self, key):
            self.looked += 1
            return super().__contains__(key)

    names = ["x", "b#x", *(f"b#x~{number}" for number in range(2, 2000))]
    taken = Counting.fromkeys(names, 1)
    made = [_unique_id("x", "b", taken) for _ in range(2000)]
    assert len({*made, *names}) == 4000 - 1 + len(names) - 1999
    assert taken.looked < 20_000


# --- paths ---------------------------------------------------------------------------------------------------------


def test_odd_and_invalid_paths_are_reported(tmp_path, process):
    (tmp_path / "in").mkdir()
    (tmp_path / "a.txt").write_text("text")
    good = [f"{tmp_path}/in/../a.txt", f"{tmp_path}/./in/.././in/../a.txt"]
    bad = [
        "nul\0.txt",
        "n" * 4000 + ".txt",
        "n" * 4000,
        f"{tmp_path}/" + "deep/" * 1000 + "a.txt",
        "\ud800.txt",
        "\n",
    ]
    documents = load_documents([*good, *bad], read=process.read)
    assert [document.doc_id for document in documents] == [f"{tmp_path.name}/a.txt"], "another a.txt is not there"
    assert len(documents.failed) == len(bad)
    assert all(reason.endswith(".") and len(reason) < 200 for reason in documents.failed.values())
    assert all(name.encode() for name in documents.failed), "fit for a page"
    here = load_documents([*good, *bad])
    assert list(here) == list(documents) and here.failed == documents.failed


def test_strange_names_are_kept(tmp_path, process):
    names = ["<script>.txt", "a\nb.txt", "..txt.txt", " .txt", "-rf.txt", "%s{0}.txt", "‮gpj.txt", "n" * 251 + ".txt"]
    for name in names:
        (tmp_path / name).write_text(name)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.txt")).write_text("bytes")
    documents = load_documents(
        [*(tmp_path / name for name in names), *tmp_path.glob("*[!a-z]*.txt")], read=process.read
    )
    assert documents.failed == {}
    assert {document.doc_id for document in documents} == {*names, "\ufffd\ufffd.txt"}
    assert [document.text for document in documents][: len(names)] == names


def test_devices_pipes_sockets_and_links(tmp_path, process):
    os.mkfifo(tmp_path / "pipe.txt")
    for name, target in (
        ("zero", "/dev/zero"),
        ("random", "/dev/urandom"),
        ("null", "/dev/null"),
        ("self", "self.txt"),
    ):
        (tmp_path / f"{name}.txt").symlink_to(target)
    (tmp_path / "outside.txt").symlink_to("/etc/passwd")
    (tmp_path / "gone.txt").symlink_to("nowhere")
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "a.md").write_text("text")
    (tmp_path / "inside.md").symlink_to("a.md")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.txt"))
        start = time.monotonic()
        documents = load_documents(sorted(tmp_path.iterdir()), read=process.read)
    assert time.monotonic() - start < SLACK
    assert [document.doc_id for document in documents] == ["a.md", "inside.md"]
    words = {
        "pipe": "a device or a pipe", "zero": "a device or a pipe", "random": "a device or a pipe",
        "null": "a device or a pipe", "socket": "a device or a pipe", "gone": "no such file", "self": "no such file",
        "folder": "holds no file",
    }  # fmt: skip
    for name, reason in words.items():
        assert reason in documents.failed[f"{name}.txt"]
    if "files" not in process.missing:
        assert "Permission denied" in documents.failed["outside.txt"]


def test_empty_and_blank_files_of_every_format(tmp_path, process):
    for suffix in ACCEPTED_SUFFIXES:
        for name, content in (("empty", b""), ("blank", b" \n\r\t "), ("nul", bytes(1000)), ("mark", b"\xef\xbb\xbf")):
            (tmp_path / f"{name}{suffix}").write_bytes(content)
    documents = load_documents(tmp_path, read=process.read)
    assert list(documents) == [] and len(documents.failed) == 4 * len(ACCEPTED_SUFFIXES)
    assert all(reason.endswith(".") for reason in documents.failed.values())


# --- archives ------------------------------------------------------------------------------------------------------

CORPUS = b'{"_id": "d1", "text": "A lamp is seen far out at sea."}\n'
BEIR = {
    "corpus.jsonl": CORPUS,
    "queries.jsonl": b'{"_id": "q1", "text": "a lamp?"}\n',
    "qrels/test.tsv": b"q1\td1\t1\n",
}
MILLIONS = b'{"_id": "d%d", "text": "owl", "a": [' + b'{"": 0},' * 1_500_000 + b"[]]}\n"


def words_of_overlaps():
    """Return what this Python's zipfile says of entries that overlap; "" where it reads the same bytes many times."""
    with warnings.catch_warnings(), zipfile.ZipFile(io.BytesIO(overlapping(zip_of(BEIR), 3_000))) as archive:
        warnings.simplefilter("ignore")
        try:
            archive.read("corpus.jsonl")
        except zipfile.BadZipFile:
            return "Overlapped entries"
    return ""


ARCHIVES = {  # name: (what writes it, words of the reason; "" if it can be read)
    "good": (lambda: zip_of(BEIR), ""),
    "bomb": (lambda: zip_of({**BEIR, "corpus.jsonl": bytes(30_000_000)}), "unpacks to more than 20 MB"),
    "bomb-beside": (lambda: zip_of({**BEIR, "README": bytes(30_000_000)}), ""),
    "lies": (
        lambda: with_size(zip_of({**BEIR, "corpus.jsonl": CORPUS + b"\n" * 30_000_000}), len(CORPUS) + 30_000_000, 10),
        "cannot be unpacked .Bad CRC-32",
    ),
    "values": (lambda: zip_of({**BEIR, "corpus.jsonl": MILLIONS % 1}), "MB of memory"),
    "nested": (lambda: zip_of({**BEIR, "corpus.jsonl": zip_of(BEIR)}), "cannot be read as UTF-8"),
    "deep": (lambda: zip_of({**BEIR, "corpus.jsonl": b'{"a":' * 100_000}), "line 1 is not JSON"),
    "overlapping": (lambda: overlapping(zip_of(BEIR), 3_000), words_of_overlaps()),
    "overlapping-many": (lambda: overlapping(zip_of(BEIR), 20_000), "holds 60,000 files; at most 10,000"),
    "bzip2": (lambda: zip_of({**BEIR, "corpus.jsonl": bytes(5_000_000)}, 12), "packed in an unusual way"),
    "lzma": (lambda: zip_of({**BEIR, "corpus.jsonl": bytes(5_000_000)}, 14), "packed in an unusual way"),
    "up": (lambda: zip_of({**BEIR, "../../evil": b"x"}), "leads out of its folder"),
    "root": (lambda: zip_of({**BEIR, "/etc/evil": b"x"}), "leads out of its folder"),
    "nul": (lambda: zip_of({**BEIR, "evil": b"x"}).replace(b"evil", b"e\0il"), ""),
    "long": (lambda: zip_of({**BEIR, "n" * 4000: b"x", "/".join("d" * 2000): b"x"}), ""),
    "long-up": (lambda: zip_of({**BEIR, "../" * 1300: b"x"}), "leads out of its folder"),
    "empty": (lambda: b"", "cannot be unpacked"),
    "no-members": (lambda: zip_of({}), "holds no corpus.jsonl"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_hostile_archive_is_read_or_refused(tmp_path, process, name):
    build, expected = ARCHIVES[name]
    path = tmp_path / "a.zip"
    path.write_bytes(build())
    start = time.monotonic()
    if expected:
        with pytest.raises((CollectionError, StorageError, DocumentError), match=expected) as caught:
            process.check("beir", path, max_bytes=MANY)
        assert len(str(caught.value)) < 350
    else:
        process.check("beir", path, max_bytes=MANY)
    assert time.monotonic() - start < SECONDS + SLACK
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize(
    ("task", "name", "content", "expected"),
    [
        ("qrels", "a.tsv", b"q1\td1\t" + b"9" * 1_000_000, "the grade is"),
        ("qrels", "a.tsv", b"\t" * 5_000_000, "no judgments"),
        ("qrels", "a.tsv", b"q d 1\n" * 100_000, "has 3 columns"),
        ("qrels", "a.tsv", bytes(5_000_000), "no judgments"),
        ("queries", "a.jsonl", b'{"_id":' * 500_000, "line 1 is not JSON"),
        ("queries", "a.jsonl", b'{"_id": "q", "text": "t", "metadata": ' + b"[" * 900 + b"]" * 900 + b"}", ""),
        ("queries", "a.jsonl", b'{"_id": ' + b"9" * 100_000 + b', "text": "t"}', "line 1 is not JSON"),
        ("queries", "a.tsv", b"q1\t" + b"owl " * 2_000_000, ""),
        ("queries", "a.tsv", b"\xff\xfe" * 100, "cannot be read as UTF-8"),
    ],
)
def test_hostile_judgments_and_queries(tmp_path, process, task, name, content, expected):
    (tmp_path / name).write_bytes(content)
    start = time.monotonic()
    if expected:
        with pytest.raises((CollectionError, DocumentError), match=expected) as caught:
            process.check(task, tmp_path / name)
        assert len(str(caught.value)) <= 500
    else:
        process.check(task, tmp_path / name)
    assert time.monotonic() - start < SECONDS + SLACK


# --- random damage -------------------------------------------------------------------------------------------------


def test_random_mutations_of_every_format_give_documents_or_a_reason(tmp_path, capfd):
    samples = {path.name: path.read_bytes() for path in sorted(SAMPLES.iterdir())}
    samples["lighthouses.htm"] = samples["lighthouses.html"]
    assert {Path(name).suffix for name in samples} == set(ACCEPTED_SUFFIXES)
    counts, slow = Counter(), []
    for name in samples:
        numbers = range(-(-MUTATIONS // len(samples)))
        for first in range(0, len(numbers), 500):  # the answers of one process are limited
            with ReadingProcess([tmp_path], seconds=SECONDS, total_seconds=10_000, megabytes=MEGABYTES) as process:
                for number in numbers[first : first + 500]:
                    (tmp_path / name).write_bytes(mutation(samples, name, number))
                    start = time.monotonic()
                    documents = load_documents(tmp_path / name, read=process.read)
                    taken, reason = time.monotonic() - start, documents.failed.get(name, "")
                    assert bool(documents) != bool(reason), (name, number)
                    assert len(reason) < 600 and taken < SECONDS + SLACK, (name, number, reason)
                    counts[Path(name).suffix, outcome(reason)] += 1
                    if taken > 2 or outcome(reason) not in ("read", "refused"):
                        slow.append(f"{name} {number}: {taken:.1f} s {reason}")
    assert sum(counts.values()) >= MUTATIONS
    with capfd.disabled():
        sys.stdout.write("\n" + table(counts) + "\n" + "".join(line + "\n" for line in slow))
    for suffix in ACCEPTED_SUFFIXES:
        assert counts[suffix, "read"] and counts[suffix, "refused"], "the damage is neither none nor all"


def test_a_mutation_is_the_same_every_time():
    samples = {path.name: path.read_bytes() for path in sorted(SAMPLES.iterdir())}
    for name in samples:
        assert mutation(samples, name, 7) == mutation(samples, name, 7)
        assert len({mutation(samples, name, number) for number in range(20)}) > 15
