"""Tests of a further retriever's answer beside the two searches."""

import numpy as np
import pytest

from retriever.experiments.further_answer import further_answer
from retriever.experiments.search_comparison import compare_searches
from retriever.retrievers.bm25 import BM25Retriever
from tests.support.small import collection_of, sentences


@pytest.mark.parametrize("k", [1, 5, 200])
def test_hits_are_those_of_the_retriever_and_near_those_that_brute_force_ranks_first(fake_encoder, k):
    texts = [*sentences(80), *sentences(10)]  # ten of them twice: ties
    dense, bm25 = collection_of(fake_encoder, texts).retriever, BM25Retriever()
    bm25.add(dense.passages)
    query = " ".join(texts[3].split()[:3])
    found = further_answer(bm25, dense, compare_searches(dense, query, k, ef=200), query, k)
    assert [hit.passage.text for hit in found.hits] == [hit["text"] for hit in bm25.search(query, k)]
    vectors = fake_encoder.encode_document(texts)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = fake_encoder.encode_query([query])[0]
    cosines = vectors @ (asked / np.linalg.norm(asked))
    kth = np.sort(cosines)[::-1][min(k, len(texts)) - 1]
    assert found.near == [bool(cosines[row] >= kth - 1e-6) for row in found.rows]
    assert found.near[:1] == [True] and found.seconds > 0
