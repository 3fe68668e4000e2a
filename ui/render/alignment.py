"""The picture that explains late interaction: which word of a question took which word of a passage."""

from collections.abc import Sequence
from dataclasses import dataclass

from retriever.retrievers.alignment import Alignment, TokenMatch
from ui.render.html import Html, render


@dataclass(frozen=True)
class Stretch:
    """A stretch of a passage's text. number: of the partner that it is, None for text that no word took.

    similarity: the highest of the words that took it.
    """

    text: str
    number: int | None = None
    similarity: float = 0.0


def alignment_picture(alignment: Alignment) -> Html:
    """Return the words of a question in a row, and a passage's text with the words that they take marked.

    Words are the model's word pieces. The one in the browser's focus, or pointed at, shows its partner (page.js); a
    table holds the same.
    """
    places = _merged_spans(alignment.tokens)
    shown = [(match, _number_of(match, places)) for match in alignment.tokens]
    stretches = _stretches(alignment.text, places, shown)
    return render("alignment.html", matches=shown, stretches=stretches, score=alignment.score)


def _merged_spans(matches: Sequence[TokenMatch]) -> list[tuple[int, int]]:
    """Return the spans of all partners in the order of the text; those that overlap are one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted({match.partner_span for match in matches if match.partner_span is not None}):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _number_of(match: TokenMatch, places: Sequence[tuple[int, int]]) -> int | None:
    """Return the number of the place where a match's partner stands; None for a mark, which stands nowhere."""
    if match.partner_span is None:
        return None
    start = match.partner_span[0]
    return next(
        number for number, (first, last) in enumerate(places) if first <= start and match.partner_span[1] <= last
    )


def _stretches(
    text: str, places: Sequence[tuple[int, int]], shown: Sequence[tuple[TokenMatch, int | None]]
) -> list[Stretch]:
    """Return a text as stretches: the places of partners, and what stands between them."""
    stretches, end = [], 0
    for number, (start, stop) in enumerate(places):
        highest = max(match.similarity for match, at in shown if at == number)
        stretches += [Stretch(text[end:start]), Stretch(text[start:stop], number, highest)]
        end = stop
    return [stretch for stretch in (*stretches, Stretch(text[end:])) if stretch.text]
