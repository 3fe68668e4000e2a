"""Comparing: what was requested in the fourth tab -> the work that compares two models."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from retriever.collection import Collection
from retriever.errors import CollectionError
from retriever.indexed import IndexedCollection, IndexSettings
from retriever.indexing import index_collection, with_model
from retriever.judged_index import JudgedIndex, check_judged, in_lower_case, judged_index
from retriever.judgments import JudgedQueries
from retriever.model_comparison import ModelComparison, compare_models, shouted
from retriever.models import load_encoder
from retriever.progress import Progress
from ui.building import check_passages
from ui.compare_request import BEIR, SAMPLES, CompareRequest
from ui.line import LINE
from ui.memory import MEMORY, needed
from ui.preparation import Preparation
from ui.reading import read_beir_zip, read_judgments
from ui.readings import gone
from ui.session import Session
from ui.settings import limits
from ui.shelf import Shelf


@dataclass(frozen=True, eq=False)
class Compared:
    """Hold a finished comparison, the seconds it took, and the hit rates with the questions in lower case.

    in_lower_case: of both models, where the questions are written in capitals and the documents are not.
    """

    comparison: ModelComparison
    seconds: float
    in_lower_case: Sequence[float] = ()


def plan(
    request: CompareRequest, session: Session, shelf: Shelf, preparation: Preparation
) -> Callable[[Progress], Compared]:
    """Return the work that compares the two models; what is on the shelf, or shared, is not embedded again."""
    request.check(shelf.readings)

    def work(progress: Progress) -> Compared:
        start = time.perf_counter()
        names = request.first, request.second
        for name in names:  # both first: one that cannot be had is known before any work, a slow one is in nobody's way
            progress(f"loading the model ({name})", 0.0)
            load_encoder(name)
        if request.collection in SAMPLES:
            for name in names:  # shared, and waited for outside the line
                preparation.judged(SAMPLES[request.collection], _of_model(name, progress), model_name=name)
        with LINE.place(progress):
            first, second = (
                _index(request, name, session, shelf, preparation, _of_model(name, progress)) for name in names
            )
            progress("comparing", 0.0)
            comparison = compare_models(first, second, request.k)
            lower: list[float] = []
            if shouted(first):
                lowered = (_in_lower_case(index, shelf, progress) for index in (first, second))
                lower = [index.evaluation(request.k).hit_rate for index in lowered]
        return Compared(comparison, time.perf_counter() - start, lower)

    return work


def _index(
    request: CompareRequest,
    model_name: str,
    session: Session,
    shelf: Shelf,
    preparation: Preparation,
    progress: Progress,
) -> JudgedIndex:
    """Return one model's index with the judged queries, and the graph that was asked for."""
    if request.collection in SAMPLES:
        found = preparation.judged(SAMPLES[request.collection], progress, model_name=model_name)
    elif request.collection == BEIR:
        found = _uploaded(request, model_name, shelf, progress)
    else:
        found = _loaded(request, model_name, session, shelf, progress)
    graph = (request.M, request.ef_construction)
    settings = found.indexed.settings
    if graph == (settings.M, settings.ef_construction):
        return found

    def grafted() -> JudgedIndex:
        progress("graph", 0.0)
        MEMORY.check(needed(len(found.indexed), found.indexed.retriever.dimension, request.M))
        other = found.with_graph(*graph)
        MEMORY.hold(other.indexed)
        return other

    return shelf.take((found, *graph), grafted)


def _uploaded(request: CompareRequest, model_name: str, shelf: Shelf, progress: Progress) -> JudgedIndex:
    """Index a collection in BEIR layout; which grades are answers changes nothing that is embedded."""
    key = ("beir", shelf.readings.digest(request.archive), model_name)

    def embedded() -> JudgedIndex:
        progress("reading", 0.0)
        collection = shelf.readings.take(request.paths, partial(read_beir_zip, request.archive, progress))
        if not isinstance(collection, Collection):
            raise gone(request.archive)
        _check_questions(collection.judged)
        settings = IndexSettings(model_name)
        admit = partial(check_passages, settings)
        most = limits().chunks
        indexed = index_collection(collection, settings, progress=progress, max_passages=most, admit=admit)
        return judged_index(MEMORY.hold(indexed), progress=progress)

    found = shelf.take(key, embedded)
    level = request.relevance_level
    if level == found.judged.relevance_level:
        return found
    return shelf.take((*key, level), lambda: found.with_relevance_level(level))


def _loaded(
    request: CompareRequest, model_name: str, session: Session, shelf: Shelf, progress: Progress
) -> JudgedIndex:
    """Take what is loaded in the first tab, its passages embedded with another model if need be."""
    base = session.loaded()
    judged = _given_judgments(request, base, shelf, progress) if request.qrels else base.judged
    _check_questions(judged)
    check_judged(base, judged)  # before anything is embedded
    files = [shelf.readings.digest(path) for path in request.paths]
    key = (base, *files, request.relevance_level, model_name)

    def embedded() -> IndexedCollection:
        check_passages(replace(base.settings, model_name=model_name), len(base))
        return MEMORY.hold(with_model(base, model_name, progress=progress))

    def make() -> JudgedIndex:
        same = model_name == base.settings.model_name
        indexed = base if same else shelf.take((base, model_name), embedded)
        return judged_index(indexed, judged, progress=progress)

    return shelf.take(key, make)


def _given_judgments(
    request: CompareRequest, base: IndexedCollection, shelf: Shelf, progress: Progress
) -> JudgedQueries:
    """Return the uploaded judgments, with the uploaded queries or the collection's own."""
    if not request.queries and base.judged is None:
        raise CollectionError(
            f"{base.name} has no queries of its own with ids; choose a file of queries as well: JSONL with _id and "
            "text, or lines of id, tab and text."
        )
    read = partial(read_judgments, request.qrels, request.queries, progress)
    given = shelf.readings.take(request.paths, read)
    if isinstance(given, Collection):
        raise gone(request.qrels)
    if base.judged is not None and not request.queries:
        return JudgedQueries(base.judged.queries, given.qrels, request.relevance_level, base.judged.kinds)
    return JudgedQueries(given.queries, given.qrels, request.relevance_level, given.kinds)


def _in_lower_case(index: JudgedIndex, shelf: Shelf, progress: Progress) -> JudgedIndex:
    return shelf.take(("lower case", index), lambda: in_lower_case(index, progress=progress))


def _check_questions(judged: JudgedQueries | None) -> None:
    """Raise CollectionError for more judged questions than one visitor may ask at once."""
    asked, most = len(judged.asked) if judged else 0, limits().questions
    if asked > most:
        raise CollectionError(f"There are {asked:,} judged questions; at most {most:,} are taken. Use a part of them.")


def _of_model(name: str, progress: Progress) -> Progress:
    """Return a progress function that names the model after the stage."""
    return lambda stage, fraction: progress(f"{stage} ({name})", fraction)
