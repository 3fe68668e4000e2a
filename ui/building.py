"""Building: what the visitor asked for in the first tab -> the work of a job."""

import hashlib
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from retriever.archive import unpack
from retriever.chunking import default_chunk_size
from retriever.collection import Collection
from retriever.documents import ACCEPTED, Document, clean
from retriever.errors import DocumentError, ParameterError
from retriever.hnsw import check_graph_settings
from retriever.indexed import IndexedCollection, IndexSettings
from retriever.indexing import index_collection
from retriever.models import load_encoder, model_card
from retriever.progress import Progress
from retriever.samples import load_sample
from ui.line import LINE
from ui.memory import MEMORY, needed
from ui.preparation import Preparation
from ui.reading import check_saved, check_size, read_uploaded
from ui.readings import Readings
from ui.session import Session
from ui.settings import MEGABYTE, Limits, limits
from ui.upload_folder import discard

SAMPLE, UPLOAD, PASTE, SAVED = "Take a sample", "Upload files", "Paste text", "Load a saved one"
SOURCES = (SAMPLE, UPLOAD, PASTE, SAVED)
Work = Callable[[Progress], IndexedCollection]


@dataclass(frozen=True)
class BuildRequest:
    """Hold what the first tab's controls say when *Build* is pressed."""

    source: str
    sample: str = "documents"
    files: Sequence[str] = ()
    text: str = ""
    saved: str = ""
    settings: IndexSettings = field(default_factory=IndexSettings)

    def check(self, readings: Readings[Collection]) -> None:
        """Raise a RetrieverError for what can be refused before any work is done."""
        allowed = limits()
        check_graph_settings(self.settings.M, self.settings.ef_construction, seed=0)
        if self.source == UPLOAD and not readings.known(self.files):
            _check_files(self.files, allowed)
        elif self.source == PASTE and not self.text.strip():
            raise DocumentError("The text is empty; paste some sentences and press Build again.")
        elif self.source == PASTE and len(self.text.encode("utf-8", "replace")) > allowed.paste_megabytes * MEGABYTE:
            raise DocumentError(
                f"The text is larger than {allowed.paste_megabytes} MB; paste less, or upload it as a file."
            )
        elif self.source == SAVED and not self.saved:
            raise DocumentError("No file was chosen; choose a zip that was downloaded from this page.")
        elif self.source == SAVED and not readings.seen(self.saved):
            check_size(self.saved, allowed.saved_megabytes)

    def source_key(self, readings: Readings[Collection]) -> str:
        """Name what is embedded and how, all but the graph's settings: equal keys share their vectors.

        Raises DocumentError for an uploaded file that is gone and was not read.
        """
        content = {SAMPLE: self.sample, PASTE: self.text}.get(self.source, "")  # what other sources hold is not shown
        digest = hashlib.sha256(f"{self.source}\0{content}".encode("utf-8", "replace"))
        for path in {UPLOAD: self.files, SAVED: [self.saved]}.get(self.source, ()):
            digest.update(f"{Path(path).name}\0{readings.digest(path)}".encode("utf-8", "replace"))
        embedding = {key: value for key, value in asdict(self.settings).items() if key not in ("M", "ef_construction")}
        digest.update(repr(sorted(embedding.items())).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Plan:
    """Hold the work of a build, and the name of what it embeds."""

    work: Work
    source: str


def request_of(
    source: str,
    sample: str,
    files: Sequence[str] | None,
    pasted: str,
    saved: str | None,
    model_name: str,
    chunk_size: float,
    chunk_overlap: float,
    M: float,
    ef_construction: float,
) -> BuildRequest:
    """Return what the controls ask for; the model's default chunk size is passed on as None."""
    card = model_card(model_name)
    whole = whole_number("chunk_size", chunk_size)
    settings = IndexSettings(
        model_name,
        None if whole == default_chunk_size(card) else whole,
        whole_number("chunk_overlap", chunk_overlap),
        whole_number("M", M),
        whole_number("ef_construction", ef_construction),
    )
    return BuildRequest(source, sample, tuple(files or ()), pasted or "", saved or "", settings)


def whole_number(name: str, value: object) -> int:
    """Return a control's value as an int; programs may send anything. Raises ParameterError for no whole number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
        raise ParameterError(f"{name} is {value!r}; it must be a whole number.")
    return int(value)


def plan(request: BuildRequest, session: Session, preparation: Preparation) -> Plan:
    """Return the work that builds what was requested; only the graph, where nothing else has changed."""
    readings, settings = session.readings, request.settings
    request.check(readings)
    source, indexed = request.source_key(readings), session.indexed
    if indexed is not None and session.source == source:
        return Plan(partial(another_graph, indexed, settings.M, settings.ef_construction), source)
    if request.source == SAMPLE:
        return Plan(partial(_sample, request.sample, settings, preparation, indexed), source)
    if request.source == SAVED:
        return Plan(partial(_saved, request.saved), source)
    return Plan(partial(_documents, request, readings, indexed), source)


def unwatched(stage: str, fraction: float) -> None:
    """Take progress that nobody watches."""


def another_graph(indexed: IndexedCollection, M: int, ef_construction: int, progress: Progress) -> IndexedCollection:
    """Return a collection with another graph, built when it is its turn and if there is memory for it."""
    MEMORY.check(needed(len(indexed), indexed.retriever.dimension, M))
    with LINE.place(progress):
        return MEMORY.hold(indexed.with_graph(M, ef_construction, progress=progress))


def _sample(
    name: str,
    settings: IndexSettings,
    preparation: Preparation,
    known: IndexedCollection | None,
    progress: Progress,
) -> IndexedCollection:
    """Take a sample: the shared one where only the graph may differ, else one embedded as asked."""
    default = IndexSettings(model_name=settings.model_name)
    own_chunks = name == "documents" and (settings.chunk_size, settings.chunk_overlap) != (None, 0)
    if own_chunks:
        return _index(lambda: load_sample(name), settings, known, progress)
    indexed = preparation.wait_for(name, progress, model_name=settings.model_name)
    if (settings.M, settings.ef_construction) == (default.M, default.ef_construction):
        return indexed
    return another_graph(indexed, settings.M, settings.ef_construction, progress)


def _saved(path: str, progress: Progress) -> IndexedCollection:
    """Load a saved collection; its graph is built anew: a worse one than its settings say would give wrong numbers."""
    progress("reading", 0.0)
    allowed = limits()
    with LINE.place(progress), tempfile.TemporaryDirectory() as folder:
        check_saved(path, progress)
        unpack(path, folder, max_bytes=allowed.unpacked_megabytes * MEGABYTE)
        discard([path])
        return MEMORY.hold(IndexedCollection.load(folder, with_graph=False, progress=progress))


def _documents(
    request: BuildRequest, readings: Readings[Collection], known: IndexedCollection | None, progress: Progress
) -> IndexedCollection:
    """Read what was uploaded or pasted, and index it."""
    if request.source == PASTE:
        collection = Collection("Pasted text", [Document("pasted text", clean(request.text), "Pasted text")])
        return _index(lambda: collection, request.settings, known, progress)
    read = partial(read_uploaded, request.files, progress)
    return _index(lambda: readings.take(request.files, read), request.settings, known, progress)


def _index(
    read: Callable[[], Collection], settings: IndexSettings, known: IndexedCollection | None, progress: Progress
) -> IndexedCollection:
    """Read and index a collection when it is its turn, no more of it than there is memory for.

    known: what the visitor has loaded; of texts that are in it already the vectors are taken from there.
    """
    load_encoder(settings.model_name)  # before there is a place: a slow download is in nobody's way
    with LINE.place(progress):
        progress("reading", 0.0)
        start = time.perf_counter()
        collection = read()
        indexed = index_collection(
            collection,
            settings,
            progress=progress,
            reading_seconds=time.perf_counter() - start,
            max_passages=limits().chunks,
            admit=partial(check_passages, settings),
            known=known,
        )
        return MEMORY.hold(indexed)


def check_passages(settings: IndexSettings, passages: int) -> None:
    """Raise CollectionError if so many passages would take more memory than there is."""
    known = model_card(settings.model_name).dimension
    MEMORY.check(needed(passages, known or load_encoder(settings.model_name).dimension, settings.M))


def _check_files(files: Sequence[str], allowed: Limits) -> None:
    """Raise DocumentError for files that are missing, too many, too large or of a format that cannot be read."""
    if not files:
        raise DocumentError(f"No files were chosen; drop some in. These formats are read: {' '.join(ACCEPTED)}.")
    if len(files) > allowed.files:
        raise DocumentError(f"There are {len(files)} files; at most {allowed.files} are taken at once. Choose fewer.")
    total = sum(check_size(path, allowed.file_megabytes) for path in files)
    if total > allowed.total_megabytes:
        raise DocumentError(f"The files have {total:.1f} MB together; at most {allowed.total_megabytes} MB are taken.")
