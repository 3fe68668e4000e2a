"""Token costs of the distinct words of texts, so that sums of them show where to cut a text.

A piece is a word with the white space before it; the pieces of a text joined are the text. Words recur often, so
counting the tokens of each distinct one once is far cheaper than splitting with the tokenizer.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from retriever.errors import ChunkingError
from retriever.unicode import normalize

MAX_WORD_LENGTH = 80  # characters: WordPiece reads a word of more than 100 as one [UNK], and its content would be lost
MAX_GAP_LENGTH = 64  # characters of white space that are counted; the cost of longer ones is extrapolated
IDEOGRAPHS = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df"  # written without spaces: each is a word
PUNCTUATION = r"!-/:-@\[-`{-~\u2010-\u2027\u3001-\u3003\u3008-\u3011\uff01\uff08\uff09\uff0c\uff0e\uff1a\uff1b\uff1f"
TAIL = r"。！？\"'”’»)\]」』）】\u0300-\u036f\u3099\u309a\ufe00-\ufe0f"  # closing signs and marks stay with their word
PIECE = re.compile(rf"\s*+(?:[{IDEOGRAPHS}]|[^\s{IDEOGRAPHS}。！？]++|[。！？])[{TAIL}]*+")
SPACE = " \t\n\r"  # white space to every tokenizer
RUN = re.compile(rf"[^\s{IDEOGRAPHS}{PUNCTUATION}]{{{MAX_WORD_LENGTH // 3},}}+")  # what WordPiece might read as a word


class TokenCosts:
    """Token costs of every piece seen so far; `count` counts texts, without special tokens and prompt.

    `room` is the maximum number of tokens of a piece: longer ones, and words the model would read as [UNK], are cut
    into parts. `adds_up`: the tokens of words add up to those of a text, as no token of this model spans white
    space. Raises ChunkingError for a single character of more than `room` tokens.
    """

    def __init__(self, count: Callable[[Sequence[str]], list[int]], room: int, *, adds_up: bool = False) -> None:
        self.count, self.room, self.adds_up = count, room, adds_up
        self.alone: dict[str, int] = {}  # word -> its tokens at the start of a text
        self.cost: dict[str, int] = {}  # piece -> the tokens it adds after other pieces
        self.sealed: set[str] = set()  # pieces that must not follow another: the model would read both as one [UNK]
        self._joined: set[str] = set()  # pieces that plain white space does not separate from the one before
        self._parts: dict[str, list[str]] = {}  # piece that was cut -> its parts
        self._gaps: dict[str, int] = {}  # white space -> the tokens it adds to those of two words
        self._single = dict(zip("x字", count(["x", "字"]), strict=True))  # character -> its tokens
        self._swallows = count(["x" * 200])[0] <= 1  # whether a very long word is one token, [UNK]

    def split(self, texts: Sequence[str]) -> list[list[str]]:
        """Split texts into pieces and store their costs; white space at the end of a text is dropped."""
        split: list[list[str]] = [PIECE.findall(text.rstrip()) for text in texts]
        self._add_pieces(set().union(*split))
        for i, pieces in enumerate(split):
            while not self._parts.keys().isdisjoint(pieces):
                pieces = [part for piece in pieces for part in self._parts.get(piece, (piece,))]
            split[i] = pieces
        return split

    def doubts(self, pieces: Sequence[str]) -> list[int]:
        """Return the indices of pieces at which a sum may be wrong: their tokens may depend on the piece before."""
        if not self.adds_up:
            return list(range(1, len(pieces)))
        if self._joined.isdisjoint(islice(pieces, 1, None)):  # as in most texts
            return []
        return [i for i, piece in enumerate(pieces) if i and piece in self._joined]

    def _add_pieces(self, pieces: Iterable[str]) -> None:
        """Store the costs of new pieces; cut those that are too long, and store the costs of their parts."""
        new = {piece: piece.lstrip() for piece in pieces if piece not in self.cost and piece not in self._parts}
        for piece in [piece for piece, word in new.items() if len(word) > MAX_WORD_LENGTH // 3]:
            self._cut_long(piece, new[piece])
        whole = {piece: word for piece, word in new.items() if piece not in self._parts}
        words = list(set(whole.values()) - self.alone.keys())
        self.alone.update(zip(words, self.count(words), strict=True))
        for piece in [piece for piece, word in whole.items() if self.alone[word] > self.room]:
            word = whole.pop(piece)
            self._cut(piece, word, len(word) // 2)
        self._add_costs(whole)
        if parts := {part for piece in new.keys() & self._parts.keys() for part in self._parts[piece]}:
            self._add_pieces(parts)

    def _cut_long(self, piece: str, word: str) -> None:
        """Cut a long word; seal its parts if the model would read it as [UNK]. Models decompose Hangul and accents."""
        run_length = max((len(normalize("NFD", run)) for run in RUN.findall(word)), default=0)
        if self._swallows and run_length > MAX_WORD_LENGTH:
            self._cut(piece, word, MAX_WORD_LENGTH if normalize("NFD", word) == word else MAX_WORD_LENGTH // 3)
            self.sealed.update(self._parts[piece][1:])
        elif len(word) > MAX_WORD_LENGTH:
            self._cut(piece, word, MAX_WORD_LENGTH)

    def _cut(self, piece: str, word: str, size: int) -> None:
        if size == 0:
            raise ChunkingError(
                f"The character {word!r} takes {self.alone[word]} tokens, but a chunk has room for {self.room}: "
                "choose a larger chunk size."
            )
        first, *others = _slice_word(word, size)
        self._parts[piece] = [piece[: len(piece) - len(word)] + first, *others]
        if piece in self.sealed:
            self.sealed.add(self._parts[piece][0])

    def _add_costs(self, new: dict[str, str]) -> None:
        """Store the tokens that pieces add to those before them: not those of the word alone where gaps cost tokens."""
        gaps = {piece: piece[: len(piece) - len(word)][:MAX_GAP_LENGTH] for piece, word in new.items()}
        unknown = list(set(gaps.values()) - self._gaps.keys())
        joined = self.count([_context_of(gap) + _context_of(gap)[0] for gap in unknown])
        self._gaps.update(
            (gap, n - 2 * self._single[_context_of(gap)[0]]) for gap, n in zip(unknown, joined, strict=True)
        )
        self.cost.update((piece, self.alone[word]) for piece, word in new.items())
        if self.adds_up:
            plain = {gap for gap in set(gaps.values()) if gap and not gap.strip(SPACE)}
            self._joined.update(piece for piece, gap in gaps.items() if gap not in plain)
        with_costly_gap = [piece for piece, gap in gaps.items() if self._gaps[gap] and gap != " "]
        counts = self.count([_context_of(gaps[piece]) + new[piece] for piece in with_costly_gap])
        for piece, tokens in zip(with_costly_gap, counts, strict=True):
            word, gap = new[piece], gaps[piece]
            added = tokens - self._single[_context_of(gap)[0]] - self.alone[word]
            multiple = max(1, -(-(len(piece) - len(word)) // MAX_GAP_LENGTH))
            self.cost[piece] = max(0, self.alone[word] + added * multiple)
            if gap and self._gaps[gap] < 0 and self._swallows:  # the model drops such a gap, which joins the words
                self.sealed.add(piece)


def _context_of(gap: str) -> str:
    """Return the text after which a piece with this gap is counted: a letter, or an ideograph, which stays separate."""
    return "x" + gap if gap else "字"


def _slice_word(word: str, size: int) -> Iterator[str]:
    """Yield parts of a word, `size` characters each or fewer, so that characters that belong together stay together."""
    start = 0
    while start < len(word):
        end = cut = min(start + size, len(word))
        while start < cut < len(word) and (_joins(word[cut]) or word[cut - 1] == "\u200d"):
            cut -= 1
        yield word[start : (end := cut if cut > start else end)]
        start = end


def _joins(character: str) -> bool:
    """Return whether a character belongs to the one before it: a mark, a joiner or a skin tone."""
    return character == "\u200d" or "🏻" <= character <= "🏿" or unicodedata.category(character)[0] == "M"
