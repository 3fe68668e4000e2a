"""Titles of the rows of tables, which the model reads before each chunk of a row: how much of them fits."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from retriever.chunking.token_costs import TokenCosts

SMALLEST_ROOM = 8  # tokens: a rare character takes up to five where the vocabulary falls back to bytes


def longest_title(room: int) -> int:
    """Return the most tokens of a title before a text of several chunks. room: of title and text together."""
    return max(0, min(room // 2, room - SMALLEST_ROOM))


def fit_titles(titles: Sequence[str], rooms: Sequence[int], costs: TokenCosts) -> list[tuple[str, int]]:
    """Return each title, or as many of its first words as take at most the tokens in `rooms`, and their tokens."""
    counts = costs.count(titles)
    return [
        (title, tokens) if tokens <= room else _beginning(title, room, costs)
        for title, tokens, room in zip(titles, counts, rooms, strict=True)
    ]


def _beginning(title: str, room: int, costs: TokenCosts) -> tuple[str, int]:
    """Return the first words of a title that take at most `room` tokens, and their tokens."""
    (pieces,) = costs.split([title])
    end = bisect_right(list(accumulate(map(costs.cost.__getitem__, pieces))), room)
    while end:
        words = "".join(pieces[:end]).strip()
        (tokens,) = costs.count([words])
        if tokens <= room:
            return words, tokens
        end = min(end - 1, end * room // tokens)
    return "", 0
