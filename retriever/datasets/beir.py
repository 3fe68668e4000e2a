"""Collections in BEIR layout: corpus.jsonl, queries.jsonl, qrels/test.tsv.

Source: Thakur et al., "BEIR: A heterogeneous benchmark for zero-shot evaluation of information retrieval models",
2021 (arXiv:2104.08663).
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from retriever.datasets.collection import Collection
from retriever.documents.document import Document
from retriever.errors import CollectionError
from retriever.evaluation.numbered_lines import numbered_lines, numbered_rows
from retriever.evaluation.trec import read_qrels
from retriever.unicode import clean_text

BEIR_FILES = ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")
LISTED_ID = re.compile(r'(?:"(?:[^"]|"")*+"|[^\s",;]+)([,;])')  # at the beginning of a comma-separated line
QUERY_ID_HEADER = re.compile(r"_?id|q(uery)?[-_ ]?id", re.IGNORECASE)


def read_beir(folder: str | Path) -> Collection:
    """Read a collection in BEIR layout; each document is one passage, encoded as a whole with its title.

    A query's kind is read from its metadata, if given there. Raises CollectionError if a file is missing or, naming
    the line, if a line does not follow the layout.
    """
    folder = Path(folder)
    corpus, queries, qrels = (folder / name for name in BEIR_FILES)
    texts, kinds = read_queries(queries)
    return Collection(folder.name, _read_corpus(corpus), texts, read_qrels(qrels), title_and_text, kinds=kinds)


def title_and_text(document: Document) -> str:
    """Return the text of a BEIR document for the encoder: title, space, text, as in BEIR and MTEB."""
    return f"{document.title} {document.text}".strip()


def read_queries(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the texts and the kinds of queries, by query id, from a JSONL file or from lines of id and text.

    Id and text are parted by a tab, a comma, a semicolon or white space, by the same in all lines. Raises
    CollectionError for a file without queries and, naming the line, for a query without _id or text and for a repeated
    _id.
    """
    queries: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for number, row in _json_lines(path) if path.suffix == ".jsonl" else _query_lines(path):
        query_id, text = _required_field(row, "_id", path, number), _required_field(row, "text", path, number)
        if query_id in queries:
            raise CollectionError(f"{path.name}, line {number}: the _id {query_id!r} was used before; make it unique.")
        if not text.strip():
            raise CollectionError(f"{path.name}, line {number}: the query {query_id!r} is empty; write or remove it.")
        queries[query_id], metadata = text, row.get("metadata")
        if isinstance(metadata, dict) and isinstance(metadata.get("kind"), str):
            kinds[query_id] = metadata["kind"]
    if not queries:
        raise CollectionError(f"{path.name} holds no queries; wanted an _id and a text on each line.")
    return queries, kinds


def _read_corpus(path: Path) -> list[Document]:
    documents: dict[str, Document] = {}
    for number, row in _json_lines(path):
        doc_id, text = _required_field(row, "_id", path, number), _required_field(row, "text", path, number)
        if doc_id in documents:
            raise CollectionError(f"{path.name}, line {number}: the _id {doc_id!r} was used before; make it unique.")
        metadata = {key: value for key, value in row.items() if key not in ("_id", "text", "title")}
        documents[doc_id] = Document(doc_id, text, clean_text(str(row.get("title") or "")), metadata)
    return list(documents.values())


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line numbers and objects of a JSONL file."""
    for number, line in numbered_lines(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CollectionError(f"{path.name}, line {number} is not JSON; wanted one object a line.") from error
        if not isinstance(row, dict):
            raise CollectionError(f"{path.name}, line {number} is not an object; wanted one with _id and text.")
        yield number, row


def _query_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line numbers and queries of a file of ids and texts, with or without a header."""
    may_be_header = True
    for number, cells in _query_rows(path):
        header, may_be_header = may_be_header and QUERY_ID_HEADER.fullmatch(cells[0].strip()), False
        if not header:
            yield number, {"_id": cells[0], "text": cells[1]}


def _query_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line numbers, ids and texts of queries; the first line says what parts them."""
    first = next((line for _, line in numbered_lines(path)), "")
    comma = None if "\t" in first else LISTED_ID.match(first)
    if comma:
        for number, cells in numbered_rows(path, comma[1]):
            if len(cells) != 2:
                raise CollectionError(
                    f"{path.name}, line {number} has {len(cells)} columns; wanted a query id and a text. Put quotes "
                    "around a text with commas or semicolons."
                )
            yield number, cells
        return
    separator, name = ("\t", "tab") if "\t" in first else (None, "space")
    for number, line in numbered_lines(path):
        cells = line.split(separator, 1)
        if len(cells) < 2:
            raise CollectionError(
                f"{path.name}, line {number} has no {name}; wanted a query id, a {name} and the text."
            )
        yield number, cells


def _required_field(row: Mapping[str, Any], key: str, path: Path, number: int) -> str:
    value = row.get(key)
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise CollectionError(f"{path.name}, line {number} has no {key}; each line needs one.")
    return clean_text(str(value))
