"""The third column as HTML: what another retriever answers to the same question, and by which words it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from retriever.experiments.further_answer import FurtherAnswer, further_answer
from retriever.experiments.search_comparison import SearchComparison
from retriever.indexing.collection import IndexedCollection
from retriever.retrievers.bm25 import BM25Retriever
from retriever.retrievers.late_interaction import LateInteractionRetriever
from retriever.retrievers.terms import words_of
from ui.jobs.job import Status
from ui.jobs.progress_text import progress_bar
from ui.render.alignment import alignment_picture
from ui.render.html import HINT, Html, explained, render
from ui.render.numbers import count_of, format_megabytes, format_seconds
from ui.search.beside import CHOICES, Beside, Made
from ui.search.text import Buttons, hit_list

FOUND_BY = Html('<p class="lab-found-by">found by: {}</p>')
LOOKS_FOR = Html("It looks for the {} of the question: {}. {} are left out.")
NO_WORDS = "The question has no word that it looks for, so it finds nothing."
NONE_OF_THEM = "None of these words is in the collection, so it finds nothing. A model may: it compares meanings."
MEMORY = "It keeps {}, {}; dense search keeps {}, {}. This answer took {}, encoding the question included."


@dataclass(frozen=True, eq=False)
class ThirdAnswer:
    """The answer of a chosen retriever to a question. explained: what stands below each hit: why it was found."""

    choice: Beside
    retriever: Made
    found: FurtherAnswer
    read: Html
    explained: Sequence[Html]


def answer_beside(
    indexed: IndexedCollection, name: str, retriever: Made, question: str, k: int, both: SearchComparison
) -> ThirdAnswer:
    """Return a retriever's answer, or the one of anybody who asked the same in the last seconds."""
    make = partial(_answer, indexed, CHOICES[name], retriever, question, k, both)
    answer: ThirdAnswer = indexed.measurements.answers.get((name, question, k), make).value
    return answer


def third_column(third: ThirdAnswer, buttons: Buttons) -> Html:
    """Return the column of an answer: its heading, what was looked for, how its scores are read, and its hits."""
    found = third.found
    hits = hit_list(found.hits, found.near, side="beside", buttons=buttons, notes=third.explained)
    return _column(third.choice, third.read + hits)


def preparing_column(name: str, status: Status) -> Html:
    """Return the column while its retriever is being made: how far it is, and a button that cancels it."""
    return _column(CHOICES[name], render("search/preparing.html", bar=progress_bar(status)))


def refused_column(name: str, error: Exception) -> Html:
    """Return the column of a retriever that could not be made: why."""
    return _column(CHOICES[name], Html('<div class="lab-warning">{}</div>').format(error))


def _answer(
    indexed: IndexedCollection,
    choice: Beside,
    retriever: Made,
    question: str,
    k: int,
    both: SearchComparison,
) -> ThirdAnswer:
    """Return a retriever's answer with what explains it."""
    found = further_answer(retriever, indexed.retriever, both, question, k)
    if isinstance(retriever, BM25Retriever):
        read, notes = _terms_read(retriever, question, found), _found_by(retriever, question, found)
    else:
        read, notes = _tokens_read(retriever, question, indexed, found), _pictures(retriever, question, found)
    return ThirdAnswer(choice, retriever, found, read, notes)


def _terms_read(retriever: BM25Retriever, question: str, found: FurtherAnswer) -> Html:
    """Return what BM25 looks for, and whether there is any of it."""
    terms = list(dict.fromkeys(retriever.terms(question)))
    if not terms:
        return HINT.format(NO_WORDS)
    told = LOOKS_FOR.format(explained("stem", "stems"), " · ".join(terms), explained("stop word", "Stop words"))
    return HINT.format(told) + (Html() if found.hits else HINT.format(NONE_OF_THEM))


def _found_by(retriever: BM25Retriever, question: str, found: FurtherAnswer) -> list[Html]:
    """Return by which words of the question, as they were typed, each hit was found."""
    words: dict[str, str] = {}
    for word in words_of(question):
        for term in retriever.terms(word):
            words.setdefault(term, word)
    texts = [set(retriever.terms(hit.passage.encoded_text)) for hit in found.hits]
    return [FOUND_BY.format(", ".join(word for term, word in words.items() if term in terms)) for terms in texts]


def _tokens_read(
    retriever: LateInteractionRetriever, question: str, indexed: IndexedCollection, found: FurtherAnswer
) -> Html:
    """Return what the model reads of a question, and what late interaction costs beside dense search."""
    dense, tokens = indexed.retriever.vectors, retriever.encoder.query_tokens(question)
    memory = MEMORY.format(
        count_of(retriever.n_tokens, "token vector"),
        format_megabytes(retriever.nbytes),
        count_of(len(dense), "vector"),
        format_megabytes(dense.nbytes),
        format_seconds(found.seconds),
    )
    read = " ".join(token.text for token in tokens)
    return render("search/late.html", coverage=retriever.coverage, memory=memory, read=read)


def _pictures(retriever: LateInteractionRetriever, question: str, found: FurtherAnswer) -> list[Html]:
    """Return of each hit which word of the question took which of the passage."""
    return [alignment_picture(retriever.alignment(question, row)) for row in found.rows]


def _column(choice: Beside, content: Html) -> Html:
    return render("search/third.html", choice=choice, content=content)
