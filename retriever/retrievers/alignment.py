"""The alignment of MaxSim: which token of a passage each token of a query takes, as the words of both texts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from retriever.encoders.multi_vector.base import Token
from retriever.errors import VectorError
from retriever.vectors import Float32


@dataclass(frozen=True, slots=True)
class TokenMatch:
    """A token of a query, and the token of a passage that is most similar to it.

    word, partner: the pieces of both texts that they stand for; a token that the model adds, such as [CLS] or [MASK],
    as its vocabulary has it. span, partner_span: their offsets in characters, (start, end); None for a token that the
    model adds. joined: whether the word goes on from the token before, as "foil" from "aero". similarity: of their
    vectors, a cosine.
    """

    word: str
    span: tuple[int, int] | None
    joined: bool
    partner: str
    partner_span: tuple[int, int] | None
    similarity: float


@dataclass(frozen=True, slots=True)
class WordMatch:
    """A word of a query, made of n_tokens tokens, with what its tokens take of a passage.

    Tokens that the model adds and that stand together are one entry, if they are equal. partner, partner_span: the word
    of the passage whose piece is the most similar to one of them. similarity: the sum over its tokens.
    """

    word: str
    span: tuple[int, int] | None
    n_tokens: int
    partner: str
    partner_span: tuple[int, int] | None
    similarity: float


@dataclass(frozen=True)
class Alignment:
    """What each token of a query takes of a passage; the similarities add up to the passage's score.

    query, text: as the model reads them, its prompts left out. tokens: in the order of the query. score: the sum.
    """

    query: str
    text: str
    tokens: Sequence[TokenMatch]

    @property
    def score(self) -> float:
        """The passage's score for the query, the sum of the similarities."""
        return sum(match.similarity for match in self.tokens)

    @property
    def words(self) -> list[WordMatch]:
        """The matches with the pieces of a word put together; their similarities add up to the score as well."""
        words: list[WordMatch] = []
        best: list[float] = []  # the highest similarity of a piece of each word
        for token in self.tokens:
            start, end = token.partner_span or (0, 0)
            place = whole_word(self.text, start, end) if token.partner_span else None
            partner = self.text[slice(*place)] if place else token.partner
            if words and _goes_on(words[-1], token):
                word = _longer(words[-1], self.query, token)
                if token.similarity > best[-1]:
                    best[-1], word = token.similarity, replace(word, partner=partner, partner_span=place)
                words[-1] = word
            else:
                words.append(WordMatch(token.word, token.span, 1, partner, place, token.similarity))
                best.append(token.similarity)
        return words


def align(
    query: str,
    query_tokens: Sequence[Token],
    query_vectors: Float32,
    text: str,
    text_tokens: Sequence[Token],
    text_vectors: Float32,
) -> Alignment:
    """Return the alignment of two texts by their tokens and the vectors, (n_tokens, dim) each.

    Of equally similar tokens the first is taken. Raises VectorError if a token has no vector or a vector no token.
    """
    if (len(query_tokens), len(text_tokens)) != (len(query_vectors), len(text_vectors)):
        raise VectorError(
            f"The encoder names {len(query_tokens)} and {len(text_tokens)} tokens and made {len(query_vectors)} and "
            f"{len(text_vectors)} vectors; wanted one a token."
        )
    if not text_tokens:
        return Alignment(query, text, ())
    products = query_vectors @ text_vectors.T  # (n_query_tokens, n_text_tokens)
    matches, before = [], None
    for token, row in zip(query_tokens, products, strict=True):
        partner = text_tokens[int(np.argmax(row))]
        joined = before is not None and _is_joined(query, before, token.span)
        word, other = _shown(query, token), _shown(text, partner)
        matches.append(TokenMatch(word, token.span, joined, other, partner.span, float(row.max())))
        before = token.span
    return Alignment(query, text, matches)


def whole_word(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the offsets of the word that a piece of a text is part of: letters and digits that stand together."""
    while start > 0 and text[start].isalnum() and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end


def _shown(text: str, token: Token) -> str:
    return text[slice(*token.span)] if token.span else token.text


def _is_joined(text: str, before: tuple[int, int], span: tuple[int, int] | None) -> bool:
    """Return whether a token goes on with the word of the one before it."""
    return span is not None and before[1] == span[0] and text[span[0] - 1].isalnum() and text[span[0]].isalnum()


def _goes_on(word: WordMatch, token: TokenMatch) -> bool:
    """Return whether a token is part of the word before it, or one more of the same that the model adds."""
    return token.joined or (token.span is None and word.span is None and token.word == word.word)


def _longer(word: WordMatch, query: str, token: TokenMatch) -> WordMatch:
    """Return a word with one more token."""
    span = (word.span[0], token.span[1]) if word.span and token.span else None
    shown = query[slice(*span)] if span else word.word
    return replace(
        word, word=shown, span=span, n_tokens=word.n_tokens + 1, similarity=word.similarity + token.similarity
    )
