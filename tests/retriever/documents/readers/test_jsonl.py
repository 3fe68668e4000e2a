"""JSON lines as programs write them: bad lines among good ones, arrays, other keys, numbers that are none."""

import json

import pytest

from retriever.documents.document import Document
from retriever.documents.loading import load_documents, read_file
from retriever.documents.readers.json_lines import jsonl_columns, read_jsonl
from retriever.errors import DocumentError


def read(*lines):
    """Return what is read of lines, each a text or a value of JSON."""
    return read_jsonl("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines).encode())


def texts(found):
    return [section.text for section in found.sections]


def test_text_title_id_and_metadata(tmp_path):
    lines = [
        {"_id": "a", "id": 7, "title": "Owl", "text": "hunts", "metadata": {"colour": "white", "source": "book"}},
        {"id": 8, "text": "sings\u2028hi\x85gh", "year": 1999},
        {"text": "flies", "title": None, "metadata": None},
        {"text": "  "},
    ]
    path = tmp_path / "b.jsonl"
    path.write_text("\ufeff" + "\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    documents = load_documents(path)
    assert documents.failed == {}
    assert list(documents) == [
        Document("a", "hunts", "Owl", {"source": "b.jsonl", "row": 1, "colour": "white", "source_": "book"}),
        Document("8", "sings\u2028hi\x85gh", "", {"source": "b.jsonl", "row": 3, "year": 1999}),
        Document("b.jsonl#row=5", "flies", "", {"source": "b.jsonl", "row": 5}),
    ]
    assert documents.notes == {"b.jsonl": ("Line 7: left out, as there is no text.",)}


def test_bad_lines_are_passed_over_and_named(tmp_path):
    path = tmp_path / "b.jsonl"
    path.write_text('{"text": "a"}\n{"text": \n["b"]\n{"text": "c"}\n7\n{"body": "d"}\n{"text": "e"')
    documents = load_documents(path)
    assert [document.text for document in documents] == ["a", "c"]
    assert list(documents.failed) == [f"b.jsonl, {part}" for part in ("lines 2 and 7", "lines 3 and 5", "line 6")]
    for reason, words in zip(
        documents.failed.values(), ("is not JSON (Exp", "the type list", 'no "text"'), strict=True
    ):
        assert words in reason and reason.endswith(".") and len(reason) < 300


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["", '{"text":', "[1]"], r"Line 1 is not JSON \(Expecting value\)"),
        (['["text"]'], "Line 1 holds the type list"),
        (["[" * 100_000], "nested too deeply"),
        ([{"content": "a", "body": "b"}], '"content", "body" could be it'),
        ([{"n": 1, "url": "https://example.org"}], 'the keys are "n", "url"'),
        (["{}"], 'No line has a "text"'),
    ],
)
def test_a_file_without_a_line_that_can_be_read_is_refused(lines, reason):
    with pytest.raises(DocumentError, match=reason):
        read(*lines)


@pytest.mark.parametrize(
    "whole",
    [
        '[{"text": "a"}, {"text": "b"}]',
        '[\n  {"text": "a"},\n  {"text": "b"}\n]\n',
        json.dumps([{"text": "a"}, {"text": "b"}], indent=2),
        json.dumps({"version": 2, "data": [{"text": "a"}, {"text": "b"}]}, indent=2),
        '{"rows": [{"text": "a"}, {"text": "b"}]}',
    ],
)
def test_an_array_is_read_item_by_item(whole):
    found = read(whole)
    assert texts(found) == ["a", "b"] and [section.place for section in found.sections] == ["row=1", "row=2"]
    assert "one JSON array" in found.notes[0] and not found.unread
    assert jsonl_columns(whole.encode()) == ["text"]


def test_of_a_damaged_array_the_sound_items_are_read():
    found = read('[\n {"text": "a"},\n {"text": "b",\n {"text": "c"}\n]')
    assert (texts(found), list(found.unread)) == (["a", "c"], ["line 3"])
    found = read('[{"text": "a"}, {"text": "b"}, {"te')
    assert (texts(found), list(found.unread)) == (["a", "b"], ["item 3"])


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_values_over_several_lines_and_other_line_ends(end):
    assert texts(read(json.dumps({"text": "a"}, indent=1), json.dumps({"text": "b"}, indent=1))) == ["a", "b"]
    assert texts(read(f'{{"text": "a"}}{end}{{"text": "b"}}{end}')) == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ({"content": "Owls.", "title": "A title that has a few words more", "n": 3}, "content"),
        ({"url": "u", "utterance": "Owls hunt by ear in the night.", "name": "Ada"}, "utterance"),
        ({"body": ["Owls.", "Larks."]}, "body"),
    ],
)
def test_a_text_under_another_key_is_read_and_told(line, key):
    found = read(line, line)
    expected = line[key] if isinstance(line[key], str) else "\n\n".join(line[key])
    assert texts(found) == [expected] * 2
    assert found.notes == (f'No line has a "text"; "{key}" was read as the text.',)
    assert read({"text": "a", "body": "b"}).notes == ()


def test_values_that_are_no_texts_are_titles_and_ids_as_they_are_written():
    rows = [
        {"_id": {"$oid": "5f1"}, "title": 1984, "text": "a"},
        {"_id": 2.5, "title": True, "text": 7},
        {"_id": None, "title": ["x", "y"], "text": ["b", "c"], "metadata": "m"},
    ]
    found = [(one.given_id, one.title, one.text) for one in read(*rows).sections]
    assert found == [("5f1", "1984", "a"), ("2.5", "true", "7"), ("", "x\n\ny", "b\n\nc")]
    assert read(*rows).sections[2].metadata == {"row": 3, "metadata": "m"}


def test_a_line_with_a_title_only_has_it_as_its_text():
    found = read({"_id": "1", "title": "On owls", "text": ""}, {"_id": "2", "title": "On larks"}, {"text": "c"})
    assert [(one.title, one.text) for one in found.sections] == [("On owls",) * 2, ("On larks",) * 2, ("", "c")]
    assert found.notes[0].startswith("Lines 1 and 2: there is a title but no text") and not found.unread


def test_an_id_that_repeats_is_no_key():
    found = read({"id": 1, "text": "a"}, {"_id": "1", "text": "b"}, {"text": "c"})
    assert [one.given_id for one in found.sections] == ["", "", ""]
    assert [one.metadata for one in found.sections] == [{"id": "1", "row": 1}, {"_id": "1", "row": 2}, {"row": 3}]
    assert 'The "_id" of line 2, "1", is that of line 1' in found.notes[0]


def test_numbers_that_json_does_not_have_become_null_and_are_told(tmp_path):
    path = tmp_path / "b.jsonl"
    path.write_text('{"text": "NaN", "a": NaN, "b": [1.5, -Infinity, 1e999]}')
    found = read_file(path)
    assert found.sections[0].metadata == {"row": 1, "a": None, "b": [1.5, None, None]}
    assert found.notes == ("JSON has no number NaN or -Infinity or 1e999; nothing was read where it stands.",)
    assert read({"text": "NaN"}).notes == ()
