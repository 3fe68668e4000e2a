"""Token vectors of texts in blocks of half precision: in memory, or where they are too large in a temporary file."""

import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from retriever.errors import StorageError, system_reason
from retriever.vectors import Int64

Float16 = NDArray[np.float16]
Number = TypeVar("Number", np.float16, np.float32)
BLOCK_TOKENS = 2048  # in float32 those of MiniLM take 3 MB, which stay in a core's cache


@dataclass(frozen=True, eq=False)
class TokenBlock:
    """The token vectors of consecutive texts. vectors: (n_tokens, dim). starts: (n_texts,) the first row of each."""

    vectors: Float16
    starts: Int64

    @property
    def lengths(self) -> Int64:
        """The number of vectors of each text, (n_texts,)."""
        return np.diff(self.starts, append=len(self.vectors))

    def of_text(self, number: int) -> Float16:
        """Return the vectors of a text of this block, by its number in it, (n_tokens, dim)."""
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.vectors)
        return self.vectors[self.starts[number] : end]


class BlockWriter:
    """Writer of blocks, which it moves to a temporary file once they have more than a number of bytes.

    Which texts are one block depends on the texts alone, not on how they are added. The file has no name, and is gone
    when nothing refers to its blocks any more. A writer is a context, which closes the file.
    """

    def __init__(self, blocks: Sequence[TokenBlock], *, in_memory: bool, max_bytes: int) -> None:
        """Begin with blocks that are in memory, or in a file already, where they stay."""
        self.in_memory = in_memory
        self._max_bytes = max_bytes
        self._blocks = list(blocks)
        self._n_bytes = sum(block.vectors.nbytes for block in blocks)
        self._waiting: list[Float16] = []  # texts of the block that is not full yet
        self._file: IO[bytes] | None = None
        self._in_file: list[tuple[int, int, Int64]] = []  # place in _blocks, number of vectors, starts
        if self._blocks and len(self._blocks[-1].vectors) < BLOCK_TOKENS:
            last = self._blocks.pop()
            self._n_bytes -= last.vectors.nbytes
            self._waiting = [last.of_text(number) for number in range(len(last.starts))]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, texts: Iterable[NDArray[Any]]) -> None:
        """Add texts, given as token vectors (n_tokens, dim), each with one token at least.

        Raises StorageError if the file cannot be written.
        """
        for vectors in texts:
            self._waiting.append(vectors.astype(np.float16, copy=False))
            if sum(map(len, self._waiting)) >= BLOCK_TOKENS:
                self._end_block()

    def finish(self) -> tuple[TokenBlock, ...]:
        """Return all blocks."""
        if self._waiting:
            self._end_block()
        if self._file is not None:
            dimension = self._blocks[self._in_file[0][0]].vectors.shape[1]
            total = sum(rows for _, rows, _ in self._in_file)
            mapped = np.memmap(self._file, np.float16, "r", shape=(total, dimension))
            first = 0
            for place, rows, starts in self._in_file:
                self._blocks[place] = TokenBlock(np.asarray(mapped[first : first + rows]), starts)
                first += rows
        return tuple(self._blocks)

    def _end_block(self) -> None:
        """Make a block of the texts that wait, and write it to the file if it is time to."""
        block = TokenBlock(*joined(self._waiting))
        self._waiting = []
        self._blocks.append(block)
        self._n_bytes += block.vectors.nbytes
        if not self.in_memory:
            self._write(len(self._blocks) - 1)
        elif self._n_bytes > self._max_bytes:
            self.in_memory = False
            for place in range(len(self._blocks)):
                self._write(place)

    def _write(self, place: int) -> None:
        """Write a block to the file, and keep of it what tells where it is."""
        block = self._blocks[place]
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="token-vectors-")  # noqa: SIM115 - closed by __exit__
            self._file.write(block.vectors.data)
            self._file.flush()
        except OSError as error:
            raise StorageError(
                f"Token vectors cannot be written to a temporary file: {system_reason(error)}. Nothing was added."
            ) from error
        self._in_file.append((place, len(block.vectors), block.starts))
        self._blocks[place] = TokenBlock(block.vectors[:0], block.starts)


def blocks_of(texts: Iterable[Float16]) -> tuple[TokenBlock, ...]:
    """Return texts, given as token vectors (n_tokens, dim), in blocks in memory."""
    with BlockWriter((), in_memory=True, max_bytes=sys.maxsize) as writer:
        writer.add(texts)
        return writer.finish()


def joined(texts: Sequence[NDArray[Number]]) -> tuple[NDArray[Number], Int64]:
    """Return the token vectors of texts, (n_tokens, dim) each, as one array, and the first row of each."""
    return np.concatenate(texts), np.cumsum([0, *map(len, texts[:-1])])
