"""Splitting of documents into overlapping chunks of a bounded number of tokens, with exact offsets.

The rule: take as many words as fit, then go back to the last paragraph end in the second half of them; if there is
none, to the last sentence end there, then line end, then word end. What fits is found by adding up the tokens of
words. Where they might not add up, a chunk is counted before it is returned, and cut again if the sum was wrong.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from retriever.chunking.boundaries import TextSplitter, advance_splitters
from retriever.chunking.row_titles import SMALLEST_ROOM, fit_titles, longest_title
from retriever.chunking.token_costs import TokenCosts
from retriever.documents.document import Document, row_title, with_title
from retriever.errors import ChunkingError

DEFAULT_SIZE = 200  # tokens: a paragraph or two, and below the limit of every model in the catalogue
CHARACTERS_PER_BATCH = 1_000_000  # characters of documents whose pieces are in memory at a time


class TokenLimit(Protocol):
    """Interface of a model that may limit the length of its input."""

    @property
    def max_tokens(self) -> int | None:
        """The maximum number of tokens the model reads, or None if there is no limit."""


class ChunkingEncoder(TokenLimit, Protocol):
    """Interface of an encoder that counts the tokens of documents."""

    @property
    def adds_up(self) -> bool:
        """Whether the tokens of words add up to those of a text, so that chunks need not be counted again."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each document: special tokens and prompt included, not truncated."""


@dataclass(frozen=True)
class Chunk:
    """Part of a document: `document.text[start:end] == text`, without white space at either end.

    start, end: offsets in characters. title: what the model reads before the text; "" but for rows of tables.
    """

    chunk_id: str
    doc_id: str
    text: str
    start: int
    end: int
    title: str = ""

    @property
    def encoded_text(self) -> str:
        """The text as the model reads it."""
        return with_title(self.title, self.text)


def default_chunk_size(encoder: TokenLimit) -> int:
    """Return 200 tokens, or the model's limit if that is lower."""
    return DEFAULT_SIZE if encoder.max_tokens is None else min(DEFAULT_SIZE, encoder.max_tokens)


def chunk_documents(
    documents: Iterable[Document], *, encoder: ChunkingEncoder, chunk_size: int | None = None, chunk_overlap: int = 0
) -> list[Chunk]:
    """Split documents into chunks of at most `chunk_size` tokens (None: the default), in order.

    `encoder.count_tokens([chunk.encoded_text])[0] <= chunk_size` holds for every chunk, and every character that is not
    white space is in one. Each chunk of a row of a table is read with the row's title, or with the beginning of one
    that would leave too little room. A chunk starts with the last whole sentences of the previous one (its last words
    if the sentence is too long), at most `chunk_overlap` tokens, and extends beyond it. Raises ChunkingError for
    impossible sizes.
    """
    size = default_chunk_size(encoder) if chunk_size is None else chunk_size
    overhead = encoder.count_tokens([""])[0]
    _check_sizes(size, chunk_overlap, overhead, encoder.max_tokens)

    def count(texts: Sequence[str]) -> list[int]:
        return [tokens - overhead for tokens in encoder.count_tokens(texts)] if texts else []

    room = size - overhead
    costs = TokenCosts(count, room, adds_up=encoder.adds_up)
    row_costs = TokenCosts(count, room - longest_title(room), adds_up=encoder.adds_up)
    chunks: list[Chunk] = []
    for batch in _document_batches(documents):
        splitters = _splitters(batch, costs, row_costs, chunk_overlap)
        while unfinished := [splitter for splitter in splitters if not splitter.finished]:
            advance_splitters(unfinished, count)
        for document, splitter in zip(batch, splitters, strict=True):
            for number, (start, end) in enumerate(splitter.done, start=1):
                chunk_id = f"{document.doc_id}#{number}"
                chunks.append(Chunk(chunk_id, document.doc_id, document.text[start:end], start, end, splitter.title))
    return chunks


def _splitters(batch: Sequence[Document], costs: TokenCosts, row_costs: TokenCosts, overlap: int) -> list[TextSplitter]:
    """Return a splitter for each document. row_costs: of rows with a title, which leaves their pieces less room."""
    titles = [row_title(document) for document in batch]
    words = [row_costs if title else costs for title in titles]
    split = {
        used: iter(used.split([one.text for one, its_words in zip(batch, words, strict=True) if its_words is used]))
        for used in (costs, row_costs)
    }
    splitters = [
        TextSplitter(one.text, next(split[used]), used, overlap) for one, used in zip(batch, words, strict=True)
    ]
    rows = [(splitter, title) for splitter, title in zip(splitters, titles, strict=True) if title]
    free = [max(costs.room - splitter.all_tokens, costs.room - row_costs.room) for splitter, _ in rows]
    for (splitter, _), fitted in zip(rows, fit_titles([title for _, title in rows], free, row_costs), strict=True):
        splitter.set_title(*fitted, costs.room)
    return splitters


def _check_sizes(size: int, overlap: int, overhead: int, limit: int | None) -> None:
    for name, value in (("size", size), ("overlap", overlap)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise ChunkingError(f"The chunk {name} is {value!r}, but it must be a whole number of tokens: choose one.")
    if limit is not None and size > limit:
        raise ChunkingError(
            f"The chunk size is {size} tokens, but the model reads at most {limit}: choose {limit} or less."
        )
    if size < overhead + SMALLEST_ROOM:
        raise ChunkingError(
            f"The chunk size is {size} tokens, of which the model takes {overhead} for itself: "
            f"choose {overhead + SMALLEST_ROOM} or more."
        )
    if not 0 <= overlap < size - overhead:
        raise ChunkingError(
            f"The chunk overlap is {overlap} tokens, but a chunk of {size} has room for {size - overhead} and must get "
            f"beyond what it repeats: choose 0 to {size - overhead - 1}."
        )


def _document_batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    characters = 0
    for document in documents:
        batch.append(document)
        characters += len(document.text)
        if characters >= CHARACTERS_PER_BATCH:
            yield batch
            batch, characters = [], 0
    yield batch
