"""Parsing of uploaded files in a separate process, as untrusted files may be made to break their reader.

Text formats (JSON, TSV) and saved collections are tried there first, within limits of time and memory, and then read
in this process: Python itself reads them, which no bytes can crash.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from retriever.datasets.beir import read_beir, read_queries
from retriever.datasets.beir_archive import unpack_beir
from retriever.datasets.collection import Collection
from retriever.documents.loading import load_documents
from retriever.errors import DocumentError
from retriever.evaluation.trec import Qrels, read_qrels
from retriever.parameters import MEGABYTE
from retriever.progress import Progress
from sandbox.reading_process import ReadingProcess
from ui.settings import limits
from ui.uploads.parsed_files import missing_file_error


@dataclass(frozen=True, eq=False)
class UploadedJudgments:
    """Uploaded judgments, and uploaded queries with their kinds if there were any."""

    qrels: Qrels
    queries: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


ParsedUpload = Collection | UploadedJudgments  # the content of uploaded files


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


def parse_documents(paths: Sequence[str], progress: Progress) -> Collection:
    """Parse uploaded files of the accepted formats. Raises DocumentError if none of them can be read."""
    with open_reading_process(paths, progress) as process:
        documents = load_documents(paths, read=process.read)
    if not documents:
        reasons = " ".join(f"{name}: {reason}" for name, reason in documents.failed.items())
        raise DocumentError(f"None of the files could be read. {reasons}")
    names = sorted({Path(path).name for path in paths})
    name = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return Collection(name, documents, failed=documents.failed)


def parse_beir_archive(path: str, progress: Progress) -> Collection:
    """Parse a zip in BEIR layout. Raises a RetrieverError if it is damaged, unsafe or too large."""
    most = limits().unpacked_megabytes * MEGABYTE
    with open_reading_process([path], progress) as process:
        process.check("beir", path, max_bytes=most)
    with tempfile.TemporaryDirectory() as folder:
        unpack_beir(path, folder, max_bytes=most)
        return replace(read_beir(folder), name=Path(path).stem)


def parse_judgments(qrels: str, queries: str, progress: Progress) -> UploadedJudgments:
    """Parse a file of judgments and, unless its path is empty, one of queries.

    Raises CollectionError if one of them cannot be read.
    """
    with open_reading_process([path for path in (qrels, queries) if path], progress) as process:
        process.check("qrels", qrels)
        if queries:
            process.check("queries", queries)
    texts, kinds = read_queries(Path(queries)) if queries else ({}, {})
    return UploadedJudgments(read_qrels(qrels), texts, kinds)


def check_saved_archive(path: str, progress: Progress) -> None:
    """Raise a RetrieverError if a saved collection cannot be read, or not within the limits."""
    with open_reading_process([path], progress) as process:
        process.check("saved", path, max_bytes=limits().unpacked_megabytes * MEGABYTE)
