"""The sample collections that come with this package."""

import pytest

from retriever.datasets.samples import SAMPLES, load_sample, name_and_text
from retriever.documents.document import Document
from retriever.errors import CollectionError


def test_how_entries_are_written_for_the_encoder():
    assert name_and_text(Document("a", "Copy a tree.", "shutil.copytree")).endswith(": Copy a tree.")
    assert "copytree" in name_and_text(Document("a", "Copy a tree.", "shutil.copytree")).replace(" ", "")


def test_the_sample_of_documents_has_questions_that_its_documents_answer():
    collection = load_sample("documents")
    assert not collection.failed
    assert collection.passage is None
    sources = {document.metadata["source"] for document in collection.documents}
    assert {name.rsplit(".", 1)[1] for name in sources} == {"txt", "md", "html", "pdf", "docx", "csv", "jsonl"}
    assert len(collection.queries) >= 20
    assert all(text.strip() for text in collection.queries.values())


def test_an_unknown_sample_is_refused_and_the_choice_named():
    for name in ("", "other", "../documents"):
        with pytest.raises(CollectionError, match="documents, everyday_science, python_docs, python_docs_large"):
            load_sample(name)
    assert list(SAMPLES) == ["documents", "everyday_science", "python_docs", "python_docs_large"]
    assert all(text.endswith(".") for text in SAMPLES.values())
