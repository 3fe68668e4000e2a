"""Hostile files: reading any file gives a text or a reason, in bounded time and memory, and harms nothing."""

import copy
import gzip
import io
import json
import os
import re
import socket
import time
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from retriever.documents.loading import FORMATS, _unique_id, load_documents
from retriever.documents.readers.json_values import MAX_DEPTH
from retriever.errors import CollectionError, DocumentError, StorageError
from sandbox.reading_process import ReadingProcess
from tests.support.hostile import BEIR, CASES, frame, overlapping, with_size, zip_of
from tests.support.mutations import mutation
from tests.support.paths import ROOT

SAMPLES = ROOT / "samples" / "documents"
LIMITS = {"seconds": 10, "megabytes": 300, "max_pages": 3_000}
SLACK = 10  # seconds beyond a limit, for a machine under load
MANY = 20_000_000  # bytes that an archive may unpack to


@pytest.fixture
def process(tmp_path):
    start = time.monotonic()
    with ReadingProcess([tmp_path], **LIMITS) as process:
        yield process
    assert time.monotonic() - start < LIMITS["seconds"] + SLACK


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


SLOW = "bomb.docx rows.csv wide.csv attribute.html".split()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.exhaustive] * (name in SLOW)) for name in CASES]
)
def test_a_hostile_file_gives_a_text_or_a_reason(load, name):
    build, expected = CASES[name]
    documents = load(name, build())
    reason = documents.failed.get(name, "")
    assert bool(documents) != bool(reason)
    found = reason or "\n".join(document.text for document in documents)
    assert re.search(expected, found), found[:300]
    assert len(reason) < 350 and (not reason or reason.endswith("."))
    titles = " ".join(document.title for document in documents)
    assert not [secret for secret in ("root:", "steal") if secret in found or secret in titles]


@pytest.mark.exhaustive
def test_a_page_that_takes_too_long_is_stopped(tmp_path):
    attributes = " ".join(f"a{number}=1" for number in range(100_000))  # each is compared with all before it
    (tmp_path / "a.html").write_text(frame(f"<p {attributes}>owl</p>"))
    (tmp_path / "b.html").write_text(frame("<p>Owls hunt at night.</p>"))
    with ReadingProcess(seconds=1.5) as process:
        documents = load_documents(tmp_path, read=process.read)
    assert "longer than 1.5 s" in documents.failed["a.html"] and [d.doc_id for d in documents] == ["b.html"]


FORMULAS = ["=1+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0", "\t=2+2", "\u200b=1"]


def test_formulas_are_text_and_stay_as_they_are(load):
    cells = ['"' + formula.replace('"', '""') + '"' for formula in FORMULAS]
    documents = load("a.csv", "id,title,text,other\n" + "".join(f"{cell},{cell},{cell},{cell}\n" for cell in cells))
    assert [(document.text, document.metadata["other"]) for document in documents] == [(f, f) for f in FORMULAS]
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
    assert len({*made, *names}) == len(made) + len(names)
    assert taken.looked < 20_000


# --- paths ---------------------------------------------------------------------------------------------------------


def test_odd_and_invalid_paths_are_reported(tmp_path, process):
    (tmp_path / "in").mkdir()
    (tmp_path / "a.txt").write_text("text")
    good = [f"{tmp_path}/in/../a.txt", f"{tmp_path}/./in/.././in/../a.txt"]
    bad = ["nul\0.txt", "n" * 4000, f"{tmp_path}/" + "deep/" * 1000 + "a.txt", "\ud800.txt", "\n"]
    documents = load_documents([*good, *bad], read=process.read)
    assert [document.doc_id for document in documents] == [f"{tmp_path.name}/a.txt"], "another a.txt is not there"
    assert len(documents.failed) == len(bad)
    assert all(reason.endswith(".") and len(reason) < 200 for reason in documents.failed.values())
    assert all(name.encode() for name in documents.failed), "fit for a page"


def test_strange_names_are_kept(tmp_path, process):
    names = ["<script>.txt", "a\nb.txt", "..txt.txt", " .txt", "-rf.txt", "%s{0}.txt", "‮gpj.txt", "n" * 251 + ".txt"]
    undecodable = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.txt"))
    for path in (paths := [*(tmp_path / name for name in names), undecodable]):
        path.write_text("owl")
    documents = load_documents(paths, read=process.read)
    assert documents.failed == {}
    assert [document.doc_id for document in documents] == [*names, "\ufffd\ufffd.txt"]


def test_devices_pipes_sockets_and_links(tmp_path, process):
    device, links = "a device or a pipe", {"zero": "/dev/zero", "null": "/dev/null", "self": "self.txt"}
    os.mkfifo(tmp_path / "pipe.txt")
    for name, target in {**links, "outside": "/etc/passwd", "gone": "nowhere"}.items():
        (tmp_path / f"{name}.txt").symlink_to(target)
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "a.md").write_text("text")
    (tmp_path / "inside.md").symlink_to("a.md")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.txt"))
        documents = load_documents(sorted(tmp_path.iterdir()), read=process.read)
    assert [document.doc_id for document in documents] == ["a.md", "inside.md"]
    words = {"gone": "no such file", "self": "no such file", "folder": "holds no file"}
    for name, reason in {**dict.fromkeys(("pipe", "zero", "null", "socket"), device), **words}.items():
        assert reason in documents.failed[f"{name}.txt"]
    if "files" not in process.missing:
        assert "Permission denied" in documents.failed["outside.txt"]


# --- archives ------------------------------------------------------------------------------------------------------

MILLIONS = '{"_id": "d", "text": "owl", "a": [' + '{"": 0},' * 1_500_000 + "[]]}\n"


def beir(corpus=BEIR["corpus.jsonl"], compression=zipfile.ZIP_DEFLATED, **more):
    """Return a zip of a small BEIR collection, with other files beside it."""
    return zip_of({**BEIR, "corpus.jsonl": corpus, **more}, compression)


def words_of_overlaps():
    """Return what this Python's zipfile says of entries that overlap; "" where it reads the same bytes many times."""
    with warnings.catch_warnings(), zipfile.ZipFile(io.BytesIO(overlapping(beir(), 3_000))) as archive:
        warnings.simplefilter("ignore")
        try:
            archive.read("corpus.jsonl")
        except zipfile.BadZipFile:
            return "Overlapped entries"
    return ""


ARCHIVES = {  # name: (what writes it, words of the reason; "" if it can be read)
    "bomb": (lambda: beir(bytes(30_000_000)), "unpacks to more than 20 MB"),
    "bomb-beside": (lambda: beir(README=bytes(30_000_000)), ""),
    "lies": (
        lambda: with_size(beir(BEIR["corpus.jsonl"] + "\n" * 30_000_000), "corpus.jsonl", 10),
        "cannot be unpacked .Bad",
    ),
    "values": (lambda: beir(MILLIONS), "MB of memory"),
    "nested": (lambda: beir(beir()), "cannot be read as UTF-8"),
    "overlapping": (lambda: overlapping(beir(), 3_000), words_of_overlaps()),
    "overlapping-many": (lambda: overlapping(beir(), 20_000), "holds 60,000 files; at most 10,000"),
    "lzma": (lambda: beir(bytes(5_000_000), zipfile.ZIP_LZMA), "packed in an unusual way"),
    "up": (lambda: beir(**{"../../evil": b"x"}), "leads out of its folder"),
    "nul": (lambda: beir(evil=b"x").replace(b"evil", b"e\0il"), ""),
    "long": (lambda: beir(**{"n" * 4000: b"x", "/".join("d" * 2000): b"x"}), ""),
    "no-members": (lambda: zip_of({}), "holds no corpus.jsonl"),
}
LISTS = [
    ("qrels", "a.tsv", b"q1\td1\t" + b"9" * 1_000_000, "the grade is"),
    ("qrels", "a.tsv", b"\t" * 5_000_000, "no judgments"),
    ("qrels", "a.csv", b'q,"' + b"x" * 5_000_000, "is not CSV"),
    ("qrels", "a.csv", b";" * 5_000_000, "no judgments"),
    ("queries", "a.csv", b'"' * 5_000_000, "is empty|is not CSV"),
    ("queries", "a.csv", b"q," * 2_500_000, "has 2500001 columns"),
    ("queries", "a.jsonl", b'{"_id":' * 500_000, "line 1 is not JSON"),
    ("queries", "a.jsonl", b'{"_id": "q", "text": "t", "metadata": ' + b"[" * 900 + b"]" * 900 + b"}", ""),
    ("queries", "a.tsv", b"q1\t" + b"owl " * 2_000_000, ""),
    ("queries", "a.tsv", b"\xff\xfe" * 100, "holds no queries"),
    ("queries", "a.tsv", b"\xff\xfe" + b"\0\xd8" * 100, "cannot be read as UTF-8"),
    ("queries", "a.gz", gzip.compress(b"q " + b"owl " * 75_000_000), "MB of memory"),
    ("qrels", "a.gz", gzip.compress(gzip.compress(bytes(600_000_000))), "cannot be read as UTF-8"),
    ("qrels", "a.gz", gzip.compress(b"q 0 d 1\n")[:-4], "damaged gzip"),
    ("qrels", "a.tsv", b"#" * 5_000_000, "no judgments"),
    ("qrels", "a.tsv", b"#\n" * 500_000 + b"q 0 d 1", ""),
]


@pytest.mark.parametrize(
    ("task", "name", "build", "expected"),
    [pytest.param("beir", "a.zip", *case, id=name) for name, case in ARCHIVES.items()]
    + [(task, name, lambda content=content: content, words) for task, name, content, words in LISTS],
)
def test_a_hostile_archive_or_list_is_read_or_refused(tmp_path, process, task, name, build, expected):
    (tmp_path / name).write_bytes(build())
    options = {"max_bytes": MANY} if task == "beir" else {}
    if expected:
        with pytest.raises((CollectionError, StorageError, DocumentError), match=expected) as caught:
            process.check(task, tmp_path / name, **options)
        assert len(str(caught.value)) <= 500
    else:
        process.check(task, tmp_path / name, **options)
    assert [path.name for path in tmp_path.iterdir()] == [name]


# --- random damage -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [range(20), pytest.param(range(20, 200), marks=pytest.mark.exhaustive)])
def test_random_mutations_of_every_format_give_documents_or_a_reason(tmp_path, numbers):
    samples = {path.name: path.read_bytes() for path in sorted(SAMPLES.iterdir())}
    samples["household.tsv"] = samples["household.csv"]
    assert {Path(name).suffix for name in samples} == set(FORMATS)
    outcomes = Counter()
    with ReadingProcess([tmp_path], **LIMITS, total_seconds=1000, text_megabytes=1000) as process:
        for name in samples:
            for number in numbers:
                (tmp_path / name).write_bytes(mutation(samples, name, number))
                documents = load_documents(tmp_path / name, read=process.read)
                reason = documents.failed.get(name, "")
                assert bool(documents) != bool(reason) and len(reason) < 600, (name, number, reason)
                outcomes[Path(name).suffix, bool(reason)] += 1
    read, refused = ({suffix for suffix, failed in outcomes if failed is which} for which in (False, True))
    assert read == set(FORMATS) and {".pdf", ".docx"} <= refused, outcomes
