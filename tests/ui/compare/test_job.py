"""Tests of comparison jobs: which requests are refused, what is embedded, what is reused, what a result holds."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from retriever.datasets.collection import Collection
from retriever.documents.document import Document
from retriever.encoders.loading import load_encoder
from retriever.errors import (
    Cancelled,
    CollectionError,
    DocumentError,
    ModelError,
    ParameterError,
    RetrieverError,
    StorageError,
)
from retriever.indexing.collection import IndexSettings
from retriever.indexing.pipeline import index_collection
from tests.support.judged import Counting, beir_zip
from tests.support.small import HOSTILE, sentences
from ui.compare.index_cache import IndexCache
from ui.compare.job import plan_comparison
from ui.compare.request import (
    BEIR,
    COLLECTIONS,
    COMPARISON_MAX_K,
    JUDGED_SAMPLES,
    LOADED,
    CompareRequest,
    comparison_request,
)
from ui.compare.tab import error_section
from ui.jobs.shared_samples import SharedSamples
from ui.session import Session
from ui.settings import limits
from ui.uploads.parse import ParsedFiles

FIRST, SECOND, THIRD = "all-MiniLM-L6-v2", "wordllama-256", "multi-qa-MiniLM-L6-cos-v1"
HUB = "BAAI/bge-small-en-v1.5"
SCIENCE = next(iter(JUDGED_SAMPLES))
TEXTS = sentences(40)
CORPUS = [(f"d{row}", text) for row, text in enumerate(TEXTS)]
QUERIES = [(f"q{row}", " ".join(TEXTS[row].split()[:3])) for row in range(6)]  # a text's first three words
QRELS = [(f"q{row}", f"d{row}", 2) for row in range(6)]


class Forgetful(Counting):
    """A poor model, which sees only the last word of a text: in a passage a number."""

    def seen(self, texts):
        return [text.split()[-1] for text in texts]


@pytest.fixture
def models(monkeypatch):
    """Encoders that count, in place of the catalogue's models: the first is good, the second poor."""
    made = {FIRST: Counting(FIRST), SECOND: Forgetful(SECOND), THIRD: Counting(THIRD)}
    for module in (
        "retriever.retrievers.dense",
        "retriever.indexing.pipeline",
        "retriever.experiments.judged_index",
        "ui.compare.job",
    ):
        monkeypatch.setattr(f"{module}.load_encoder", made.__getitem__)
    return made


@pytest.fixture
def index_cache():
    return IndexCache()


@pytest.fixture
def archive(tmp_path):
    return beir_zip(tmp_path / "lamps.zip", CORPUS, QUERIES, QRELS)


def quiet(stage, done):
    """Ignore progress."""


def request(collection=BEIR, first=FIRST, second=SECOND, **parts):
    return CompareRequest(collection, first, second, **parts)


def compare(asked, index_cache, session=None, shared_samples=None, progress=quiet):
    return plan_comparison(asked, session or Session(), index_cache, shared_samples or SharedSamples(()))(progress)


def refusal(asked, index_cache, session=None, shared_samples=None):
    """Return the error that a request raises."""
    with pytest.raises(RetrieverError) as raised:
        compare(asked, index_cache, session, shared_samples)
    return raised.value


def embedded(models):
    return {name: (model.documents, model.questions) for name, model in models.items()}


# --- requests from the controls


def test_controls_become_a_request():
    asked = comparison_request(BEIR, FIRST, SECOND, 5.0, 4.0, 20.0, "a.zip", None, None, 2.0)
    assert asked == CompareRequest(BEIR, FIRST, SECOND, 5, 4, 20, archive="a.zip", relevance_level=2)
    asked = comparison_request(LOADED, FIRST, SECOND, 5, 16, 200, None, "a.tsv", "b.jsonl", 1)
    assert asked == CompareRequest(LOADED, FIRST, SECOND, 5, qrels="a.tsv", queries="b.jsonl")


NOT_WHOLE = [2.5, True, None, "10", float("nan"), float("inf")]


@pytest.mark.parametrize("value", NOT_WHOLE, ids=repr)
@pytest.mark.parametrize("name", ["k", "M", "ef_construction", "relevance_level"])
def test_numbers_that_are_not_whole_are_refused(name, value):
    numbers = {"k": 10, "M": 16, "ef_construction": 200, "relevance_level": 1, name: value}
    level = numbers.pop("relevance_level")
    with pytest.raises(ParameterError, match=f"{name} is .*must be a whole number"):
        comparison_request(SCIENCE, FIRST, SECOND, *numbers.values(), None, None, None, level)


BAD = {
    "an unknown collection": ({"collection": "Lamps"}, ParameterError, "'Lamps'; choose one of: Everyday science"),
    "an unknown model": ({"second": "nonsense"}, ModelError, "no model 'nonsense' .*choose one of: all-MiniLM-L6-v2"),
    "an unknown first model": ({"first": ""}, ModelError, "choose one of"),
    "the same model twice": (
        {"second": FIRST},
        ParameterError,
        "Both models are all-MiniLM-L6-v2; choose two different",
    ),
    "k 0": ({"k": 0}, ParameterError, "k is 0; it must be a whole number from 1 to 200"),
    "k 201": ({"k": 201}, ParameterError, "k is 201; it must be .* to 200"),
    "k 2.5": ({"k": 2.5}, ParameterError, "k is 2.5; it must be a whole number"),
    "k True": ({"k": True}, ParameterError, "k is True; it must be a whole number"),
    "k None": ({"k": None}, ParameterError, "k is None; it must be a whole number"),
    "relevance_level 0": ({"relevance_level": 0}, ParameterError, "relevance_level is 0; it must be .* from 1 to 1000"),
    "relevance_level 1001": ({"relevance_level": 1001}, ParameterError, "relevance_level is 1001"),
    "M 1": ({"M": 1}, ParameterError, "M is 1; it must be a whole number from 2"),
    "ef_construction 0": ({"ef_construction": 0}, ParameterError, "ef_construction is 0; it must be"),
    "no file": (
        {"archive": ""},
        DocumentError,
        "No file was chosen; choose a zip with corpus.jsonl, queries.jsonl and",
    ),
}


@pytest.mark.parametrize(("parts", "error", "words"), BAD.values(), ids=BAD)
def test_what_can_be_refused_at_once_is_refused_before_any_work(parts, error, words, archive, index_cache, models):
    asked = request(**{"archive": archive, **parts})
    with pytest.raises(error, match=words):
        plan_comparison(asked, Session(), index_cache, SharedSamples(()))
    assert not index_cache._indexes


def test_the_largest_and_smallest_that_are_taken(archive, index_cache, models):
    for parts in ({"k": 1}, {"k": COMPARISON_MAX_K}, {"M": 2}, {"relevance_level": 1000}):
        request(archive=archive, **parts).check(ParsedFiles())


def test_a_file_that_is_too_large_is_refused_by_name_size_and_limit(tmp_path, archive, index_cache, monkeypatch):
    large = tmp_path / "large.zip"
    large.write_bytes(bytes(1_500_000))
    request(archive=str(large)).check(ParsedFiles())
    monkeypatch.setenv("LAB_MAX_TOTAL_MB", "1")
    assert (
        str(refusal(request(archive=str(large)), index_cache)) == "large.zip has 1.5 MB; at most 1 MB a file are taken."
    )
    request(archive=archive).check(ParsedFiles())


@pytest.mark.parametrize("name", ["qrels", "queries"])
def test_judgments_and_queries_that_are_too_large_are_refused_too(tmp_path, index_cache, base, monkeypatch, name):
    monkeypatch.setenv("LAB_MAX_TOTAL_MB", "1")
    files = {
        "qrels": qrels_file(tmp_path / "qrels.tsv", QRELS),
        "queries": queries_file(tmp_path / "queries.tsv", QUERIES),
    }
    with Path(files[name]).open("a", encoding="utf-8") as file:
        file.write("\n" * 1_500_000)
    assert "at most 1 MB" in str(refusal(request(LOADED, **files), index_cache, Session(base)))


# --- collections that cannot be taken


def without(rows, number, *row):
    return [*rows[:number], *([row] if row else []), *rows[number + 1 :]]


SPOILT = {  # what is wrong: documents, queries, judgments, and what the message says
    "judgments of other documents": (CORPUS, QUERIES, [("q1", "x1", 1), ("q2", "x2", 1)], "0 of 2 document ids .*'x1'"),
    "judgments of other queries": (CORPUS, QUERIES, [("x1", "d1", 1)], "0 of 1 query ids .*'x1'.*choose the judgments"),
    "a grade that is no whole number": (
        CORPUS,
        QUERIES,
        without(QRELS, 1, "q1", "d1", 1.5),
        "test.tsv, line 3: the grade is '1.5'; it must be a whole number",
    ),
    "a document id twice": (
        without(CORPUS, 5, "d4", "amber"),
        QUERIES,
        QRELS,
        "corpus.jsonl, line 6: the _id 'd4' was used before; make it unique",
    ),
    "a query id twice": (
        CORPUS,
        without(QUERIES, 5, "q4", "amber"),
        QRELS,
        "queries.jsonl, line 6: the _id 'q4' was used before; make it unique",
    ),
    "a judgment twice": (CORPUS, QUERIES, [*QRELS, QRELS[0]], "line 8: document 'd0' stands twice .* keep one line"),
    "an empty query": (
        CORPUS,
        without(QUERIES, 2, "q2", "  "),
        QRELS,
        "line 3: the query 'q2' is empty; write or remove",
    ),
    "no documents": ([], QUERIES, QRELS, "The documents hold no text; load others"),
    "no queries": (CORPUS, [], QRELS, "queries.jsonl holds no queries; wanted an _id and a text"),
    "no judgments": (CORPUS, QUERIES, [], "test.tsv holds no judgments; wanted a line for each"),
}


@pytest.mark.parametrize(("corpus", "queries", "qrels", "words"), SPOILT.values(), ids=SPOILT)
def test_a_spoilt_collection_is_told_and_nothing_stays(tmp_path, index_cache, models, corpus, queries, qrels, words):
    error = refusal(request(archive=beir_zip(tmp_path / "a.zip", corpus, queries, qrels)), index_cache)
    assert isinstance(error, CollectionError)
    assert_matches(words, error)
    assert not index_cache._indexes
    assert set(embedded(models).values()) == {(0, 0)}, "it was embedded first"


def assert_matches(words, error):
    with pytest.raises(type(error), match=words):
        raise error


def evil(path, *members):
    """Write a zip of a collection with members of evil."""
    beir_zip(path, CORPUS, QUERIES, QRELS)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return str(path)


def test_a_zip_bomb_is_refused_with_the_limit(tmp_path, index_cache, models, monkeypatch):
    monkeypatch.setenv("LAB_MAX_UNPACKED_MB", "1")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("corpus.jsonl", b" " * 3_000_000)
        archive.writestr("queries.jsonl", b"{}")
        archive.writestr("qrels/test.tsv", b"")
    assert (tmp_path / "bomb.zip").stat().st_size < 10_000
    error = refusal(request(archive=str(tmp_path / "bomb.zip")), index_cache)
    assert isinstance(error, StorageError)
    assert "more than 1 MB" in str(error)
    assert not index_cache._indexes


def test_a_collection_as_large_as_is_unpacked_is_taken(archive, index_cache, models, monkeypatch):
    monkeypatch.setenv("LAB_MAX_UNPACKED_MB", "1")
    assert len(compare(request(archive=archive), index_cache).comparison.first.indexed) == 40


@pytest.mark.parametrize("name", ["../evil.txt", "mine/../../evil.txt", "/etc/evil.txt"])
def test_a_name_that_leads_out_of_the_zip_is_refused(tmp_path, index_cache, models, name):
    error = refusal(request(archive=evil(tmp_path / "a.zip", (name, b"evil"))), index_cache)
    assert isinstance(error, StorageError)
    assert "leads out of its folder; nothing was unpacked" in str(error)
    assert not list(tmp_path.parent.rglob("evil.txt"))
    assert not index_cache._indexes


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 half a zip"])
def test_a_file_that_is_no_zip_is_refused(tmp_path, index_cache, models, content):
    (tmp_path / "a.zip").write_bytes(content)
    error = refusal(request(archive=str(tmp_path / "a.zip")), index_cache)
    assert isinstance(error, StorageError)
    assert "a.zip" in str(error)
    assert not index_cache._indexes


def test_a_larger_collection_than_is_taken_is_refused_before_it_is_embedded(archive, index_cache, models, monkeypatch):
    monkeypatch.setenv("LAB_MAX_CHUNKS", "39")
    assert (
        str(refusal(request(archive=archive), index_cache)) == "There are 40 passages; at most 39 are taken. Load less."
    )
    assert not index_cache._indexes
    assert set(embedded(models).values()) == {(0, 0)}
    monkeypatch.setenv("LAB_MAX_CHUNKS", "40")
    compare(request(archive=archive), index_cache)


def test_more_questions_than_are_taken_are_refused_before_any_is_embedded(archive, index_cache, models, monkeypatch):
    monkeypatch.setenv("LAB_MAX_QUESTIONS", "5")
    error = refusal(request(archive=archive), index_cache)
    assert str(error) == "There are 6 judged questions; at most 5 are taken. Use a part of them."
    assert not index_cache._indexes
    assert set(embedded(models).values()) == {(0, 0)}
    monkeypatch.setenv("LAB_MAX_QUESTIONS", "6")
    compare(request(archive=archive), index_cache)


def test_questions_that_are_not_judged_do_not_count(tmp_path, index_cache, models, monkeypatch):
    monkeypatch.setenv("LAB_MAX_QUESTIONS", "2")
    path = beir_zip(tmp_path / "a.zip", CORPUS, QUERIES, QRELS[:2])
    assert len(compare(request(archive=path), index_cache).comparison.hit_rate.differences) == 2


@pytest.mark.parametrize("names", [(HUB, SECOND), (SECOND, HUB)], ids=["first", "second"])
def test_a_model_of_the_hub_without_network_is_told_before_any_work(
    archive, index_cache, wordllama, monkeypatch, names
):
    monkeypatch.setattr("ui.compare.job.index_collection", lambda *args, **options: pytest.fail("work was done"))
    error = refusal(request(BEIR, *names, archive=archive), index_cache)
    assert isinstance(error, ModelError)
    assert f"{HUB} could not be fetched" in str(error)
    assert "choose a packaged model: all-MiniLM-L6-v2, wordllama-256" in str(error)
    assert not index_cache._indexes


# --- the collection loaded in the Documents tab


def qrels_file(path, qrels):
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in qrels), encoding="utf-8")
    return str(path)


def queries_file(path, queries):
    path.write_text("".join(f"{query_id}\t{text}\n" for query_id, text in queries), encoding="utf-8")
    return str(path)


@pytest.fixture
def base(models):
    """A loaded collection of forty documents, without queries of its own, embedded with the first model."""
    indexed = index_collection(
        Collection("Lamps", [Document(*row) for row in CORPUS], passage=lambda document: document.text),
        IndexSettings(FIRST),
    )
    models[FIRST].documents = models[FIRST].questions = 0
    return indexed


@pytest.fixture
def judged_base(base):
    """The same collection with judged queries of its own."""
    judged = Collection("Lamps", [], dict(QUERIES), {query_id: {doc_id: 2} for query_id, doc_id, _ in QRELS}).judged
    return replace(base, judged=judged)


@pytest.fixture
def uploads(tmp_path):
    return {"qrels": qrels_file(tmp_path / "q.tsv", QRELS), "queries": queries_file(tmp_path / "q.txt", QUERIES)}


def test_what_is_loaded_is_compared_by_uploaded_judgments(base, index_cache, models, uploads):
    found = compare(request(LOADED, k=1, **uploads), index_cache, Session(base)).comparison
    assert found.first.indexed is base
    assert found.second.indexed.retriever.texts == base.retriever.texts
    assert found.first.judged.qrels == {query_id: {doc_id: 2} for query_id, doc_id, _ in QRELS}
    assert found.hit_rate.first.mean == 1, "three words of a text are nearest to it"
    assert found.hit_rate.second.mean < 1
    assert embedded(models)[FIRST] == (0, 6), "its passages were embedded already"


def test_its_own_judgments_and_queries_are_taken_where_none_are_given(judged_base, index_cache, models, tmp_path):
    own = compare(request(LOADED), index_cache, Session(judged_base)).comparison
    assert own.first.judged is judged_base.judged
    other = qrels_file(tmp_path / "q.tsv", [("q2", "d30", 1)])
    given = compare(request(LOADED, qrels=other), index_cache, Session(judged_base)).comparison
    assert given.first.judged.qrels == {"q2": {"d30": 1}}
    assert given.first.judged.asked == {"q2": QUERIES[2][1]}


def test_the_relevance_level_of_uploaded_judgments_is_the_one_asked_for(base, index_cache, uploads):
    rates = [
        compare(request(LOADED, k=1, relevance_level=level, **uploads), index_cache, Session(base)).comparison.hit_rate
        for level in (1, 2, 3, 2)
    ]
    assert [rate.first.mean for rate in rates] == [1, 1, 0, 1]


LOADED_WRONG = {
    "nothing is loaded": (None, {}, "Nothing is loaded yet.*load your own documents in the first tab"),
    "no judgments": ("base", {}, "Lamps has no judgments.*add qrels in TREC's or BEIR's format"),
    "no queries": ("base", {"qrels": QRELS}, "Lamps has no queries of its own.*choose a file of queries as well"),
    "judgments of other documents": (
        "judged_base",
        {"qrels": [("q1", "x1", 1), ("q2", "x1", 1)]},
        "0 of 1 document ids in the judgments .*choose the judgments that belong to these documents",
    ),
    "judgments of other queries": (
        "judged_base",
        {"qrels": [("x1", "d1", 1)]},
        "0 of 1 query ids in the judgments .*choose the judgments that belong to these queries",
    ),
    "a grade that is no number": ("judged_base", {"qrels": [("q1", "d1", "good")] * 2}, "the grade is 'good'"),
    "an empty query": ("base", {"qrels": QRELS, "queries": [("q1", "  ")]}, "line 1: the query 'q1' is empty; write"),
}


@pytest.mark.parametrize("names", [(FIRST, SECOND), (SECOND, FIRST)], ids=["its model first", "another model first"])
@pytest.mark.parametrize(("loaded", "given", "words"), LOADED_WRONG.values(), ids=LOADED_WRONG)
def test_what_does_not_fit_what_is_loaded_is_told_before_anything_is_embedded(
    loaded, given, words, names, index_cache, models, tmp_path, base, judged_base
):
    session = Session({"base": base, "judged_base": judged_base, None: None}[loaded])
    files = {name: qrels_file(tmp_path / f"{name}.tsv", rows) for name, rows in given.items()}
    error = refusal(request(LOADED, *names, **files), index_cache, session)
    assert_matches(words, error)
    assert not index_cache._indexes
    assert set(embedded(models).values()) == {(0, 0)}


def test_a_graph_of_other_settings_is_built_beside_the_one_that_is_loaded(judged_base, index_cache, models):
    starved = judged_base.with_graph(4, 20)
    found = compare(request(LOADED), index_cache, Session(starved)).comparison
    for index in (found.first, found.second):
        assert (index.indexed.retriever.hnsw.M, index.indexed.settings.M) == (16, 16)
    assert starved.retriever.hnsw.M == 4
    assert embedded(models)[FIRST] == (0, 6)


def test_too_many_uploaded_questions_are_refused(base, index_cache, uploads, models, monkeypatch):
    monkeypatch.setenv("LAB_MAX_QUESTIONS", "5")
    assert "6 judged questions; at most 5" in str(refusal(request(LOADED, **uploads), index_cache, Session(base)))
    assert not index_cache._indexes


# --- what is never embedded again


@pytest.fixture
def once(archive, index_cache, models):
    """One finished comparison, after which nothing is to be embedded."""
    found = compare(request(archive=archive), index_cache)
    assert {name: documents for name, (documents, _) in embedded(models).items()} == {FIRST: 40, SECOND: 40, THIRD: 0}
    return found


CHANGES = {
    "nothing": {},
    "another k": {"k": 3},
    "the models swapped": {"first": SECOND, "second": FIRST},
    "another graph": {"M": 4, "ef_construction": 20},
}


@pytest.mark.parametrize("parts", CHANGES.values(), ids=CHANGES)
def test_comparing_again_embeds_nothing(once, archive, index_cache, models, parts):
    before = embedded(models)
    again = compare(replace(request(archive=archive), **parts), index_cache)
    assert embedded(models) == before
    assert again.comparison.models == (parts.get("first", FIRST), parts.get("second", SECOND))
    assert again.comparison.k == parts.get("k", 10)
    hnsw = again.comparison.first.indexed.retriever.hnsw
    assert (hnsw.M, hnsw.ef_construction) == (parts.get("M", 16), parts.get("ef_construction", 200))


def test_another_graph_is_built_once_and_found_again(once, archive, index_cache, models):
    starved = request(archive=archive, M=4, ef_construction=20)
    first = compare(starved, index_cache).comparison
    again = compare(starved, index_cache).comparison
    assert again.first is first.first
    assert again.second is first.second
    assert first.first.indexed.retriever.vectors is once.comparison.first.indexed.retriever.vectors
    other = compare(
        request(archive=archive, M=4, ef_construction=21), index_cache
    ).comparison.first.indexed.retriever.hnsw
    assert (other.M, other.ef_construction) == (4, 21)
    assert compare(request(archive=archive), index_cache).comparison.first is once.comparison.first


@pytest.mark.parametrize("ef", [1, 10, 40, 400])
def test_moving_ef_embeds_nothing(once, models, ef):
    before = embedded(models)
    assert error_section(once, max(ef, 10))
    assert embedded(models) == before


def test_the_same_zip_under_another_name_embeds_nothing(once, archive, index_cache, models):
    before = embedded(models)
    copy = Path(archive).with_name("copy.zip")
    copy.write_bytes(Path(archive).read_bytes())
    compare(request(archive=str(copy)), index_cache)
    assert embedded(models) == before


def test_another_zip_under_the_same_name_is_another_collection(once, archive, index_cache):
    beir_zip(archive, CORPUS[:20], QUERIES, QRELS)
    assert len(compare(request(archive=archive), index_cache).comparison.first.indexed) == 20


def test_the_relevance_level_of_a_zip_is_the_one_asked_for(archive, index_cache, models):
    rates = [
        compare(request(archive=archive, k=1, relevance_level=level), index_cache).comparison.hit_rate.first.mean
        for level in (2, 3, 1, 3)
    ]
    assert rates == [1, 0, 1, 0]


def test_another_relevance_level_of_a_zip_embeds_no_passage_again(once, archive, index_cache, models):
    compare(request(archive=archive, relevance_level=2), index_cache)
    assert {name: documents for name, (documents, _) in embedded(models).items()} == {FIRST: 40, SECOND: 40, THIRD: 0}


def test_a_third_model_embeds_only_for_itself(once, archive, index_cache, models):
    before = embedded(models)
    compare(request(archive=archive, second=THIRD), index_cache)
    assert models[THIRD].documents == 40
    assert {name: embedded(models)[name] for name in (FIRST, SECOND)} == {
        name: before[name] for name in (FIRST, SECOND)
    }


def test_cancelling_in_the_second_model_keeps_the_first(archive, index_cache, models):
    def leave(stage, done):
        if SECOND in stage and "embedding" in stage and done:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        compare(request(archive=archive), index_cache, progress=leave)
    assert [item.model_name for item in index_cache._indexes.values()] == [FIRST]
    before = embedded(models)[FIRST]
    assert before[0] == 40
    assert compare(request(archive=archive), index_cache).comparison.models == (FIRST, SECOND)
    assert embedded(models)[FIRST] == before


def test_cancelling_in_the_first_model_leaves_nothing(archive, index_cache, models):
    def leave(stage, done):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        compare(request(archive=archive), index_cache, progress=leave)
    assert not index_cache._indexes


def test_other_judgments_for_what_is_loaded_embed_no_passage_again(base, index_cache, models, uploads, tmp_path):
    compare(request(LOADED, **uploads), index_cache, Session(base))
    assert (models[FIRST].documents, models[SECOND].documents) == (0, 40)
    other = qrels_file(tmp_path / "other.tsv", [("q1", "d5", 1)])
    found = compare(request(LOADED, **{**uploads, "qrels": other}), index_cache, Session(base)).comparison
    assert found.first.judged.qrels == {"q1": {"d5": 1}}
    assert (models[FIRST].documents, models[SECOND].documents) == (0, 40)
    before = embedded(models)
    compare(request(LOADED, **uploads), index_cache, Session(base))
    assert embedded(models) == before, "the first judgments are still there"


def test_other_judgments_under_the_same_name_are_read_anew(base, index_cache, uploads):
    compare(request(LOADED, **uploads), index_cache, Session(base))
    qrels_file(Path(uploads["qrels"]), [("q1", "d5", 1)])
    found = compare(request(LOADED, **uploads), index_cache, Session(base)).comparison
    assert found.first.judged.qrels == {"q1": {"d5": 1}}


def test_another_loaded_collection_is_another(judged_base, index_cache, models):
    compare(request(LOADED), index_cache, Session(judged_base))
    other = replace(judged_base)  # of the same name
    assert compare(request(LOADED), index_cache, Session(other)).comparison.first.indexed is other


# --- the samples, shared by all visitors


@pytest.fixture
def shared(models, monkeypatch):
    """Shared samples made of the forty documents."""
    qrels = {query_id: {doc_id: grade} for query_id, doc_id, grade in QRELS}
    documents = [Document(*row) for row in CORPUS]
    sample = Collection("Science", documents, dict(QUERIES), qrels, lambda document: document.text, relevance_level=2)

    def make(name, settings, *, progress):
        return index_collection(replace(sample, name=name), settings, progress=progress)

    monkeypatch.setattr("ui.jobs.shared_samples.cached_sample", make)
    return SharedSamples(())


def test_a_sample_is_embedded_once_for_all_visitors(shared, models):
    one = compare(request(SCIENCE), IndexCache(), shared_samples=shared).comparison
    before = embedded(models)
    other = compare(request(SCIENCE, M=4, ef_construction=20), IndexCache(), shared_samples=shared).comparison
    assert embedded(models) == before
    assert {name: documents for name, (documents, _) in before.items()} == {FIRST: 40, SECOND: 40, THIRD: 0}
    assert one.first.indexed.name == "everyday_science"
    assert other.first.indexed.settings.M == 4
    assert one.first.indexed.settings.M == 16, "who starves a graph starves only their own"


def test_a_sample_knows_its_relevance_level(shared, index_cache):
    found = compare(request(SCIENCE, relevance_level=1), index_cache, shared_samples=shared).comparison
    assert found.first.judged.relevance_level == 2


def test_every_sample_that_is_offered_has_judgments(shared, index_cache):
    for title in JUDGED_SAMPLES:
        assert (
            compare(request(title), index_cache, shared_samples=shared).comparison.first.indexed.name
            == JUDGED_SAMPLES[title]
        )
    assert set(COLLECTIONS) == {*JUDGED_SAMPLES, BEIR, LOADED}


# --- what a comparison is made of


def test_a_comparison_is_of_the_uploaded_collection(once):
    found = once.comparison
    assert found.models == (FIRST, SECOND)
    assert found.first.indexed.name == "lamps"
    assert found.first.judged.queries == dict(QUERIES)
    assert found.hit_rate.first.mean == 1
    assert once.seconds > 0
    assert not once.in_lower_case


def test_at_k_1_the_poor_model_finds_less(archive, index_cache, models):
    rate = compare(request(archive=archive, k=1), index_cache).comparison.hit_rate
    assert (rate.first.mean, rate.second.mean) == (1, pytest.approx(0, abs=0.5))
    assert rate.difference.mean > 0


def test_progress_names_the_model_and_its_stage(archive, index_cache, models):
    heard = []
    compare(request(archive=archive), index_cache, progress=lambda stage, done: heard.append((stage, done)))
    stages = list(dict.fromkeys(stage for stage, _ in heard))
    parts = ["reading", "chunking", "embedding", "graph", "questions"]
    for name in (FIRST, SECOND):
        own = " ".join(stage for stage in stages if name in stage)
        assert sorted(parts, key=own.index) == parts
        assert "loading the model" in own
    assert [FIRST in stage for stage in stages if "embedding" in stage] == [True, False]
    assert stages[-1] == "comparing"
    assert all(0 <= done <= 1 for _, done in heard)


def test_a_hostile_file_name_is_only_a_name(tmp_path, index_cache, models):
    name = HOSTILE.replace("/", "")
    path = beir_zip(tmp_path / f"{name}.zip", CORPUS, QUERIES, QRELS)
    assert compare(request(archive=path), index_cache).comparison.first.indexed.name == name


class Cased(Counting):
    """A model that distinguishes capitals."""

    def seen(self, texts):
        return ["".join(f"{c}^" if c.isupper() else c for c in text) for text in texts]


@pytest.fixture
def shouting(tmp_path, models):
    """A collection whose questions are in capitals, and a first model that distinguishes them."""
    models[FIRST] = Cased(FIRST)
    corpus = [(doc_id, text.lower()) for doc_id, text in CORPUS]
    return beir_zip(tmp_path / "loud.zip", corpus, [(query_id, text.upper()) for query_id, text in QUERIES], QRELS)


def test_questions_in_capitals_are_asked_in_lower_case_as_well(shouting, index_cache):
    found = compare(request(archive=shouting, k=1), index_cache)
    assert found.comparison.hit_rate.first.mean < 1
    assert found.in_lower_case[0] == 1
    assert found.in_lower_case[1] == found.comparison.hit_rate.second.mean, "the second model sees no capitals"


def test_questions_in_capitals_are_embedded_once_too(shouting, index_cache, models):
    compare(request(archive=shouting), index_cache)
    before = embedded(models)
    compare(request(archive=shouting), index_cache)
    assert embedded(models) == before


# --- with real models


def test_two_real_models_on_an_uploaded_collection(tmp_path, index_cache, minilm, wordllama):
    corpus = [
        ("tea", "Green tea is brewed with water of eighty degrees."),
        ("bee", "Bees dance to tell where nectar is."),
    ]
    queries = [("q1", "How hot should the water for tea be?"), ("q2", "How do bees show each other the way?")]
    path = beir_zip(tmp_path / "a.zip", corpus, queries, [("q1", "tea", 1), ("q2", "bee", 1)])
    found = compare(request(archive=path, k=1), index_cache).comparison
    assert (found.hit_rate.first.mean, found.hit_rate.second.mean) == (1, 1)
    assert found.first.vectors.shape == (2, 384)
    assert found.second.vectors.shape == (2, 256)
    assert load_encoder(FIRST) is minilm


def test_the_limits_have_defaults():
    assert (limits().unpacked_megabytes, limits().questions) == (500, 5_000)
