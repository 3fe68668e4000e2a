"""TREC's text formats of judgments (qrels) and rankings (runs), which trec_eval reads, and their types as dicts.

Qrels have one judgment per line: query id, an unused column, document id, grade. A run has one ranked document per
line: query id, "Q0", document id, rank, score, name of the run. Columns are separated by spaces or tabs; of judgments
also by commas or semicolons, as spreadsheets write them. Lines that begin with # are comments.
Source: the READMEs of trec_eval 9 and 10 (NIST).
"""

import math
import re
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from retriever.errors import CollectionError
from retriever.evaluation.judgment_rows import GRADE, cells_between_tabs, judgment_cells, judgment_rows
from retriever.evaluation.numbered_lines import Comments, commented, counted_lines, numbered_lines

Qrels = Mapping[str, Mapping[str, int]]  # query id -> document id -> grade
Run = Mapping[str, Mapping[str, float]]  # query id -> document id -> score, in rank order
Value = TypeVar("Value")

MAX_GRADE = 1_000  # trec_eval allocates memory for every grade up to the highest
MAX_SCORE = 1e37  # of a run that is written with its own scores; float32 ends at 3.4e38
UNWRITABLE_IN_ID = re.compile("[\\s\0\ufeff\ud800-\udfff]")
RUN_TAG = "dense-retrieval-lab"


@dataclass(frozen=True)
class Judgments:
    """The content of a file of judgments; notes: what of it was passed over."""

    qrels: Qrels
    notes: Sequence[str] = ()


def read_qrels(path: str | Path) -> Qrels:
    """Read judgments: TREC's four columns, or BEIR's three (query id, document id, grade), with or without a header.

    Where a header names the three (query-id, corpus-id, score and the like), they stand there; else the document id and
    the grade are the last two columns of a comma-separated file, the query id is the first, and what stands between is
    not read. Lines that begin with # are comments. A document whose grade is left empty is not
    judged. Raises CollectionError, naming the line, for another number of columns, a grade that is not a whole number
    up to 1,000 and a document with two grades for one query; also for a file without judgments.
    """
    return read_judgments(path).qrels


def read_judgments(path: str | Path, query_ids: Container[str] = ()) -> Judgments:
    """Read judgments as read_qrels does, with notes on what was passed over.

    query_ids: of known queries: a line that begins with one is no comment, even if the id begins with #.
    """
    path, qrels = Path(path), dict[str, dict[str, int]]()
    comments, without_grade, repeated, guessed = Comments(query_ids), list[int](), list[int](), list[str]()
    for number, query_id, doc_id, grade in judgment_cells(judgment_rows(path, comments), guessed):
        place = f"{path.name}, line {number}"
        if not grade:
            without_grade.append(number)
            continue
        if not GRADE.fullmatch(grade) or abs(float(grade)) > MAX_GRADE:
            raise CollectionError(
                f"{place}: the grade is {grade!r}; it must be a whole number up to {MAX_GRADE:,}, such as 0 (does "
                "not answer), 1 (related) or 2 (answers)."
            )
        judged, value = qrels.setdefault(query_id, {}), int(float(grade))
        if doc_id in judged:
            repeated.append(number)
        if judged.setdefault(doc_id, value) != value:
            raise CollectionError(
                f"{place}: document {doc_id[:80]!r} stands twice for query {query_id[:80]!r}, with the grades "
                f"{judged[doc_id]} and {value}; keep one line."
            )
    if not qrels:
        wanted = "wanted a line for each: query id, document id, grade."
        raise CollectionError(" ".join([f"{path.name} holds no judgments; {wanted}", *commented(comments)]))
    notes = [
        *guessed,
        *commented(comments),
        *counted_lines("Judgments without a grade, passed over", without_grade),
        *counted_lines("Judgments that stand twice with the same grade, counted once", repeated),
    ]
    return Judgments(qrels, notes)


def read_run(path: str | Path) -> Run:
    """Read a ranking in TREC's six columns; each query's documents are ordered by score, equal scores by rank.

    Lines that begin with # are comments. Raises CollectionError, naming the line, for another number of columns, a rank
    or a score that is not a number and a document ranked twice for one query.
    """
    path, ranked = Path(path), dict[str, dict[str, tuple[float, int]]]()
    for number, line in numbered_lines(path, Comments()):
        cells, place = line.split(), f"{path.name}, line {number}"
        if len(cells) != 6 and line.count("\t") > 1:
            cells = cells_between_tabs(line)
        if len(cells) != 6:
            raise CollectionError(
                f"{place} has {len(cells)} columns; wanted six: query id, Q0, document id, rank, score, name."
            )
        query_id, _, doc_id, rank, score, _ = cells
        try:
            order = -float(score), int(rank)
        except ValueError as error:
            raise CollectionError(f"{place}: rank {rank!r} and score {score!r}; both must be numbers.") from error
        if not math.isfinite(order[0]):
            raise CollectionError(f"{place}: the score is {score!r}; it must be a finite number.")
        if ranked.setdefault(query_id, {}).setdefault(doc_id, order) is not order:
            raise CollectionError(f"{place}: document {doc_id!r} stands twice for query {query_id!r}; keep one line.")
    in_order = {query_id: sorted(orders.items(), key=lambda item: item[1]) for query_id, orders in ranked.items()}
    return {query_id: {doc_id: -order[0] for doc_id, order in orders} for query_id, orders in in_order.items()}


def qrels_text(qrels: Qrels) -> str:
    """Return judgments in TREC's four columns; ids are written as in run_text."""
    return "".join(
        f"{query_id} 0 {doc_id} {grade}\n"
        for query_id, documents in _with_escaped_ids(qrels, _escape_query_id).items()
        for doc_id, grade in _with_escaped_ids(documents, _escape_id).items()
    )


def with_known_ids(qrels: Qrels, query_ids: Collection[str], doc_ids: Collection[str]) -> Qrels:
    """Return judgments with the ids of a collection in place of those that qrels_text has escaped."""
    queries = {_escape_query_id(name): name for name in query_ids} | {name: name for name in query_ids}
    documents = {_escape_id(name): name for name in doc_ids} | {name: name for name in doc_ids}
    return {
        queries.get(query_id, query_id): {documents.get(doc_id, doc_id): grade for doc_id, grade in judged.items()}
        for query_id, judged in qrels.items()
    }


def is_judged(qrels: Qrels, query_id: str) -> bool:
    """Return whether a query has judgments, be it under its id as qrels_text has escaped it."""
    return query_id in qrels or _escape_query_id(query_id) in qrels


def run_text(run: Run, *, tag: str = RUN_TAG) -> str:
    """Return a ranking in TREC's six columns.

    trec_eval reads scores as float32, ignores the rank and orders equal scores by document id. To keep the run's order,
    a score that is not below the previous one is written one float32 step below it, and scores near the limits of
    float32 are replaced by ranks. White space in an id, where trec_eval would split it, is written as %20 and the like,
    and a # that begins a query id, whose lines trec_eval 10 would take for comments, as %23. Raises CollectionError if
    an id is empty or two ids would be written alike.
    """
    lines, name = [], _escape_id(tag)
    for query_id, documents in _with_escaped_ids(run, _escape_query_id).items():
        ranked = _with_escaped_ids(in_rank_order(documents), _escape_id)
        if any(abs(score) > MAX_SCORE for score in ranked.values()):
            ranked = {doc_id: float(-rank) for rank, doc_id in enumerate(ranked)}
        last = np.float32(np.inf)
        for rank, (doc_id, score) in enumerate(ranked.items(), 1):
            last = min(np.float32(score), np.nextafter(last, np.float32(-np.inf)))
            lines.append(f"{query_id} Q0 {doc_id} {rank} {last:.9g} {name}\n")
    return "".join(lines)


def judged_only(qrels: Qrels) -> Qrels:
    """Return the queries that have a judgment, which are those that every mean is taken over."""
    return {query_id: documents for query_id, documents in qrels.items() if documents}


def in_rank_order(documents: Mapping[str, float]) -> dict[str, float]:
    """Return documents by descending score, equal scores in the order given."""
    return dict(sorted(documents.items(), key=lambda item: -item[1]))


def write_run(run: Run, path: str | Path, *, tag: str = RUN_TAG) -> None:
    """Write a ranking to a file as trec_eval reads it; see run_text."""
    Path(path).write_text(run_text(run, tag=tag), encoding="utf-8", newline="\n")


def _with_escaped_ids(by_id: Mapping[str, Value], escape: Callable[[str], str]) -> dict[str, Value]:
    """Return a mapping with its ids escaped; raise CollectionError if one is empty or two become equal."""
    escaped = {escape(key): value for key, value in by_id.items()}
    if len(escaped) < len(by_id) or "" in escaped:
        raise CollectionError("An id is empty, or two differ only in how white space or # is written; rename one.")
    return escaped


def _escape_id(raw_id: str) -> str:
    """Return an id with percent codes for what would split or end it, and what UTF-8 cannot encode."""
    return UNWRITABLE_IN_ID.sub(lambda match: f"%{ord(match[0]):02X}", raw_id)


def _escape_query_id(raw_id: str) -> str:
    """Return the id of a query, which begins its lines, with a percent code for a # that would make them comments."""
    escaped = _escape_id(raw_id)
    return f"%23{escaped[1:]}" if escaped.startswith("#") else escaped
