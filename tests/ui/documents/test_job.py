"""Tests of build jobs: which requests are refused, what is embedded again and what is not, and what a build makes."""

import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from retriever.chunking.chunker import default_chunk_size
from retriever.encoders.catalogue import model_card
from retriever.errors import (
    Cancelled,
    ChunkingError,
    CollectionError,
    DocumentError,
    ModelError,
    RetrieverError,
    StorageError,
)
from retriever.indexing.collection import IndexSettings
from tests.support.small import collection_of, sentences
from ui.documents.job import plan_build
from ui.documents.records import build_record
from ui.documents.request import PASTE, SAMPLE, SAVED, UPLOAD, BuildRequest, build_request
from ui.documents.tab import save_collection
from ui.documents.text import build_report
from ui.inputs import check_question
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.memory_budget import MEMORY_BUDGET
from ui.jobs.shared_samples import SharedSamples
from ui.session import Session
from ui.uploads.parsed_files import ParsedFiles

SETTINGS = IndexSettings("wordllama-256", 40)
TEXT = "Tea is made of leaves. Bread is made of flour. " * 20


@pytest.fixture(autouse=True)
def model(wordllama):
    """Load the quick model, which all builds here use."""


class Spy:
    """A counter of the document batches that an encoder embeds."""

    def __init__(self, encoder, monkeypatch):
        self.calls, original = 0, encoder.encode_document

        def encode_document(texts, **kwargs):
            self.calls += 1
            return original(texts, **kwargs)

        monkeypatch.setattr(encoder, "encode_document", encode_document)


@pytest.fixture
def spy(wordllama, monkeypatch):
    return Spy(wordllama, monkeypatch)


def quiet(stage, done):
    """Ignore progress."""


def build(request, session=None, shared_samples=None):
    session = session or Session()
    planned = plan_build(request, session, shared_samples or SharedSamples())
    return session.with_collection(planned.work(quiet), planned.source)


def pasted(text=TEXT, **settings):
    return BuildRequest(PASTE, text=text, settings=replace(SETTINGS, **settings))


@pytest.fixture
def files(tmp_path):
    """Two good files and a damaged one."""
    (tmp_path / "tea.txt").write_text("Green tea wants water of eighty degrees.", encoding="utf-8")
    (tmp_path / "bread.md").write_text("# Bread\n\nSourdough rises because of wild yeast.", encoding="utf-8")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 and nothing else")
    return [str(tmp_path / name) for name in ("tea.txt", "bread.md", "broken.pdf")]


# --- requests from the controls


def test_the_models_default_size_is_left_to_the_model():
    values = (PASTE, "documents", None, TEXT, None, "wordllama-256")
    card_default = default_chunk_size(model_card("wordllama-256"))
    assert build_request(*values, card_default, 0, 16, 200).settings.chunk_size is None
    assert build_request(*values, 77.0, 5.0, 4.0, 20.0).settings == IndexSettings("wordllama-256", 77, 5, 4, 20)


def test_empty_controls_are_empty_values():
    request = build_request(UPLOAD, "documents", None, "", None, "wordllama-256", 77, 0, 16, 200)
    assert (request.files, request.text, request.saved) == ((), "", "")


@pytest.mark.parametrize("name", ["chunk_size", "chunk_overlap", "M", "ef_construction"])
@pytest.mark.parametrize("value", [None, "many", float("nan"), float("inf")])
def test_what_is_no_number_is_refused_by_name(name, value):
    numbers = {"chunk_size": 77, "chunk_overlap": 0, "M": 16, "ef_construction": 200} | {name: value}
    with pytest.raises(RetrieverError, match=name):
        build_request(PASTE, "documents", None, TEXT, None, "wordllama-256", *numbers.values())


# --- refused before any work


def refusal(request):
    with pytest.raises(RetrieverError) as raised:
        plan_build(request, Session(), SharedSamples())
    return str(raised.value)


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_an_empty_text_is_refused(text):
    assert "empty" in refusal(pasted(text))


def test_no_files_are_refused():
    assert ".pdf" in refusal(BuildRequest(UPLOAD, settings=SETTINGS))


def test_no_saved_file_is_refused():
    assert "zip" in refusal(BuildRequest(SAVED, settings=SETTINGS))


@pytest.mark.parametrize(("M", "ef_construction"), [(1, 200), (257, 200), (16, 0), (16, 1_000_000)])
def test_impossible_graphs_are_refused(M, ef_construction):
    refusal(pasted(M=M, ef_construction=ef_construction))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("LAB_MAX_FILES", "2", "at most 2"), ("LAB_MAX_FILE_MB", "1", "big.txt"), ("LAB_MAX_TOTAL_MB", "1", "together")],
)
def test_limits_come_from_the_environment(monkeypatch, files, tmp_path, name, value, words):
    big = tmp_path / "big.txt"
    big.write_text("word " * 130_000, encoding="utf-8")
    half = tmp_path / "half.txt"
    half.write_text("word " * (240_000 if name == "LAB_MAX_FILE_MB" else 130_000), encoding="utf-8")
    if name == "LAB_MAX_FILE_MB":
        big.write_text("word " * 240_000, encoding="utf-8")
    request = BuildRequest(UPLOAD, files=[*files, str(big), str(half)], settings=SETTINGS)
    request.check(ParsedFiles())
    monkeypatch.setenv(name, value)
    assert words in refusal(request)


def test_a_limit_counts_files_of_one_name_each(monkeypatch, tmp_path):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "same.txt")
        paths[-1].write_text("word " * 130_000, encoding="utf-8")
    monkeypatch.setenv("LAB_MAX_TOTAL_MB", "1")
    assert "together" in refusal(BuildRequest(UPLOAD, files=[str(path) for path in paths], settings=SETTINGS))


def test_a_pasted_text_has_a_limit_of_its_own(monkeypatch):
    monkeypatch.setenv("LAB_MAX_PASTE_MB", "1")
    pasted("x" * 1_000_000).check(ParsedFiles())
    assert "1 MB" in refusal(pasted("x" * 1_000_001))
    assert "1 MB" in refusal(pasted("ü" * 500_001))


def test_too_many_chunks_are_refused_before_any_is_embedded(monkeypatch, spy):
    monkeypatch.setenv("LAB_MAX_CHUNKS", "3")
    with pytest.raises(CollectionError, match="at most 3"):
        build(pasted())
    assert spy.calls == 0


def test_an_unknown_model_is_refused():
    with pytest.raises(ModelError, match="all-MiniLM-L6-v2"):
        build(pasted(model_name="nonsense"))


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (-5, 0), (40, 40), (40, -1)])
def test_impossible_chunks_are_refused(size, overlap):
    with pytest.raises(ChunkingError):
        build(pasted(chunk_size=size, chunk_overlap=overlap))


# --- what a build makes


def test_a_pasted_text_is_one_document():
    indexed = build(pasted()).indexed
    assert indexed.n_documents == 1
    assert len(indexed) > 3
    assert indexed.name == "Pasted text"
    assert indexed.settings == SETTINGS
    assert set(indexed.seconds) == {"reading", "loading the model", "chunking", "embedding", "graph"}


def test_files_are_read_and_a_bad_one_is_told_with_its_reason(files):
    indexed = build(BuildRequest(UPLOAD, files=files, settings=SETTINGS)).indexed
    assert indexed.n_documents == 2
    assert list(indexed.failed) == ["broken.pdf"]
    assert indexed.failed["broken.pdf"]
    assert {row["source"] for row in indexed.retriever.metadata} == {"tea.txt", "bread.md"}


def test_one_file_gives_the_collection_its_name(files):
    assert build(BuildRequest(UPLOAD, files=files[:1], settings=SETTINGS)).indexed.name == "tea.txt"


def test_only_bad_files_are_an_error_that_gives_the_reasons(files):
    with pytest.raises(DocumentError, match="broken.pdf"):
        build(BuildRequest(UPLOAD, files=files[2:], settings=SETTINGS))


def test_progress_passes_through_the_stages():
    heard = []
    plan_build(pasted(), Session(), SharedSamples()).work(lambda stage, done: heard.append((stage, done)))
    stages = list(dict.fromkeys(stage for stage, _ in heard))
    assert stages == ["reading", "loading the model", "chunking", "embedding", "graph"]
    assert all(0 <= done <= 1 for _, done in heard)


# --- what is embedded again


def test_only_the_graph_is_built_again_when_only_the_graph_changed(spy):
    first = build(pasted())
    assert spy.calls == 1
    second = build(pasted(M=4, ef_construction=20), first)
    assert spy.calls == 1
    assert second.indexed.retriever.vectors is first.indexed.retriever.vectors
    assert second.indexed.retriever.hnsw.M == 4
    assert second.indexed.settings == replace(SETTINGS, M=4, ef_construction=20)
    assert first.indexed.retriever.hnsw.M == 16
    assert second.indexed.measurements.known_curve(10) is None


@pytest.mark.parametrize("change", [{"chunk_size": 20}, {"chunk_overlap": 7}, {"text": TEXT + "More."}])
def test_everything_is_built_again_when_something_else_changed(spy, change):
    first = build(pasted())
    second = build(pasted(**change), first)
    assert spy.calls == 2
    assert len(second.indexed) != len(first.indexed) or "text" in change


def test_of_changed_documents_only_the_new_chunks_are_embedded(monkeypatch, wordllama):
    embedded, original = [], wordllama.encode_document

    def encode_document(texts, **kwargs):
        embedded.extend(texts)
        return original(texts, **kwargs)

    monkeypatch.setattr(wordllama, "encode_document", encode_document)
    long = "\n\n".join(sentences(40))
    before = build(pasted(long))
    first = list(before.indexed.retriever.texts)
    assert before.indexed.n_kept == 0
    embedded.clear()
    after = build(pasted(long + "\n\nA new paragraph on salt."), before)
    texts = after.indexed.retriever.texts
    assert embedded == [text for text in texts if text not in first]
    assert 0 < len(embedded) < len(first) / 2
    assert after.indexed.n_kept == len(texts) - len(embedded)
    assert build_record(after.indexed).observed["vectors_kept"] == after.indexed.n_kept
    assert f"{after.indexed.n_kept:,}: the same text was loaded before" in build_report(after.indexed)
    assert "the same text was loaded before" not in build_report(before.indexed)
    alone = build(pasted(long + "\n\nA new paragraph on salt.")).indexed.retriever.vectors
    np.testing.assert_allclose(after.indexed.retriever.vectors, alone, atol=1e-6)


def test_a_file_with_new_content_is_read_again(spy, files):
    request = BuildRequest(UPLOAD, files=files[:1], settings=SETTINGS)
    first = build(request)
    with open(files[0], "a", encoding="utf-8") as file:
        file.write(" Black tea wants boiling water.")
    second = build(request, first)
    assert "Black tea" in second.indexed.retriever.texts[-1]
    assert "Black tea" not in first.indexed.retriever.texts[-1]
    assert spy.calls == 2


def test_what_is_not_shown_does_not_matter(spy):
    first = build(pasted())
    build(replace(pasted(M=8), sample="python_docs"), first)
    assert spy.calls == 1


# --- samples and saved collections


@pytest.fixture
def shared(fake_encoder, monkeypatch):
    """Shared samples, and the sample that they give."""
    made = collection_of(fake_encoder, sentences(50))
    monkeypatch.setattr("ui.jobs.shared_samples.cached_sample", lambda name, settings, progress: made)
    monkeypatch.setattr("ui.jobs.shared_samples.load_encoder", lambda name: fake_encoder)
    return SharedSamples(("documents",)), made


def test_a_sample_as_it_is_is_the_shared_one(shared):
    shared_samples, made = shared
    assert build(BuildRequest(SAMPLE), shared_samples=shared_samples).indexed is made


def test_a_sample_with_another_graph_leaves_the_shared_one_alone(shared):
    shared_samples, made = shared
    own = build(
        BuildRequest(SAMPLE, settings=IndexSettings(M=4, ef_construction=20)), shared_samples=shared_samples
    ).indexed
    assert own is not made
    assert own.retriever.vectors is made.retriever.vectors
    assert (own.retriever.hnsw.M, made.retriever.hnsw.M) == (4, 16)


def test_a_sample_in_other_chunks_is_embedded_by_itself(shared, spy):
    shared_samples, made = shared
    own = build(BuildRequest(SAMPLE, settings=replace(SETTINGS, chunk_size=60)), shared_samples=shared_samples).indexed
    assert own.retriever.model_name == "wordllama-256"
    assert own.settings.chunk_size == 60
    assert spy.calls == 1


def test_the_large_sample_is_shared_in_its_own_chunks_and_not_limited(shared, spy, monkeypatch):
    shared_samples, made = shared
    monkeypatch.setenv("LAB_MAX_CHUNKS", "3")
    request = BuildRequest(SAMPLE, "python_docs_large", settings=replace(SETTINGS, chunk_size=60))
    assert build(request, shared_samples=shared_samples).indexed is made
    assert spy.calls == 0


def test_a_saved_collection_comes_back(tmp_path):
    session = build(pasted(M=5, ef_construction=30))
    path = save_collection(session)["value"]
    indexed = build(BuildRequest(SAVED, saved=path, settings=SETTINGS)).indexed
    assert list(indexed.retriever.texts) == list(session.indexed.retriever.texts)
    assert np.array_equal(indexed.retriever.vectors, session.indexed.retriever.vectors)
    assert (indexed.settings, indexed.name) == (session.indexed.settings, "Pasted text")
    before, after = session.indexed.measurements.measure(5, 20), indexed.measurements.measure(5, 20)
    assert np.array_equal(before.neighbors.ids, after.neighbors.ids)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 half a zip"])
def test_a_damaged_saved_file_is_refused(tmp_path, content):
    path = tmp_path / "collection.zip"
    path.write_bytes(content)
    with pytest.raises(StorageError):
        build(BuildRequest(SAVED, saved=str(path), settings=SETTINGS))


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "collection.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b" " * 30_000_000)
    monkeypatch.setenv("LAB_MAX_UNPACKED_MB", "20")
    with pytest.raises(StorageError, match="20 MB"):
        build(BuildRequest(SAVED, saved=str(path), settings=SETTINGS))


# --- the build queue


def test_who_has_to_wait_is_told_their_place_and_may_give_up(monkeypatch):
    monkeypatch.setenv("LAB_MAX_BUILDS", "1")
    told = []

    def progress(stage, done):
        told.append(stage)
        if len(told) > 3:
            raise Cancelled("Enough.")

    with BUILD_QUEUE.place(quiet), pytest.raises(Cancelled):
        plan_build(pasted(), Session(), SharedSamples()).work(progress)
    assert set(told) == {"waiting in line: 1 build is before yours"}
    assert BUILD_QUEUE.waiting == BUILD_QUEUE.working == 0


def test_a_model_that_is_being_fetched_keeps_nobody_else_waiting(monkeypatch, wordllama):
    monkeypatch.setenv("LAB_MAX_BUILDS", "1")
    asked, arrives = threading.Event(), threading.Event()

    def load(name):
        if name != "wordllama-256":
            asked.set()
            arrives.wait(30)
            raise ModelError("It could not be fetched.")
        return wordllama

    monkeypatch.setattr("ui.documents.job.load_encoder", load)
    slow = plan_build(pasted(model_name="all-mpnet-base-v2", chunk_size=None), Session(), SharedSamples())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(slow.work, quiet)
        assert asked.wait(30)
        assert len(build(pasted()).indexed) > 0
        assert not waiting.done()
        arrives.set()
        with pytest.raises(ModelError):
            waiting.result(30)


# --- the memory budget


def test_what_needs_more_memory_than_one_visitor_has_is_refused_before_it_is_embedded(monkeypatch, spy):
    monkeypatch.setenv("LAB_SESSION_MB", "1")
    text = " ".join(sentences(200))
    with pytest.raises(CollectionError, match="at most 0 MB are given|MB of memory"):
        build(pasted(text))
    assert spy.calls == 0


def test_what_the_lab_has_no_memory_for_is_refused_before_it_is_embedded(monkeypatch, spy):
    monkeypatch.setattr(MEMORY_BUDGET, "_held", 6_000_000_000)
    with pytest.raises(CollectionError, match="6,000 of 6,000 MB"):
        build(pasted())
    assert spy.calls == 0


def test_another_graph_needs_memory_too(monkeypatch):
    session = build(pasted())
    monkeypatch.setattr(MEMORY_BUDGET, "_held", 6_000_000_000)
    with pytest.raises(CollectionError, match="memory is in use"):
        build(pasted(M=4), session)


def test_half_a_character_in_a_pasted_text_or_question_breaks_nothing():
    indexed = build(pasted(TEXT + "Half a surrogate pair \ud800 is no character.")).indexed
    assert "\ufffd is no character" in " ".join(indexed.retriever.texts)
    assert "\ud800" not in "".join([*indexed.retriever.texts, *indexed.queries])
    assert check_question(" tea \ud800? ") == "tea \ufffd?"
