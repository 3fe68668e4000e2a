"""Collections in BEIR layout: corpus.jsonl, queries.jsonl, qrels/test.tsv.

Source: Thakur et al., "BEIR: A heterogeneous benchmark for zero-shot evaluation of information retrieval models",
2021 (arXiv:2104.08663).
"""

from collections.abc import Sequence
from pathlib import Path

from retriever.datasets.collection import Collection
from retriever.datasets.json_lines import json_lines, required_field
from retriever.datasets.query_files import read_query_file
from retriever.datasets.splits import choose_split, split_name, split_sentence
from retriever.documents.document import Document, title_and_text
from retriever.errors import CollectionError
from retriever.evaluation.numbered_lines import counted_lines
from retriever.evaluation.trec import read_judgments
from retriever.unicode import clean_text

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"


def read_beir(folder: str | Path, split: str = "", *, splits: Sequence[str] = ()) -> Collection:
    """Read a collection in BEIR layout; each document is one passage, encoded as a whole with its title.

    The files may be packed with gzip, and end in .gz. split: of qrels, by default test, else dev, else train. splits:
    all there are, if the folder holds only one of them. A query's kind is read from its metadata, if given there. What
    nobody judged need not be in order: a query without text, a document, a query or a judgment that stands twice, are
    passed over and noted. Raises CollectionError if a file is missing or, naming the line, if a line does not follow
    the layout; PartError for a split that is not there.
    """
    folder = Path(folder)
    files = {split_name(path.name): path for path in sorted((folder / QRELS).glob("*")) if split_name(path.name)}
    chosen = choose_split(files, split, folder.name) if files else "test"
    documents, repeated = _read_corpus(_packed_or_not(folder / CORPUS))
    queries = read_query_file(_packed_or_not(folder / QUERIES))
    judgments = read_judgments(files.get(chosen, folder / QRELS / "test.tsv"), queries.ids)
    asked = queries.for_judgments(judgments.qrels)
    names = splits or ([*files] if [*files] != ["test"] else [])  # of the usual one alone there is nothing to say
    said = [split_sentence(chosen, names)] if names else []
    notes = {
        CORPUS: counted_lines("Documents that stand twice, the same in all, counted once", repeated),
        QUERIES: asked.notes,
        QRELS: [*said, *judgments.notes],
    }
    return Collection(
        folder.name,
        documents,
        asked.texts,
        judgments.qrels,
        title_and_text,
        kinds=asked.kinds,
        notes={name: said for name, said in notes.items() if said},
    )


def _packed_or_not(path: Path) -> Path:
    """Return the path of a file, or of the same packed with gzip if only that is there."""
    packed = path.with_name(f"{path.name}.gz")
    return packed if packed.exists() and not path.exists() else path


def _read_corpus(path: Path) -> tuple[list[Document], list[int]]:
    """Return the documents of a corpus, and the numbers of the lines that repeat one."""
    documents: dict[str, Document] = {}
    repeated = []
    for number, row in json_lines(path):
        doc_id = required_field(row, "_id", path, number)
        text = "" if row.get("text", "") is None else required_field(row, "text", path, number)
        metadata = {key: value for key, value in row.items() if key not in ("_id", "text", "title")}
        document = Document(doc_id, text, clean_text(str(row.get("title") or "")), metadata)
        if doc_id not in documents:
            documents[doc_id] = document
        elif documents[doc_id] == document:
            repeated.append(number)
        else:
            raise CollectionError(
                f"{path.name}, line {number}: the _id {doc_id[:80]!r} was used before; make it unique."
            )
    return list(documents.values()), repeated
