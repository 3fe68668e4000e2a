"""The contract of all retrievers: what a user may rely on, whichever of them is used."""

import copy
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retriever import BM25Retriever, DenseRetriever, LateInteractionRetriever, Retriever
from retriever.errors import ModelError, ParameterError, StorageError
from retriever.indexes.base import NO_ID
from retriever.retrievers.document_runs import best_passages, rank_documents, run_queries
from tests.support.encoders import FakeEncoder, FakeMultiVectorEncoder
from tests.support.small import passage_of

LIGHT = "Fresnel lenses let a small lamp be seen far out at sea."
BREAD = "Sourdough rises because of wild yeast."
NAMES = "lamp sea bread yeast shore light oven far small wild storm ship rock tower salt flour water heat".split()
EVERY_NAME = " ".join(NAMES)  # a query that has a word with each of the texts in common


@dataclass(frozen=True)
class Kind:
    """A retriever under test: how an empty one is made, and one that was saved is loaded."""

    make: Callable[[], Retriever]
    load: Callable[[Path], Retriever]


KINDS = {
    "dense": Kind(
        lambda: DenseRetriever("toy", encoder=FakeEncoder()),
        lambda folder: DenseRetriever.load(folder, encoder=FakeEncoder()),
    ),
    "BM25": Kind(BM25Retriever, BM25Retriever.load),
    "late interaction": Kind(
        lambda: LateInteractionRetriever("toy", encoder=FakeMultiVectorEncoder()),
        lambda folder: LateInteractionRetriever.load(folder, encoder=FakeMultiVectorEncoder()),
    ),
    "late interaction, candidates first": Kind(
        lambda: LateInteractionRetriever("toy", max_bytes=0, candidates=100, encoder=FakeMultiVectorEncoder()),
        lambda folder: LateInteractionRetriever.load(folder, encoder=FakeMultiVectorEncoder()),
    ),
}


of_own_format = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)  # Milvus' save writes that of dense


@pytest.fixture(params=[*KINDS, "Milvus"])
def kind(request):
    if request.param in KINDS:
        return KINDS[request.param]
    return request.getfixturevalue("milvus_kind")


@pytest.fixture
def milvus_kind(milvus_retriever):
    """A retriever in the embedded Milvus server; what it saves is loaded as one in memory."""
    return Kind(milvus_retriever, lambda folder: DenseRetriever.load(folder, encoder=FakeEncoder()))


def texts(n, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(NAMES, size=6)) + f" number{seed}x{row}" for row in range(n)]


@pytest.fixture
def filled(kind):
    retriever = kind.make()
    retriever.index(texts(60), [{"row": row} for row in range(60)])
    return retriever


def check_ranked(found, n_passages):
    """Check what holds for any ranking: types, descending scores, equal ones by the lower row, empty places last."""
    assert (found.ids.dtype, found.scores.dtype) == (np.int64, np.float32)
    for ids, scores in zip(found.ids, found.scores, strict=True):
        count = int((ids != NO_ID).sum())
        assert (ids[count:] == NO_ID).all() and (scores[count:] == -np.inf).all()
        assert ((ids[:count] >= 0) & (ids[:count] < n_passages)).all() and len(set(ids[:count].tolist())) == count
        order = list(zip(-scores[:count], ids[:count], strict=True))
        assert order == sorted(order)


# --- searching


def test_the_chapters_snippet_finds_the_text_with_its_metadata(kind):
    retriever = kind.make()
    assert retriever.index([LIGHT, BREAD], metadata=[{"source": "lighthouses"}, {"source": "bread"}]) == 2
    hits = retriever.search("a lamp far out", top_k=1)
    assert hits == [{"text": LIGHT, "score": hits[0]["score"], "metadata": {"source": "lighthouses"}}]
    assert type(hits[0]["score"]) is float
    assert retriever.search("wild yeast", top_k=1)[0]["metadata"] == {"source": "bread"}


def test_ten_hits_are_the_default_and_no_more_than_there_are(filled):
    assert len(filled.search(EVERY_NAME)) == 10
    assert len(filled.search(EVERY_NAME, 1000)) == 60
    assert sorted(hit["metadata"]["row"] for hit in filled.search(EVERY_NAME, 60)) == list(range(60))


def test_search_gives_the_passages_that_rank_ranks(filled):
    queries = ["wild storm at sea", "bread", "number0x17", EVERY_NAME]
    for k in (1, 7, 60, 100):
        found = filled.rank(queries, k)
        assert found.ids.shape == found.scores.shape == (4, k)
        check_ranked(found, 60)
        for query, ids, scores in zip(queries, found.ids.tolist(), found.scores.tolist(), strict=True):
            hits = filled.search(query, k)
            assert [hit["metadata"]["row"] for hit in hits] == [row for row in ids if row != NO_ID]
            np.testing.assert_allclose([hit["score"] for hit in hits], scores[: len(hits)], atol=1e-6)
    assert filled.rank(queries, 3).ids[2, 0] == 17


def test_the_best_k_are_the_first_of_all(filled):
    everything = filled.rank([EVERY_NAME, "storm"], 60)
    for k in (1, 5, 59):
        np.testing.assert_array_equal(filled.rank([EVERY_NAME, "storm"], k).ids, everything.ids[:, :k])


def test_nothing_stored_and_nothing_asked_give_nothing(kind, filled):
    empty = kind.make()
    assert empty.index([]) == empty.add([]) == 0
    assert empty.search("anything") == [] and list(empty.passages) == []
    found = empty.rank(["a", "b"], 3)
    assert found.ids.tolist() == [[NO_ID] * 3] * 2 and (found.scores == -np.inf).all()
    assert filled.rank([], 3).ids.shape == (0, 3)
    assert run_queries(empty, {"q": "a"}, 3) == {"q": {}} and run_queries(filled, {}, 3) == {}


def test_equal_texts_have_equal_scores_and_come_in_their_order(kind):
    retriever = kind.make()
    retriever.index([BREAD, LIGHT, BREAD, LIGHT, LIGHT], [{"row": row} for row in range(5)])
    hits = retriever.search(LIGHT, 3)
    assert [hit["metadata"]["row"] for hit in hits] == [1, 3, 4]
    assert len({hit["score"] for hit in hits}) == 1
    assert [hit["metadata"]["row"] for hit in retriever.search(LIGHT, 2)] == [1, 3]


def test_empty_texts_and_queries_break_nothing(kind):
    retriever = kind.make()
    retriever.index(["", "   ", "?!", LIGHT])
    assert retriever.search("small lamp", 4)[0]["text"] == LIGHT
    for query in ("", " ", "?!", "word-that-is-nowhere", "\0", "日本語 😀"):
        hits = retriever.search(query, 4)
        assert len(hits) <= 4 and all(np.isfinite(hit["score"]) for hit in hits)
        check_ranked(retriever.rank([query], 4), 4)


# --- adding


def test_indexing_again_adds_as_if_all_were_given_at_once(kind):
    retriever, at_once, all_texts = kind.make(), kind.make(), texts(30)
    at_once.index(all_texts, [{"row": row} for row in range(30)])
    retriever.index(iter(all_texts[:10]), [{"row": row} for row in range(10)])  # any iterable is taken
    retriever.search("sea storm")  # what was built for ten must not stay
    retriever.index(tuple(all_texts[10:]), tuple({"row": row} for row in range(10, 30)))
    assert list(retriever.passages) == list(at_once.passages)
    found, expected = retriever.rank(["sea storm", "bread"], 30), at_once.rank(["sea storm", "bread"], 30)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)


def test_the_callers_lists_and_metadata_are_copied(kind):
    given_texts, metadata = [LIGHT, BREAD], [{"source": "a"}, {"source": "b"}]
    before = copy.deepcopy(metadata)
    retriever = kind.make()
    retriever.index(given_texts, metadata)
    retriever.search("lamp")[0]["metadata"]["source"] = "changed in a hit"
    assert metadata == before
    metadata[0]["source"] = "changed by the caller"
    metadata.append({})
    given_texts[0] = "changed by the caller"
    assert [dict(passage.metadata) for passage in retriever.passages] == before
    assert [passage.text for passage in retriever.passages] == [LIGHT, BREAD]
    retriever.index([LIGHT])
    assert [dict(passage.metadata) for passage in retriever.passages] == [*before, {}]


def test_a_passage_is_found_by_what_is_read_and_shown_as_it_is_shown(kind):
    retriever = kind.make()
    retriever.add(
        [
            passage_of("Beacons They shine.", shown="They shine.", doc_id="1", title="Beacons", source="a.txt"),
            passage_of("Ovens They bake.", shown="They bake.", doc_id="2", title="Ovens", source="a.txt"),
        ]
    )
    [hit] = retriever.search("beacons", 1)
    assert hit["text"] == "They shine."
    assert hit["metadata"] == {"doc_id": "1", "title": "Beacons"}


# --- bad input


@pytest.mark.parametrize(
    ("given_texts", "metadata", "message"),
    [
        ("one string", None, r"index\(\[text\]\)"),
        ([LIGHT, 3], None, r"texts\[1\] is int"),
        ([LIGHT], [], "1 texts and 0 metadata"),
        ([LIGHT], [{}, {}], "1 texts and 2 metadata"),
        ([], [{}], "0 texts and 1 metadata"),
    ],
)
def test_wrong_texts_and_metadata_are_refused_and_nothing_is_added(filled, given_texts, metadata, message):
    with pytest.raises(ParameterError, match=message):
        filled.index(given_texts, metadata)
    assert len(filled.passages) == 60 and len(filled.search(EVERY_NAME, 100)) == 60


@pytest.mark.parametrize("wrong", [0, 1.5, True, None, b"10", ["a list"]])
def test_bad_queries_and_numbers_are_refused_also_where_nothing_is_stored(kind, filled, wrong):
    for retriever in (kind.make(), filled):
        with pytest.raises(ParameterError, match="query is"):
            retriever.search(wrong)
        with pytest.raises(ParameterError, match=r"queries\[1\] is"):
            retriever.rank(["sea", wrong], 3)
        with pytest.raises(ParameterError, match=r"rank\(\[query\], k\)"):
            retriever.rank("sea", 3)
        with pytest.raises(ParameterError, match="top_k"):
            retriever.search("sea", wrong)
        with pytest.raises(ParameterError, match="^k is"):
            retriever.rank(["sea"], wrong)


# --- documents


def test_a_document_is_ranked_once_by_its_best_passage(kind):
    owners = [f"d{row % 7}" for row in range(60)]
    retriever = kind.make()
    retriever.index(texts(60), [{"doc_id": owner} for owner in owners])
    queries = {"q1": "wild storm at sea", "q2": "bread oven heat", "q3": "number0x17"}
    run = run_queries(retriever, queries, 5)
    everything = retriever.rank(list(queries.values()), 60)
    for (query_id, query), ids, scores in zip(queries.items(), everything.ids, everything.scores, strict=True):
        best: dict[str, float] = {}
        for row, score in zip(ids.tolist(), scores.tolist(), strict=True):
            if row != NO_ID:
                best.setdefault(owners[row], score)
        assert list(run[query_id]) == list(best)[:5]
        assert run[query_id] == pytest.approx(dict(list(best.items())[:5]), abs=1e-6)
        hits = best_passages(retriever, query, 5)
        assert [hit.passage.metadata["doc_id"] for hit in hits] == list(run[query_id])
        first = next(iter(best))
        assert list(rank_documents(retriever, {"q": query}, 3, left_out={"q": first})["q"]) == list(best)[1:4]


def test_a_query_that_is_a_document_does_not_find_itself(kind):
    retriever = kind.make()
    retriever.index(texts(30), [{"doc_id": f"d{row}"} for row in range(30)])
    run = run_queries(retriever, {"d3": texts(30)[3], "q": texts(30)[3]}, 10)
    assert "d3" not in run["d3"] and len(run["d3"]) == 10
    assert next(iter(run["q"])) == "d3"


# --- several threads


def test_searching_while_another_thread_adds(kind):
    retriever, ended = kind.make(), threading.Event()
    retriever.index(texts(20), [{"text": text} for text in texts(20)])

    def search(count=0):
        while not ended.is_set() or count < 5:
            hits = retriever.search(EVERY_NAME, 10)
            assert len(hits) == 10
            assert all(hit["metadata"]["text"] == hit["text"] for hit in hits)
            run_queries(retriever, {"q": EVERY_NAME}, 10)
            count += 1
        return count

    with ThreadPoolExecutor(2) as pool:
        searching = [pool.submit(search) for _ in range(2)]
        try:
            for seed in range(1, 20):
                batch = texts(7, seed)
                retriever.index(batch, [{"text": text} for text in batch])
        finally:
            ended.set()
        assert all(future.result(30) >= 5 for future in searching)
    assert len(retriever.passages) == 20 + 19 * 7


def test_threads_that_add_at_once_lose_nothing(kind):
    retriever = kind.make()
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(retriever.index, texts(9, seed)) for seed in range(12)]
        for future in futures:
            future.result(30)
    stored = [passage.text for passage in retriever.passages]
    assert sorted(stored) == sorted(text for seed in range(12) for text in texts(9, seed))
    for row in (0, 50, 107):
        assert retriever.search(stored[row], 1)[0]["text"] == stored[row]


# --- on disk


def test_what_was_saved_answers_the_same_after_loading(kind, filled, tmp_path):
    filled.index(["日本語 😀 \u2028 e\u0301"], [{"ключ": ["значение", None, 1.5]}])
    filled.add([passage_of("Beacons They shine.", shown="They shine.", doc_id="1", title="Beacons", span=(3, 14))])
    filled.save(tmp_path / "saved")
    filled.save(tmp_path / "saved")  # over an earlier save
    loaded = kind.load(tmp_path / "saved")
    assert list(loaded.passages) == list(filled.passages)
    for query in ("wild storm 日本語", EVERY_NAME, "beacons"):
        found, expected = loaded.search(query, 100), filled.search(query, 100)
        assert [hit.pop("score") for hit in found] == pytest.approx([hit.pop("score") for hit in expected], abs=1e-6)
        assert found == expected
    loaded.index(["one more lamp"])
    assert loaded.search("one more lamp", 1)[0]["text"] == "one more lamp"
    assert len(filled.passages) == 62


def test_an_empty_retriever_is_saved_too(kind, tmp_path):
    kind.make().save(tmp_path)
    loaded = kind.load(tmp_path)
    assert loaded.search("sea") == []
    loaded.index([LIGHT])
    assert len(loaded.search("lamp")) == 1


@of_own_format
def test_metadata_that_json_cannot_hold_leave_an_earlier_save_whole(kind, filled, tmp_path):
    filled.save(tmp_path)
    other = kind.make()
    other.index([LIGHT], [{"made": object()}])
    with pytest.raises(StorageError, match="row 0"):
        other.save(tmp_path)
    assert list(kind.load(tmp_path).passages) == list(filled.passages)


@of_own_format
def test_every_damaged_file_is_found(kind, filled, tmp_path):
    filled.save(tmp_path / "saved")
    for path in sorted((tmp_path / "saved").iterdir()):
        data = path.read_bytes()
        for changed in (b"", data[: len(data) // 2], None):
            path.unlink() if changed is None else path.write_bytes(changed)
            with pytest.raises(StorageError, match="saved"):
                kind.load(tmp_path / "saved")
        path.write_bytes(data)
    kind.load(tmp_path / "saved")
    for missing in (tmp_path / "not there", tmp_path):
        with pytest.raises(StorageError, match="holds no manifest"):
            kind.load(missing)


JUNK: list[Any] = [None, True, -1, 1e308, 10**400, "x", "x" * 100_000, [], [1], [["x"]], {}, {"a": 1}]


@of_own_format
def test_a_forged_manifest_is_refused_or_does_no_harm(kind, filled, tmp_path):
    filled.save(tmp_path)
    path = tmp_path / "manifest.json"
    manifest = json.loads(path.read_text())
    places = [(key,) for key in manifest] + [("settings", key) for key in manifest["settings"]]
    places += [("files", key) for key in manifest["files"]]
    places += [("files", key, inner) for key in manifest["files"] for inner in manifest["files"][key]]
    for place in places:
        for junk in JUNK:
            forged = copy.deepcopy(manifest)
            holder = forged
            for key in place[:-1]:
                holder = holder[key]
            holder[place[-1]] = junk
            path.write_text(json.dumps(forged))
            try:
                loaded = kind.load(tmp_path)
            except (StorageError, ModelError) as error:
                assert len(str(error)) < 1_000
                continue
            assert list(loaded.passages) == list(filled.passages)
            loaded.search(EVERY_NAME, 5)


@of_own_format
def test_a_folder_of_another_kind_is_named(kind, filled, tmp_path):
    filled.save(tmp_path / "saved")
    mine = type(filled).__name__
    others = [other for other in KINDS.values() if not isinstance(filled, type(other.make()))]
    assert len(others) >= 2
    for other in others:
        with pytest.raises(StorageError, match=rf"saved holds a {mine}, not a \w+; load it with {mine}\.load"):
            other.load(tmp_path / "saved")
