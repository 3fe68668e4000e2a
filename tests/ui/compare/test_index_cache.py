"""Tests of the index cache: nothing is made twice, the least recently used go first, failures leave nothing."""

import pytest

from retriever.errors import Cancelled
from tests.support.judged import ranked_index
from tests.support.small import collection_of, sentences
from ui.compare.index_cache import IndexCache, index_bytes
from ui.jobs.memory_budget import BYTES_OF_TEXT


@pytest.fixture(scope="module")
def items(fake_encoder):
    """Five collections of one size."""
    return {name: collection_of(fake_encoder, sentences(30)) for name in "abcde"}


class Maker:
    """An index cache that is filled with items, and the names of those that were made."""

    def __init__(self, items, room):
        self.items, self.made = items, []
        self.index_cache = IndexCache(int(index_bytes(items["a"]) * room))

    def take(self, names):
        for name in names:
            assert self.index_cache.get_or_make(name, lambda name=name: self.make(name)) is self.items[name]
        return "".join(self.made)

    def make(self, name):
        self.made.append(name)
        return self.items[name]


def test_what_is_kept_is_not_made_again(items):
    assert Maker(items, 10).take("abaabbab") == "ab"


def test_the_least_recently_used_goes_first(items):
    maker = Maker(items, 3.5)
    assert maker.take("abc" + "a" + "d") == "abcd"  # b is the least recently used
    assert maker.take("cad") == "abcd"
    assert maker.take("b") == "abcdb"


def test_all_that_fit_stay(items):
    assert Maker(items, 3).take("abcabcabc") == "abc"
    assert Maker(items, 2.99).take("abcabc") == "abcabc"


def test_the_newest_stays_however_large(items):
    assert Maker(items, 0.1).take("aabbba") == "aba"


def test_as_many_go_as_it_takes(items, fake_encoder):
    large = collection_of(fake_encoder, sentences(100))
    maker = Maker({**items, "L": large}, 4.5)
    assert maker.take("abcdL") == "abcdL"
    assert maker.take("dLd") == "abcdL"
    assert maker.take("c") == "abcdLc"


@pytest.mark.parametrize("error", [Cancelled("stop"), ZeroDivisionError()])
def test_what_raises_leaves_nothing_and_takes_nothing_away(items, error):
    maker = Maker(items, 2)
    maker.take("ab")

    def fail():
        raise error

    with pytest.raises(type(error)):
        maker.index_cache.get_or_make("c", fail)
    assert maker.take("abc") == "abc"


def test_one_may_be_made_of_another(items):
    index_cache, inner = IndexCache(), []
    made = index_cache.get_or_make(
        "outer", lambda: index_cache.get_or_make("inner", lambda: inner.append(1) or items["a"])
    )
    assert made is items["a"]
    assert index_cache.get_or_make("inner", lambda: pytest.fail("made twice")) is items["a"]
    assert inner == [1]


def test_a_size_counts_vectors_twice_links_and_texts():
    index = ranked_index([1, 2], n=50)
    retriever = index.indexed.retriever
    expected = 2 * 50 * 50 * 4 + retriever.hnsw.link_bytes + 50 * BYTES_OF_TEXT
    assert index_bytes(index) == index_bytes(index.indexed) == expected
    assert index_bytes(index.with_graph(4, 20)) < index_bytes(index)  # fewer links


def test_two_caches_share_nothing(items):
    one, other = IndexCache(), IndexCache()
    one.get_or_make("a", lambda: items["a"])
    assert other.get_or_make("a", lambda: items["b"]) is items["b"]


def test_a_visitors_cache_holds_half_of_what_the_visitor_may_have(monkeypatch, fake_encoder):
    monkeypatch.setenv("LAB_SESSION_MB", "6")
    large = {name: collection_of(fake_encoder, sentences(450)) for name in "abc"}  # about a megabyte each
    maker = Maker(large, 1)
    maker.index_cache = IndexCache()
    assert maker.take("abab") == "ab"
    assert maker.take("ca") == "abca"
