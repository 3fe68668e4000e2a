"""Tests of comparison jobs: what is refused, what is embedded, what is reused, what a result holds."""

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from retriever.datasets.collection import Collection
from retriever.documents.document import Document
from retriever.errors import (
    Cancelled,
    CollectionError,
    DocumentError,
    ModelError,
    PartError,
    RetrieverError,
    StorageError,
)
from retriever.evaluation.trec import qrels_text
from retriever.indexing.collection import IndexSettings
from retriever.indexing.pipeline import index_collection
from retriever.turns import LAB
from tests.support.judged import Counting, beir_zip
from tests.support.small import sentences
from ui.compare.job import plan_comparison
from ui.compare.request import BEIR, JUDGED_SAMPLES, LOADED, OWN, CompareRequest
from ui.compare.retrievers.index_cache import IndexCache
from ui.compare.retrievers.model_indexes import ModelIndexes
from ui.jobs.shared_samples import SharedSamples
from ui.session import Session
from ui.uploads.folder import keep_folder, new_folder

FIRST, SECOND, THIRD = "all-MiniLM-L6-v2", "wordllama-256", "multi-qa-MiniLM-L6-cos-v1"
HUB = "BAAI/bge-small-en-v1.5"
SCIENCE = next(iter(JUDGED_SAMPLES))
TEXTS = sentences(40)
CORPUS = [(f"d{row}", text) for row, text in enumerate(TEXTS)]
QUERIES = [(f"q{row}", " ".join(TEXTS[row].split()[:3])) for row in range(6)]  # a text's first three words
QRELS = [(f"q{row}", f"d{row}", 2) for row in range(6)]
JUDGED = {query_id: {doc_id: grade} for query_id, doc_id, grade in QRELS}
DOCUMENTS = [Document(*row) for row in CORPUS]


def run(plan, progress=lambda *status: None):
    """Do the work of a comparison after the jobs that it needs, as the build queue does, and return its result."""
    for need in plan.needs:
        need.result()
    return plan.work(progress)


class Forgetful(Counting):
    """A poor model, which sees only the last word of a text: in a passage a number."""

    def seen(self, texts):
        return [text.split()[-1] for text in texts]


class Cased(Counting):
    """A model that distinguishes capitals."""

    def seen(self, texts):
        return ["".join(f"{c}^" if c.isupper() else c for c in text) for text in texts]


@pytest.fixture
def models(monkeypatch):
    """Encoders that count, in place of the catalogue's models: the first is good, the second poor."""
    made = {FIRST: Counting(FIRST), SECOND: Forgetful(SECOND), THIRD: Counting(THIRD)}
    for module in (
        "retriever.retrievers.lazy_model",
        "retriever.indexing.pipeline",
        "retriever.experiments.judged_index",
    ):
        monkeypatch.setattr(f"{module}.load_encoder", lambda name, device=None, progress=None: made[name])
    monkeypatch.setattr("ui.jobs.model_loads.load_encoder", lambda name, progress: made[name])
    monkeypatch.setattr("ui.compare.job.measure_costs", lambda sides, k: [])  # asks the questions again
    return made


@pytest.fixture
def index_cache():
    return IndexCache()


@pytest.fixture
def archive(tmp_path):
    return beir_zip(tmp_path / "lamps.zip", CORPUS, QUERIES, QRELS)


@pytest.fixture
def compare(models, index_cache):
    """A function that compares as asked for, and returns the finished comparison."""

    def compare(collection, *, session=None, shared=None, cache=index_cache, progress=lambda *status: None, **parts):
        asked = CompareRequest(**{"collection": collection, "first": FIRST, "second": SECOND, **parts})
        return run(plan_comparison(asked, session or Session(), cache, shared or SharedSamples(())), progress)

    return compare


def embedded(models):
    """Return how many passages and questions each model embedded."""
    return {name: (model.documents, model.questions) for name, model in models.items()}


def passages(models):
    return [model.documents for model in models.values()]


@pytest.fixture
def refuse(compare, models, index_cache):
    """A function that compares, and checks that it is refused before anything is embedded."""

    def refuse(error, words, *collection, **parts):
        with pytest.raises(RetrieverError, match=words) as raised:
            compare(*collection, **parts)
        assert isinstance(raised.value, error)
        assert not index_cache._indexes
        assert set(embedded(models).values()) == {(0, 0)}

    return refuse


# --- collections that cannot be taken


@pytest.mark.parametrize(
    ("corpus", "qrels", "words"),
    [
        (CORPUS, [("q1", "x1", 1), ("q2", "x2", 1)], "0 of 2 document ids .*'x1'"),
        (CORPUS, [("x1", "d1", 1)], "0 of 1 query ids .*'x1'.*choose the judgments"),
        (CORPUS, [("q1", "d1", 1.5)], "test.tsv, line 2: the grade is '1.5'; it must be a whole number"),
        ([], QRELS, "The documents hold no text; load others"),
    ],
)
def test_a_spoilt_collection_is_told_and_nothing_stays(tmp_path, refuse, corpus, qrels, words):
    refuse(CollectionError, words, BEIR, archive=beir_zip(tmp_path / "a.zip", corpus, QUERIES, qrels))


def test_a_damaged_or_too_large_archive_is_refused(tmp_path, archive, refuse, compare, monkeypatch):
    path = str(tmp_path / "a.zip")
    Path(path).write_bytes(b"PK\x03\x04 half a zip")
    refuse(StorageError, r"a\.zip", BEIR, archive=path)
    monkeypatch.setenv("LAB_MAX_UNPACKED_MB", "1")
    refuse(StorageError, "more than 1 MB", BEIR, archive=beir_zip(path, [("d1", "x" * 3_000_000)], QUERIES, QRELS))
    assert len(compare(BEIR, archive=archive).comparison.sides[0].indexed) == 40


@pytest.mark.parametrize(
    ("setting", "most", "words"),
    [
        ("LAB_MAX_CHUNKS", 40, "^There are 40 passages; at most 39 are taken. Load less.$"),
        ("LAB_MAX_QUESTIONS", 5, "^There are 5 judged questions; at most 4 are taken. Use a part of them.$"),
    ],
)
def test_more_than_is_taken_is_refused(tmp_path, refuse, compare, monkeypatch, setting, most, words):
    archive = beir_zip(tmp_path / "a.zip", CORPUS, QUERIES, QRELS[:5])  # the sixth question is not judged
    monkeypatch.setenv(setting, str(most - 1))
    refuse(RetrieverError, words, BEIR, archive=archive)
    monkeypatch.setenv(setting, str(most))
    assert len(compare(BEIR, archive=archive).comparison.query_ids) == 5


@pytest.mark.parametrize("names", [(HUB, SECOND), (SECOND, HUB)], ids=["first", "second"])
def test_a_model_of_the_hub_without_network_is_told_before_any_work(archive, index_cache, wordllama, names):
    asked = CompareRequest(collection=BEIR, first=names[0], second=names[1], archive=archive)
    with pytest.raises(ModelError, match=f"{HUB} could not be fetched.*choose a packaged model: all-MiniLM-L6-v2"):
        run(plan_comparison(asked, Session(), index_cache, SharedSamples(())))
    assert not index_cache._indexes


# --- archives with several parts


def test_of_several_collections_one_must_be_chosen_and_the_archive_stays_for_another_choice(tmp_path, compare, refuse):
    folder = new_folder(1_000_000, LAB)
    path = beir_zip(folder / "stack.zip", CORPUS, QUERIES, QRELS, folders=("rust",))
    beir_zip(path, CORPUS[:20], QUERIES, QRELS[:3], folders=("tides",), mode="a")
    keep_folder(folder)
    refuse(PartError, "it holds 2 collections.*choose one of: rust, tides", BEIR, archive=path)
    refuse(PartError, "no judgments of the split 'dev'", BEIR, archive=path, part="rust", split="dev")
    rust, tides, again = (compare(BEIR, archive=path, part=name, split="test") for name in ("rust", "tides", "rust"))
    assert [len(found.comparison.sides[0].judged.asked) for found in (rust, tides)] == [6, 3]
    assert tides.comparison.sides[0].indexed.name == "stack, tides, split test"
    assert tides.notes == {
        "stack.zip": ["Of its 2 collections only tides is read."],
        "qrels": ["The judgments of the split 'test' are read."],
    }
    assert again.comparison.sides[0] is rust.comparison.sides[0]


def test_the_split_and_what_was_passed_over_are_told(tmp_path, compare):
    queries, qrels = [*QUERIES, ("train-1", "")], [*QRELS, QRELS[0]]
    path = beir_zip(tmp_path / "a.zip", CORPUS, queries, qrels, split="dev")
    result = compare(BEIR, archive=path)
    assert result.comparison.sides[0].judged.asked == dict(QUERIES)
    assert result.notes == {
        "queries.jsonl": ["Queries without a text, or with several, that nobody judged, passed over: 1 (train-1)."],
        "qrels": [
            "The judgments of the split 'dev' are read.",
            "Judgments that stand twice with the same grade, counted once: 1 (line 8).",
        ],
    }


# --- the collection loaded in the Documents tab


def qrels_file(path, qrels):
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in qrels), encoding="utf-8")
    return str(path)


@pytest.fixture
def base(models):
    """A loaded collection of forty documents, without queries of its own, embedded with the first model."""
    collection = Collection("Lamps", DOCUMENTS, passage=lambda document: document.text)
    indexed = index_collection(collection, IndexSettings(FIRST))
    models[FIRST].documents = models[FIRST].questions = 0
    return indexed


@pytest.fixture
def judged_base(base):
    """The same collection with judged queries of its own."""
    return replace(base, judged=Collection("Lamps", [], dict(QUERIES), JUDGED).judged)


@pytest.fixture
def uploads(tmp_path):
    return {"qrels": qrels_file(tmp_path / "q.tsv", QRELS), "queries": qrels_file(tmp_path / "q.txt", QUERIES)}


def test_what_is_loaded_is_compared_by_uploaded_judgments(base, compare, models, uploads, tmp_path):
    session = Session(base)
    rates = []
    for level in (1, 2, 3):
        found = compare(LOADED, k=1, session=session, relevance_level=level, **uploads).comparison
        rates.append((found.pair.hit_rate.first.mean, found.pair.hit_rate.second.mean < 1))
    assert rates == [(1, True), (1, True), (0, True)], "three words of a text are nearest to it; the grades are 2"
    assert found.sides[0].indexed is base
    assert found.sides[1].indexed.retriever.texts == base.retriever.texts
    assert found.sides[0].judged.qrels == JUDGED
    assert passages(models) == [0, 40, 0], "its passages were embedded already"
    other = {**uploads, "qrels": qrels_file(tmp_path / "other.tsv", [("q1", "d5", 1)])}
    assert compare(LOADED, session=session, **other).comparison.sides[0].judged.qrels == {"q1": {"d5": 1}}
    before = embedded(models)
    compare(LOADED, session=session, **uploads)
    assert embedded(models) == before, "the first judgments are still there"
    qrels_file(Path(uploads["qrels"]), [("q1", "d6", 1)])  # other judgments under the same name
    assert compare(LOADED, session=session, **uploads).comparison.sides[0].judged.qrels == {"q1": {"d6": 1}}
    assert passages(models) == [0, 40, 0]


def test_what_was_passed_over_in_uploaded_judgments_is_told(base, compare, tmp_path):
    qrels, queries = tmp_path / "qrels.gz", tmp_path / "queries.tsv.gz"
    qrels.write_bytes(gzip.compress(b"# by us\n%23x 0 d1 1\nq2 0 d2 1\nq2 0 d2 1\n"))
    queries.write_bytes(gzip.compress("#x\thow?\nq2\twhy?\nq3\t\n".encode("utf-16")))
    result = compare(LOADED, session=Session(base), qrels=str(qrels), queries=str(queries))
    assert result.comparison.sides[0].judged.qrels == {"#x": {"d1": 1}, "q2": {"d2": 1}}
    assert result.comparison.sides[0].judged.asked == {"#x": "how?", "q2": "why?"}
    assert result.notes == {
        "qrels.gz": [
            "Comments passed over, which begin with #: 1 (line 1).",
            "Judgments that stand twice with the same grade, counted once: 1 (line 4).",
        ],
        "queries.tsv.gz": ["Queries without a text, or with several, that nobody judged, passed over: 1 (q3)."],
    }
    queries.write_bytes(gzip.compress(b"#x\t\nq2\twhy?\n"))
    with pytest.raises(CollectionError, match="queries.tsv.gz, line 1: the query '#x' is empty"):
        compare(LOADED, session=Session(base), qrels=str(qrels), queries=str(queries))


def test_its_own_judgments_and_queries_are_taken_where_none_are_given(judged_base, compare, tmp_path):
    own = compare(LOADED, session=Session(judged_base)).comparison.sides[0]
    assert own.judged is judged_base.judged
    other = qrels_file(tmp_path / "q.tsv", [("q2", "d30", 1)])
    given = compare(LOADED, session=Session(judged_base), qrels=other).comparison.sides[0].judged
    assert (given.qrels, given.asked) == ({"q2": {"d30": 1}}, {"q2": QUERIES[2][1]})
    again = replace(judged_base)  # another collection of the same name
    assert compare(LOADED, session=Session(again)).comparison.sides[0].indexed is again


@pytest.mark.parametrize("names", [(FIRST, SECOND), (SECOND, FIRST)], ids=["its model first", "another model first"])
@pytest.mark.parametrize(
    ("loaded", "given", "words"),
    [
        (None, {}, "Nothing is loaded yet.*load your own documents in the tab Documents"),
        ("base", {}, "Lamps has no judgments.*judge hits in Search, or add qrels in TREC's or BEIR's format"),
        ("base", {"qrels": QRELS}, "Lamps has no queries of its own.*choose a file of queries as well"),
        ("judged_base", {"qrels": [("q1", "x1", 1), ("q2", "x1", 1)]}, "0 of 1 document ids in the judgments"),
        ("judged_base", {"qrels": [("x1", "d1", 1)]}, "0 of 1 query ids in .*that belong to these queries"),
        ("judged_base", {"qrels": [("q1", "d1", "good")] * 2}, "the grade is 'good'"),
        ("base", {"qrels": QRELS, "queries": [("q1", "  ")]}, "line 1: the query 'q1' is empty; write"),
        ("base", {"qrels": QRELS, "queries": QUERIES}, "6 judged questions; at most 5"),
    ],
)
def test_what_does_not_fit_what_is_loaded_is_told_before_anything_is_embedded(
    loaded, given, words, names, refuse, tmp_path, request, monkeypatch
):
    monkeypatch.setenv("LAB_MAX_QUESTIONS", "5")
    session = Session(request.getfixturevalue(loaded) if loaded else None)
    files = {name: qrels_file(tmp_path / f"{name}.tsv", rows) for name, rows in given.items()}
    refuse(RetrieverError, words, LOADED, session=session, first=names[0], second=names[1], **files)


def test_what_the_visitor_judged_counts_before_what_the_collection_says_and_after_a_file(
    judged_base, base, compare, models, tmp_path
):
    session = Session(judged_base)
    session.judgments.judge(QUERIES[2][1], "d30", 1)
    session.judgments.judge("a question of my own", "d31", 1)
    result = compare(LOADED, session=session, relevance_level=2)
    judged = result.comparison.sides[0].judged
    assert judged.qrels == {"q2": {"d30": 1}, "own-2": {"d31": 1}}
    assert judged.asked == {"q2": QUERIES[2][1], "own-2": "a question of my own"}
    assert judged.relevance_level == 1, "relevant and not relevant are 1 and 0"
    assert result.judged_by == OWN
    before = embedded(models)
    compare(LOADED, session=session, relevance_level=2)
    assert embedded(models) == before
    session.judgments.judge("a question of my own", "d31", 1)
    assert compare(LOADED, session=session).comparison.sides[0].judged.qrels == {"q2": {"d30": 1}}
    assert passages(models) == [0, 40, 0], "other judgments embed questions, no passages"
    uploaded = compare(LOADED, session=session, qrels=qrels_file(tmp_path / "q.tsv", QRELS))
    assert (uploaded.comparison.sides[0].judged.qrels, uploaded.judged_by) == (JUDGED, "an uploaded file")
    own = compare(LOADED, session=Session(judged_base))
    assert (own.comparison.sides[0].judged, own.judged_by) == (judged_base.judged, "the collection itself")


def test_both_models_are_scored_by_the_judgments_of_when_the_comparison_began(judged_base, index_cache, models):
    session = Session(judged_base)
    session.judgments.judge("mine?", "d31", 1)
    plan = plan_comparison(
        CompareRequest(collection=LOADED, first=FIRST, second=SECOND), session, index_cache, SharedSamples(())
    )
    found = run(plan, lambda stage, done: session.judgments.judge(f"{stage}{done}", "d1", 1)).comparison
    assert found.sides[0].judged.qrels == found.sides[1].judged.qrels == {"own-1": {"d31": 1}}


def test_judgments_that_were_downloaded_fit_the_collection_that_they_are_of(models, compare, tmp_path):
    ids = {document.doc_id: f"my file {document.doc_id}.txt" for document in DOCUMENTS}
    documents = [replace(document, doc_id=ids[document.doc_id]) for document in DOCUMENTS]
    base = index_collection(Collection("Files", documents, passage=lambda each: each.text), IndexSettings(FIRST))
    qrels, queries = tmp_path / "qrels.txt", qrels_file(tmp_path / "queries.csv", [])
    qrels.write_text(qrels_text({"my 1": {ids["d1"]: 1}}), encoding="utf-8")
    Path(queries).write_text("query-id,text\nmy 1,how?\n", encoding="utf-8")
    found = compare(LOADED, session=Session(base), qrels=str(qrels), queries=queries).comparison
    assert found.sides[0].judged.qrels == {"my 1": {"my file d1.txt": 1}}


def test_a_file_that_was_read_as_something_else_is_asked_for_again(archive, compare, judged_base, uploads):
    session, qrels = Session(judged_base), uploads["qrels"]
    for first, then in (({"archive": archive}, {"qrels": archive}), ({"qrels": qrels}, {"archive": qrels})):
        collections = [BEIR if "archive" in files else LOADED for files in (first, then)]
        compare(collections[0], session=session, **first)
        with pytest.raises(DocumentError, match="no longer here.*Choose it again"):
            compare(collections[1], session=session, **then)


# --- what is never embedded again


@pytest.mark.parametrize(
    "changed", [{}, {"k": 3}, {"first": SECOND, "second": FIRST}, {"M": 4, "ef_construction": 20}], ids=str
)
def test_comparing_again_embeds_nothing(archive, compare, models, changed):
    once = compare(BEIR, archive=archive).comparison
    before = embedded(models)
    assert passages(models) == [40, 40, 0]
    again = [compare(BEIR, archive=archive, **changed).comparison for _ in range(2)]
    assert embedded(models) == before
    assert again[0].sides[0] is again[1].sides[0] and again[0].sides[1] is again[1].sides[1]
    assert again[0].names == [changed.get("first", FIRST), changed.get("second", SECOND)]
    assert again[0].k == changed.get("k", 10)
    hnsw = again[0].sides[0].indexed.retriever.hnsw
    assert (hnsw.M, hnsw.ef_construction) == (changed.get("M", 16), changed.get("ef_construction", 200))
    assert compare(BEIR, archive=archive).comparison.sides[0] is once.sides[0]
    once.errors(400)
    assert embedded(models) == before, "moving ef embeds nothing"


def test_an_archive_is_known_by_its_content(archive, compare, models):
    compare(BEIR, archive=archive)
    before = embedded(models)
    copy = Path(archive).with_name("copy.zip")
    copy.write_bytes(Path(archive).read_bytes())
    compare(BEIR, archive=str(copy))
    assert embedded(models) == before
    beir_zip(archive, CORPUS[:20], QUERIES, QRELS)
    assert len(compare(BEIR, archive=archive).comparison.sides[0].indexed) == 20


def test_another_relevance_level_or_a_third_model_embeds_only_what_is_new(archive, compare, models):
    levels = [compare(BEIR, archive=archive, k=1, relevance_level=level) for level in (2, 3, 1, 3)]
    assert [found.comparison.pair.hit_rate.first.mean for found in levels] == [1, 0, 1, 0]
    assert passages(models) == [40, 40, 0]
    before = embedded(models)
    compare(BEIR, archive=archive, second=THIRD)
    assert embedded(models) == {**before, THIRD: (40, 12)}  # its six questions measure as well


def test_cancelling_keeps_what_is_finished(archive, compare, models, index_cache):
    def leave_in(name):
        def leave(stage, done):
            if name in stage and "embedding" in stage and done:
                raise Cancelled("stop")

        with pytest.raises(Cancelled):
            compare(BEIR, archive=archive, progress=leave)
        return [item.name for item in index_cache._indexes.values()]

    assert leave_in(FIRST) == []
    models[FIRST].documents = 0
    assert leave_in(SECOND) == [FIRST]
    assert compare(BEIR, archive=archive).comparison.names == [FIRST, SECOND]
    assert models[FIRST].documents == 40


@pytest.fixture
def shared(monkeypatch):
    """Shared samples made of the forty documents."""
    sample = Collection("Science", DOCUMENTS, dict(QUERIES), JUDGED, lambda document: document.text, relevance_level=2)

    def make(name, settings, *, progress):
        return index_collection(replace(sample, name=name), settings, progress=progress)

    monkeypatch.setattr("ui.jobs.shared_samples.cached_sample", make)
    return SharedSamples(())


def test_a_sample_is_embedded_once_for_all_visitors_by_jobs_of_the_lab_itself(shared, compare, models):
    asked = CompareRequest(collection=SCIENCE, first=FIRST, second=SECOND)
    needs = plan_comparison(asked, Session(), IndexCache(), shared).needs
    assert [need.owner for need in needs] == [LAB] * len(needs)
    for need in needs:
        need.result()
    assert passages(models) == [40, 40, 0], "before the comparison has a place"
    one = compare(SCIENCE, shared=shared).comparison.sides[0]
    before = embedded(models)
    other = compare(SCIENCE, shared=shared, cache=IndexCache(), M=4, ef_construction=20, relevance_level=1)
    assert embedded(models) == before
    assert passages(models) == [40, 40, 0]
    assert (one.indexed.name, one.judged.relevance_level) == ("everyday_science", 2), "a sample knows its level"
    assert other.comparison.sides[0].indexed.settings.M == 4
    assert one.indexed.settings.M == one.indexed.retriever.hnsw.M == 16, "who starves a graph starves only their own"
    names = [compare(title, shared=shared).comparison.sides[0].indexed.name for title in JUDGED_SAMPLES]
    assert names == list(JUDGED_SAMPLES.values())


# --- what a comparison is made of


def test_a_comparison_is_of_the_uploaded_collection(archive, compare):
    heard = []
    result = compare(BEIR, archive=archive, k=1, progress=lambda stage, done: heard.append((stage, done)))
    found = result.comparison
    assert (found.names, found.sides[0].indexed.name) == ([FIRST, SECOND], "lamps")
    assert found.sides[0].judged.queries == dict(QUERIES)
    assert (found.pair.hit_rate.first.mean, found.pair.hit_rate.second.mean) == (1, pytest.approx(0, abs=0.5))
    assert result.seconds > 0 and not result.in_lower_case
    stages = list(dict.fromkeys(stage for stage, _ in heard))
    parts = ["reading", "chunking", "loading the model", "embedding", "graph", "queries", "questions"]
    for name in (FIRST, SECOND):
        own = " ".join(stage for stage in stages if name in stage)
        assert sorted(parts, key=own.index) == parts
    assert [FIRST in stage for stage in stages if "embedding" in stage] == [True, False]
    assert stages[-2:] == ["comparing", "timing"]
    assert all(0 <= done <= 1 for _, done in heard)


def test_questions_in_capitals_are_asked_in_lower_case_as_well(tmp_path, compare, models):
    models[FIRST] = Cased(FIRST)
    corpus = [(doc_id, text.lower()) for doc_id, text in CORPUS]
    queries = [(query_id, text.upper()) for query_id, text in QUERIES]
    loud = beir_zip(tmp_path / "loud.zip", corpus, queries, QRELS)
    found = compare(BEIR, archive=loud, k=1)
    assert found.comparison.pair.hit_rate.first.mean < 1
    # the second model sees no capitals
    assert list(found.in_lower_case) == [1, found.comparison.pair.hit_rate.second.mean]
    before = embedded(models)
    compare(BEIR, archive=loud, k=1)
    assert embedded(models) == before


# --- retrievers without an index


def test_bm25_and_a_fusion_search_the_passages_of_the_model_that_is_compared(archive, compare, models):
    names = {"first": FIRST, "second": "BM25", "third": f"BM25 + {FIRST}", "fourth": f"{FIRST} + {SECOND}"}
    found = compare(BEIR, archive=archive, k=1, **names)
    model, words, fused, of_models = found.comparison.sides
    assert found.comparison.names == list(names.values())
    assert words.passages == model.passages and words.judged is fused.judged is model.judged
    assert fused.parts == (words, model) and of_models.parts[0] is model, "what several need is made once"
    assert found.indexed is model.indexed
    assert passages(models) == [40, 40, 0]
    assert found.comparison.score("success_1", 1).mean == 1, "three words of a text are in no other"
    again = compare(BEIR, archive=archive, k=1, M=4, ef_construction=20, **names).comparison
    assert again.sides[1] is words and again.sides[0].indexed.settings.M == 4, "words do not depend on the graph"


@pytest.mark.parametrize("collection", [BEIR, LOADED, SCIENCE])
def test_without_a_model_passages_come_from_what_is_there_or_cheap(
    archive, index_cache, shared, judged_base, collection
):
    asked = CompareRequest(collection=collection, first="BM25", second=FIRST, archive=archive)
    indexes = ModelIndexes(asked, Session(judged_base), index_cache, shared)
    assert indexes.passages_model(["BM25", f"BM25 + {THIRD}"]) == THIRD, "a model that is compared"
    expected = {BEIR: SECOND, LOADED: FIRST, SCIENCE: FIRST}
    assert indexes.passages_model(["BM25"]) == expected[collection]


def test_other_judgments_are_scored_with_the_same_words(archive, compare, models):
    one, other = (
        compare(BEIR, archive=archive, k=1, first=FIRST, second="BM25", relevance_level=level).comparison.sides[1]
        for level in (2, 3)
    )
    assert one.retriever is other.retriever
    assert (one.evaluation(1).hit_rate, other.evaluation(1).hit_rate) == (1, 0)


def test_questions_in_capitals_are_the_same_words(tmp_path, compare):
    corpus = [(doc_id, text.lower()) for doc_id, text in CORPUS]
    queries = [(query_id, text.upper()) for query_id, text in QUERIES]
    loud = beir_zip(tmp_path / "loud.zip", corpus, queries, QRELS)
    found = compare(BEIR, archive=loud, k=1, first="BM25", second=f"BM25 + {FIRST}")
    assert len(found.in_lower_case) == 2
    assert found.in_lower_case[0] == found.comparison.score("success_1", 0).mean == 1
