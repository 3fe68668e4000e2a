"""The job of a build: what is requested, checked before any work is done, and the work that builds it."""

import hashlib
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from retriever.chunking.chunker import default_chunk_size
from retriever.datasets.collection import Collection, Origin
from retriever.datasets.samples import load_sample
from retriever.documents.document import Document, TableColumns
from retriever.documents.loading import ACCEPTED_SUFFIXES
from retriever.encoders.catalogue import model_card
from retriever.encoders.loading import load_encoder
from retriever.errors import DocumentError
from retriever.indexes.hnsw import check_graph_settings
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.indexing.pipeline import index_collection
from retriever.parameters import MEGABYTE
from retriever.progress import Progress
from retriever.storage.archive import unpack_saved
from retriever.unicode import clean_text
from ui.inputs import check_model, check_whole_number
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.graph_rebuild import rebuild_graph
from ui.jobs.job import Job
from ui.jobs.memory_budget import MEMORY_BUDGET, check_passages_fit
from ui.jobs.shared_samples import SharedSamples
from ui.session import Session
from ui.settings import Limits, limits
from ui.uploads.folder import discard_uploads
from ui.uploads.parse import ParsedFiles, check_file_size, check_saved_archive, parse_documents

SAMPLE, UPLOAD, PASTE, SAVED = "Take a sample", "Upload files", "Paste text", "Load a saved one"
CHUNKED_SAMPLE = "documents"  # the only one that is cut into chunks; of the others an entry is a passage
SOURCES = (SAMPLE, UPLOAD, PASTE, SAVED)

Work = Callable[[Progress], IndexedCollection]


@dataclass(frozen=True)
class BuildRequest:
    """What a visitor or a program wants to be built.

    files and saved: paths of uploaded files, the latter of a saved collection; empty where none was chosen. columns:
    of uploaded tables, that are read.
    """

    source: str
    sample: str = CHUNKED_SAMPLE
    files: Sequence[str] = ()
    text: str = ""
    saved: str = ""
    settings: IndexSettings = field(default_factory=IndexSettings)
    columns: TableColumns = TableColumns()

    @property
    def sample_name(self) -> str:
        """The name of the requested sample; empty for the visitor's own documents."""
        return self.sample if self.source == SAMPLE else ""

    @property
    def has_own_chunks(self) -> bool:
        """Whether a sample is requested in chunks of another size than the shared one's."""
        chunks = self.settings.chunk_size, self.settings.chunk_overlap
        return self.sample_name == CHUNKED_SAMPLE and chunks != (None, 0)

    def check(self, parsed_files: ParsedFiles[Collection]) -> None:
        """Raise a RetrieverError if the request can be refused before any work is done."""
        allowed = limits()
        check_graph_settings(self.settings.M, self.settings.ef_construction, seed=0)
        if self.source == UPLOAD and not parsed_files.known(self.files, repr(self.columns)):
            _check_files(self.files, allowed)
        elif self.source == PASTE and not self.text.strip():
            raise DocumentError("The text is empty; paste some sentences and press Build again.")
        elif self.source == PASTE and len(self.text.encode("utf-8", "replace")) > allowed.paste_megabytes * MEGABYTE:
            raise DocumentError(
                f"The text is larger than {allowed.paste_megabytes} MB; paste less, or upload it as a file."
            )
        elif self.source == SAVED and not self.saved:
            raise DocumentError("No file was chosen; choose a zip that was downloaded from this page.")
        elif self.source == SAVED and not parsed_files.seen(self.saved):
            check_file_size(self.saved, allowed.saved_megabytes)

    def source_key(self, parsed_files: ParsedFiles[Collection]) -> str:
        """Return a key of what is embedded and how, without the graph's settings: equal keys share their vectors.

        Raises DocumentError if an uploaded file is gone and was not read.
        """
        # the inputs of other sources are hidden, so they do not count
        content = {SAMPLE: self.sample, PASTE: self.text, UPLOAD: repr(self.columns)}.get(self.source, "")
        digest = hashlib.sha256(f"{self.source}\0{content}".encode("utf-8", "replace"))
        for path in {UPLOAD: self.files, SAVED: [self.saved]}.get(self.source, ()):
            digest.update(f"{Path(path).name}\0{parsed_files.digest(path)}".encode("utf-8", "replace"))
        unused = {"M", "ef_construction"}
        if self.sample_name and not self.has_own_chunks:  # of the other samples an entry is a passage
            unused |= {"chunk_size", "chunk_overlap"}
        embedding = {key: value for key, value in asdict(self.settings).items() if key not in unused}
        digest.update(repr(sorted(embedding.items())).encode())
        return digest.hexdigest()


def index_settings(
    model_name: str, *, chunk_size: float, chunk_overlap: float, M: float, ef_construction: float
) -> IndexSettings:
    """Return the settings of the controls, or of a program; the model's default chunk size is passed on as None.

    Raises ModelError for an unknown model, and ParameterError if a number is not whole.
    """
    size = check_whole_number("chunk_size", chunk_size)
    return IndexSettings(
        model_name,
        None if size == default_chunk_size(check_model(model_name)) else size,
        check_whole_number("chunk_overlap", chunk_overlap),
        check_whole_number("M", M),
        check_whole_number("ef_construction", ef_construction),
    )


@dataclass(frozen=True)
class BuildPlan:
    """The work of a build, and the key of what it embeds.

    needs: the jobs that must end before it: those of a shared sample, or of a model. takes_place: whether the work is
    heavy, as everything is but taking a sample as it is.
    """

    work: Work
    source: str
    needs: Sequence[Job[Any]] = ()
    takes_place: bool = True

    def submit(self) -> Job[IndexedCollection]:
        """Add the build to the build queue and return its job. Raises RetrieverError if there is no room for it."""
        return BUILD_QUEUE.submit(Job(self.work, kind="build", needs=self.needs, takes_place=self.takes_place))


def plan_build(request: BuildRequest, session: Session, shared_samples: SharedSamples) -> BuildPlan:
    """Return the work that builds what was requested; it builds only the graph if nothing else has changed.

    Raises a RetrieverError if the request is refused.
    """
    parsed_files, settings = session.parsed_files, request.settings
    request.check(parsed_files)
    source, indexed = request.source_key(parsed_files), session.indexed
    if request.source == SAMPLE and not request.has_own_chunks:
        return _plan_sample(request, source, shared_samples)
    if indexed is not None and session.source == source:
        return BuildPlan(partial(rebuild_graph, indexed, settings.M, settings.ef_construction), source)
    if request.source == SAVED:
        origin = Origin("saved", files=_hashed([request.saved], parsed_files))
        return BuildPlan(partial(_load_saved, request.saved, origin), source)
    # the model is loaded before the build has a place: a slow download blocks nobody
    needs = shared_samples.models.needed(settings.model_name)
    return BuildPlan(partial(_index_documents, request, parsed_files, indexed), source, needs)


def _plan_sample(request: BuildRequest, source: str, shared_samples: SharedSamples) -> BuildPlan:
    """Return the work that takes a shared sample, with another graph if that is requested."""
    settings = request.settings
    default = IndexSettings(model_name=settings.model_name)
    sample = shared_samples.prepare(request.sample, model_name=settings.model_name)
    if (settings.M, settings.ef_construction) == (default.M, default.ef_construction):
        return BuildPlan(lambda progress: sample.result(), source, [sample], takes_place=False)

    def build_graph(progress: Progress) -> IndexedCollection:
        return rebuild_graph(sample.result(), settings.M, settings.ef_construction, progress)

    return BuildPlan(build_graph, source, [sample])


def _check_files(files: Sequence[str], allowed: Limits) -> None:
    """Raise DocumentError if files are missing, too many or too large."""
    if not files:
        raise DocumentError(
            f"No files were chosen; drop some in. These formats are read: {' '.join(ACCEPTED_SUFFIXES)}."
        )
    if len(files) > allowed.files:
        raise DocumentError(f"There are {len(files)} files; at most {allowed.files} are taken at once. Choose fewer.")
    total = sum(check_file_size(path, allowed.file_megabytes) for path in files)
    if total > allowed.total_megabytes:
        raise DocumentError(f"The files have {total:.1f} MB together; at most {allowed.total_megabytes} MB are taken.")


def _hashed(paths: Sequence[str], parsed_files: ParsedFiles[Collection]) -> tuple[tuple[str, str], ...]:
    """Return the name and the SHA-256 of each uploaded file."""
    return tuple((Path(path).name, parsed_files.digest(path)) for path in paths)


def _load_saved(path: str, origin: Origin, progress: Progress) -> IndexedCollection:
    """Load a saved collection; its graph is built anew: a worse one than its settings say would give wrong numbers."""
    progress("reading", 0.0)
    allowed = limits()
    with tempfile.TemporaryDirectory() as folder:
        check_saved_archive(path, progress)
        unpack_saved(path, folder, max_bytes=allowed.unpacked_megabytes * MEGABYTE)
        discard_uploads([path])
        indexed = IndexedCollection.load(folder, with_graph=False, progress=progress)
    indexed = replace(indexed, origin=origin)
    if not model_card(indexed.settings.model_name).packaged:  # its report needs it, and so does the first question
        load_encoder(indexed.settings.model_name, progress=progress)
    return MEMORY_BUDGET.hold(indexed)


def _index_documents(
    request: BuildRequest, parsed_files: ParsedFiles[Collection], known: IndexedCollection | None, progress: Progress
) -> IndexedCollection:
    """Read what was chosen, uploaded or pasted, and index it within the memory budget.

    known: the visitor's loaded collection; the vectors of texts that it already holds are reused.
    """
    progress("reading", 0.0)
    start, settings = time.perf_counter(), request.settings
    collection = _read_documents(request, parsed_files, progress)
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


def _read_documents(request: BuildRequest, parsed_files: ParsedFiles[Collection], progress: Progress) -> Collection:
    """Return the collection that was chosen, uploaded or pasted."""
    if request.source == SAMPLE:
        return load_sample(request.sample)
    if request.source == PASTE:
        text = clean_text(request.text)
        origin = Origin("text", text=text)
        return Collection("Pasted text", [Document("pasted text", text, "Pasted text")], origin=origin)
    read = partial(parse_documents, request.files, request.columns, progress)
    collection = parsed_files.get_or_parse(request.files, read, repr(request.columns))
    files = _hashed(request.files, parsed_files)
    return replace(collection, origin=Origin("files", files=files, columns=request.columns))
