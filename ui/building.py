"""Building: what the visitor asked for in the first tab -> the work of a job."""

import hashlib
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from retriever.archive import unpack
from retriever.chunking import default_chunk_size
from retriever.collection import Collection
from retriever.documents import ACCEPTED, Document, load_documents
from retriever.errors import DocumentError, ParameterError
from retriever.hnsw import check_graph_settings
from retriever.indexed import IndexedCollection, IndexSettings, Progress
from retriever.indexing import index_collection
from retriever.models import model_card
from retriever.samples import load_sample
from ui.preparation import Preparation
from ui.session import Session
from ui.settings import Limits, limits

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

    def check(self) -> None:
        """Raise a RetrieverError for what can be refused before any work is done."""
        allowed = limits()
        check_graph_settings(self.settings.M, self.settings.ef_construction, seed=0)
        if self.source == UPLOAD:
            _check_files(self.files, allowed)
        elif self.source == PASTE and not self.text.strip():
            raise DocumentError("The text is empty; paste some sentences and press Build again.")
        elif self.source == PASTE and len(self.text.encode("utf-8", "replace")) > allowed.file_megabytes * 1e6:
            raise DocumentError(
                f"The text is larger than {allowed.file_megabytes} MB; paste less, or upload parts of it."
            )
        elif self.source == SAVED and not self.saved:
            raise DocumentError("No file was chosen; choose a zip that was downloaded from this page.")

    def source_key(self) -> str:
        """Name what is embedded and how, all but the graph's settings: equal keys share their vectors."""
        content = {SAMPLE: self.sample, PASTE: self.text}.get(self.source, "")  # what other sources hold is not shown
        digest = hashlib.sha256(f"{self.source}\0{content}".encode("utf-8", "replace"))
        for path in {UPLOAD: self.files, SAVED: [self.saved]}.get(self.source, ()):
            digest.update(Path(path).name.encode() + b"\0" + Path(path).read_bytes())
        embedding = {key: value for key, value in asdict(self.settings).items() if key not in ("M", "ef_construction")}
        digest.update(repr(sorted(embedding.items())).encode())
        return digest.hexdigest()


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


def plan(request: BuildRequest, session: Session, preparation: Preparation) -> Work:
    """Return the work that builds what was requested; only the graph, where nothing else has changed."""
    request.check()
    settings = request.settings
    indexed = session.indexed
    if indexed is not None and session.source == request.source_key():
        return lambda progress: indexed.with_graph(settings.M, settings.ef_construction, progress=progress)
    if request.source == SAMPLE:
        return lambda progress: _sample(request.sample, settings, preparation, progress)
    if request.source == SAVED:
        return lambda progress: _saved(request.saved, progress)
    return lambda progress: _documents(request, progress)


def _sample(name: str, settings: IndexSettings, preparation: Preparation, progress: Progress) -> IndexedCollection:
    """Take a sample: the shared one where only the graph may differ, else one embedded as asked."""
    default = IndexSettings(model_name=settings.model_name)
    own_chunks = name == "documents" and (settings.chunk_size, settings.chunk_overlap) != (None, 0)
    if own_chunks:
        start = time.perf_counter()
        collection = load_sample(name)
        return _index(collection, settings, progress, time.perf_counter() - start)
    indexed = preparation.wait_for(name, progress, model_name=settings.model_name)
    if (settings.M, settings.ef_construction) == (default.M, default.ef_construction):
        return indexed
    return indexed.with_graph(settings.M, settings.ef_construction, progress=progress)


def _saved(path: str, progress: Progress) -> IndexedCollection:
    """Load a saved collection; its graph is built anew, as hnswlib cannot read a graph of unknown origin safely."""
    progress("reading", 0.0)
    with tempfile.TemporaryDirectory() as folder:
        unpack(path, folder, max_bytes=limits().total_megabytes * 20_000_000)
        return IndexedCollection.load(folder, with_graph=False)


def _documents(request: BuildRequest, progress: Progress) -> IndexedCollection:
    """Read what was uploaded or pasted, and index it."""
    progress("reading", 0.0)
    start = time.perf_counter()
    if request.source == PASTE:
        collection = Collection("Pasted text", [Document("pasted text", request.text, "Pasted text")])
    else:
        documents = load_documents(request.files)
        if not documents:
            reasons = " ".join(f"{name}: {reason}" for name, reason in documents.failed.items())
            raise DocumentError(f"None of the files could be read. {reasons}")
        names = sorted({Path(path).name for path in request.files})
        name = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        collection = Collection(name, documents, failed=documents.failed)
    return _index(collection, request.settings, progress, time.perf_counter() - start)


def _index(collection: Collection, settings: IndexSettings, progress: Progress, reading: float) -> IndexedCollection:
    return index_collection(
        collection, settings, progress=progress, reading_seconds=reading, max_passages=limits().chunks
    )


def _check_files(files: Sequence[str], allowed: Limits) -> None:
    """Raise DocumentError for files that are missing, too many, too large or of a format that cannot be read."""
    if not files:
        raise DocumentError(f"No files were chosen; drop some in. These formats are read: {' '.join(ACCEPTED)}.")
    if len(files) > allowed.files:
        raise DocumentError(f"There are {len(files)} files; at most {allowed.files} are taken at once. Choose fewer.")
    sizes = [(Path(path).name, Path(path).stat().st_size / 1e6) for path in files]
    for name, size in sizes:
        if size > allowed.file_megabytes:
            raise DocumentError(f"{name} has {size:.1f} MB; at most {allowed.file_megabytes} MB a file are taken.")
    total = sum(size for _, size in sizes)
    if total > allowed.total_megabytes:
        raise DocumentError(f"The files have {total:.1f} MB together; at most {allowed.total_megabytes} MB are taken.")
