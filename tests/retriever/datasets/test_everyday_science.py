"""The everyday science sample: consistent judgments, paraphrases without shared content words, no copied passages."""

from collections import Counter
from itertools import combinations

import pytest

from retriever.datasets.samples import load_sample
from tests.support.content_words import content_words, phrases

KINDS = ("paraphrase", "term", "fact", "broad")


@pytest.fixture(scope="module")
def science():
    return load_sample("everyday_science")


@pytest.fixture(scope="module")
def passages(science):
    return {document.doc_id: science.passage(document) for document in science.documents}


def answers(science, query_id):
    return [doc_id for doc_id, grade in science.qrels[query_id].items() if grade >= science.relevance_level]


def test_there_are_enough_passages_of_the_right_length_on_enough_subjects(science):
    assert len(science.documents) >= 240
    assert len({document.metadata["metadata"]["subject"] for document in science.documents}) >= 12
    for document in science.documents:
        assert 40 <= len(document.text.split()) <= 90, document.doc_id
        assert document.title.strip()


def test_there_are_questions_of_four_kinds(science):
    assert set(science.kinds) == set(science.queries)
    counts = Counter(science.kinds.values())
    assert set(counts) == set(KINDS)
    assert min(counts.values()) >= 24
    assert len(science.queries) >= 96
    assert len(set(science.queries.values())) == len(science.queries)


def test_judgments_name_what_exists_and_every_question_has_an_answer(science, passages):
    assert set(science.qrels) == set(science.queries)
    assert science.relevance_level == 2
    for query_id, documents in science.qrels.items():
        assert set(documents) <= set(passages), query_id
        assert set(documents.values()) <= {0, 1, 2}, query_id
        assert answers(science, query_id), query_id


def test_broad_questions_have_several_answers_and_the_others_few(science):
    for query_id, kind in science.kinds.items():
        found = len(answers(science, query_id))
        assert found >= 3 if kind == "broad" else found <= 3, query_id


def test_every_question_but_a_broad_one_has_near_misses(science):
    for query_id, kind in science.kinds.items():
        assert kind == "broad" or 1 in science.qrels[query_id].values(), query_id


def test_a_paraphrase_shares_no_content_word_with_its_answers(science, passages):
    for query_id, kind in science.kinds.items():
        if kind == "paraphrase":
            query_words = content_words(science.queries[query_id])
            assert len(query_words) >= 2, query_id
            for doc_id in answers(science, query_id):
                assert not query_words & content_words(passages[doc_id]), (query_id, doc_id)


def test_the_other_kinds_do_share_words_with_an_answer(science, passages):
    shared = [
        any(content_words(science.queries[query_id]) & content_words(passages[doc_id]) for doc_id in found)
        for query_id, kind in science.kinds.items()
        if kind in ("term", "fact") and (found := answers(science, query_id))
    ]
    assert sum(shared) / len(shared) > 0.9, "else the kinds would not be different"


def test_no_passage_repeats_another(science):
    assert len({document.title for document in science.documents}) == len(science.documents)
    runs = [(document.doc_id, phrases(document.text)) for document in science.documents]
    for (one, first), (other, second) in combinations(runs, 2):
        assert len(first & second) <= 0.12 * min(len(first), len(second)), (one, other)
