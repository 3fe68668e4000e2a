"""The table of retrievers: each is asked the same questions over the same passages."""

from benchmarks.quality import RETRIEVERS, measure_collection
from retriever.datasets.collection import Collection
from retriever.documents.document import Document

TEXTS = {
    "owl": "The tawny owl hunts voles at night.",
    "bread": "Yeast makes bread rise.",
    "e330": "E330 is citric acid.",
    **{f"river{number}": f"A river of class {number} carries gravel to the sea." for number in range(12)},
}


def test_each_retriever_and_the_fusion_have_a_row_with_what_they_reach_and_take(capsys):
    documents = [Document(doc_id, text) for doc_id, text in TEXTS.items()]
    queries, qrels = {"1": "what is E330", "2": "why does dough grow"}, {"1": {"e330": 1}, "2": {"bread": 1}}
    rows = measure_collection(Collection("rivers", documents, queries, qrels, lambda document: document.text))
    assert [row.retriever for row in rows] == [*RETRIEVERS, "BM25 + all-MiniLM-L6-v2"]
    assert (rows[0].hit_rate, rows[0].ndcg) == (0.5, 0.5), "the second question shares no word with its answer"
    assert all(row.hit_rate == 1 for row in rows[1:])
    assert all(row.megabytes and row.milliseconds for row in rows[:-1])
    assert capsys.readouterr().out.count("\n") == len(rows)
