"""MaxSim over token vectors, checked against the sum of maxima written as two loops."""

import errno

import numpy as np
import pytest

from retriever.errors import StorageError
from retriever.indexes.maxsim import MaxSimIndex

EVERYTHING = 10**9


def unit(rng, n_tokens):
    vectors = rng.normal(size=(n_tokens, 16)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def texts(rng):
    return [unit(rng, int(n_tokens)) for n_tokens in rng.integers(1, 12, size=50)]


@pytest.fixture
def queries(rng):
    return [unit(rng, n_tokens) for n_tokens in (1, 5, 9, 3)]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Make blocks and groups of queries so small that there are several."""
    monkeypatch.setattr("retriever.indexes.token_blocks.BLOCK_TOKENS", 20)
    monkeypatch.setattr("retriever.indexes.maxsim.QUERY_TOKENS", 6)
    monkeypatch.setattr("retriever.indexes.maxsim.BLOCKS_PER_SECTION", 3)


def maxsim(query, text):
    """Return the MaxSim of two texts' token vectors by its definition; stored ones have half precision."""
    text = text.astype(np.float16).astype(np.float64)
    return sum(max(float(np.dot(one, other)) for other in text) for one in query.astype(np.float64))


def index_of(texts, max_bytes=EVERYTHING):
    return MaxSimIndex.empty(16).extended([texts[:20], texts[20:]], max_bytes)


@pytest.mark.parametrize("max_bytes", [EVERYTHING, 3000, 0], ids=["memory", "moved to a file", "file"])
def test_scores_are_the_sums_of_the_maxima_wherever_the_vectors_are(texts, queries, max_bytes):
    index = index_of(texts, max_bytes)
    assert index.in_memory == (max_bytes == EVERYTHING)
    assert len(index.blocks) > 5 and len(index) == len(texts)
    assert index.n_tokens == sum(map(len, texts))
    assert index.nbytes == index.n_tokens * 16 * 2 + len(texts) * 16 * 4
    expected = [[maxsim(query, text) for text in texts] for query in queries]
    np.testing.assert_allclose(index.scores(queries), expected, atol=1e-5)
    for query, row in zip(queries, expected, strict=True):
        np.testing.assert_allclose(index.scores([query]), [row], atol=1e-5)
    for number in (0, 19, 20, 49):
        np.testing.assert_array_equal(index.vectors_of(number), texts[number].astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("max_bytes", [EVERYTHING, 0])
def test_scores_do_not_depend_on_how_texts_were_added_bit_for_bit(texts, queries, max_bytes):
    at_once = index_of(texts, max_bytes)
    one_by_one = MaxSimIndex.empty(16)
    for text in texts:
        one_by_one = one_by_one.extended([[text]], max_bytes)
    np.testing.assert_array_equal(one_by_one.scores(queries), at_once.scores(queries))
    assert len(one_by_one.blocks) == len(at_once.blocks)


def test_an_index_is_not_changed_by_what_is_added_to_it(texts, queries):
    first = index_of(texts[:30])
    before = first.scores(queries)
    first.extended([texts[30:]], 0)
    np.testing.assert_array_equal(first.scores(queries), before)
    assert first.in_memory


@pytest.mark.parametrize("max_bytes", [EVERYTHING, 0])
def test_only_the_candidates_by_mean_vectors_are_scored(texts, queries, max_bytes):
    found = index_of(texts, max_bytes).scores(queries, candidates=7)
    means = np.stack([text.mean(axis=0) / np.linalg.norm(text.mean(axis=0)) for text in texts])
    for query, scores in zip(queries, found, strict=True):
        chosen = sorted(np.argsort(-(means @ query.sum(axis=0)))[:7].tolist())
        assert np.flatnonzero(np.isfinite(scores)).tolist() == chosen
        np.testing.assert_allclose(scores[chosen], [maxsim(query, texts[row]) for row in chosen], atol=1e-5)
        assert (scores[~np.isfinite(scores)] == -np.inf).all()


def test_a_text_without_tokens_scores_nothing(texts, queries):
    index = index_of([texts[0], np.empty((0, 16), np.float32), texts[1]])
    scores = index.scores(queries)
    assert (scores[:, 1] == 0).all()
    np.testing.assert_allclose(scores[:, 2], [maxsim(query, texts[1]) for query in queries], atol=1e-5)


def test_nothing_indexed_and_nothing_asked_give_nothing(texts, queries):
    assert MaxSimIndex.empty(16).scores(queries).shape == (4, 0)
    assert index_of(texts).scores([]).shape == (0, 50)
    assert len(MaxSimIndex.empty(16).extended([[]], 0)) == 0


def test_a_full_disk_is_named(monkeypatch, texts):
    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("retriever.indexes.token_blocks.tempfile.TemporaryFile", full)
    with pytest.raises(StorageError, match="the disk is full.*Nothing was added"):
        index_of(texts, max_bytes=0)
