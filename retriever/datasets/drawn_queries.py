"""Queries drawn from texts, for a collection that has none of its own."""

import random
import re
from collections.abc import Iterable

SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n\s*\n")
QUERY_CHARACTERS = (25, 200)  # limits of a drawn sentence: shorter ones say too little, longer ones are no queries


def draw_queries(texts: Iterable[str], *, count: int = 100, seed: int = 42) -> list[str]:
    """Draw sentences from texts as queries to measure with, for a collection without queries.

    The same texts and seed give the same sentences. A sentence that is a whole text is left out: its vector is
    in the index, and indexed vectors as queries inflate recall. If no sentence is left, halves of texts are drawn.
    """
    texts = list(texts)
    whole = {_one_line(text) for text in texts}
    low, high = QUERY_CHARACTERS
    sentences = dict.fromkeys(_one_line(part) for text in texts for part in SENTENCE_END.split(text))
    candidates = [part for part in sentences if low <= len(part) <= high and part not in whole]
    if not candidates:
        halves = dict.fromkeys(_half(_one_line(text)) for text in texts)
        candidates = [half for half in halves if half and half not in whole]
    return random.Random(seed).sample(candidates, min(count, len(candidates)))


def _one_line(text: str) -> str:
    """Replace runs of white space by single spaces: a PDF breaks lines anywhere, and a query is one line."""
    return " ".join(text.split())


def _half(text: str) -> str:
    """Return the first half of a text's words, or of its characters if it has fewer than two words."""
    text = text.strip()[: 2 * QUERY_CHARACTERS[1]]
    words = text.split()
    return " ".join(words[: len(words) // 2]) if len(words) > 1 else text[: len(text) // 2]
