"""Queries drawn from texts, for a collection that has none of its own: sentences that a person could ask about.

A candidate is a part of a text between two ends of sentences, lines or cells. It has one of three grades:

- good: a whole sentence. It begins with a capital letter, a digit, or a letter of a script without capitals; it ends
  with a mark that ends sentences; it has a few words, most of them without a capital.
- fair: readable, but no such sentence: a title, an item of a list, a sentence that a page cuts.
- poor: hardly words (rules, rows of numbers, lists of contents), program code, addresses of pages and of mail, notices
  of licences, cookies and publishers, and what stands in several texts, as the header of each page does.

Good ones are drawn. Where they are fewer than ENOUGH, fair ones are added up to that number, and then poor ones.
"""

import random
import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum

QUERY_CHARACTERS = (25, 200)  # limits of a drawn sentence: shorter ones say too little, longer ones are no queries
ENOUGH = 30  # queries, from which on no worse ones are added
REPEATED = 3  # times as many texts as usual with the same sentence: then it is a header, a footer or a notice
FULL_LINE = 0.66  # of the longest line: a shorter one is not broken because the page ends there
MOST_TEXTS = 5_000  # are looked at: a table of a million rows need not be
FEWEST_WORDS, MOST_CAPITALS, FEWEST_LETTERS = 4, 0.6, 0.5  # of a sentence; the last two are shares

BETWEEN_SENTENCES = re.compile(
    r"""
      (?:(?<=[.!?…؟۔])|(?<=[.!?…؟۔]["'”’»)\]]))(?=\s)
      (?<!\b[A-Z]\.)(?<!\b(?:Dr|Mr|Ms|St|No|vs|cf|Jr|Sr)\.)(?<!\b(?:Mrs|etc|Fig|e\.g|i\.e)\.)
    | (?<=[。！？．।॥])(?![」』”’）])  # no space need follow these
    """,
    re.VERBOSE,
)
FENCE = re.compile(r"\s*(?:```|~~~)")  # begins or ends a block of code
HEADING = re.compile(r"\s{0,3}#{1,6}\s|[A-ZÀ-Þ0-9\s.,:;'’\"&()/!?*·•_=~+–—-]*$")  # or a rule, digits, or nothing
MARK = re.compile(r"\s*(?:[-*+•‣◦>]|\d{1,3}[.)])\s+")  # of an item of a list
NAME = re.compile(r"\s*[^:.!?]{1,40}:(?:\s|$)")  # in `name: value`, as the rows of tables are written
CELLS = re.compile(r"\s*(?:\t|(?<!\S)\||\|(?!\S))\s*")  # between two of a row
OPENING = "\"'“‘«([¿¡「『（"  # may stand before the first letter
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")  # words without spaces
SENTENCE_END = re.compile(r"""[.!?…؟۔。！？．।॥]["'”’»)\]」』）]*$""")
COLUMNS = re.compile(r"\S[ ]{3,}\S+[ ]{3,}\S|\.{4}|(?:\.[ ]){3}|(?:·[ ]?){3}")  # aligned cells, or the dots of contents
CODE = re.compile(
    r"[{}\\]|</?\w+|\w\(\)|::|->|=>|>>>|==|\w_\w|\w\.\w+\(|;$|^(?:def|class|import|return|function|const|\#include)\s"
)
ADDRESS = re.compile(r"https?:|www\.|\S@\S+\.\w|\w\.(?:com|org|net|edu|gov|html?|pdf)\b", re.IGNORECASE)
NOTICE = re.compile(
    r"all rights reserved|copyright|©|\b(?:isbn|issn|doi)\b|project gutenberg|\blicen[cs]e(?:d under|s? (?:agreement|"
    r"terms|notice))|(?:this|the|public|commons|mit|apache|gnu) licen[cs]e|under the terms of|"
    r"without warrant|\"as is\"|"
    r"\bcookies?\b.*\b(?:accept|consent|site|website|browser|policy|settings|experience)|privacy (?:policy|notice)|"
    r"\bterms (?:of (?:use|service)|and conditions)|newsletter|\b(?:sign up|log in|click here|read more)\b|no part of "
    r"this|permission is hereby|permission of the publisher|\bpage \d+\b|printed in|published by|table of contents|"
    r"intentionally left blank|last (?:updated|modified)|powered by|\bet al\.|\bpp?\. ?\d|\bvol\. ?\d",
    re.IGNORECASE,
)


class Grade(IntEnum):
    """How well a text does as a query; the best is the lowest."""

    GOOD = 0
    FAIR = 1
    POOR = 2


def draw_queries(texts: Iterable[str], *, count: int = 100, seed: int = 42) -> list[str]:
    """Draw sentences from texts as queries to measure with, for a collection without queries.

    The same texts and seed give the same sentences. A sentence that is a whole text is left out: its vector is
    in the index, and indexed vectors as queries inflate recall. If no sentence is left, halves of texts are drawn.
    """
    texts = list(texts)
    whole = {_one_line(text) for text in texts} | {
        _one_line(text[mark.end() :]) for text in texts if (mark := MARK.match(text))
    }
    drawing = random.Random(seed)
    held = Counter[str]()  # by how many texts
    candidates = dict[str, str]()  # on one line -> as it stands
    for text in drawing.sample(texts, min(len(texts), MOST_TEXTS)):
        parts = {_one_line(part): part for part in _parts(text)}
        fitting = {line: part for line, part in parts.items() if line not in whole and _fits(line)}
        candidates.update(fitting)
        held.update(fitting.keys())
    if not candidates:
        halves = dict.fromkeys(_half(_one_line(text)) for text in texts)
        candidates = {half: half for half in halves if half and half not in whole}
    usual = statistics.median_low(held.values()) if held else 1
    graded: dict[Grade, list[str]] = {grade: [] for grade in Grade}
    for line in drawing.sample(list(candidates), len(candidates)):
        repeated = held[line] >= REPEATED * usual
        graded[Grade.POOR if repeated else grade(candidates[line])].append(line)
        if len(graded[Grade.GOOD]) >= count:
            break
    good = graded[Grade.GOOD]
    wanted = min(count, max(ENOUGH, len(good)))
    return [*good, *graded[Grade.FAIR], *graded[Grade.POOR]][:wanted]


def grade(part: str) -> Grade:
    """Return how well a part of a text does as a query."""
    line = _one_line(part)
    if any(fault.search(line) for fault in (CODE, ADDRESS, NOTICE)) or COLUMNS.search(part.strip()) or "|" in line:
        return Grade.POOR
    kinds = [unicodedata.category(character) for character in line if not character.isspace()]
    if sum(kind[0] in "LM" for kind in kinds) < FEWEST_LETTERS * len(kinds):
        return Grade.POOR
    words = [word for word in line.split() if any(character.isalpha() for character in word)]
    if len(words) < FEWEST_WORDS and not UNSPACED.search(line):
        return Grade.FAIR
    begins = line.lstrip(OPENING)[:1]
    if not SENTENCE_END.search(line) or begins.islower() or not begins.isalnum():
        return Grade.FAIR
    capitals = sum(word.lstrip(OPENING)[:1].isupper() for word in words[1:])
    return Grade.FAIR if capitals > MOST_CAPITALS * len(words[1:]) else Grade.GOOD


def _parts(text: str) -> Iterator[str]:
    """Yield the sentences of a text, and what else stands between its boundaries."""
    for lines in _paragraphs(text.splitlines()):
        yield from BETWEEN_SENTENCES.split("\n".join(lines))


def _paragraphs(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the paragraphs, items and cells, or the values where each line names one; no code, no headings, no rules.

    A line that is much shorter than the longest, before one that begins with a capital, ends a paragraph, as a title
    does: had the sentence gone on, the line would have as well.
    """
    filled = [line for line in lines if line.strip()]
    mark = NAME if len(filled) > 1 and all(map(NAME.match, filled)) else MARK
    full, held, in_code = FULL_LINE * max(map(len, lines), default=0), list[str](), False
    for line, following in zip(lines, [*lines[1:], ""], strict=False):
        fence, marked, cells = FENCE.match(line), mark.match(line), CELLS.split(line.strip())
        in_code ^= fence is not None
        left_out = fence or in_code or HEADING.match(line)
        if left_out or marked or len(cells) > 1:
            yield held
            held = []
        if len(cells) > 1 and not left_out:
            yield from ([cell] for cell in cells)
        elif not left_out:
            held.append(line[marked.end() :] if marked else line)
            if len(line) < full and not following.lstrip(OPENING)[:1].islower():
                yield held
                held = []
    yield held


def _fits(line: str) -> bool:
    """Return whether a line is as long as a query is; a character of a script without spaces says as much as two."""
    low, high = QUERY_CHARACTERS
    return len(line) <= high and (len(line) >= low or len(line) + len(UNSPACED.findall(line)) >= low)


def _one_line(text: str) -> str:
    """Replace runs of white space by single spaces: a PDF breaks lines anywhere, and a query is one line."""
    return " ".join(text.split())


def _half(text: str) -> str:
    """Return the first half of a text's words, or of its characters if it has fewer than two words."""
    text = text.strip()[: 2 * QUERY_CHARACTERS[1]]
    words = text.split()
    return " ".join(words[: len(words) // 2]) if len(words) > 1 else text[: len(text) // 2]
