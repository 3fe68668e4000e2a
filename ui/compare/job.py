"""The job of a comparison: what was requested in the Compare models tab -> the work that compares two models."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from retriever.datasets.collection import Collection
from retriever.encoders.loading import load_encoder
from retriever.errors import CollectionError
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.experiments.judged_index import JudgedIndex, check_judged, embed_judged_queries, with_lower_case_queries
from retriever.experiments.model_comparison import ModelComparison, compare_models, queries_in_capitals
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.indexing.pipeline import index_collection, with_model
from retriever.progress import Progress
from ui.compare.index_cache import IndexCache
from ui.compare.request import BEIR, JUDGED_SAMPLES, CompareRequest
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.memory_budget import MEMORY_BUDGET, check_passages_fit, estimated_bytes
from ui.jobs.shared_samples import SharedSamples
from ui.session import Session
from ui.settings import limits
from ui.uploads.parse import missing_file_error, parse_beir_archive, parse_judgments


@dataclass(frozen=True, eq=False)
class FinishedComparison:
    """A finished comparison, the seconds it took, and the hit rates with the questions in lower case.

    in_lower_case: of both models, if the questions are written in capitals and the documents are not; else empty.
    """

    comparison: ModelComparison
    seconds: float
    in_lower_case: Sequence[float] = ()


def plan_comparison(
    request: CompareRequest, session: Session, index_cache: IndexCache, shared_samples: SharedSamples
) -> Callable[[Progress], FinishedComparison]:
    """Return the work that compares two models; cached and shared indexes are not embedded again.

    Raises a RetrieverError if the request is refused.
    """
    request.check(index_cache.parsed_files)

    def work(progress: Progress) -> FinishedComparison:
        start = time.perf_counter()
        names = request.first, request.second
        # first, and outside the queue: a missing model is known before any work, a slow download blocks nobody
        for name in names:
            progress(f"loading the model ({name})", 0.0)
            load_encoder(name)
        if request.collection in JUDGED_SAMPLES:
            for name in names:  # shared by all visitors, so it is awaited outside the build queue
                shared_samples.judged(JUDGED_SAMPLES[request.collection], _of_model(name, progress), model_name=name)
        with BUILD_QUEUE.place(progress):
            first, second = (
                _index_model(request, name, session, index_cache, shared_samples, _of_model(name, progress))
                for name in names
            )
            progress("comparing", 0.0)
            comparison = compare_models(first, second, request.k)
            lower: list[float] = []
            if queries_in_capitals(first):
                lowered = (_lower_case_index(index, index_cache, progress) for index in (first, second))
                lower = [index.evaluation(request.k).hit_rate for index in lowered]
        return FinishedComparison(comparison, time.perf_counter() - start, lower)

    return work


def _index_model(
    request: CompareRequest,
    model_name: str,
    session: Session,
    index_cache: IndexCache,
    shared_samples: SharedSamples,
    progress: Progress,
) -> JudgedIndex:
    """Return one model's index with the judged queries, on the requested graph."""
    if request.collection in JUDGED_SAMPLES:
        found = shared_samples.judged(JUDGED_SAMPLES[request.collection], progress, model_name=model_name)
    elif request.collection == BEIR:
        found = _index_uploaded(request, model_name, index_cache, progress)
    else:
        found = _index_loaded(request, model_name, session, index_cache, progress)
    graph = (request.M, request.ef_construction)
    settings = found.indexed.settings
    if graph == (settings.M, settings.ef_construction):
        return found

    def build_graph() -> JudgedIndex:
        progress("graph", 0.0)
        MEMORY_BUDGET.check(estimated_bytes(len(found.indexed), found.indexed.retriever.dimension, request.M))
        other = found.with_graph(*graph)
        MEMORY_BUDGET.hold(other.indexed)
        return other

    return index_cache.get_or_make((found, *graph), build_graph)


def _index_uploaded(
    request: CompareRequest, model_name: str, index_cache: IndexCache, progress: Progress
) -> JudgedIndex:
    """Index a collection in BEIR layout; another relevance level changes nothing that is embedded."""
    key = ("beir", index_cache.parsed_files.digest(request.archive), model_name)

    def embed() -> JudgedIndex:
        progress("reading", 0.0)
        collection = index_cache.parsed_files.get_or_parse(
            request.paths, partial(parse_beir_archive, request.archive, progress)
        )
        if not isinstance(collection, Collection):
            raise missing_file_error(request.archive)
        _check_questions(collection.judged)
        settings = IndexSettings(model_name)
        admit = partial(check_passages_fit, settings)
        max_passages = limits().chunks
        indexed = index_collection(collection, settings, progress=progress, max_passages=max_passages, admit=admit)
        return embed_judged_queries(MEMORY_BUDGET.hold(indexed), progress=progress)

    found = index_cache.get_or_make(key, embed)
    level = request.relevance_level
    if level == found.judged.relevance_level:
        return found
    return index_cache.get_or_make((*key, level), lambda: found.with_relevance_level(level))


def _index_loaded(
    request: CompareRequest, model_name: str, session: Session, index_cache: IndexCache, progress: Progress
) -> JudgedIndex:
    """Return an index of the loaded collection, its passages embedded with another model if needed."""
    base = session.loaded()
    judged = _given_judgments(request, base, index_cache, progress) if request.qrels else base.judged
    _check_questions(judged)
    check_judged(base, judged)  # before anything is embedded
    files = [index_cache.parsed_files.digest(path) for path in request.paths]
    key = (base, *files, request.relevance_level, model_name)

    def embed() -> IndexedCollection:
        check_passages_fit(replace(base.settings, model_name=model_name), len(base))
        return MEMORY_BUDGET.hold(with_model(base, model_name, progress=progress))

    def make() -> JudgedIndex:
        same = model_name == base.settings.model_name
        indexed = base if same else index_cache.get_or_make((base, model_name), embed)
        return embed_judged_queries(indexed, judged, progress=progress)

    return index_cache.get_or_make(key, make)


def _given_judgments(
    request: CompareRequest, base: IndexedCollection, index_cache: IndexCache, progress: Progress
) -> JudgedQueries:
    """Return the uploaded judgments, with the uploaded queries or the collection's own.

    Raises CollectionError if there are no queries.
    """
    if not request.queries and base.judged is None:
        raise CollectionError(
            f"{base.name} has no queries of its own with ids; choose a file of queries as well: JSONL with _id and "
            "text, or lines of id, tab and text."
        )
    read = partial(parse_judgments, request.qrels, request.queries, progress)
    uploaded = index_cache.parsed_files.get_or_parse(request.paths, read)
    if isinstance(uploaded, Collection):
        raise missing_file_error(request.qrels)
    if base.judged is not None and not request.queries:
        return JudgedQueries(base.judged.queries, uploaded.qrels, request.relevance_level, base.judged.kinds)
    return JudgedQueries(uploaded.queries, uploaded.qrels, request.relevance_level, uploaded.kinds)


def _lower_case_index(index: JudgedIndex, index_cache: IndexCache, progress: Progress) -> JudgedIndex:
    """Return an index with its questions in lower case."""
    return index_cache.get_or_make(("lower case", index), lambda: with_lower_case_queries(index, progress=progress))


def _check_questions(judged: JudgedQueries | None) -> None:
    """Raise CollectionError if there are more judged questions than a comparison may have."""
    count, limit = len(judged.asked) if judged else 0, limits().questions
    if count > limit:
        raise CollectionError(f"There are {count:,} judged questions; at most {limit:,} are taken. Use a part of them.")


def _of_model(name: str, progress: Progress) -> Progress:
    """Return a progress function that adds the model's name to the stage."""
    return lambda stage, fraction: progress(f"{stage} ({name})", fraction)
