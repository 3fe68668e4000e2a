"""Files of queries: JSON lines as in BEIR's layout, or a table of ids and texts, whose columns anything may part."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retriever.datasets.json_lines import json_lines, required_field, text_of
from retriever.documents.parts import listed
from retriever.errors import CollectionError
from retriever.evaluation.numbered_lines import Comments, commented, counted_lines, numbered_lines, numbered_rows
from retriever.evaluation.trec import Qrels, is_judged

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
LISTED_ID = re.compile(r'(?:"(?:[^"]|"")*+"|[^\s",;]+)([,;])')  # at the beginning of a comma-separated line
QUERY_ID_HEADER = re.compile(r"_?id|q(uery)?[-_ ]?id", re.IGNORECASE)
COMMENT = re.compile(r"#(\s|#|$)")  # an id may begin with # as well


@dataclass(frozen=True)
class QueryFile:
    """The content of a file of queries.

    texts: query id -> text. kinds: query id -> kind of question, where the metadata names one. unfit: query id -> why
    it cannot be asked, with the line. notes: what was passed over.
    """

    texts: Mapping[str, str]
    kinds: Mapping[str, str]
    unfit: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def ids(self) -> set[str]:
        """The ids of all queries, also of those that cannot be asked."""
        return {*self.texts, *self.unfit}

    def for_judgments(self, qrels: Qrels) -> "QueryFile":
        """Return the queries without those that cannot be asked and that nobody judged, which are noted.

        Raises CollectionError, naming the line, if one that is judged cannot be asked, and if there are none.
        """
        for query_id, reason in self.unfit.items():
            if is_judged(qrels, query_id):
                raise CollectionError(reason)
        if not self.unfit:
            return self
        what = "Queries without a text, or with several, that nobody judged, passed over"
        notes = [*self.notes, f"{what}: {len(self.unfit):,} ({listed(self.unfit)})."]
        return QueryFile(self.texts, self.kinds, notes=notes)


def read_queries(path: Path) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the texts and the kinds of queries, by query id, as read_query_file reads them.

    Raises CollectionError as that does and, naming the line, for a query without text and for a repeated _id.
    """
    file = read_query_file(path)
    for reason in file.unfit.values():
        raise CollectionError(reason)
    return file.texts, file.kinds


def read_query_file(path: Path) -> QueryFile:
    """Read queries from JSON lines, or from lines of id and text; the file may be packed with gzip.

    Id and text are parted by a tab, a comma, a semicolon or white space, by the same in all lines. Raises
    CollectionError for a file without texts and, naming the line, for a line without an id.
    """
    texts: dict[str, str] = {}
    kinds: dict[str, str] = {}
    unfit: dict[str, str] = {}
    repeated, comments = [], Comments(mark=COMMENT)
    for number, row in _query_objects(path, comments):
        query_id, text = required_field(row, "_id", path, number), text_of(row)
        place = f"{path.name}, line {number}"
        if not text.strip():
            unfit.setdefault(query_id, f"{place}: the query {query_id[:80]!r} is empty; write or remove it.")
        elif texts.setdefault(query_id, text) != text:
            unfit.setdefault(query_id, f"{place}: the _id {query_id[:80]!r} was used before; make it unique.")
        elif query_id in kinds:
            repeated.append(number)
        else:
            metadata = row.get("metadata")
            kind = metadata.get("kind") if isinstance(metadata, dict) else None
            kinds[query_id] = kind if isinstance(kind, str) else ""
    if not texts:
        nothing = f"{path.name} holds no queries; wanted an _id and a text on each line."
        raise CollectionError(next(iter(unfit.values()), nothing))
    notes = [
        *commented(comments),
        *counted_lines("Queries that stand twice with the same text, counted once", repeated),
    ]
    fit = {query_id: text for query_id, text in texts.items() if query_id not in unfit}
    return QueryFile(fit, {query_id: kinds[query_id] for query_id in fit if kinds[query_id]}, unfit, notes)


def _query_objects(path: Path, comments: Comments) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line numbers and queries of a file, whatever its format."""
    first = next((line for _, line in numbered_lines(path, comments)), "")
    if path.name.removesuffix(".gz").endswith(JSON_SUFFIXES) or first.lstrip().startswith("{"):
        return json_lines(path)
    return _query_lines(path, first, comments)


def _query_lines(path: Path, first: str, comments: Comments) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line numbers and queries of a file of ids and texts, with or without a header."""
    may_be_header = True
    for number, cells in _query_rows(path, first, comments):
        header, may_be_header = may_be_header and QUERY_ID_HEADER.fullmatch(cells[0].strip()), False
        if not header:
            yield number, {"_id": cells[0], "text": cells[1]}


def _query_rows(path: Path, first: str, comments: Comments) -> Iterator[tuple[int, list[str]]]:
    """Yield the line numbers, ids and texts of queries; the first line says what parts them."""
    comma = None if "\t" in first else LISTED_ID.match(first)
    if comma:
        for number, cells in numbered_rows(path, comma[1], comments):
            if _is_id_alone(cells):
                cells = [*cells, ""]
            if len(cells) != 2:
                raise CollectionError(
                    f"{path.name}, line {number} has {len(cells)} columns; wanted a query id and a text. Put quotes "
                    "around a text with commas or semicolons."
                )
            yield number, cells
        return
    separator, name = ("\t", "tab") if "\t" in first else (None, "space")
    for number, line in numbered_lines(path, comments):
        cells = [cell.strip(" \t") for cell in line.split(separator, 1)]
        if _is_id_alone(cells):
            cells = [*cells, ""]
        if len(cells) < 2:
            raise CollectionError(
                f"{path.name}, line {number} has no {name}; wanted a query id, a {name} and the text."
            )
        yield number, cells


def _is_id_alone(cells: Sequence[str]) -> bool:
    """Return whether a line has nothing but an id: a query without text."""
    return len(cells) == 1 and len(cells[0].split()) == 1
