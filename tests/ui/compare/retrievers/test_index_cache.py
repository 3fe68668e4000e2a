"""Tests of the index cache: nothing is made twice, the least recently used go first, failures leave nothing."""

import pytest

from retriever.errors import Cancelled
from tests.support.judged import ranked_index
from tests.support.small import collection_of, sentences
from ui.compare.retrievers.index_cache import IndexCache, index_bytes
from ui.jobs.memory_budget import BYTES_OF_TEXT


@pytest.fixture(scope="module")
def items(fake_encoder):
    """Four collections of one size, and L, larger than three of them."""
    sizes = {**dict.fromkeys("abcd", 30), "L": 100}
    return {name: collection_of(fake_encoder, sentences(size)) for name, size in sizes.items()}


def made(items, index_cache, names):
    """Return the names of those items that were made when all are taken, one after the other."""
    made = []
    for name in names:
        item = index_cache.get_or_make(name, lambda name=name: made.append(name) or items[name])
        assert item is items[name]
    return "".join(made)


@pytest.mark.parametrize(
    ("room", "taken", "expected"),
    [
        (10, "abaabbab", "ab"),
        (3, "abcabcabc", "abc"),  # all that fit stay
        (2.99, "abcabc", "abcabc"),
        (3.5, "abcadcadb", "abcdb"),  # b is the least recently used
        (0.1, "aabbba", "aba"),  # the newest stays, however large
        (4.5, "abcdLdLdc", "abcdLc"),  # as many go as it takes
    ],
)
def test_what_is_kept_is_not_made_again_and_the_least_recently_used_go_first(items, room, taken, expected):
    assert made(items, IndexCache(int(index_bytes(items["a"]) * room)), taken) == expected


@pytest.mark.parametrize("error", [Cancelled("stop"), ZeroDivisionError()])
def test_what_raises_leaves_nothing_and_takes_nothing_away(items, error):
    def fail():
        raise error

    index_cache = IndexCache(index_bytes(items["a"]) * 2)
    assert made(items, index_cache, "ab") == "ab"
    with pytest.raises(type(error)):
        index_cache.get_or_make("c", fail)
    assert made(items, index_cache, "abc") == "c"


def test_one_may_be_made_of_another(items):
    index_cache = IndexCache()
    outer = index_cache.get_or_make("outer", lambda: index_cache.get_or_make("a", lambda: items["a"]))
    assert outer is items["a"]
    assert made(items, index_cache, "a") == ""
    assert made(items, IndexCache(), "a") == "a", "two caches share nothing"


def test_a_size_counts_vectors_twice_links_and_texts():
    index = ranked_index([1, 2], n=50)
    expected = 2 * 50 * 50 * 4 + index.indexed.retriever.hnsw.link_bytes + 50 * BYTES_OF_TEXT
    assert index_bytes(index) == index_bytes(index.indexed) == expected
    assert index_bytes(index.with_graph(4, 20)) < expected, "fewer links"


def test_a_visitors_cache_holds_half_of_what_the_visitor_may_have(monkeypatch, fake_encoder):
    monkeypatch.setenv("LAB_SESSION_MB", "6")
    large = {name: collection_of(fake_encoder, sentences(450)) for name in "abc"}  # about a megabyte each
    assert made(large, IndexCache(), "ababca") == "abca"
