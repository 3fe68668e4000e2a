"""BM25Retriever: its scores against Lucene's formula written out, and its settings."""

import logging
import math
import sys
from collections import Counter

import numpy as np
import pytest

from retriever import BM25Retriever
from retriever.errors import Cancelled, ParameterError
from retriever.indexes.base import NO_ID
from tests.support.small import sentences

TEXTS = [
    "The lamp of the lighthouse shines far over the sea",
    "Ships see the lamp; a ship without a lamp sees nothing",
    "Sourdough rises",
    "lamp lamp lamp lamp",
    "",
    "The lamp of the lighthouse shines far over the sea",
]


def lucene(texts, query, k1, b):
    """Return Lucene's BM25 of texts and a query, both given as words; a word asked twice counts twice."""
    average = sum(map(len, texts)) / len(texts)
    scores = []
    for text in texts:
        counts, score = Counter(text), 0.0
        for word in filter(counts.get, query):
            n = sum(word in other for other in texts)
            idf = math.log(1 + (len(texts) - n + 0.5) / (n + 0.5))
            score += idf * counts[word] / (counts[word] + k1 * (1 - b + b * len(text) / average))
        scores.append(score)
    return scores


@pytest.mark.parametrize(("k1", "b"), [(0.9, 0.4), (1.2, 0.75), (2, 1), (0.5, 0), (0, 0.4)])
def test_scores_are_those_of_lucenes_formula_over_words_without_stop_words_and_stems(k1, b):
    retriever = BM25Retriever(k1, b)
    retriever.index(TEXTS)
    texts = [
        "lamp lighthous shine far over sea".split(),
        "ship see lamp ship without lamp see noth".split(),
        "sourdough rise".split(),
        ["lamp"] * 4,
        [],
        "lamp lighthous shine far over sea".split(),
    ]
    for query, words in (
        ("lamps of the ships", ["lamp", "ship"]),
        ("Rising lamp, lamp!", ["rise", "lamp", "lamp"]),
        ("seas unheard of", ["sea", "unheard"]),
    ):
        expected = lucene(texts, words, k1, b)
        found = retriever.rank([query], 6)
        count = sum(score > 0 for score in expected)
        assert found.ids[0, :count].tolist() == np.argsort(-np.float32(expected), kind="stable")[:count].tolist()
        np.testing.assert_allclose(found.scores[0, :count], np.sort(expected)[::-1][:count], rtol=1e-5)
        assert (found.ids[0, count:] == NO_ID).all()


def test_scores_follow_the_formula_on_a_larger_collection_added_in_parts():
    texts = sentences(300)
    retriever = BM25Retriever(stop_words=None, stemmer=None)
    retriever.index(texts[:120])
    retriever.index(texts[120:])
    words = [retriever.terms(text) for text in texts]
    assert words[0] == texts[0].lower().rstrip(".").split()[:-1], "numbers of one digit are no words"
    for query in sentences(5, seed=3):
        expected = lucene(words, retriever.terms(query), 0.9, 0.4)
        found = retriever.rank([query], 300)
        for row, score in zip(found.ids[0].tolist(), found.scores[0].tolist(), strict=True):
            assert row == NO_ID or score == pytest.approx(expected[row], rel=1e-5)
        assert (found.ids[0] != NO_ID).sum() == sum(score > 0 for score in expected)


def test_a_text_that_shares_no_term_is_not_found():
    retriever = BM25Retriever()
    retriever.index(TEXTS)
    assert [hit["text"] for hit in retriever.search("does sourdough rise?")] == ["Sourdough rises"]
    for query in ("", "the of and", "?!", "x", "unheard"):
        assert retriever.search(query) == []
    nothing = BM25Retriever()
    nothing.index(["the", "of", ""])
    assert nothing.search("the") == [] and len(nothing.passages) == 3 and nothing.nbytes == 0


def test_terms_are_what_texts_are_compared_by():
    assert BM25Retriever().terms("The running STORMS, and caf\u00e9s' x") == ["run", "storm", "caf\u00e9"]
    assert BM25Retriever().terms("cafe\u0301s") == ["caf\u00e9"], "an accent may have a code of its own"
    assert BM25Retriever(stemmer=None).terms("The running storms") == ["running", "storms"]
    assert BM25Retriever(stop_words=None).terms("The running storms") == ["the", "run", "storm"]
    assert BM25Retriever(stop_words=["Storms"]).terms("The running storms") == ["the", "run"]
    assert BM25Retriever(stop_words="de", stemmer="german").terms("Die Häuser und der Sturm") == ["haus", "sturm"]
    with pytest.raises(ParameterError, match="query is int"):
        BM25Retriever().terms(3)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("שָׁלוֹם", ["שָׁלוֹם"]),
        ("har\u00adbour \u200emap zero\u200bwidth", ["harbour", "map", "zero", "width"]),
        ("İSTANBUL", ["istanbul"]),
        ("東京都のiPhone 茶", ["東京", "京都", "都の", "iphone", "茶"]),
        ("ภาษาไทย", ["ภา", "าษ", "ษา", "าไ", "ไท", "ทย"]),
    ],
)
def test_words_of_other_scripts_are_whole_or_pairs_of_characters_where_no_blanks_are_written(text, terms):
    retriever = BM25Retriever(stemmer=None)
    assert retriever.terms(text) == terms
    retriever.index(["Something else", text])
    assert retriever.search(text)[0]["text"] == text


def test_how_many_passages_hold_a_term():
    retriever = BM25Retriever()
    assert retriever.passages_with(["lamp"]) == {"lamp": 0}
    retriever.index(TEXTS)
    assert retriever.passages_with(retriever.terms("Lamps shine, unheard")) == {"lamp": 4, "shine": 2, "unheard": 0}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k1": -0.1}, r"^k1 is -0\.1; it must be a number from 0 to 1000"),
        ({"k1": float("nan")}, "^k1 is nan"),
        ({"k1": float("inf")}, "^k1 is inf"),
        ({"k1": "1"}, "^k1 is '1'"),
        ({"b": 1.1}, r"^b is 1\.1; it must be a number from 0 to 1"),
        ({"b": True}, "^b is True"),
        ({"b": 10**400}, "^b is 1000"),
        ({"stop_words": "klingon"}, "no stop words for 'klingon'"),
        ({"stop_words": 3}, "stop_words must be"),
        ({"stop_words": ["a", 3]}, "stop_words must be"),
        ({"stemmer": "klingon"}, "no stemmer 'klingon'; pass None or one of .*english"),
        ({"stemmer": ["english"]}, r"no stemmer \['english'\]"),
    ],
)
def test_settings_outside_their_range_are_refused(settings, message):
    with pytest.raises(ParameterError, match=message):
        BM25Retriever(**settings)


@pytest.mark.parametrize("stop_words", ["en", None, ("lamp", "sea")])
def test_settings_come_back_from_disk(tmp_path, stop_words):
    retriever = BM25Retriever(np.float32(1.5), 1, stop_words=stop_words, stemmer=None)
    retriever.index(TEXTS)
    retriever.save(tmp_path)
    loaded = BM25Retriever.load(tmp_path)
    assert loaded.settings == retriever.settings
    assert loaded.settings["stop_words"] == (list(stop_words) if isinstance(stop_words, tuple) else stop_words)
    assert loaded.terms("The lamps of the sea") == retriever.terms("The lamps of the sea")
    assert loaded.search("ships see a lamp") == retriever.search("ships see a lamp")
    assert loaded.nbytes == retriever.nbytes > 0


def test_progress_is_reported_and_can_end_the_work():
    retriever, seen = BM25Retriever(), []
    retriever.index(sentences(250), progress=seen.append)
    assert seen == sorted(seen) and seen[0] == 0 and seen[-1] == 1

    def cancel(fraction):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        retriever.index(["one more"], progress=cancel)
    assert len(retriever.passages) == 250
    assert retriever.search("one more") == []


def test_indexing_and_searching_say_nothing(capsys, monkeypatch):
    said = []
    handler = logging.Handler()
    handler.emit = said.append
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    retriever = BM25Retriever()
    retriever.index(TEXTS)
    retriever.search("")
    retriever.search("lamp")
    retriever.rank(["lamp", "the"], 3)
    assert capsys.readouterr() == ("", "") and said == []
    assert "numba" not in sys.modules and "jax" not in sys.modules
