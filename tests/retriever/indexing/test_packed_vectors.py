"""The samples' vectors that come with the package: used where fresh embeddings agree with them, and said to be."""

import shutil

import numpy as np
import pytest

from retriever.datasets.collection import Collection
from retriever.datasets.samples import load_sample
from retriever.documents.document import Document
from retriever.encoders.base import embed_documents
from retriever.encoders.catalogue import model_card
from retriever.encoders.loading import packaged_fingerprint
from retriever.indexing import packed_vectors as packing
from retriever.indexing.collection import IndexSettings
from retriever.indexing.packed_vectors import CHECKED_TEXTS, PACK_FOLDER, VectorPackWarning, pack_agrees, packed_vectors
from retriever.indexing.pipeline import index_collection, passages_of
from retriever.storage.vector_pack import STEP, read_vector_pack, write_vector_pack
from tests.support.encoders import FakeEncoder
from tests.support.small import sentences

TEXTS = sentences(60)
MODEL = IndexSettings("wordllama-256", M=4, ef_construction=20)


class Watched(FakeEncoder):
    """An encoder that keeps what it embedded."""

    def __init__(self):
        self.embedded = []

    def encode_document(self, texts, *, progress=None):
        self.embedded += texts
        return super().encode_document(texts, progress=progress)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for a pack in the place of the shipped one."""
    monkeypatch.setattr(packing, "PACK_FOLDER", tmp_path)
    return tmp_path


@pytest.fixture
def pack(folder):
    """A pack of the texts' vectors, as the watched encoder makes them."""
    vectors = embed_documents(FakeEncoder(), TEXTS, FakeEncoder.dimension)
    write_vector_pack(folder, TEXTS, {FakeEncoder.fingerprint: vectors})
    return vectors


def test_known_texts_have_their_vectors_of_the_pack_and_few_are_embedded(pack):
    encoder = Watched()
    found = packed_vectors([*TEXTS, "another text"], encoder.fingerprint)
    assert list(found) == TEXTS
    assert np.stack(list(found.values())).tobytes() == pack.tobytes()
    assert pack_agrees(found, encoder)
    assert len(encoder.embedded) == CHECKED_TEXTS and set(encoder.embedded) <= set(TEXTS)


def test_a_pack_of_another_fingerprint_is_not_used(pack):
    for fingerprint in ("fake0000-bfloat16", ""):
        assert packed_vectors(TEXTS, fingerprint) == {}


def test_for_few_texts_the_pack_is_not_worth_the_check(pack):
    assert packed_vectors(TEXTS[:CHECKED_TEXTS], FakeEncoder.fingerprint) == {}
    assert packed_vectors(sentences(60, seed=8), FakeEncoder.fingerprint) == {}


def test_without_a_pack_there_is_nothing_to_say(folder):
    assert packed_vectors(TEXTS, FakeEncoder.fingerprint) == {}


def test_a_pack_that_lies_is_not_used(folder, pack):
    write_vector_pack(folder, TEXTS, {FakeEncoder.fingerprint: pack[::-1]})
    with pytest.warns(VectorPackWarning, match=r"cosine similarity of -?0\.\d+ to a fresh embedding"):
        assert not pack_agrees(packed_vectors(TEXTS, FakeEncoder.fingerprint), FakeEncoder())


def test_a_collection_that_a_lying_pack_holds_is_embedded(folder, wordllama):
    collection = Collection(
        "Sentences", [Document(text, text) for text in TEXTS], passage=lambda document: document.text
    )
    fresh = index_collection(collection, MODEL)
    write_vector_pack(folder, TEXTS, {wordllama.fingerprint: fresh.retriever.vectors[::-1]})
    packing._opened_pack.cache_clear()
    with pytest.warns(VectorPackWarning, match="is not used"):
        built = index_collection(collection, MODEL)
    assert built.n_packed == 0
    assert np.array_equal(built.retriever.vectors, fresh.retriever.vectors)


def test_a_pack_of_other_dimensions_is_not_used(folder, pack):
    write_vector_pack(folder, TEXTS, {FakeEncoder.fingerprint: pack[:, :8]})
    with pytest.warns(VectorPackWarning, match="is not used"):
        assert not pack_agrees(packed_vectors(TEXTS, FakeEncoder.fingerprint), FakeEncoder())


def test_a_damaged_pack_is_not_used(folder, pack):
    (folder / "keys.bin").write_bytes(b"")
    with pytest.warns(VectorPackWarning, match="is not used.*damaged"):
        assert packed_vectors(TEXTS, FakeEncoder.fingerprint) == {}


def test_an_indexed_collection_says_how_many_vectors_come_from_the_pack(folder, wordllama, monkeypatch):
    documents = [Document(str(row), text) for row, text in enumerate([*TEXTS, TEXTS[0]])]
    collection = Collection("Sentences", documents, {"q": "lantern"}, passage=lambda document: document.text)
    fresh = index_collection(collection, MODEL)
    assert fresh.n_packed == 0
    write_vector_pack(folder, TEXTS[:50], {wordllama.fingerprint: fresh.retriever.vectors[:50]})
    packing._opened_pack.cache_clear()
    embedded, encode = [], wordllama.encode_document
    monkeypatch.setattr(wordllama, "encode_document", lambda texts, **kw: embedded.append(texts) or encode(texts, **kw))
    packed = index_collection(collection, MODEL)
    assert (packed.n_packed, packed.n_kept) == (50, 0)
    assert [len(texts) for texts in embedded] == [10, CHECKED_TEXTS]
    np.testing.assert_allclose(packed.retriever.vectors, fresh.retriever.vectors, atol=1e-6)
    again = index_collection(collection, MODEL, known=packed)
    assert (again.n_packed, again.n_kept) == (0, 60)


# --- the pack that is shipped


def test_the_shipped_pack_is_small_and_for_both_precisions():
    assert sum(path.stat().st_size for path in PACK_FOLDER.iterdir()) <= 20_000_000
    card = model_card(IndexSettings().model_name)
    made = [read_vector_pack(PACK_FOLDER, packaged_fingerprint(card, bfloat16=bfloat16)) for bfloat16 in (True, False)]
    cosines = np.einsum("ij,ij->i", made[0].vectors, made[1].vectors)
    assert len(cosines) > 10_000 and 0.99 < cosines.min() < 0.999999


@pytest.mark.exhaustive
def test_the_shipped_pack_fits_the_installed_packages_and_fresh_embeddings(minilm):
    texts = list({passage.encoded_text for passage in passages_of(load_sample("python_docs"), IndexSettings())})
    found = packed_vectors(texts, minilm.fingerprint)
    assert len(found) >= 0.9 * len(texts)
    checked = sorted(found)[::20]
    fresh = embed_documents(minilm, checked, minilm.dimension)
    assert np.einsum("ij,ij->i", fresh, np.stack([found[text] for text in checked])).min() > 0.9999


@pytest.mark.exhaustive
def test_the_script_makes_a_pack(tmp_path, minilm):
    from retriever.indexing.make_pack import make_pack

    make_pack(tmp_path, ["documents"])
    texts = [passage.encoded_text for passage in passages_of(load_sample("documents"), IndexSettings())]
    made = read_vector_pack(tmp_path, minilm.fingerprint).vectors_of(texts)
    fresh = minilm.encode_document(texts)
    # exactly where the CPU computes in bfloat16; the other precision is kept as steps from that one
    np.testing.assert_allclose(np.stack([made[text] for text in texts]), fresh, atol=0 if minilm.bfloat16 else 2 * STEP)
    shutil.rmtree(tmp_path)
