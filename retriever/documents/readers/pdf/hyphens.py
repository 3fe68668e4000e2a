"""Hyphens at line ends: those that only divide a word go, those that belong to it stay."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain

from retriever.documents.readers.pdf.compounds import is_compound

# PDFium writes U+FFFE or U+0002 for a hyphen at a line end, and mostly leaves the line end out
AT_LINE_END = re.compile("[\ufffe\x02\u2010\u00ad-](?:\r?\n|(?<=[\ufffe\x02]))")
HYPHENS = str.maketrans(dict.fromkeys("\ufffe\x02\u00ad\u2010\u2011", "-"))
LONGEST_WORD = 60  # characters that are looked at on each side
SHORTEST_PART = 3  # letters of a word that is taken for a part of a compound
WORD_BEFORE = re.compile(r"[^\W_]+$")
WORD_AFTER = re.compile(r"[^\W_]+")
INNER_WORDS = frozenset("a and at by for from in of off on or out the to up with".split())  # "state-of-the-art"
CONJUNCTIONS = frozenset("and or to und oder bzw bis sowie och og eller".split())  # "pre- and postwar"


def join_divided_words(pages: Sequence[str]) -> list[str]:
    """Return the text of pages with the words joined that were divided at line ends."""

    @cache  # most documents need none, and splitting a long one takes a tenth of the time to read it
    def known() -> set[str]:
        return set(chain.from_iterable(page.lower().split() for page in pages))

    return [AT_LINE_END.sub(lambda match: _joint(match, known), page) for page in pages]


def _joint(match: re.Match[str], known: Callable[[], set[str]]) -> str:
    """Return what stands between the parts of a word: nothing, a hyphen, or what stands there now."""
    text, start, end = match.string, match.start(), match.end()
    before = WORD_BEFORE.search(text[max(0, start - LONGEST_WORD) : start])
    after = WORD_AFTER.match(text[end : end + LONGEST_WORD])
    if not before or not after:
        return match[0].translate(HYPHENS)
    one, two = before[0], after[0]
    starts_in_compound = text[start - len(one) - 1 : start - len(one)] == "-"
    goes_on_in_compound = text[end + len(two) : end + len(two) + 1] == "-"
    if starts_in_compound and one.lower() in INNER_WORDS or goes_on_in_compound and two.lower() in INNER_WORDS:
        return "-"
    if two.lower() in CONJUNCTIONS and not _occurs((one + two).lower(), known()):
        return "- "
    if one[-1].isdigit() or two[0].isdigit():
        is_number = one.isdigit() and (two[0].isdigit() or len(two) >= SHORTEST_PART and two.islower())
        return "-" if is_number or "\n" not in match[0] else match[0].translate(HYPHENS)
    return "-" if _keeps_hyphen(one, two, known()) else ""


def _keeps_hyphen(one: str, two: str, known: set[str]) -> bool:
    """Return whether a hyphen between two parts belongs to the word that they make."""
    if two[0].isupper() and not (one.isupper() and len(one) > 1):
        return True
    one, two = one.lower(), two.lower()
    if _occurs(f"{one}-{two}", known):
        return True
    if _occurs(one + two, known):
        return False
    if len(one) == 1 or is_compound(one, two):
        return True
    # each part is a word of the document, and the two together are not
    return len(one) >= SHORTEST_PART and len(two) > SHORTEST_PART and _occurs(one, known) and _occurs(two, known)


def _occurs(word: str, known: set[str]) -> bool:
    """Return whether a word is known, also with a mark behind it; stripping all known words would take longer."""
    return any(word + mark in known for mark in ("", ",", ".", ";", ":", ")", "s"))
