"""Lines of passages: whatever JSON can hold comes back, and lines that save never writes are refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retriever.documents.document import Passage
from retriever.errors import StorageError
from retriever.storage.passage_lines import read_passages, write_passages

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
SPANS = st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda pair: (min(pair), max(pair)))
PASSAGES = st.builds(Passage, *[st.text()] * 6, st.none() | SPANS, st.dictionaries(st.text(), VALUES, max_size=3))


@given(st.lists(PASSAGES, max_size=3))
@example([Passage("line\nfeed\r\n\u2028\u2029\x85\0", '😀🏳️‍🌈 e\u0301 \\ud800 "', metadata={"doc_id": 3, "": [1e308]})])
def test_text_place_and_metadata_of_every_kind_come_back(passages):
    data = write_passages(passages)
    assert list(read_passages(data, 2)) == passages
    assert data.count(b"\n") == len(passages), "each has a line of its own"


TEA = {"title": "Tea", "doc_id": "t"}
CHUNK = {**TEA, "chunk_id": "t#1", "start": 0, "end": 9, "n": 1}
COLUMNS = {"start": "x", "end": 3}  # of a row, with names that are those of a chunk's place


@pytest.mark.parametrize(
    ("text", "metadata", "passage"),
    [
        ("Tea Boil.", {**TEA, "source": "s"}, Passage("Boil.", "Tea Boil.", "t", "t", "Tea", "s")),
        ("Teapots.", TEA, Passage("Teapots.", "Teapots.", "t", "t", "Tea")),
        ("Tea Boil.", CHUNK, Passage("Tea Boil.", "Tea Boil.", "t#1", "t", "Tea", "", (0, 9), {"n": 1})),
        ("Tea Boil.", TEA | COLUMNS, Passage("Boil.", "Tea Boil.", "t", "t", "Tea", metadata=COLUMNS)),
        ("Boil.", {"doc_id": 7}, Passage("Boil.", "Boil.", metadata={"doc_id": 7})),
    ],
    ids=["document", "no title", "chunk", "row", "text"],
)
def test_a_passage_of_version_1_had_its_place_in_its_metadata(text, metadata, passage):
    [read] = read_passages(json.dumps({"text": text, "metadata": metadata}).encode() + b"\n", 1)
    shared = {key: value for key, value in metadata.items() if key == "source"}  # of the document too
    assert read == replace(passage, metadata={**shared, **passage.metadata})
    assert read.as_metadata() == metadata


def nested(depth):
    value = {}
    for _ in range(depth):
        value = {"deeper": value}
    return value


def ring():
    value = {}
    value["self"] = value
    return value


@pytest.mark.parametrize(
    "metadata", [{"made": object()}, {("a", "tuple"): 1}, {"lone": "\ud800"}, ring(), nested(100_000)], ids=range(5)
)
def test_what_json_cannot_hold_is_refused_and_its_row_named(metadata):
    with pytest.raises(StorageError, match="row 17 cannot be written as JSON"):
        write_passages([Passage("a", "a")] * 17 + [Passage("a", "a", metadata=metadata)])
    while metadata.get("deeper"):  # taken apart level by level: freeing it at once would recurse as deep
        metadata["deeper"], metadata = {}, metadata["deeper"]


UNFIT = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b'{"metadata": {}}',
    b'{"text": "a"}',
    b'{"text": null, "metadata": {}}',
    b'{"text": ["a"], "metadata": {}}',
    b'{"text": "a", "metadata": []}',
    b'{"text": "a", "metadata": {}, "shown": 3}',
    b'{"text": "a", "metadata": {}, "doc_id": 3}',
    b'{"text": "a", "metadata": {}, "span": [3, 1]}',
    b'{"text": "a", "metadata": {}, "span": [-1, 1]}',
    b'{"text": "a", "metadata": {}, "span": [0, true]}',
    b'{"text": "a", "metadata": {}, "span": [0]}',
    b'{"text": "a", "metadata": {}} {"text": "b", "metadata": {}}',
    b'{"text": "a", "metadata": {}',
    b'{"text": "lone \\ud800", "metadata": {}}',
    b'{"text": "a", "metadata": {"\\uDBFF": 1}}',
    b'{"text": "\xff", "metadata": {}}',
    b'\xef\xbb\xbf{"text": "a", "metadata": {}}',
    b'{"text": "a", "metadata": {"n": ' + b"9" * 5000 + b"}}",
    b'{"a":' * 100_000,
]


@pytest.mark.parametrize("line", UNFIT, ids=range(len(UNFIT)))
def test_a_line_that_save_never_writes_is_refused(line):
    versions = (2,) if any(key in line for key in (b"span", b"shown", b"doc_id")) else (1, 2)
    for version in versions:
        with pytest.raises((ValueError, TypeError, LookupError, RecursionError)):
            list(read_passages(b'{"text": "a", "metadata": {}}\n' + line + b"\n", version))


@pytest.mark.parametrize(
    "line",
    [
        b'{"text": "a", "text": "b", "metadata": {}, "metadata": {"doc_id": "d1"}}',
        b'{"text": "a pair \\ud83d\\ude00 and \\\\ud800", "metadata": {}}',
        b'{"text": "a", "metadata": {"n": 1e99}, "unknown": 1}',
        b'{"text": "a", "metadata": {"n": ' + b"[" * 500 + b"]" * 500 + b"}}",
        b'{"text": "a", "metadata": {"doc_id": null, "title": {"a": 1}, "chunk_id": 3, "start": -5, "end": 1}}',
    ],
    ids=range(5),
)
@pytest.mark.parametrize("version", [1, 2])
def test_unusual_lines_are_taken_as_they_are_and_can_be_written_again(line, version):
    [found] = read_passages(line + b"\n", version)
    assert (found.encoded_text, found.as_metadata()) == (json.loads(line)["text"], json.loads(line)["metadata"])
    assert list(read_passages(write_passages([found]), 2)) == [found]


def test_numbers_that_json_does_not_have_are_null():
    [line] = write_passages([Passage("a", "a", metadata={"n": [float("nan"), float("inf"), 1.5]})]).splitlines()
    assert b'"n": [null, null, 1.5]' in line
    [found] = read_passages(b'{"text": "a", "metadata": {"n": [NaN, 1e999, 2]}}\n', 2)
    assert found.metadata == {"n": [None, None, 2]}
