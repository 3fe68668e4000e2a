"""The job of a build: what was requested in the Documents tab -> the work that builds it."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from retriever.datasets.collection import Collection
from retriever.datasets.samples import load_sample
from retriever.documents.document import Document
from retriever.encoders.loading import load_encoder
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.indexing.pipeline import index_collection
from retriever.parameters import MEGABYTE
from retriever.progress import Progress
from retriever.storage.archive import unpack_saved
from retriever.unicode import clean_text
from ui.documents.request import PASTE, SAMPLE, SAVED, BuildRequest
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.graph_rebuild import rebuild_graph
from ui.jobs.memory_budget import MEMORY_BUDGET, check_passages_fit
from ui.jobs.shared_samples import SharedSamples
from ui.session import Session
from ui.settings import limits
from ui.uploads.folder import discard_uploads
from ui.uploads.parse import check_saved_archive, parse_documents
from ui.uploads.parsed_files import ParsedFiles

Work = Callable[[Progress], IndexedCollection]


@dataclass(frozen=True)
class BuildPlan:
    """The work of a build, and the key of what it embeds."""

    work: Work
    source: str


def plan_build(request: BuildRequest, session: Session, shared_samples: SharedSamples) -> BuildPlan:
    """Return the work that builds what was requested; it builds only the graph if nothing else has changed.

    Raises a RetrieverError if the request is refused.
    """
    parsed_files, settings = session.parsed_files, request.settings
    request.check(parsed_files)
    source, indexed = request.source_key(parsed_files), session.indexed
    if indexed is not None and session.source == source:
        return BuildPlan(partial(rebuild_graph, indexed, settings.M, settings.ef_construction), source)
    if request.source == SAMPLE:
        return BuildPlan(partial(_take_sample, request.sample, settings, shared_samples, indexed), source)
    if request.source == SAVED:
        return BuildPlan(partial(_load_saved, request.saved), source)
    return BuildPlan(partial(_index_documents, request, parsed_files, indexed), source)


def _take_sample(
    name: str,
    settings: IndexSettings,
    shared_samples: SharedSamples,
    known: IndexedCollection | None,
    progress: Progress,
) -> IndexedCollection:
    """Return a sample: the shared one if at most the graph differs, else one embedded as requested."""
    default = IndexSettings(model_name=settings.model_name)
    own_chunks = name == "documents" and (settings.chunk_size, settings.chunk_overlap) != (None, 0)
    if own_chunks:
        return _index_in_queue(lambda: load_sample(name), settings, known, progress)
    indexed = shared_samples.wait_for(name, progress, model_name=settings.model_name)
    if (settings.M, settings.ef_construction) == (default.M, default.ef_construction):
        return indexed
    return rebuild_graph(indexed, settings.M, settings.ef_construction, progress)


def _load_saved(path: str, progress: Progress) -> IndexedCollection:
    """Load a saved collection; its graph is built anew: a worse one than its settings say would give wrong numbers."""
    progress("reading", 0.0)
    allowed = limits()
    with BUILD_QUEUE.place(progress), tempfile.TemporaryDirectory() as folder:
        check_saved_archive(path, progress)
        unpack_saved(path, folder, max_bytes=allowed.unpacked_megabytes * MEGABYTE)
        discard_uploads([path])
        return MEMORY_BUDGET.hold(IndexedCollection.load(folder, with_graph=False, progress=progress))


def _index_documents(
    request: BuildRequest, parsed_files: ParsedFiles[Collection], known: IndexedCollection | None, progress: Progress
) -> IndexedCollection:
    """Read what was uploaded or pasted, and index it."""
    if request.source == PASTE:
        collection = Collection("Pasted text", [Document("pasted text", clean_text(request.text), "Pasted text")])
        return _index_in_queue(lambda: collection, request.settings, known, progress)
    read = partial(parse_documents, request.files, progress)
    return _index_in_queue(lambda: parsed_files.get_or_parse(request.files, read), request.settings, known, progress)


def _index_in_queue(
    read: Callable[[], Collection], settings: IndexSettings, known: IndexedCollection | None, progress: Progress
) -> IndexedCollection:
    """Read and index a collection in the build queue, within the memory budget.

    known: the visitor's loaded collection; the vectors of texts that it already holds are reused.
    """
    load_encoder(settings.model_name)  # outside the queue: a slow download blocks nobody
    with BUILD_QUEUE.place(progress):
        progress("reading", 0.0)
        start = time.perf_counter()
        collection = read()
        indexed = index_collection(
            collection,
            settings,
            progress=progress,
            reading_seconds=time.perf_counter() - start,
            max_passages=limits().chunks,
            admit=partial(check_passages_fit, settings),
            known=known,
        )
        return MEMORY_BUDGET.hold(indexed)
