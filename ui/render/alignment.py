"""The picture that explains late interaction: which word of a question took which word of a passage."""

from collections.abc import Sequence
from dataclasses import dataclass

from ui.render.html import Html, render


@dataclass(frozen=True)
class WordMatch:
    """A word piece of a question, and the word piece of a passage that MaxSim takes for it.

    word, partner: as they are shown; a model's own marks, such as [CLS], are word pieces too. span: offsets of the
    partner in the passage's text, (start, end) in characters; None for a mark. similarity: cosine of their vectors, in
    [-1, 1]. joined: whether the word goes on without a space after the one before.
    """

    word: str
    partner: str
    span: tuple[int, int] | None
    similarity: float
    joined: bool = False


@dataclass(frozen=True)
class Stretch:
    """A stretch of a passage's text. number: of the partner that it is, None for text that no word took.

    similarity: the highest of the words that took it.
    """

    text: str
    number: int | None = None
    similarity: float = 0.0


def alignment_picture(matches: Sequence[WordMatch], text: str, *, score: float) -> Html:
    """Return the words of a question in a row, and a passage's text with the words that they took marked.

    text: as the model reads it. score: of the passage, which is the sum of the similarities. What is in the browser's
    focus, or pointed at, shows its partner (page.js); a table holds the same.
    """
    places = _merged_spans(matches)
    shown = [(match, _number_of(match, places)) for match in matches]
    stretches = _stretches(text, places, shown)
    return render("alignment.html", matches=shown, stretches=stretches, score=score)


def _merged_spans(matches: Sequence[WordMatch]) -> list[tuple[int, int]]:
    """Return the spans of all partners in the order of the text; those that overlap are one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted({match.span for match in matches if match.span is not None}):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _number_of(match: WordMatch, places: Sequence[tuple[int, int]]) -> int | None:
    """Return the number of the place where a match's partner stands; None for a mark, which stands nowhere."""
    if match.span is None:
        return None
    start = match.span[0]
    return next(number for number, (first, last) in enumerate(places) if first <= start and match.span[1] <= last)


def _stretches(
    text: str, places: Sequence[tuple[int, int]], shown: Sequence[tuple[WordMatch, int | None]]
) -> list[Stretch]:
    """Return a text as stretches: the places of partners, and what stands between them."""
    stretches, end = [], 0
    for number, (start, stop) in enumerate(places):
        highest = max(match.similarity for match, at in shown if at == number)
        stretches += [Stretch(text[end:start]), Stretch(text[start:stop], number, highest)]
        end = stop
    return [stretch for stretch in (*stretches, Stretch(text[end:])) if stretch.text]
