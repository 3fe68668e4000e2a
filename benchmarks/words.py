"""Words that a reader of files loses or glues together, against what most other tools read from the same file.

A word is a run of letters and digits, case folded after NFKC; marks and invisible characters do not count, and a
character of a script that is written without blanks is a word by itself. A hyphen between two letters, with or without
a line end after it, is passed over, so that a word joined over a hyphen is the same word for all tools.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from functools import reduce
from itertools import chain, pairwise
from operator import or_

UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Thai, Lao, kana, Han
WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")
HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u2010](?:[ \t]*\n\s*)?(?=[^\W\d_])")
HYPHENS = dict.fromkeys(map(ord, "\u00ad\u2011\u0002\ufffe"), "-")  # NFKC makes U+2010 of U+2011, PDFium others


def words_of(text: str) -> list[str]:
    """Return the words of a text, in its order."""
    text = unicodedata.normalize("NFKC", text.translate(HYPHENS).replace("\r\n", "\n"))
    unseen = [character for character in set(text) if unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")]
    return WORD.findall(HYPHEN.sub("", text.translate(dict.fromkeys(map(ord, unseen)))).casefold())


def majority_of(votes: Sequence[Counter[str]]) -> Counter[str]:
    """Return each word with the largest number of times that more than half of the votes count it."""
    needed = len(votes) // 2 + 1
    found = {word: sorted((vote[word] for vote in votes), reverse=True)[needed - 1] for word in set().union(*votes)}
    return Counter({word: number for word, number in found.items() if number})


def lost_words(words: Sequence[str], majority: Counter[str]) -> Counter[str]:
    """Return the words of the majority that were not read, with how many times."""
    return majority - Counter(words)


def glued_words(words: Sequence[str], majority: Counter[str], others: Sequence[Sequence[str]]) -> Counter[str]:
    """Return the words, with their number, that are two or three words of the majority put together.

    Only words that stand side by side in another tool's text count, only as often as they are missing, and no word
    that the majority reads itself. Parts of one character each do not count: they are symbols of a formula, where tools
    differ in what is a word. Keys show the parts: "page|3".
    """
    parts = {"".join(found): found for other in others for found in _neighbors(other, majority)}
    unknown = Counter(word for word in words if word in parts and word not in majority)
    lost = lost_words(words, reduce(or_, map(Counter, others)))  # the most that any of them has
    glued = Counter[str]()
    for word, number in unknown.items():
        needed = Counter(parts[word])
        times = min(number, *(lost[part] // each for part, each in needed.items()))
        lost.subtract({part: each * times for part, each in needed.items()})
        glued["|".join(parts[word])] += times
    return +glued


def _neighbors(words: Sequence[str], majority: Container[str]) -> Iterator[tuple[str, ...]]:
    """Yield all pairs and triples of neighboring words of the majority, but those of single characters."""
    known = [word if word in majority else "" for word in words]
    for found in chain(pairwise(known), zip(known, known[1:], known[2:], strict=False)):
        if all(found) and any(len(word) > 1 for word in found):
            yield found
