"""Collections: documents with the queries asked of them and the judgments of what answers; the samples."""

import json
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from retriever.documents import Document, load_documents
from retriever.errors import CollectionError
from retriever.python_docs import name_in_words, read_python_docs

SAMPLE_FOLDER = Path(__file__).resolve().parent.parent / "samples"
SAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "documents": "Seven short documents on everyday subjects, one in each accepted format.",
        "python_docs": "About 11,000 entries of the Python, NumPy, SciPy, pandas, scikit-learn and NetworkX docs.",
    }
)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n\s*\n")
QUERY_CHARACTERS = (25, 200)  # of a drawn sentence: shorter says too little, longer is no question


@dataclass(frozen=True, eq=False)
class Collection:
    """Hold documents, queries (query id -> text) and qrels (query id -> document id -> relevance, 0 or more).

    passage: how a whole document is written for the encoder, where each document is one passage; None where
    documents are chunked. failed: files that could not be read, with the reason.
    """

    name: str
    documents: Sequence[Document]
    queries: Mapping[str, str] = field(default_factory=dict)
    qrels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    passage: Callable[[Document], str] | None = None
    failed: Mapping[str, str] = field(default_factory=dict)


def load_sample(name: str, *, progress: Callable[[float], None] | None = None) -> Collection:
    """Return a sample: "documents", or "python_docs", read from the packages installed here.

    progress: called with the fraction read, in [0, 1]. Raises CollectionError for another name.
    """
    if name == "documents":
        documents = load_documents(SAMPLE_FOLDER / "documents")
        queries = _read_queries(SAMPLE_FOLDER / "questions.jsonl")
        return Collection("Sample documents", documents, queries, failed=documents.failed)
    if name == "python_docs":
        folder = SAMPLE_FOLDER / "python_docs"
        documents_read = read_python_docs(progress=progress)
        queries, qrels = _read_queries(folder / "queries.jsonl"), _read_qrels(folder / "qrels" / "test.tsv")
        return Collection("Python docs", documents_read, queries, qrels, name_and_text)
    raise CollectionError(f"There is no sample {name!r}; choose one of: {', '.join(SAMPLES)}.")


def name_and_text(document: Document) -> str:
    """Write a Python docs entry for the encoder: its name in words, then what it does."""
    return f"{name_in_words(document.title)}: {document.text}"


def title_and_text(document: Document) -> str:
    """Write a document of a BEIR collection for the encoder: title, space, text, as BEIR and MTEB do."""
    return f"{document.title} {document.text}".strip()


def read_beir(folder: str | Path) -> Collection:
    """Read a collection in BEIR layout: corpus.jsonl, queries.jsonl, qrels/test.tsv.

    Each document is one passage, title and text encoded whole. Raises CollectionError if a file is missing or a
    line in it is not what the layout says, naming the line.
    """
    folder = Path(folder)
    documents = []
    for number, row in _json_lines(folder / "corpus.jsonl"):
        doc_id, text = _field(row, "_id", "corpus.jsonl", number), _field(row, "text", "corpus.jsonl", number)
        metadata = {key: value for key, value in row.items() if key not in ("_id", "text", "title")}
        documents.append(Document(doc_id, text, str(row.get("title") or ""), metadata))
    if len({document.doc_id for document in documents}) < len(documents):
        raise CollectionError("corpus.jsonl gives the same _id to several documents; make each _id unique.")
    queries, qrels = _read_queries(folder / "queries.jsonl"), _read_qrels(folder / "qrels" / "test.tsv")
    return Collection(folder.name, documents, queries, qrels, title_and_text)


def draw_queries(texts: Iterable[str], *, count: int = 100, seed: int = 42) -> list[str]:
    """Draw sentences out of texts to measure with, where a collection has no queries of its own.

    The same texts and seed give the same sentences. A sentence that is a whole text is left out: its vector is
    stored, and stored vectors as queries flatter recall. Texts of nothing else give halves of theirs.
    """
    texts = list(texts)
    whole = {_one_line(text) for text in texts}
    low, high = QUERY_CHARACTERS
    sentences = dict.fromkeys(_one_line(part) for text in texts for part in SENTENCE_END.split(text))
    candidates = [part for part in sentences if low <= len(part) <= high and part not in whole]
    if not candidates:
        halves = dict.fromkeys(_half(_one_line(text)) for text in texts)
        candidates = [half for half in halves if half and half not in whole]
    return random.Random(seed).sample(candidates, min(count, len(candidates)))


def _one_line(text: str) -> str:
    """Fold white space: a PDF breaks its lines anywhere, and a question has one."""
    return " ".join(text.split())


def _half(text: str) -> str:
    """Return the first half of a text's words, or of its characters where it has no two words."""
    text = text.strip()[: 2 * QUERY_CHARACTERS[1]]
    words = text.split()
    return " ".join(words[: len(words) // 2]) if len(words) > 1 else text[: len(text) // 2]


def _read_queries(path: Path) -> dict[str, str]:
    queries: dict[str, str] = {}
    for number, row in _json_lines(path):
        query_id = _field(row, "_id", path.name, number)
        if query_id in queries:
            raise CollectionError(f"{path.name}, line {number}: the _id {query_id!r} was used before; make it unique.")
        queries[query_id] = _field(row, "text", path.name, number)
    return queries


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read BEIR's judgments: a header, then query-id, corpus-id and score in columns parted by tabs."""
    qrels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(_text(path).split("\n"), 1):
        row = line.rstrip("\r").split("\t")
        if not line.strip() or number == 1 and not row[-1].lstrip("-").isdigit():
            continue
        try:
            query_id, doc_id, relevance = row
            qrels.setdefault(query_id, {})[doc_id] = int(relevance)
        except ValueError as error:
            raise CollectionError(
                f"{path.name}, line {number}: wanted query id, document id and a whole number, parted by tabs."
            ) from error
    return qrels


def _json_lines(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    """Give line numbers and objects of a JSONL file; blank lines are passed over."""
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CollectionError(f"{path.name}, line {number} is not JSON; wanted one object a line.") from error
        if not isinstance(row, dict):
            raise CollectionError(f"{path.name}, line {number} is not an object; wanted one with _id and text.")
        yield number, row


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise CollectionError(f"{path.name} is missing in {path.parent.name}; see BEIR's layout.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CollectionError(f"{path.name} cannot be read as UTF-8; save it as UTF-8 text.") from error


def _field(row: Mapping[str, Any], key: str, file: str, number: int) -> str:
    value = row.get(key)
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise CollectionError(f"{file}, line {number} has no {key}; each line needs one.")
    return str(value)
