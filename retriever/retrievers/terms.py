"""The terms that BM25 compares: words in lower case, without stop words, cut to their stems."""

import reprlib
from collections.abc import Callable, Iterable
from itertools import groupby, pairwise

import regex

from retriever.errors import ParameterError
from retriever.unicode import normalize

# Of two letters, digits or underscores at least, as bm25s and scikit-learn split; signs that are written above, below
# or beside a letter belong to it, as in Hindi, Arabic and Hebrew. Python's re would end the word there.
WORD = regex.compile(r"\b\w\w+\b")
UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
INVISIBLE = regex.compile(r"(?V1)[\p{Cf}--[\u200b\u200c]]")  # soft hyphens, marks of direction; no borders of words


class TermSplitter:
    """What makes terms of a text, the same for passages and queries.

    stop_words: a language whose list bm25s has ("en": the 33 words of Lucene's EnglishAnalyzer), words of your own, or
    None for none. stemmer: one of PyStemmer's Snowball stemmers ("english": Porter's second), or None for whole words.
    Calls from several threads are safe.
    """

    def __init__(self, stop_words: str | Iterable[str] | None, stemmer: str | None) -> None:
        """Take the settings. Raises ParameterError for a list or a stemmer that is not known."""
        self.stop_words = stop_words if stop_words is None or isinstance(stop_words, str) else _own_words(stop_words)
        self.stemmer = stemmer
        self._stop_words = _words_of_list(self.stop_words) if isinstance(self.stop_words, str) else self.stop_words
        self._stopped = frozenset(self._stop_words or ())
        self._new_stemmer = _stemmer_factory(stemmer)

    def terms(self, text: str) -> list[str]:
        """Return the terms of a text in its order, as often as they occur."""
        words = words_of(text.lower().replace("i\u0307", "i"))  # the small letter of Turkish \u0130
        kept = [word for word in words if word not in self._stopped]
        return self._new_stemmer()(kept) if self._new_stemmer else kept


def words_of(text: str) -> list[str]:
    """Return the words of a text in its order; an accented letter may be written with one code or two.

    Chinese, Japanese, Thai, Lao, Khmer and Burmese have no blanks between words: each two neighbouring characters are
    taken for one, as Lucene's CJKAnalyzer does.
    """
    text = INVISIBLE.sub("", normalize("NFC", text))
    if text.isascii() or not UNSPACED.search(text):
        return list(WORD.findall(text))
    words: list[str] = []
    for is_unspaced, characters in groupby(regex.findall(r"\X", text), key=lambda one: bool(UNSPACED.match(one))):
        run = list(characters)
        words += [a + b for a, b in pairwise(run)] or run if is_unspaced else WORD.findall("".join(run))
    return words


def _own_words(words: Iterable[str]) -> tuple[str, ...]:
    """Return stop words of one's own in lower case. Raises ParameterError if one is no string."""
    try:
        return tuple(normalize("NFC", word).lower() for word in words)
    except (TypeError, AttributeError) as error:
        raise ParameterError(
            'stop_words must be a language ("en"), a list of words, or None; it holds or is something else.'
        ) from error


def _words_of_list(language: str) -> tuple[str, ...]:
    """Return the stop words that bm25s has for a language. Raises ParameterError if there are none."""
    from bm25s.tokenization import Tokenizer

    try:
        return tuple(Tokenizer(stopwords=language).stopwords)
    except ValueError as error:
        raise ParameterError(
            f"There are no stop words for {reprlib.repr(language)}; pass a language such as 'en', a list or None."
        ) from error


def _stemmer_factory(name: str | None) -> Callable[[], Callable[[list[str]], list[str]]] | None:
    """Return what makes a stemmer: one of its own for each text, as a stemmer is not for several threads at once."""
    if name is None:
        return None
    import Stemmer

    if name not in Stemmer.algorithms():
        raise ParameterError(
            f"There is no stemmer {reprlib.repr(name)}; pass None or one of {', '.join(Stemmer.algorithms())}."
        )
    return lambda: Stemmer.Stemmer(name).stemWords
