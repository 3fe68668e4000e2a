"""Collections that earlier versions saved: they still load, and hold and find what they did."""

from pathlib import Path

import numpy as np
import pytest

from retriever import DenseRetriever
from retriever.indexing.collection import IndexedCollection

FOLDERS = sorted(Path(__file__).parent.glob("saved_by_version_*"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_collection_of_an_earlier_version_loads_whole(folder):
    loaded = IndexedCollection.load(folder)
    assert (loaded.name, len(loaded), loaded.n_documents, loaded.drawn) == ("Four notes", 4, 4, False)
    assert (loaded.settings.model_name, loaded.settings.M, loaded.settings.ef_construction) == ("wordllama-256", 4, 20)
    assert loaded.judged.qrels == {"q1": {"d1": 2}, "q2": {"d2": 1}} and loaded.judged.kinds == {"q1": "fact"}
    found = loaded.retriever.hnsw.search(loaded.query_vectors, 1, ef=10)
    assert found.ids[:, 0].tolist() == [0, 1]
    np.testing.assert_allclose(found.scores[:, 0], [0.238286, 0.318304], atol=1e-5)  # as version 0.4.0 printed them
    assert loaded.retriever.metadata[3]["title"] == "Note 4"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_its_retriever_answers_questions(folder):
    [hit] = DenseRetriever.load(folder).search("why does bread rise?", top_k=1, ef=10)
    assert hit["text"] == "Sourdough rises because of wild yeast." and hit["metadata"]["source"] == "notes.txt"


def test_there_is_one_to_load():
    assert FOLDERS
