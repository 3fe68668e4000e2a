"""Boundaries at which a text is cut: paragraph ends before sentence ends, before line ends, before word ends.

A chunk takes as many words as fit, then ends at the best boundary in the second half of them.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from retriever.chunking.token_costs import TokenCosts
from retriever.documents.document import with_title

WINDOW = 64  # chunks of one text that are proposed before they are counted
CLOSERS = r"[\"'”’»)\]」』）】]*+"
ABBREVIATIONS = r"(?<!\b[A-Z].)(?<!\b[DM]r\.)(?<!\bMrs\.)(?<!\bProf\.)(?<!\bFig\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)"
PARAGRAPH, LINE, WORD = re.compile(r"\n(?=[^\S\n]*+\n)"), re.compile(r"\n"), re.compile(r"\s")
SENTENCE = re.compile(rf"[.!?…。！？](?:(?<=[。！？]){CLOSERS}(?![。！？])|{ABBREVIATIONS}{CLOSERS}(?=\s))")


@dataclass(slots=True)
class ProposedChunk:
    """Proposed chunk: pieces `first` to `end` (excluded); those before `seen` repeat the end of the previous chunk."""

    first: int
    end: int
    seen: int
    tokens: int  # of the chunk and, below, of the repeated pieces: sums at first, then counts
    repeated: int


class TextSplitter:
    """Splitter of one text; `done` has the offsets of its chunks so far, the last one being pieces `first` to `end`.

    title, title_tokens: what the model reads before each chunk; it takes its tokens from the room of the chunks.
    """

    def __init__(self, text: str, pieces: list[str], words: TokenCosts, overlap: int) -> None:
        self.text, self.pieces, self.words, self.overlap = text, pieces, words, overlap
        self.title, self.title_tokens, self.room = "", 0, words.room
        self.starts = list(accumulate(map(len, pieces), initial=0))  # offset of each piece, and of the text's end
        self.sums = list(accumulate(map(words.cost.__getitem__, pieces), initial=0))  # tokens before each piece
        self.seals: list[int] = []  # indices of pieces that must start a chunk
        if not words.sealed.isdisjoint(pieces):
            self.seals = [i for i, piece in enumerate(pieces) if i and piece in words.sealed]
        self.doubts = words.doubts(pieces)  # indices of pieces whose tokens may depend on the one before
        self.slack = 1.0  # ratio by which recent sums were too low
        self.first = self.end = 0
        self.done: list[tuple[int, int]] = []

    @property
    def finished(self) -> bool:
        """Whether the whole text is in chunks."""
        return self.end == len(self.pieces)

    @property
    def all_tokens(self) -> int:
        """The sum of the tokens of the whole text."""
        return self.tokens(0, len(self.pieces)) if self.pieces else 0

    def tokens(self, first: int, end: int) -> int:
        """Return the sum of the tokens of pieces, `end` excluded, without the white space before the first."""
        return self.words.alone[self.pieces[first].lstrip()] + self.sums[end] - self.sums[first + 1]

    def offsets(self, first: int, end: int) -> tuple[int, int]:
        """Return where pieces start and end in the text, without the white space before the first."""
        piece = self.pieces[first]
        return self.starts[first] + len(piece) - len(piece.lstrip()), self.starts[end]

    def slice(self, first: int, end: int) -> str:
        """Return the text of pieces, without the white space before the first."""
        start, stop = self.offsets(first, end)
        return self.text[start:stop]

    def set_title(self, title: str, tokens: int, room: int) -> None:
        """Have a title of so many tokens read before each chunk. room: of title and chunk together."""
        self.title, self.title_tokens, self.room = title, tokens, room - tokens

    def encoded(self, first: int, end: int) -> str:
        """Return what the model reads of pieces as a chunk."""
        return with_title(self.title, self.slice(first, end))

    def doubtful(self, span: ProposedChunk) -> bool:
        """Return whether the sum of a chunk may be wrong: a piece after its first may depend on the one before."""
        if self.title and not self.words.adds_up:
            return True
        after = bisect_right(self.doubts, span.first)
        return after < len(self.doubts) and self.doubts[after] < span.end

    def propose(self) -> list[ProposedChunk]:
        """Return the next proposed chunks; few after wrong sums, so that few counts are wasted."""
        limit = WINDOW if self.slack == 1 else WINDOW // 8
        spans: list[ProposedChunk] = []
        first, end = self.first, self.end
        while end < len(self.pieces) and len(spans) < limit:
            first, seen = self._start_after(first, end), end
            end = self._end_of(first, seen + 1)
            repeated = self.tokens(first, seen) if first < seen else 0
            spans.append(ProposedChunk(first, end, seen, self.tokens(first, end), repeated))
        return spans

    def accept(self, counted: Iterable[ProposedChunk]) -> None:
        """Accept chunks up to the first with too many tokens, in total or repeated; propose smaller ones from there."""
        for span in counted:
            fits = span.tokens <= self.room and span.repeated <= self.overlap
            if not fits and span.end - span.first > 1:  # a single piece fits, but for tokens that join it to a title
                self.slack = max(self.slack * 1.1, span.tokens / max(1, self.tokens(span.first, span.end)))
                return
            self.first, self.end = span.first, span.end
            self.done.append(self.offsets(span.first, span.end))
        self.slack = (1 + self.slack) / 2 if self.slack > 1.02 else 1.0

    def _end_of(self, first: int, min_end: int) -> int:
        """Return the best end, `min_end` or later, of a chunk that starts with piece `first`."""
        room = int(self.room / self.slack)
        before = self.sums[first + 1] - self.tokens(first, first + 1)  # the sum before the chunk
        end = max(bisect_right(self.sums, before + room) - 1, min_end)
        seal = bisect_right(self.seals, first)
        if seal < len(self.seals) and self.seals[seal] <= end:
            return self.seals[seal]
        if end == len(self.pieces):
            return end
        half = min(max(bisect_left(self.sums, before + room / 2), min_end), end)
        for boundary in (PARAGRAPH, SENTENCE, LINE, WORD):
            if places := self._boundaries(boundary, half, end):
                return places[-1]
        return end

    def _start_after(self, first: int, end: int) -> int:
        """Return where the chunk after pieces `first` to `end` starts: it repeats whole sentences, else words."""
        if not (self.overlap and end) or self.pieces[end] in self.words.sealed:
            return end
        next_piece = self.sums[end + 1] - self.sums[end]  # must fit into the chunk as well
        room = min(int(self.overlap / self.slack), int(self.room / self.slack) - next_piece)
        low = bisect_left(self.sums, self.sums[end] - room, first + 1, end)
        sentences = self._boundaries(PARAGRAPH, low, end - 1) + self._boundaries(SENTENCE, low, end - 1)
        places = sentences or self._boundaries(WORD, low, end - 1) or range(low, end)
        return min((place for place in places if self.tokens(place, end) <= room), default=end)

    def _boundaries(self, boundary: re.Pattern[str], low: int, high: int) -> list[int]:
        """Return the pieces from `low` to `high` that have such a boundary before them."""
        matches = boundary.finditer(self.text, self.starts[low - 1], self.starts[min(high + 1, len(self.pieces))])
        places = (bisect_right(self.starts, match.end()) - 1 for match in matches)
        return [place for place in places if low <= place <= high]


def advance_splitters(splitters: Sequence[TextSplitter], count: Callable[[Sequence[str]], list[int]]) -> None:
    """Advance each splitter by the chunks it proposes; those whose sums may be wrong are counted, all in one call."""
    proposals = [splitter.propose() for splitter in splitters]
    spans = [(splitter, span) for splitter, proposed in zip(splitters, proposals, strict=True) for span in proposed]
    unsure = [(splitter, span) for splitter, span in spans if splitter.doubtful(span)]
    counts = count([splitter.encoded(span.first, span.end) for splitter, span in unsure])
    # where the sum of a chunk was wrong, that of its repeated pieces may be wrong too
    doubtful: list[tuple[TextSplitter, ProposedChunk]] = []
    for (splitter, span), with_its_title in zip(unsure, counts, strict=True):
        tokens = with_its_title - splitter.title_tokens
        if span.repeated and span.tokens != tokens:
            doubtful.append((splitter, span))
        span.tokens = tokens
    counts = count([splitter.slice(span.first, span.seen) for splitter, span in doubtful])
    for (_, span), tokens in zip(doubtful, counts, strict=True):
        span.repeated = tokens
    for splitter, proposed in zip(splitters, proposals, strict=True):
        splitter.accept(proposed)
