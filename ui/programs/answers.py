"""Answers for programs as values for JSON: the API's endpoints and the MCP tools return what is made here."""

from dataclasses import replace
from typing import Any

import numpy as np

from retriever.documents.document import Passage
from retriever.experiments.search_comparison import answer_question
from retriever.fair_lock import MACHINE_LOCK
from retriever.graph.miss_reasons import Miss
from retriever.graph.traversal import Walk
from retriever.indexing.collection import IndexedCollection
from retriever.vectors import Float32, normalize
from ui.compare.job import FinishedComparison
from ui.compare.records import comparison_record, error_counts, measure_scores
from ui.compare.sentences.losses import cost_sentence
from ui.compare.sentences.verdict import verdict_sentence
from ui.inputs import SearchSettings
from ui.recall.records import ef_record
from ui.render.passages import passage_place
from ui.render.records import pair_numbers, record_data, record_settings
from ui.search.records import search_record
from ui.walk.records import walk_record
from ui.walk.text import found_sentence, miss_sentence, step_sentence
from ui.walk.trace import WalkTrace, trace_question

MOST_TEXT = 500  # characters of a passage's text in a tool's answer


def measured_content(indexed: IndexedCollection, asked: SearchSettings) -> dict[str, Any]:
    """Measure HNSW at an ef and exact search, unless that was done just now, and count the distances."""
    measurements = indexed.measurements
    recent = measurements.recent(asked.k, asked.ef)
    pair = replace(recent.value, hnsw=measurements.counted(recent.value.hnsw))
    return {
        **pair_numbers(pair),
        "recall": pair.hnsw.recall.tolist(),
        "seconds_ago": round(recent.seconds_ago, 3),
        "settings": record_settings(indexed),
        "data": record_data(indexed),
        "record": record_content(ef_record(indexed, pair, None)),
    }


def comparison_content(compared: FinishedComparison, ef: int) -> dict[str, Any]:
    """Return a comparison's verdict, scores and run record."""
    found = compared.comparison
    return {
        "verdict": verdict_sentence(found).striptags(),
        "costs": cost_sentence(found, ef).striptags(),
        "scores": measure_scores(found),
        "two_errors": {side.name: error_counts(side, found.k, ef) for side in found.sides},
        "record": record_content(comparison_record(compared, ef)),
    }


def search_content(indexed: IndexedCollection, question: str, asked: SearchSettings) -> dict[str, Any]:
    """Return the answers to a question, with the rank of each hit in exact search, and what the search cost."""
    both = answer_question(indexed, question, asked.k, ef=asked.ef)
    walk = _walk(indexed, np.asarray(both.vector), len(both.exact), asked.ef)
    nearest = [
        _scored(hit.passage, hit.score) | {"rank": rank, "missed_by_hnsw": missed}
        for rank, (hit, missed) in enumerate(zip(both.exact, both.missed, strict=True), 1)
    ]
    ranks = {id(hit.passage): rank for rank, hit in enumerate(both.exact, 1)}
    hits = [
        _scored(hit.passage, hit.score)
        | {"rank": rank, "exact_rank": ranks.get(id(hit.passage)) or _rank_beyond(walk, node, len(both.exact))}
        for rank, (hit, node) in enumerate(zip(both.hnsw, walk.ids.tolist(), strict=True), 1)
    ]
    for hit in hits:
        if hit["exact_rank"] <= len(nearest):
            del hit["text"]  # which stands among the nearest: who reads this pays by the word
    return {
        "sample": indexed.name,
        "question": question,
        "k": asked.k,
        "ef": asked.ef,
        "recall": both.recall,
        "nearest_passages": nearest,
        "missed_ranks": [rank for rank, missed in enumerate(both.missed, 1) if missed],
        "hnsw_hits": hits,
        "distances": {"hnsw": walk.distances, "exact": len(indexed)},
        "seconds": both.seconds,
        **({"measured_in_a_crowd": True} if both.crowded else {}),
        "record": record_content(search_record(indexed, question, asked, both)),
    }


def explanation_content(indexed: IndexedCollection, question: str, asked: SearchSettings, steps: int) -> dict[str, Any]:
    """Return the walk of a question in words and numbers, and why each missed passage was missed."""
    trace = trace_question(question, asked, indexed)
    told = range(1, min(steps, trace.walk.hops) + 1)
    nothing = "" if trace.missed else f" Nothing is missed at ef={trace.walk.ef}."
    return {
        "sample": indexed.name,
        "question": trace.question,
        "k": asked.k,
        "ef": asked.ef,
        "explanation": found_sentence(trace).striptags() + nothing,
        "found": trace.found,
        "nearest_passages": len(trace.true_ids),
        "missed": [_missed(trace, miss) for miss in trace.missed],
        "distances": {"hnsw": trace.walk.distances, "exact": len(indexed)},
        "steps": trace.walk.hops,
        "first_steps": [step_sentence(trace, number).striptags() for number in told],
        "record": record_content(walk_record(trace)),
    }


def record_content(record: Any) -> dict[str, Any]:  # noqa: ANN401 - a RunRecord
    """Return a run record's fields."""
    return {name: dict(part) if hasattr(part, "items") else part for name, part in vars(record).items()}


def _walk(indexed: IndexedCollection, vector: Float32, k: int, ef: int) -> Walk:
    """Return the walk of a search, whose distances are counted."""
    graph = indexed.measurements.graph
    with MACHINE_LOCK.shared():
        return graph.walk(normalize(vector[None, :])[0], k, max(ef, k), beams=False)


def _rank_beyond(walk: Walk, node: int, k: int) -> int:
    """Return the rank in exact search of a node that is not among the first k."""
    return max(k, int((walk.to_all < walk.to_all[node]).sum())) + 1


def _missed(trace: WalkTrace, miss: Miss) -> dict[str, Any]:
    """Return one missed passage, and why it was missed."""
    rank = trace.true_ids.tolist().index(miss.node) + 1
    passage = trace.indexed.retriever.passages[miss.node]
    return _scored(passage, float(trace.walk.scores[miss.node])) | {
        "exact_rank": rank,
        "links_to_it": len(miss.linking),
        "of_those_looked_at": len(miss.looked_at),
        "smallest_ef_that_finds_it": miss.smallest_ef,
        "reason": miss_sentence(trace, miss).striptags(),
    }


def _scored(passage: Passage, score: float) -> dict[str, Any]:
    """Return a passage with its score; a long text is cut."""
    text = passage.text if len(passage.text) <= MOST_TEXT else f"{passage.text[:MOST_TEXT]} …"
    return {
        "passage_id": passage.passage_id,
        "title": passage.title,
        "place": passage_place(passage),
        "score": round(score, 6),
        "text": text,
    }
