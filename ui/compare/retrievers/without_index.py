"""Retrievers without an index, made over the passages of a model's index: BM25 and late interaction."""

import time
from collections.abc import Mapping
from functools import partial

from retriever.encoders.multi_vector.catalogue import SUFFIX
from retriever.encoders.multi_vector.loading import load_multi_vector_encoder
from retriever.experiments.judged_index import JudgedIndex
from retriever.experiments.judged_ranking import JudgedRetriever
from retriever.parameters import MEGABYTE
from retriever.progress import Progress, stage_progress
from retriever.retrievers.bm25 import BM25Retriever
from retriever.retrievers.late_interaction import MAX_BYTES, LateInteractionRetriever
from ui.jobs.memory_budget import MEMORY_BUDGET, bm25_bytes, token_vector_bytes
from ui.settings import limits


def make_bm25(name: str, base: JudgedIndex, progress: Progress) -> JudgedRetriever:
    """Return BM25 over the passages of an index, with its judged queries."""
    size = bm25_bytes(base.indexed)
    MEMORY_BUDGET.check(size)
    retriever, start = BM25Retriever(), time.perf_counter()
    retriever.add(base.passages, progress=stage_progress(progress, "counting words"))
    seconds = time.perf_counter() - start
    return JudgedRetriever(
        name,
        MEMORY_BUDGET.count(retriever, size),
        base.judged,
        base.own_documents,
        seconds_to_index=seconds,
        searched_bytes=retriever.nbytes,
        score_name="BM25 score",
        settings=retriever.settings,
    )


def make_late(name: str, base: JudgedIndex, progress: Progress) -> JudgedRetriever:
    """Return a late-interaction model's token vectors of the passages of an index, with its judged queries.

    Vectors beyond the limit of memory stand in a file, and only the best candidates are scored by them: the remark says
    so.
    """
    most = min(MAX_BYTES, limits().session_megabytes * MEGABYTE // 2)
    encoder = load_multi_vector_encoder(name)  # before the clock runs
    retriever = LateInteractionRetriever(name, max_bytes=most, encoder=encoder)
    size = min(most, token_vector_bytes(base.indexed, retriever.dimension))
    MEMORY_BUDGET.check(size)
    start = time.perf_counter()
    retriever.add(base.passages, progress=stage_progress(progress, "embedding tokens"))
    seconds = time.perf_counter() - start
    settings = {
        "model": name.removesuffix(SUFFIX),
        "model_fingerprint": retriever.fingerprint,
        "model_revision": encoder.revision,
        "model_device": encoder.device,
        "query_prompt": encoder.query_prompt,
        "document_prompt": encoder.document_prompt,
        "dimension": retriever.dimension,
        "token_vectors": retriever.n_tokens,
        "token_vector_bytes": retriever.nbytes,
        "scored": retriever.coverage,
    }
    return JudgedRetriever(
        name,
        MEMORY_BUDGET.count(retriever, size),
        base.judged,
        base.own_documents,
        find_cut=partial(_cut, retriever),
        n_cut=retriever.n_cut,
        seconds_to_index=seconds,
        searched_bytes=retriever.nbytes,
        score_name="MaxSim: the sum of the similarities of the question's words",
        settings={setting: value for setting, value in settings.items() if value != ""},
        remark="" if retriever.exhaustive else f"{name}: {retriever.coverage}",
    )


def _cut(retriever: LateInteractionRetriever, queries: Mapping[str, str]) -> frozenset[str]:
    """Return the ids of queries (id -> text) of which the model does not read the end."""
    read = {query_id: retriever.encoder.query_tokens(text) for query_id, text in queries.items()}
    ends = {
        query_id: max((token.span[1] for token in tokens if token.span), default=0) for query_id, tokens in read.items()
    }
    return frozenset(query_id for query_id, text in queries.items() if ends[query_id] < len(text.rstrip()))
