"""Comparing: what the fourth tab's controls say -> the work that compares two models."""

import hashlib
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from retriever.archive import unpack_beir
from retriever.beir import read_beir, read_queries
from retriever.errors import CollectionError, DocumentError, ParameterError
from retriever.hnsw import check_graph_settings
from retriever.index import check_count
from retriever.indexed import IndexedCollection, IndexSettings, Progress
from retriever.indexing import index_collection, with_model
from retriever.judged_index import JudgedIndex, check_judged, in_lower_case, judged_index
from retriever.judgments import JudgedQueries
from retriever.model_comparison import ModelComparison, compare_models, shouted
from retriever.models import load_encoder, model_card
from retriever.trec import LARGEST_GRADE, read_qrels
from ui.building import whole_number
from ui.preparation import TITLES, Preparation
from ui.session import Session
from ui.settings import limits
from ui.shelf import Shelf

BEIR, LOADED = "Upload a BEIR collection", "Loaded in Documents"
SAMPLES = {TITLES[name]: name for name in ("everyday_science", "python_docs")}
COLLECTIONS = (*SAMPLES, BEIR, LOADED)
LARGEST_K = 200  # a comparison is kept for each k


@dataclass(frozen=True)
class CompareRequest:
    """Hold what the fourth tab's controls say when *Compare* is pressed.

    archive: path of a zip in BEIR layout. qrels and queries: paths of judgments, and of queries where the loaded
    collection has none. relevance_level: the grade from which on a document is an answer; the samples know theirs.
    """

    collection: str
    first: str
    second: str
    k: int = 10
    M: int = 16
    ef_construction: int = 200
    archive: str = ""
    qrels: str = ""
    queries: str = ""
    relevance_level: int = 1

    def check(self) -> None:
        """Raise a RetrieverError for what can be refused before any work is done."""
        if self.collection not in COLLECTIONS:
            raise ParameterError(f"The collection is {self.collection!r}; choose one of: {', '.join(COLLECTIONS)}.")
        for name in (self.first, self.second):
            model_card(name)
        if self.first == self.second:
            raise ParameterError(f"Both models are {self.first}; choose two different ones to compare.")
        check_count("k", self.k, 1, LARGEST_K)
        check_count("relevance_level", self.relevance_level, 1, LARGEST_GRADE)
        check_graph_settings(self.M, self.ef_construction, seed=0)
        self._check_files()

    def _check_files(self) -> None:
        """Raise DocumentError for a file that is missing, of no use or too large."""
        if self.collection == BEIR and not self.archive:
            raise DocumentError("No file was chosen; choose a zip with corpus.jsonl, queries.jsonl and qrels/test.tsv.")
        if self.collection == LOADED and self.queries and not self.qrels:
            raise DocumentError("Queries were chosen without judgments of them; choose a file of judgments as well.")
        most = limits().total_megabytes
        for path in {BEIR: [self.archive], LOADED: [self.qrels, self.queries]}.get(self.collection, []):
            size = Path(path).stat().st_size / 1e6 if path else 0
            if size > most:
                raise DocumentError(f"{Path(path).name} has {size:.1f} MB; at most {most} MB are taken.")


def request_of(
    collection: str,
    first: str,
    second: str,
    k: float,
    M: float,
    ef_construction: float,
    archive: str | None,
    qrels: str | None,
    queries: str | None,
    relevance_level: float,
) -> CompareRequest:
    """Return what controls, or a program, ask for. Raises ParameterError for a number that is not whole."""
    return CompareRequest(
        collection,
        first,
        second,
        whole_number("k", k),
        whole_number("M", M),
        whole_number("ef_construction", ef_construction),
        archive or "",
        qrels or "",
        queries or "",
        whole_number("relevance_level", relevance_level),
    )


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
    request.check()

    def work(progress: Progress) -> Compared:
        start = time.perf_counter()
        for name in (request.first, request.second):  # both first: one that cannot be had is known before any work
            progress(f"loading the model ({name})", 0.0)
            load_encoder(name)
        first, second = (
            _index(request, name, session, shelf, preparation, _of_model(name, progress))
            for name in (request.first, request.second)
        )
        progress("comparing", 0.0)
        comparison = compare_models(first, second, request.k)
        lower: list[float] = []
        if shouted(first):
            lower = [_in_lower_case(index, shelf, progress).evaluation(request.k).hit_rate for index in (first, second)]
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
    progress("graph", 0.0)
    return shelf.take((found, *graph), lambda: found.with_graph(*graph))


def _uploaded(request: CompareRequest, model_name: str, shelf: Shelf, progress: Progress) -> JudgedIndex:
    """Index a collection in BEIR layout; which grades are answers changes nothing that is embedded."""
    key = ("beir", _digest(request.archive), model_name)

    def embedded() -> JudgedIndex:
        progress("reading", 0.0)
        with tempfile.TemporaryDirectory() as folder:
            unpack_beir(request.archive, folder, max_bytes=limits().unpacked_megabytes * 1_000_000)
            collection = replace(read_beir(folder), name=Path(request.archive).stem)
        _check_questions(collection.judged)
        settings = IndexSettings(model_name)
        indexed = index_collection(collection, settings, progress=progress, max_passages=limits().chunks)
        return judged_index(indexed, progress=progress)

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
    judged = _given_judgments(request, base) if request.qrels else base.judged
    _check_questions(judged)
    check_judged(base, judged)  # before anything is embedded
    files = [_digest(path) for path in (request.qrels, request.queries) if path]
    key = (base, *files, request.relevance_level, model_name)

    def embedded() -> IndexedCollection:
        return with_model(base, model_name, progress=progress)

    def make() -> JudgedIndex:
        same = model_name == base.settings.model_name
        indexed = base if same else shelf.take((base, model_name), embedded)
        return judged_index(indexed, judged, progress=progress)

    return shelf.take(key, make)


def _given_judgments(request: CompareRequest, base: IndexedCollection) -> JudgedQueries:
    """Return the uploaded judgments, with the uploaded queries or the collection's own."""
    if request.queries:
        queries, kinds = read_queries(Path(request.queries))
    elif base.judged is not None:
        queries, kinds = dict(base.judged.queries), dict(base.judged.kinds)
    else:
        raise CollectionError(
            f"{base.name} has no queries of its own with ids; choose a file of queries as well: JSONL with _id and "
            "text, or lines of id, tab and text."
        )
    return JudgedQueries(queries, read_qrels(request.qrels), request.relevance_level, kinds)


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


def _digest(path: str) -> str:
    """Return a hash of a file: what was uploaded again under the same name may be another file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
