"""The sample collections that come with this package."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from retriever.datasets.beir import read_beir
from retriever.datasets.collection import Collection, Origin
from retriever.datasets.python_docs.docstrings import name_in_words, read_python_docs
from retriever.datasets.python_docs.packages import DOCUMENTED_PACKAGES, MORE_DOCUMENTED_PACKAGES
from retriever.datasets.query_files import read_queries
from retriever.documents.document import Document
from retriever.documents.loading import load_documents
from retriever.errors import CollectionError
from retriever.evaluation.trec import read_qrels

_PACKAGED_SAMPLES = Path(__file__).resolve().parent / "sample_files"  # the wheel holds them there
SAMPLE_FOLDER = _PACKAGED_SAMPLES if _PACKAGED_SAMPLES.is_dir() else Path(__file__).resolve().parents[2] / "samples"
SAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "documents": "Seven short files on everyday subjects, in seven of the accepted formats.",
        "everyday_science": "Passages on everyday science with questions of five kinds and graded judgments.",
        "python_docs": "About 11,000 entries of the Python, NumPy, SciPy, pandas, scikit-learn and NetworkX docs.",
        "python_docs_large": "About 75,000 chunks of these docs in full and of those of SymPy, PyTorch, transformers "
        "and Plotly, meant for wordllama-256.",
    }
)
PYTHON_DOCS: Mapping[str, tuple[str, ...]] = MappingProxyType(  # sample -> the packages it is read from
    {"python_docs": DOCUMENTED_PACKAGES, "python_docs_large": MORE_DOCUMENTED_PACKAGES}
)
# 75,000 chunks with the pinned packages. The default of 200 makes 64,000, too close to 60,000 to stay above it with new
# versions; less than 160 makes more chunks than an HNSW graph is quickly built for.
LARGE_CHUNK_SIZE = 160


def load_sample(name: str, *, progress: Callable[[float], None] | None = None) -> Collection:
    """Return the sample of a name in SAMPLES; the Python docs are read from the installed packages.

    progress: called with the fraction read, in [0, 1]. Raises CollectionError for another name.
    """
    return replace(_read_sample(name, progress), origin=Origin("sample", name))


def _read_sample(name: str, progress: Callable[[float], None] | None) -> Collection:
    """Return the sample of a name, without its origin."""
    if name == "documents":
        documents = load_documents(SAMPLE_FOLDER / "documents")
        (queries, _), qrels = read_queries(SAMPLE_FOLDER / "questions.jsonl"), read_qrels(SAMPLE_FOLDER / "qrels.tsv")
        return Collection("Sample documents", documents, queries, qrels, failed=documents.failed, notes=documents.notes)
    if name == "everyday_science":
        return replace(read_beir(SAMPLE_FOLDER / name), name="Everyday science", relevance_level=2)
    if name in PYTHON_DOCS:
        folder, large = SAMPLE_FOLDER / "python_docs", name == "python_docs_large"
        entries = read_python_docs(PYTHON_DOCS[name], whole=large, progress=progress)
        (queries, kinds), qrels = read_queries(folder / "queries.jsonl"), read_qrels(folder / "qrels" / "test.tsv")
        if large:
            title, size = "Python docs, large", LARGE_CHUNK_SIZE
            return Collection(title, entries, queries, qrels, kinds=kinds, chunk_size=size)
        return Collection("Python docs", entries, queries, qrels, name_and_text, kinds=kinds)
    raise CollectionError(f"There is no sample {name!r}; choose one of: {', '.join(SAMPLES)}.")


def name_and_text(document: Document) -> str:
    """Return the text of a Python docs entry for the encoder: its name in words, then what it does."""
    return f"{name_in_words(document.title)}: {document.text}"
