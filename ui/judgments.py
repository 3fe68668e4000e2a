"""A visitor's own judgments: which documents of the loaded collection answer which question."""

from collections.abc import Iterable, Mapping

from retriever.errors import ParameterError
from retriever.evaluation.judged_queries import JudgedQueries

RELEVANT, NOT_RELEVANT = 1, 0  # the grades of a judgment
MAX_CHARACTERS = 200_000  # of the judged questions and document ids together: some thousand judgments


class OwnJudgments:
    """One visitor's judgments: question -> document id -> grade.

    It is changed in place, and only on the event loop: two handlers that each return a new session would lose a
    judgment.
    """

    def __init__(self) -> None:
        """Start without judgments."""
        self._grades: dict[str, dict[str, int]] = {}
        self._numbers: dict[str, int] = {}  # of all questions that were ever judged, so that their ids stay

    def __len__(self) -> int:
        """Return the number of judgments."""
        return sum(map(len, list(self._grades.values())))

    @property
    def n_questions(self) -> int:
        """The number of judged questions."""
        return len(self._grades)

    def grades(self, question: str) -> Mapping[str, int]:
        """Return the judgments of one question: document id -> grade."""
        return self._grades.get(question, {})

    def judge(self, question: str, doc_id: str, grade: int) -> None:
        """Judge a document; the same judgment again takes it back.

        Raises ParameterError if there is no room for another judgment.
        """
        documents = dict(self.grades(question))
        if documents.get(doc_id) == grade:
            del documents[doc_id]
        else:
            documents[doc_id] = grade
            self._check_room({**self._grades, question: documents})
            self._numbers.setdefault(question, len(self._numbers) + 1)
        if documents:
            self._grades[question] = documents
        else:
            del self._grades[question]

    def judged_queries(self, collection: JudgedQueries | None) -> JudgedQueries:
        """Return the judgments as judged queries; collection: its own, whose ids are taken for the same questions."""
        grades = dict(self._grades)
        wanted = {question: f"own-{self._numbers[question]}" for question in grades}
        ids = query_ids(wanted, collection)
        queries = {ids[question]: question for question in grades}
        return JudgedQueries(queries, {ids[question]: documents for question, documents in grades.items()})

    def _check_room(self, grades: Mapping[str, Mapping[str, int]]) -> None:
        """Raise ParameterError if questions and ids have too many characters."""
        questions, ids = {**self._numbers, **grades}, (doc_id for documents in grades.values() for doc_id in documents)
        if sum(map(len, questions)) + sum(map(len, ids)) > MAX_CHARACTERS:
            raise ParameterError(
                f"You have judged {len(self):,} documents: their ids and questions fill the {MAX_CHARACTERS:,} "
                "characters that are kept. Download them, and judge on after loading the collection again."
            )


def query_ids(wanted: Mapping[str, str], collection: JudgedQueries | None) -> dict[str, str]:
    """Return an id for each question: that of the same question in the collection, or the wanted one.

    wanted: question -> id. An id that the collection gives to another question gets a tilde.
    """
    known = {text.strip(): query_id for query_id, text in reversed(_queries(collection).items())}
    taken = {*_queries(collection), *(collection.qrels if collection else ())}
    return {question: known.get(question.strip()) or _free(query_id, taken) for question, query_id in wanted.items()}


def _queries(collection: JudgedQueries | None) -> dict[str, str]:
    return dict(collection.queries) if collection else {}


def _free(query_id: str, taken: Iterable[str]) -> str:
    """Return an id that is not taken."""
    while query_id in taken:
        query_id += "~"
    return query_id
