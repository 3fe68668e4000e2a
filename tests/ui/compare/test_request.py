"""Tests of a comparison's request: what can be refused at once is refused, with what to do."""

from dataclasses import replace

import pytest

from retriever.errors import DocumentError, ModelError, ParameterError
from ui.compare.request import BEIR, COLLECTIONS, COMPARISON_MAX_K, LOADED, CompareRequest
from ui.uploads.parse import ParsedFiles

FIRST, SECOND = "all-MiniLM-L6-v2", "wordllama-256"
FURTHER = {"third": "BM25", "fourth": f"{FIRST} + {SECOND}"}
SAMPLE = CompareRequest(collection=COLLECTIONS[0], first=FIRST, second=SECOND)


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"collection": "Lamps"}, ParameterError, "'Lamps'; choose one of: Everyday science"),
        ({"second": "nonsense"}, ModelError, "no model 'nonsense' .*choose one of: all-MiniLM-L6-v2"),
        ({"first": ""}, ModelError, "choose one of"),
        ({"second": FIRST}, ParameterError, "all-MiniLM-L6-v2 is chosen twice; choose different ones"),
        ({"third": SECOND}, ParameterError, "wordllama-256 is chosen twice"),
        ({"fourth": "nonsense"}, ModelError, "no model 'nonsense'"),
        ({"second": "BM25 + nonsense"}, ModelError, "no model 'nonsense'"),
        ({"second": "BM25 + BM25"}, ParameterError, r"BM25 \+ BM25 fuses 2 retrievers; name two different ones"),
        ({"second": f"BM25 + {FIRST} + {SECOND}"}, ParameterError, "fuses 3 retrievers"),
        ({"third": "/etc, late interaction"}, ModelError, "A model in a folder of this machine is not for visitors"),
        ({"k": 0}, ParameterError, "k is 0; it must be a whole number from 1 to 50"),
        ({"k": 51}, ParameterError, "k is 51; it must be .* to 50"),
        ({"relevance_level": 0}, ParameterError, "relevance_level is 0; it must be .* from 1 to 1000"),
        ({"relevance_level": 1001}, ParameterError, "relevance_level is 1001"),
        ({"M": 1}, ParameterError, "M is 1; it must be a whole number from 2"),
        ({"ef_construction": 0}, ParameterError, "ef_construction is 0; it must be"),
        ({"collection": BEIR}, DocumentError, "No file was chosen; choose a zip with corpus.jsonl, queries.jsonl and"),
        ({"collection": LOADED, "queries": "q.tsv"}, DocumentError, "without judgments of them; choose a file"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_can_be_refused_at_once_is_refused(changed, error, words):
    for good in ({"k": 1}, {"k": COMPARISON_MAX_K}, {"M": 2}, {"relevance_level": 1000}, FURTHER):
        replace(SAMPLE, **good).check(ParsedFiles())
    with pytest.raises(error, match=words):
        replace(SAMPLE, **changed).check(ParsedFiles())


@pytest.mark.parametrize(("collection", "large"), [(BEIR, "archive"), (LOADED, "qrels"), (LOADED, "queries")])
def test_a_file_that_is_too_large_is_refused_by_name_size_and_limit(tmp_path, monkeypatch, collection, large):
    files = {name: tmp_path / name for name in ("archive", "qrels", "queries")}
    for name, path in files.items():
        path.write_bytes(bytes(1_500_000 if name == large else 10))
    asked = replace(SAMPLE, collection=collection, **{name: str(path) for name, path in files.items()})
    asked.check(ParsedFiles())
    monkeypatch.setenv("LAB_MAX_TOTAL_MB", "1")
    with pytest.raises(DocumentError, match=rf"^{large} has 1\.5 MB; at most 1 MB a file are taken\.$"):
        asked.check(ParsedFiles())
    parsed_files = ParsedFiles()
    parsed_files.get_or_parse(asked.paths, lambda: None)
    asked.check(parsed_files)  # what was read is not needed again
