"""The everyday science sample: consistent judgments, questions that are of their kind, no copied passages."""

from collections import Counter
from itertools import combinations

import pytest

from retriever.datasets.samples import load_sample
from tests.support.content_words import content_words, phrases


@pytest.fixture(scope="module")
def science():
    return load_sample("everyday_science")


def test_passages_are_enough_of_the_right_length_and_none_repeats_another(science):
    assert len(science.documents) >= 240
    assert len({document.metadata["metadata"]["subject"] for document in science.documents}) >= 12
    assert len({document.title for document in science.documents if document.title.strip()}) == len(science.documents)
    assert all(40 <= len(document.text.split()) <= 90 for document in science.documents)
    runs = [(document.doc_id, phrases(document.text)) for document in science.documents]
    for (one, first), (other, second) in combinations(runs, 2):
        assert len(first & second) <= 0.12 * min(len(first), len(second)), (one, other)


def test_there_are_questions_of_five_kinds(science):
    assert set(science.kinds) == set(science.queries) == set(science.qrels)
    counts = Counter(science.kinds.values())
    assert counts == {"paraphrase": 32, "term": 32, "fact": 32, "broad": 32, "rare term": 48}
    assert len(set(science.queries.values())) == len(science.queries)


def test_each_question_has_answers_and_near_misses_and_words_in_common_as_its_kind_says(science):
    assert science.relevance_level == 2
    passages = {document.doc_id: content_words(science.passage(document)) for document in science.documents}
    shared = []
    for query_id, documents in science.qrels.items():
        kind, words = science.kinds[query_id], content_words(science.queries[query_id])
        assert set(documents) <= set(passages), query_id
        assert set(documents.values()) <= {0, 1, 2}, query_id
        answers = [passages[doc_id] for doc_id, grade in documents.items() if grade == 2]
        assert len(answers) >= 3 if kind == "broad" else 1 <= len(answers) <= 3, query_id
        assert kind == "broad" or 1 in documents.values(), query_id
        if kind == "paraphrase":
            assert len(words) >= 2, query_id
            assert not words & set().union(*answers), query_id
        elif kind in ("term", "fact"):
            shared.append(bool(words & set().union(*answers)))
    assert sum(shared) / len(shared) > 0.9, "else the kinds would not be different"


def test_a_rare_term_stands_in_its_answer_and_hardly_anywhere_else(science):
    passages = {document.doc_id: content_words(science.passage(document)) for document in science.documents}
    holders = Counter(word for words in passages.values() for word in words)
    rarest = []
    for query_id, documents in science.qrels.items():
        if science.kinds[query_id] == "rare term":
            answers = [passages[doc_id] for doc_id, grade in documents.items() if grade == 2]
            shared = content_words(science.queries[query_id]) & set().union(*answers)
            rarest.append(min(holders[word] for word in shared))
    assert max(rarest) <= 6, "of 444 passages"
    assert rarest.count(1) >= 0.9 * len(rarest)
