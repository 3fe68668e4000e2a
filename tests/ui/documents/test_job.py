"""Tests of build jobs: which requests are refused, what is embedded again and what is not, and what a build makes."""

import threading
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from retriever.chunking.chunker import default_chunk_size
from retriever.documents.document import TableColumns
from retriever.encoders.catalogue import model_card
from retriever.errors import (
    Cancelled,
    ChunkingError,
    CollectionError,
    DocumentError,
    ModelError,
    ParameterError,
    RetrieverError,
    StorageError,
)
from retriever.indexing.collection import IndexSettings
from tests.support.handlers import finish
from tests.support.small import collection_of, sentences
from tests.support.work import Work
from ui.documents.job import PASTE, SAMPLE, SAVED, UPLOAD, BuildRequest, index_settings, plan_build
from ui.documents.records import build_record
from ui.documents.tab import save_collection
from ui.inputs import check_question
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import Job
from ui.jobs.memory_budget import MEMORY_BUDGET
from ui.jobs.shared_samples import SharedSamples
from ui.session import Session
from ui.uploads.parse import ParsedFiles

SETTINGS = IndexSettings("wordllama-256", 40)
NUMBERS = {"chunk_size": 77.0, "chunk_overlap": 5.0, "M": 4.0, "ef_construction": 20.0}
TEXT = "Tea is made of leaves. Bread is made of flour. " * 20
SAMPLE_AS_IT_IS = BuildRequest(SAMPLE)


@pytest.fixture(autouse=True)
def embedded(wordllama, monkeypatch):
    """Use the quick model in all builds here, and return the texts that it embeds, batch by batch."""
    batches, original = [], wordllama.encode_document

    def encode_document(texts, **kwargs):
        batches.append(list(texts))
        return original(texts, **kwargs)

    monkeypatch.setattr(wordllama, "encode_document", encode_document)
    return batches


def build(request, session=None, shared_samples=None):
    session = session or Session()
    planned = plan_build(request, session, shared_samples or SharedSamples())
    return session.with_collection(planned.submit().result(), planned.source)


def pasted(text=TEXT, **settings):
    return BuildRequest(PASTE, text=text, settings=replace(SETTINGS, **settings))


def uploaded(*paths):
    return BuildRequest(UPLOAD, files=[str(path) for path in paths], settings=SETTINGS)


def saved(path):
    return BuildRequest(SAVED, saved=str(path), settings=SETTINGS)


@pytest.fixture
def files(tmp_path):
    """Two good files and a damaged one."""
    (tmp_path / "tea.txt").write_text("Green tea wants water of eighty degrees.", encoding="utf-8")
    (tmp_path / "bread.md").write_text("# Bread\n\nSourdough rises because of wild yeast.", encoding="utf-8")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 and nothing else")
    return [tmp_path / name for name in ("tea.txt", "bread.md", "broken.pdf")]


# --- refused before any work


def test_the_models_default_size_is_left_to_the_model_and_numbers_are_whole():
    assert index_settings("wordllama-256", **NUMBERS) == IndexSettings("wordllama-256", 77, 5, 4, 20)
    usual = default_chunk_size(model_card("wordllama-256"))
    assert index_settings("wordllama-256", **{**NUMBERS, "chunk_size": usual}).chunk_size is None
    for name in NUMBERS:
        for value in (None, "many", float("nan"), float("inf"), 2.5):
            with pytest.raises(ParameterError, match=name):
                index_settings("wordllama-256", **{**NUMBERS, name: value})


def refusal(request):
    with pytest.raises(RetrieverError) as raised:
        plan_build(request, Session(), SharedSamples())
    return str(raised.value)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (pasted("  \n\t "), "empty"),
        (uploaded(), ".pdf"),
        (uploaded("gone.txt"), "gone.txt is no longer here"),
        (BuildRequest(SAVED, settings=SETTINGS), "zip"),
        (BuildRequest(SAVED, saved="gone.zip", settings=SETTINGS), "gone.zip is no longer here"),
        (pasted(M=1), "M is 1"),
        (pasted(ef_construction=1_000_000), "ef_construction is 1000000"),
    ],
)
def test_what_cannot_be_built_is_refused(asked, words):
    assert words in refusal(asked)


def test_the_limits_come_from_the_environment(monkeypatch, tmp_path):
    paths = [tmp_path / folder / "same.txt" for folder in "ab"]  # each counts, though they have one name
    for path in paths:
        path.parent.mkdir()
        path.write_text("word " * 240_000, encoding="utf-8")
    uploaded(*paths).check(ParsedFiles())
    limited = (
        ("FILES", 1, uploaded(*paths), "at most 1"),
        ("FILE_MB", 1, uploaded(*paths), "same.txt has 1.2 MB"),
        ("TOTAL_MB", 2, uploaded(*paths), "2.4 MB together"),
        ("PASTE_MB", 1, pasted("ü" * 500_001), "larger than 1 MB"),
        ("SAVED_MB", 1, saved(paths[0]), "same.txt has 1.2 MB"),
    )
    for name, value, request, words in limited:
        with monkeypatch.context() as patch:
            patch.setenv(f"LAB_MAX_{name}", str(value))
            assert words in refusal(request)
    monkeypatch.setenv("LAB_MAX_PASTE_MB", "1")
    pasted("x" * 1_000_000).check(ParsedFiles())


def test_unknown_models_and_impossible_chunks_are_refused():
    with pytest.raises(ModelError):
        build(pasted(model_name="nonsense"))
    for settings in ({"chunk_size": 0}, {"chunk_overlap": 40}, {"chunk_overlap": -1}):
        with pytest.raises(ChunkingError):
            build(pasted(**settings))


def test_what_is_too_much_is_refused_before_it_is_embedded(monkeypatch, embedded):
    loaded = build(pasted())
    assert len(embedded) == 1
    limited = (("LAB_MAX_CHUNKS", "3", "at most 3"), ("LAB_SESSION_MB", "4", "at most 2 MB are given"))
    for name, value, words in limited:
        with monkeypatch.context() as patch, pytest.raises(CollectionError, match=words):
            patch.setenv(name, value)
            build(pasted("\n\n".join(sentences(2_000))))
    monkeypatch.setattr(MEMORY_BUDGET, "_held", 6_000_000_000)
    for request, session in ((pasted(), Session()), (pasted(M=4), loaded)):  # another graph needs memory too
        with pytest.raises(CollectionError, match="memory is in use.*6,000 of 6,000 MB"):
            build(request, session)
    assert len(embedded) == 1


# --- what a build makes


def test_a_pasted_text_is_one_document_made_in_stages():
    heard = []
    plan = plan_build(pasted(TEXT + "Half a pair \ud800 is no character."), Session(), SharedSamples())
    indexed = plan.work(lambda stage, done: heard.append((stage, done)))
    assert indexed.n_documents == 1 and len(indexed) > 3
    assert (indexed.name, indexed.settings) == ("Pasted text", SETTINGS)
    stages = ["reading", "loading the model", "chunking", "embedding", "graph", "queries"]
    assert list(dict.fromkeys(stage for stage, _ in heard)) == list(indexed.seconds) == stages
    assert all(0 <= done <= 1 for _, done in heard)
    assert "\ufffd is no character" in " ".join(indexed.retriever.texts)
    assert "\ud800" not in "".join([*indexed.retriever.texts, *indexed.queries])
    assert check_question(" tea \ud800? ") == "tea \ufffd?"


def test_files_are_read_and_a_bad_one_is_told_with_its_reason(files):
    indexed = build(uploaded(*files)).indexed
    assert indexed.n_documents == 2 and indexed.name == "bread.md and 2 more"
    assert list(indexed.failed) == ["broken.pdf"] and indexed.failed["broken.pdf"]
    assert {row["source"] for row in indexed.retriever.metadata} == {"tea.txt", "bread.md"}
    assert build(uploaded(files[0])).indexed.name == "tea.txt"
    with pytest.raises(DocumentError, match="broken.pdf"):
        build(uploaded(files[2]))


# --- what is embedded again


def test_only_the_graph_is_built_again_when_only_the_graph_or_what_is_not_shown_changed(embedded):
    first = build(pasted())
    second = build(replace(pasted(M=4, ef_construction=20), sample="python_docs"), first)
    assert len(embedded) == 1
    assert second.indexed.retriever.vectors is first.indexed.retriever.vectors
    assert (second.indexed.retriever.hnsw.M, first.indexed.retriever.hnsw.M) == (4, 16)
    assert second.indexed.settings == replace(SETTINGS, M=4, ef_construction=20)
    assert second.indexed.measurements.known_curve(10) is None


@pytest.mark.parametrize("change", [{"chunk_size": 20}, {"chunk_overlap": 7}])
def test_everything_is_built_again_with_other_chunks(embedded, change):
    first = build(pasted())
    assert len(build(pasted(**change), first).indexed) != len(first.indexed)
    assert len(embedded) == 2


def test_of_changed_documents_only_the_new_chunks_are_embedded(embedded):
    before = build(pasted("\n\n".join(sentences(40))))
    first = list(before.indexed.retriever.texts)
    changed = pasted("\n\n".join([*sentences(40), "A new paragraph on salt."]))
    after = build(changed, before).indexed
    texts, [_, new] = after.retriever.texts, embedded
    assert new == [text for text in texts if text not in first] and 0 < len(new) < len(first) / 2
    assert (before.indexed.n_kept, after.n_kept) == (0, len(texts) - len(new))
    assert build_record(after).observed["vectors_kept"] == after.n_kept
    np.testing.assert_allclose(after.retriever.vectors, build(changed).indexed.retriever.vectors, atol=1e-6)


def test_a_file_with_new_content_is_read_again(files):
    first = build(uploaded(files[0]))
    with files[0].open("a", encoding="utf-8") as file:
        file.write(" Black tea wants boiling water.")
    second = build(uploaded(files[0]), first)
    assert ["Black tea" in session.indexed.retriever.texts[-1] for session in (first, second)] == [False, True]


def test_a_table_is_read_again_with_other_columns(tmp_path, embedded):
    path = tmp_path / "birds.csv"
    path.write_text("name,habit\nOwl,hunts at night\n")
    first = build(uploaded(path))
    other = replace(uploaded(path), columns=TableColumns(("habit",), "name"))
    second = build(other, first)
    texts = [session.indexed.retriever.passages[0].text for session in (first, second)]
    assert texts == ["name: Owl\nhabit: hunts at night", "hunts at night"]
    assert second.indexed.retriever.passages[0].title == "Owl"
    assert build(other, second).indexed.retriever.vectors is second.indexed.retriever.vectors
    with pytest.raises(DocumentError, match='no column "Habits".*"name", "habit"'):
        build(replace(other, columns=TableColumns(("Habits",))), second)


# --- samples and saved collections


@pytest.fixture
def shared(fake_encoder, monkeypatch):
    """Shared samples, and the sample that they give."""
    made = collection_of(fake_encoder, sentences(50))
    monkeypatch.setattr("ui.jobs.shared_samples.cached_sample", lambda name, settings, progress: made)
    monkeypatch.setattr("ui.jobs.shared_samples.load_encoder", lambda name: fake_encoder)
    return SharedSamples(("documents",)), made


def test_a_sample_is_the_shared_one_and_another_graph_leaves_that_alone(shared, embedded):
    shared_samples, made = shared
    assert build(SAMPLE_AS_IT_IS, shared_samples=shared_samples).indexed is made
    other = replace(SAMPLE_AS_IT_IS, settings=IndexSettings(M=4, ef_construction=20))
    own = build(other, shared_samples=shared_samples).indexed
    assert own.retriever.vectors is made.retriever.vectors
    assert (own.retriever.hnsw.M, made.retriever.hnsw.M) == (4, 16)
    assert embedded == []


def test_only_the_sample_documents_are_embedded_in_other_chunks(shared, embedded, monkeypatch):
    shared_samples, made = shared
    own = build(replace(SAMPLE_AS_IT_IS, settings=replace(SETTINGS, chunk_size=60)), shared_samples=shared_samples)
    assert (own.indexed.retriever.model_name, own.indexed.settings.chunk_size) == ("wordllama-256", 60)
    assert len(embedded) == 1
    monkeypatch.setenv("LAB_MAX_CHUNKS", "3")
    large = BuildRequest(SAMPLE, "python_docs_large", settings=replace(SETTINGS, chunk_size=60))
    assert build(large, shared_samples=shared_samples).indexed is made, "shared, and not limited"
    assert len(embedded) == 1


def test_a_saved_collection_comes_back():
    before = build(pasted(M=5, ef_construction=30))
    after = build(saved(finish(save_collection(before))["value"])).indexed
    assert list(after.retriever.texts) == list(before.indexed.retriever.texts)
    assert np.array_equal(after.retriever.vectors, before.indexed.retriever.vectors)
    assert (after.settings, after.name) == (before.indexed.settings, "Pasted text")
    measured = [indexed.measurements.measure(5, 20).hnsw.neighbors.ids for indexed in (before.indexed, after)]
    assert np.array_equal(*measured)


def test_a_saved_file_that_is_damaged_or_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "collection.zip"
    path.write_bytes(b"PK\x03\x04 half a zip")
    with pytest.raises(StorageError):
        build(saved(path))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b" " * 30_000_000)
    monkeypatch.setenv("LAB_MAX_UNPACKED_MB", "20")
    with pytest.raises(StorageError, match="20 MB"):
        build(saved(path))


# --- the build queue


def test_who_has_to_wait_is_told_their_place_and_may_give_up(monkeypatch):
    monkeypatch.setenv("LAB_MAX_BUILDS", "1")
    working = Work(None)
    first = BUILD_QUEUE.submit(Job(working))
    waiting = plan_build(pasted(), Session(), SharedSamples()).submit()
    assert waiting.status.stage == "waiting in line: 1 build is before yours at present"
    waiting.cancel()
    with pytest.raises(Cancelled):
        waiting.result()
    working.go_on.set()
    first.result()
    assert BUILD_QUEUE.waiting == BUILD_QUEUE.working == 0


def test_a_model_that_is_being_fetched_keeps_nobody_else_waiting(monkeypatch):
    monkeypatch.setenv("LAB_MAX_BUILDS", "1")
    asked, arrives = threading.Event(), threading.Event()

    def load(name, progress):
        asked.set()
        arrives.wait(30)
        raise ModelError("It could not be fetched.")

    monkeypatch.setattr("ui.jobs.model_loads.load_encoder", load)
    shared_samples, mpnet = SharedSamples(), pasted(model_name="all-mpnet-base-v2", chunk_size=None)
    threads = threading.active_count()
    slow = [plan_build(mpnet, Session(), shared_samples).submit() for _ in range(3)]
    assert asked.wait(30)
    assert threading.active_count() == threads + 1, "one thread loads the model for all who wait for it"
    assert slow[0].status.stage == "loading the model (all-mpnet-base-v2)"
    assert len(build(pasted()).indexed) > 0
    assert not any(job.ended for job in slow)
    arrives.set()
    for job in slow:
        with pytest.raises(ModelError):
            job.result()
