"""Passages as rows of a Milvus collection: their ids, the lines of text that hold them, and reading them by row."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from retriever.documents.document import Passage
from retriever.errors import ParameterError
from retriever.indexes.milvus.collection import VectorCollection
from retriever.storage.passage_lines import read_passages, write_passages
from retriever.storage.snapshot import FORMAT

PASSAGE = "passage"  # name of the field
MAX_BYTES = 65_535  # of a text in Milvus
ROWS_PER_READ = (
    1_500  # 98 MB of the longest passages, where Milvus sends 100 MB; milvus-lite looks at all rows each time
)
ID_DIGITS = 32  # of the hash, 128 bits: among a billion passages two have the same with a chance of 1 in 10^20


@dataclass(frozen=True, slots=True)
class Record:
    """A passage as it is stored. id: of its content. line: the passage as JSON. text: what the model reads."""

    id: str
    line: str
    text: str


def record_of(passage: Passage) -> Record:
    """Return a passage as it is stored; its id is a hash of the text, the metadata and the place, whatever their order.

    Raises StorageError for metadata that JSON cannot hold, ParameterError for more bytes than Milvus takes.
    """
    line = write_passages([passage]).decode().rstrip("\n")
    size = len(line.encode())
    if size > MAX_BYTES:
        raise ParameterError(
            f"The passage that begins {passage.text[:40]!r} takes {size:,} bytes with its metadata, and Milvus holds "
            f"{MAX_BYTES:,} at most; cut it into chunks (chunk_documents)."
        )
    content = json.dumps(json.loads(line), sort_keys=True).encode()
    return Record(hashlib.sha256(content).hexdigest()[:ID_DIGITS], line, passage.encoded_text)


def passage_of(line: str) -> Passage:
    """Return the passage of a stored line. Raises ValueError, TypeError or LookupError if it is none."""
    [passage] = read_passages(line.encode(), FORMAT.version)
    return passage


class StoredPassages(Sequence[Passage]):
    """The first n passages of a collection by row, read from the server when they are looked at."""

    def __init__(self, collection: VectorCollection, n: int) -> None:
        self._collection, self._n = collection, n

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, row: int) -> Passage: ...

    @overload
    def __getitem__(self, row: slice) -> Sequence[Passage]: ...

    def __getitem__(self, row: int | slice) -> Passage | Sequence[Passage]:
        """Return a passage, or several; each look asks the server. Raises IndexError for a row that is not there."""
        wanted = range(self._n)[row]
        if isinstance(wanted, int):
            return self._read(range(wanted, wanted + 1))[0]
        return self._read(wanted)

    def __iter__(self) -> Iterator[Passage]:
        """Yield the passages in the order of their rows, read in pages."""
        for start in range(0, self._n, ROWS_PER_READ):
            yield from self._read(range(start, min(start + ROWS_PER_READ, self._n)))

    def _read(self, rows: range) -> list[Passage]:
        """Return the passages of these rows, in their order. Raises StorageError if one is not there any more."""
        pages = (rows[start : start + ROWS_PER_READ] for start in range(0, len(rows), ROWS_PER_READ))
        return [passage_of(one[PASSAGE]) for page in pages for one in self._collection.read_rows(page, [PASSAGE])]
