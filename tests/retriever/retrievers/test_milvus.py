"""The retriever in Milvus: what it streams, what an interruption leaves, and what a second process finds."""

import json
import subprocess
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest

from benchmarks.milvus.server import MilvusServer
from retriever.errors import ModelError, ParameterError, StorageError, VectorError
from retriever.retrievers.dense import DenseRetriever
from retriever.retrievers.document_runs import run_queries
from retriever.retrievers.milvus import MilvusRetriever
from retriever.vectors import normalize
from tests.support.encoders import FakeEncoder
from tests.support.milvus import fresh_name, slow_server
from tests.support.paths import ROOT
from tests.support.small import passage_of, sentences

SECOND_PROCESS = """
import sys
from retriever import MilvusRetriever
from tests.support.encoders import FakeEncoder
retriever = MilvusRetriever.load(*sys.argv[1:3], encoder=FakeEncoder())
print([hit["metadata"]["row"] for hit in retriever.search(sys.argv[3], 5)])
"""


class CountingEncoder(FakeEncoder):
    """An encoder that counts what it embeds, and can be told to break."""

    def __init__(self, breaks_after=None):
        self.embedded, self.breaks_after = 0, breaks_after

    def encode_document(self, texts, *, progress=None):
        if self.breaks_after is not None and self.embedded >= self.breaks_after:
            raise KeyboardInterrupt
        self.embedded += len(texts)
        return super().encode_document(texts, progress=progress)


@pytest.fixture
def small_batches(monkeypatch):
    """Batches of a hundred passages."""
    monkeypatch.setattr("retriever.retrievers.milvus.PASSAGES_PER_BATCH", 100)


def rows_of(n):
    return ({"row": row} for row in range(n))


def test_an_interrupted_index_goes_on_where_it_was(milvus_retriever, small_batches):
    texts, name = sentences(307), fresh_name()
    first = CountingEncoder(breaks_after=200)
    with pytest.raises(KeyboardInterrupt):
        milvus_retriever(name, first).index(iter(texts), rows_of(len(texts)))
    second = CountingEncoder()
    again = milvus_retriever(name, second)
    assert again.index(iter(texts), rows_of(len(texts))) == second.embedded == 107
    assert [passage.text for passage in again.passages] == texts
    assert again.index(texts, list(rows_of(len(texts)))) == 0 and len(again.passages) == len(texts)
    assert again.search(texts[250], 1)[0]["metadata"] == {"row": 250}


def test_passages_without_a_length_are_counted_while_they_are_stored(milvus_retriever, small_batches, capsys):
    texts = sentences(250)
    milvus_retriever().index(iter(texts), show_progress_bar=True)
    assert "Embedding: 250 passages | " in capsys.readouterr().err
    milvus_retriever(fresh_name()).index(texts, show_progress_bar=True)
    assert "Embedding: 100%" in capsys.readouterr().err


def test_what_only_the_graphs_got_is_copied_for_exact_search(milvus_retriever, monkeypatch):
    retriever = milvus_retriever()
    retriever.index(sentences(5))
    with monkeypatch.context() as patch:
        patch.setattr(retriever._vectors.flat, "insert", raise_storage_error)
        with pytest.raises(StorageError, match="0 new passages were stored, and stay"):
            retriever.index(sentences(9))
    assert len(retriever.passages) == 9  # the graphs have them, and a search with an ef finds them
    retriever.index(["one more"])
    assert len(retriever.passages) == 10
    for ef in (None, 50):
        assert [retriever.search(text, 1, ef=ef)[0]["text"] for text in sentences(9)] == sentences(9)


def raise_storage_error(rows):
    raise StorageError("The disk of the server is full.")


def test_rows_that_a_server_does_not_see_for_a_moment_are_waited_for(milvus_retriever, monkeypatch, tmp_path):
    retriever, texts = milvus_retriever(), sentences(9)
    retriever.index(texts)
    graphs = retriever._vectors.graphs
    query, hidden = graphs.query, []

    def query_in_the_middle(condition, fields):
        hidden.append(condition)
        rows = query(condition, fields)
        return rows if len(hidden) % 3 == 0 or fields == ["count(*)"] else rows[:-1]

    monkeypatch.setattr(graphs, "query", query_in_the_middle)
    assert [passage.text for passage in retriever.passages] == texts
    assert [hit["text"] for text in texts for hit in retriever.search(text, 1)] == texts
    retriever.save(tmp_path)
    assert [passage.text for passage in DenseRetriever.load(tmp_path, encoder=FakeEncoder()).passages] == texts
    monkeypatch.setattr(graphs.connection, "timeout", 0.2)
    monkeypatch.setattr(graphs, "query", lambda condition, fields: query(condition, fields)[:1])
    with pytest.raises(StorageError, match=r"8 of 9 rows of \w+ are missing"):
        list(retriever.passages)


def test_a_second_process_gives_the_same_hits(milvus_retriever, milvus_server):
    name = fresh_name()
    retriever = milvus_retriever(name)
    retriever.index(sentences(200), rows_of(200))
    query = sentences(200)[77]
    found = subprocess.run(
        [sys.executable, "-c", SECOND_PROCESS, milvus_server, name, query],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert json.loads(found.stdout) == [hit["metadata"]["row"] for hit in retriever.search(query, 5)]


def test_memory_does_not_grow_with_the_texts(milvus_retriever, small_batches):
    """Compare the peaks of Python's memory over three batches and over twelve."""
    peaks = []
    milvus_retriever().index(["word 0 1 2 3 4 5 6 7 8 9"])  # imported and cached before it is measured
    for n in (300, 1_200):
        retriever = milvus_retriever()
        tracemalloc.start()
        retriever.index("word " * 200 + " ".join(str(number)) for number in range(n))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_runs_are_made_exactly_and_through_the_graphs(milvus_retriever):
    retriever, local = milvus_retriever(), DenseRetriever("toy", encoder=FakeEncoder())
    for one in (retriever, local):
        one.index(sentences(50), [{"doc_id": f"d{row % 20}"} for row in range(50)])
    queries = {"q1": sentences(50)[3], "q2": "amber anchor"}
    for ef in (None, 100):
        found, expected = (run_queries(one, queries, 5, ef=ef) for one in (retriever, local))
        assert {key: list(run) for key, run in found.items()} == {key: list(run) for key, run in expected.items()}


def test_equal_texts_are_one_passage_unless_their_metadata_differ(milvus_retriever):
    retriever = milvus_retriever()
    assert retriever.index(["a", "a", "b"], [{"x": 1, "y": 2}, {"y": 2, "x": 1}, {}]) == 2
    assert retriever.index(["a"], [{"x": 2, "y": 2}]) == 1
    assert retriever.are_stored([passage_of("b"), passage_of("a"), passage_of("a", x=1, y=2)]) == [True, False, True]


def test_vectors_made_elsewhere_are_stored_like_those_made_here(milvus_retriever):
    here, elsewhere = milvus_retriever(), milvus_retriever()
    texts = sentences(40)
    here.index(texts)
    vectors = normalize(FakeEncoder().encode_document(texts))
    passages = [passage_of(text) for text in texts]
    assert elsewhere.add_embedded(passages[:25], vectors[:25]) == 25
    assert elsewhere.add_embedded(passages, vectors) == 15
    elsewhere.settle()
    assert [passage.text for passage in elsewhere.passages] == texts
    np.testing.assert_array_equal(here.rank(texts[:5], 7).ids, elsewhere.rank(texts[:5], 7).ids)
    with pytest.raises(ParameterError, match="40 passages and 2 vectors"):
        elsewhere.add_embedded(passages, vectors[:2])
    with pytest.raises(VectorError, match="3 dimensions"):
        elsewhere.add_embedded(passages, np.ones((40, 3)))


# --- what is refused


def test_a_text_too_long_for_milvus_is_named_and_nothing_of_its_batch_is_stored(milvus_retriever):
    retriever = milvus_retriever()
    longest = "é" * 32_750
    assert retriever.index([longest]) == 1 and retriever.passages[0].text == longest
    with pytest.raises(ParameterError, match="begins 'x+' takes 70,0.. bytes .* 65,535 at most; cut it into chunks"):
        retriever.index(["fits", "x" * 70_000])
    assert len(retriever.passages) == 1


@pytest.mark.parametrize(
    ("texts", "metadata", "message"),
    [
        (["a", 3], None, r"texts\[1\] is int"),
        (["a", "b"], [{}], "1 metadata and more texts"),
        (["a"], [{}, {}], "more metadata than texts"),
    ],
)
def test_a_stream_that_does_not_fit_is_refused(milvus_retriever, texts, metadata, message):
    with pytest.raises(ParameterError, match=message):
        milvus_retriever().index(iter(texts), metadata and iter(metadata))


@pytest.mark.parametrize("name", ["", "1a", 'x" or 1', "a" * 201, "é"])
def test_a_name_that_milvus_does_not_take_is_not_asked_for(milvus_server, name):
    for opened in (MilvusRetriever, MilvusRetriever.load):
        with pytest.raises(ParameterError, match="letters, digits and underscores"):
            opened(milvus_server, name, encoder=FakeEncoder())


def test_metadata_that_json_cannot_hold_are_refused(milvus_retriever):
    retriever = milvus_retriever()
    with pytest.raises(StorageError, match="cannot be written as JSON"):
        retriever.index(["a"], [{"made": object()}])
    assert len(retriever.passages) == 0


def test_a_collection_keeps_the_model_that_made_it(milvus_retriever, milvus_server):
    class OtherWeights(FakeEncoder):
        fingerprint = "0ther000-float32"

    class Wider(FakeEncoder):
        dimension = 64

    name = fresh_name()
    milvus_retriever(name)
    for wrong, error, words in (
        ({"encoder": OtherWeights()}, ModelError, "other weights"),
        ({"encoder": Wider()}, StorageError, "dimension: 32, wanted 64"),
        ({"encoder": FakeEncoder(), "M": 32}, StorageError, "M: 16, wanted 32"),
        ({"encoder": FakeEncoder(), "exact": False}, StorageError, "exact: yes, wanted no"),
    ):
        with pytest.raises(error, match=words):
            MilvusRetriever(milvus_server, name, "toy", **wrong)
    with pytest.raises(StorageError, match="model: toy, wanted other"):
        MilvusRetriever(milvus_server, name, "other", encoder=FakeEncoder())
    with pytest.raises(ModelError, match="other weights"):
        MilvusRetriever.load(milvus_server, name, encoder=OtherWeights())
    with pytest.raises(StorageError, match="no collection nowhere of a MilvusRetriever"):
        MilvusRetriever.load(milvus_server, "nowhere", encoder=FakeEncoder())


def test_without_a_copy_for_exact_search_an_ef_is_needed(milvus_retriever):
    retriever = milvus_retriever(exact=False)
    retriever.index(sentences(30))
    assert retriever.search(sentences(30)[4], 1, ef=50)[0]["text"] == sentences(30)[4]
    with pytest.raises(ParameterError, match="exact=False"):
        retriever.search("a", 1)


# --- a server that is killed


def test_a_server_killed_in_the_middle_loses_and_doubles_nothing(tmp_path, small_batches):
    server = MilvusServer(tmp_path / "data")
    texts = sentences(600)
    try:
        retriever = MilvusRetriever(server.uri, "killed", "toy", encoder=FakeEncoder(), timeout=20)

        def killing():
            for number, text in enumerate(texts):
                if number == 301:
                    threading.Timer(0.02, server.stop, kwargs={"kill": True}).start()
                yield text

        with pytest.raises(StorageError, match=r"cannot be reached.* passages were stored, and stay"):
            retriever.index(killing())
            server.process.wait(10)
            retriever.search("a", 1)
        server.start()
        assert 0 < retriever.index(iter(texts)) <= len(texts) - 300
        assert [passage.text for passage in retriever.passages] == texts
        for row in (0, 299, 300, 301, 599):
            assert retriever.search(texts[row], 1)[0]["text"] == texts[row]
    finally:
        server.stop(kill=True)


def test_a_server_that_works_at_something_else_is_waited_for_by_who_stores(tmp_path):
    with slow_server(tmp_path) as server:
        retriever = MilvusRetriever(server.uri, "busy", "toy", encoder=FakeEncoder())
        retriever._connection.timeout = 0.5
        server.delays |= {"Query": 1.0, "Insert": 1.0, "Search": 3.0}
        assert retriever.index(sentences(5)) == 5
        with pytest.raises(StorageError, match="has not answered within 0.5 seconds while searching"):
            retriever.search("a", 1, ef=10)
        retriever.close()


def test_a_server_killed_before_its_graphs_are_built_is_not_waited_for(tmp_path):
    with MilvusServer(tmp_path / "data") as server:
        retriever = MilvusRetriever(server.uri, "unsettled", "toy", encoder=FakeEncoder(), timeout=20)
        retriever.add_embedded([passage_of(text) for text in sentences(5)], FakeEncoder().encode_document(sentences(5)))
        retriever._connection.timeout = 1
        server.stop(kill=True)
        began = time.monotonic()
        with pytest.raises(StorageError, match="cannot be reached while writing segments"):
            retriever.settle()
        assert time.monotonic() - began < 20
        server.start()
        retriever.settle()
        assert len(retriever.passages) == 5
