"""The sample collections that come with this package."""

import pytest

from retriever.datasets.samples import SAMPLES, load_sample, name_and_text
from retriever.documents.document import Document
from retriever.errors import CollectionError


def test_how_entries_are_written_for_the_encoder():
    assert name_and_text(Document("a", "Copy a tree.", "shutil.copy_tree")) == "shutil copy tree: Copy a tree."


def test_the_sample_of_documents_is_chunked_and_judged():
    collection = load_sample("documents")
    assert not collection.failed
    assert collection.passage is None
    assert len(collection.judged.asked) == len(collection.queries) >= 20


@pytest.mark.parametrize("name", ["", "../documents"])
def test_an_unknown_sample_is_refused_and_the_choice_named(name):
    with pytest.raises(CollectionError, match="documents, everyday_science, python_docs, python_docs_large"):
        load_sample(name)
    assert all(text.endswith(".") for text in SAMPLES.values())
