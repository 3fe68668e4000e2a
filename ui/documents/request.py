"""The request of a build in the Documents tab, checked before any work is done."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from retriever.chunking.chunker import default_chunk_size
from retriever.datasets.collection import Collection
from retriever.documents.loading import ACCEPTED_SUFFIXES
from retriever.encoders.catalogue import model_card
from retriever.errors import DocumentError
from retriever.indexes.hnsw import check_graph_settings
from retriever.indexing.collection import IndexSettings
from retriever.parameters import MEGABYTE
from ui.inputs import check_whole_number
from ui.settings import Limits, limits
from ui.uploads.parse import check_file_size
from ui.uploads.parsed_files import ParsedFiles

SAMPLE, UPLOAD, PASTE, SAVED = "Take a sample", "Upload files", "Paste text", "Load a saved one"
SOURCES = (SAMPLE, UPLOAD, PASTE, SAVED)


@dataclass(frozen=True)
class BuildRequest:
    """The values of the Documents tab's controls when *Build* is pressed."""

    source: str
    sample: str = "documents"
    files: Sequence[str] = ()
    text: str = ""
    saved: str = ""
    settings: IndexSettings = field(default_factory=IndexSettings)

    def check(self, parsed_files: ParsedFiles[Collection]) -> None:
        """Raise a RetrieverError if the request can be refused before any work is done."""
        allowed = limits()
        check_graph_settings(self.settings.M, self.settings.ef_construction, seed=0)
        if self.source == UPLOAD and not parsed_files.known(self.files):
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
        content = {SAMPLE: self.sample, PASTE: self.text}.get(self.source, "")
        digest = hashlib.sha256(f"{self.source}\0{content}".encode("utf-8", "replace"))
        for path in {UPLOAD: self.files, SAVED: [self.saved]}.get(self.source, ()):
            digest.update(f"{Path(path).name}\0{parsed_files.digest(path)}".encode("utf-8", "replace"))
        embedding = {key: value for key, value in asdict(self.settings).items() if key not in ("M", "ef_construction")}
        digest.update(repr(sorted(embedding.items())).encode())
        return digest.hexdigest()


def build_request(
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
    """Return the request of the controls; the model's default chunk size is passed on as None."""
    card = model_card(model_name)
    whole = check_whole_number("chunk_size", chunk_size)
    settings = IndexSettings(
        model_name,
        None if whole == default_chunk_size(card) else whole,
        check_whole_number("chunk_overlap", chunk_overlap),
        check_whole_number("M", M),
        check_whole_number("ef_construction", ef_construction),
    )
    return BuildRequest(source, sample, tuple(files or ()), pasted or "", saved or "", settings)


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
