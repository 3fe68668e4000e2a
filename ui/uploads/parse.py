"""Parsing of uploaded files in a separate process, as untrusted files may be made to break their reader.

Text formats (JSON, TSV) and saved collections are tried there first, within limits of time and memory, and then read
in this process: Python itself reads them, which no bytes can crash. What a visitor's last files held is kept; the files
themselves are deleted as soon as they are read.
"""

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

from retriever.datasets.beir import read_beir
from retriever.datasets.beir_archive import unpack_beir
from retriever.datasets.collection import Collection
from retriever.datasets.query_files import QueryFile, read_query_file
from retriever.documents.document import FileContent, TableColumns
from retriever.documents.loading import HEADER_READERS, load_documents
from retriever.errors import Cancelled, ColumnError, DocumentError, PartError, shortage
from retriever.evaluation.trec import Qrels, read_judgments
from retriever.parameters import MEGABYTE
from retriever.progress import Progress
from sandbox.reading_process import ReadingProcess
from ui.settings import limits
from ui.uploads.folder import discard_uploads

Parsed = TypeVar("Parsed")
MAX_COLUMNS = 100  # of uploaded tables that are offered
MAX_DIGESTS = 200  # of one visitor's uploaded files that are remembered


@dataclass(frozen=True, eq=False)
class UploadedJudgments:
    """Uploaded judgments, and uploaded queries with their kinds if there were any; notes: what was passed over."""

    qrels: Qrels
    queries: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)


ParsedUpload = Collection | UploadedJudgments  # the content of uploaded files


class ParsedFiles(Generic[Parsed]):
    """The content of one visitor's last parsed files, from which another build can be made without the files."""

    def __init__(self) -> None:
        """Create an empty store."""
        self._digests: dict[str, str] = {}
        self._last: tuple[list[str], Parsed] | None = None  # how they were parsed and their digests; their content

    def digest(self, path: str) -> str:
        """Return a hash of a file's content, even after its deletion. Raises DocumentError if it was never hashed."""
        try:
            with Path(path).open("rb") as file:
                self._digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            if path not in self._digests:
                raise missing_file_error(path) from error
        while len(self._digests) > MAX_DIGESTS:
            del self._digests[next(iter(self._digests))]
        return self._digests[path]

    def seen(self, path: str) -> bool:
        """Return whether this visitor's file was hashed before."""
        return path in self._digests

    def known(self, paths: Sequence[str], how: str = "") -> bool:
        """Return whether these files are the last parsed ones. Raises DocumentError if one is gone and unknown.

        how: they were parsed, such as which of their columns were read.
        """
        return self._last is not None and self._last[0] == self._key(paths, how)

    def get_or_parse(
        self, paths: Sequence[str], read: Callable[[], Parsed], how: str = "", *, keep: bool = False
    ) -> Parsed:
        """Return the content of these files, parsed unless they are the last parsed ones; delete the files.

        keep: the files stay, as another part of them may be read next.
        """
        key = self._key(paths, how)
        if self._last is None or self._last[0] != key:
            try:
                self._last = key, read()
            except (Cancelled, ColumnError, PartError):
                raise  # the files stay, as they are to be read later
            except BaseException as error:
                if not shortage(error):  # then they can be read later
                    discard_uploads(paths)
                raise
        if not keep:
            discard_uploads(paths)
        return self._last[1]

    def _key(self, paths: Sequence[str], how: str) -> list[str]:
        """Return what the content of files depends on."""
        return [how, *map(self.digest, paths)]


def check_file_size(path: str, most: int) -> float:
    """Return a file's megabytes. Raises DocumentError if it is too large, or gone."""
    try:
        size = Path(path).stat().st_size / MEGABYTE
    except OSError as error:
        raise missing_file_error(path) from error
    if size > most:
        raise DocumentError(f"{Path(path).name} has {size:.1f} MB; at most {most} MB a file are taken.")
    return size


def open_reading_process(paths: Sequence[str], progress: Progress) -> ReadingProcess:
    """Return a process to read these files in, within the operator's limits; cancelling ends it at once."""
    allowed = limits()

    def report() -> None:
        progress("reading", 0.0)

    return ReadingProcess(
        paths,
        seconds=allowed.read_seconds,
        megabytes=allowed.read_megabytes,
        max_pages=allowed.pages,
        progress=report,
    )


def parse_documents(paths: Sequence[str], columns: TableColumns, progress: Progress) -> Collection:
    """Parse uploaded files of the accepted formats; columns: of tables, that are read.

    Raises DocumentError if none of them can be read, ColumnError if that is because a column is not there.
    """
    errors: list[type[DocumentError]] = [DocumentError]

    def read(path: Path) -> FileContent:
        try:
            return process.read(path, columns)
        except ColumnError:
            errors.append(ColumnError)
            raise

    with open_reading_process(paths, progress) as process:
        documents = load_documents(paths, read=read)
    if not documents:
        reasons = " ".join(f"{name}: {reason}" for name, reason in documents.failed.items())
        raise errors[-1](f"None of the files could be read. {reasons}")
    names = sorted({Path(path).name for path in paths})
    name = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return Collection(name, documents, failed=documents.failed, notes=documents.notes)


def is_table(path: str) -> bool:
    """Return whether a file is a table, by its extension: of tables the columns can be chosen."""
    return Path(path).suffix.lower() in HEADER_READERS


def read_column_names(paths: Sequence[str], progress: Progress) -> list[str]:
    """Return the names of the columns of all tables among uploaded files, each once. Raises DocumentError."""
    tables = [path for path in paths if is_table(path)]
    with open_reading_process(tables, progress) as process:
        names = [name for path in tables for name in process.read_column_names(Path(path), MAX_COLUMNS)]
    return list(dict.fromkeys(names))[:MAX_COLUMNS]


def read_archive_parts(path: str, progress: Progress) -> dict[str, list[str]]:
    """Return the collections in an uploaded BEIR archive, each with its splits. Raises a RetrieverError."""
    with open_reading_process([path], progress) as process:
        return process.read_archive_parts(Path(path))


def parse_beir_archive(path: str, progress: Progress, part: str = "", split: str = "") -> Collection:
    """Parse a zip in BEIR layout; part: the collection that is read, of several; split: of its judgments.

    Raises a RetrieverError if it is damaged, unsafe or too large, or if the part has to be chosen.
    """
    most = limits().unpacked_megabytes * MEGABYTE
    with open_reading_process([path], progress) as process:
        process.check("beir", path, max_bytes=most, collection=part, split=split)
    with tempfile.TemporaryDirectory() as folder:
        unpacked = unpack_beir(path, folder, max_bytes=most, collection=part, split=split)
        collection = read_beir(folder, unpacked.split, splits=unpacked.splits)
    notes = collection.notes
    if unpacked.collection:
        of_several = f"Of its {len(unpacked.collections)} collections only {unpacked.collection[:100]} is read."
        notes = {Path(path).name: [of_several], **notes}
    name = ", ".join(filter(None, [Path(path).stem, unpacked.collection, split and f"split {split}"]))
    return replace(collection, name=name, notes=notes)


def parse_judgments(qrels: str, queries: str, progress: Progress) -> UploadedJudgments:
    """Parse a file of judgments and, unless its path is empty, one of queries.

    Raises CollectionError if one of them cannot be read, or if a query that is judged has no text.
    """
    with open_reading_process([path for path in (qrels, queries) if path], progress) as process:
        process.check("qrels", qrels)
        if queries:
            process.check("queries", queries)
    asked = read_query_file(Path(queries)) if queries else QueryFile({}, {})
    judgments = read_judgments(qrels, asked.ids)
    asked = asked.for_judgments(judgments.qrels)
    notes = {Path(qrels).name: judgments.notes, Path(queries).name: asked.notes}
    said = {name: sentences for name, sentences in notes.items() if sentences}
    return UploadedJudgments(judgments.qrels, asked.texts, asked.kinds, said)


def check_saved_archive(path: str, progress: Progress) -> None:
    """Raise a RetrieverError if a saved collection cannot be read, or not within the limits."""
    with open_reading_process([path], progress) as process:
        process.check("saved", path, max_bytes=limits().unpacked_megabytes * MEGABYTE)


def missing_file_error(path: str) -> DocumentError:
    """Return the error for a file that was already deleted."""
    return DocumentError(
        f"{Path(path).name} is no longer here: uploaded files are deleted once they are read, and after some minutes "
        "if nobody reads them. Choose it again."
    )
