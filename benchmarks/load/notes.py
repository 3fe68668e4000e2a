"""The notes of the load test's visitors, and the comparison of their answers."""

import html
import json
import re
from dataclasses import dataclass, field

ROUNDING = 1e-5  # of a cosine


@dataclass(frozen=True, eq=False)
class Found:
    """The result of a search: words, recall, and both rankings as [id, score].

    A question's vector may differ in its last bit with the number of threads at work, and scores with it: equal are
    scores within ROUNDING, and ids in any order where their scores are that near.
    """

    words: str
    recall: float
    exact: list
    hnsw: list

    def __eq__(self, other):
        if not isinstance(other, Found) or (self.words, self.recall) != (other.words, other.recall):
            return False
        return all(_same(*sides) for sides in ((self.exact, other.exact), (self.hnsw, other.hnsw)))


def _same(one, other):
    """Return whether two rankings are equal."""
    if len(one) != len(other) or any(abs(a[1] - b[1]) > ROUNDING for a, b in zip(one, other, strict=True)):
        return False
    last = one[-1][1] if one else 0
    scores, others = ({hit[0]: hit[1] for hit in side} for side in (one, other))
    return all(
        abs(others.get(name, last) - score) <= ROUNDING and (name in others or abs(score - last) <= ROUNDING)
        for name, score in scores.items()
    )


@dataclass
class Notes:
    """The notes of all visitors of a phase.

    seconds: action -> how long it took. answers: (collection, what, asked, answer). shown: (collection, ef, medians as
    the page writes them: HNSW, exact, and whether they are marked as measured in a crowd). failures: (visitor, where,
    what). superseded: values of ef that were never shown because another was chosen meanwhile, as the page means to do.
    """

    seconds: dict = field(default_factory=dict)
    answers: list = field(default_factory=list)
    shown: list = field(default_factory=list)
    failures: list = field(default_factory=list)
    waits: set = field(default_factory=set)
    built: dict = field(default_factory=dict)
    superseded: int = 0

    def took(self, action, seconds):
        self.seconds.setdefault(action, []).append(seconds)

    def answered(self, collection, what, asked, answer):
        self.answers.append((collection, what, asked, answer))


def seconds_of(words):
    value, unit = words.split()
    return float(value) * {"µs": 1e-6, "ms": 1e-3, "s": 1, "min": 60}[unit]


def record_of(part):
    found = re.search(r'<pre class="lab-record"[^>]*aria-label="Run record"[^>]*>(.*?)</pre>', part, re.DOTALL)
    return json.loads(html.unescape(found[1])) if found else {}


def wrong_answers(notes, *references):
    """Return the answers that differ from those of a visitor who was alone, with the ef that they are right for."""
    expected = {}
    for reference in references:
        for collection, what, asked, answer in reference.answers:
            expected.setdefault((collection, what, asked), answer)
    wrong = []
    for collection, what, asked, answer in notes.answers:
        right = expected.get((collection, what, asked))
        if answer != right:
            known = [(key[2], value) for key, value in expected.items() if key[:2] == (collection, what)]
            wrong.append((collection, what, asked, right, answer, [other for other, value in known if value == answer]))
    return wrong
