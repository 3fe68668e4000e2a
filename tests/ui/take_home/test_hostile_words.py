"""Tests that no visitor's word breaks out of a script: it changes literals and nothing else of the source."""

import ast
from dataclasses import replace

import nbformat
import pytest

from retriever.run_record import RunRecord
from tests.support.hostile_text import HOSTILE
from ui.take_home.python_source import Code, arguments, literal
from ui.take_home.script import TakeHome

BREAKING = {
    "triple quotes": "'''\nimport os\n'''\n\"\"\"\nimport os\n\"\"\"",
    "backslash": "\\",
    "backslash quote": "\\\" + __import__('os').getcwd() + \"\\",
    "a cell": "x\n# %%\nimport os\n# %% [markdown]\n# y",
    "jinja": "{{ 7 * 7 }}{% raw %}{# x #}{{ self }}",
    "format": "{numbers} %s {0}",
    "line ends": "a\rb\x0bc\x0cd\x85e\u2028f\u2029g\nimport os",
    "long quotes": "'\"\\\n" * 100,
    "coding": "# -*- coding: utf-7 -*-\n+AGk-",
}
WORDS = {**HOSTILE, **BREAKING}
SETTINGS = {
    "model": "wordllama-256",
    "model_fingerprint": "abc-float32",
    "chunk_size_tokens": 40,
    "chunk_overlap_tokens": 0,
    "M": 16,
    "ef_construction": 200,
    "graph_reproducible": True,
    "k": 10,
    "ef": 20,
}
DATA = {"texts_sha256": "0" * 64, "vectors": 5, "documents": 1, "tokens": 9, "measuring_queries": 3}
STEP = {"ef": 20, "mean_recall": 0.5, "p50_seconds": 1e-4}


def search_of(word, origin):
    """Return the record of a search with a visitor's word everywhere a visitor's words can stand."""
    settings = {**SETTINGS, "question": word, "beside": {"retriever": word}}
    observed = {"seconds_embedding": 1e-3, "seconds_exact": 1e-4, "seconds_HNSW": 1e-4, "recall_at_10": 0.5}
    observed |= {side: [[word, 0.5], [f"{word}#1", 0.25]] for side in ("exact", "hnsw")}
    observed |= {f"seconds_{word}": 0.1, word: [[word, 1.0]]}
    data = {**DATA, "collection": word, "origin": origin}
    return RunRecord(word, settings, data, observed, word, {"numpy": "2"}, {"cpu": word}, kind="search")


def comparison_of(word, origin):
    """Return the record of a comparison with a visitor's word as a kind, in judgments and in names."""
    interval, tested = [0.5, 0.4, 0.6], {"p": 1.0, "corrected_p": 1.0, "wins_ties_losses": [1, 2, 3]}
    both = {"first": interval, "second": interval, "difference": interval, **tested}
    observed = {name: both for name in ("success_10", "ndcg_cut_10", "recall_10", "recip_rank", "map")}
    observed |= {
        "kinds": {word: both},
        "first_two_errors": {"lost_by_model": 1},
        "second_two_errors": {"lost_by_model": 1},
    }
    settings = {"k": 10, "ef": 20, "relevance_level": 1, "first": SETTINGS, "second": {"retriever": word}}
    judgments = {"queries": {word: word}, "qrels": {word: {word: 1}}, "kinds": {word: word}}
    data = {**DATA, "origin": origin, "judged_by": word, "judgments": judgments}
    return RunRecord(word, settings, data, observed, word, {"numpy": "2"}, {"cpu": word}, kind="comparison")


def file_of(word):
    return [{"name": word, "sha256": "1" * 64}]


ORIGINS = {
    "sample": lambda word: {"kind": "sample", "name": word},
    "text": lambda word: {"kind": "text", "text": word},
    "files": lambda word: {"kind": "files", "files": file_of(word), "text_columns": [word], "title_column": word},
    "archive": lambda word: {"kind": "archive", "files": file_of(word), "part": word, "split": word},
    "saved": lambda word: {"kind": "saved", "files": file_of(word)},
}


def skeleton(source):
    """Return the syntax tree of a script with all its constants, and what grows with a text, left out."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


def texts_in(source):
    return [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]


MADE = [(search_of, origin) for origin in ORIGINS] + [(comparison_of, "sample")]


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
def test_a_word_changes_literals_only_and_stands_there_unchanged(word):
    for make, origin in MADE:
        plain, made = (TakeHome(make(given, ORIGINS[origin](given))) for given in ("word", word))
        source = made.script
        assert skeleton(source) == skeleton(plain.script)
        assert texts_in(source).count(word) == texts_in(plain.script).count("word") > 0
        assert len(made.cells) == len(plain.cells)
        assert source.encode("utf-8").decode() == source and "\r" not in source and "\0" not in source
        comments = [[line for line in script.splitlines() if line.startswith("#")] for script in (source, plain.script)]
        assert comments[0] == comments[1]
    nbformat.validate(nbformat.reads(made.notebook, as_version=4))


@pytest.mark.parametrize("value", [*WORDS.values(), ["x" * 300, {"a": [None, True, -1.5e-9, "ü"]}], {}, [], "x" * 101])
def test_a_literal_reads_back_and_is_printable(value):
    written = literal({"value": value, "deeper": [value] * 2})
    assert ast.literal_eval(written) == {"value": value, "deeper": [value] * 2}
    assert all(character.isprintable() or character == "\n" for character in written)


def test_only_values_of_json_have_a_literal_and_only_names_are_arguments():
    with pytest.raises(TypeError):
        literal(object())
    assert literal(Code("import os")) == "import os", "source of the package itself stays"
    assert arguments({"M": 4, "model_name": "a'b"}) == 'M=4, model_name="a\'b"'
    for name in ("a b", "import", "x=1, y"):
        with pytest.raises(ValueError, match="no name of an argument"):
            arguments({name: 1})


@pytest.mark.parametrize("version", ["2.4.6", "2.13.0+cpu", "1; rm -rf x", "$(touch x)", "1 && x"])
def test_a_version_reaches_the_install_command_only_if_it_is_one(version):
    run = replace(search_of("word", ORIGINS["sample"]("documents")), versions={"python": "3.11", "numpy": version})
    [line] = [line for line in TakeHome(run).script.splitlines() if line.startswith("#     pip install")]
    assert line in ("#     pip install .", "#     pip install . numpy==2.4.6", "#     pip install . numpy==2.13.0")
