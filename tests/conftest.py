"""What several tests share: no network, a cache of their own, a tiny encoder, and the packaged models loaded once."""

import atexit
import math
import os
import shutil
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports huggingface_hub, which reads it once
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="lab-tests-")  # before a page is built, which keeps its name
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

import hypothesis
import numpy as np
import pytest

from retriever.encoders.loading import load_encoder
from retriever.indexes.milvus.index import MilvusIndex
from retriever.retrievers.milvus import MilvusRetriever
from tests.support.encoders import FakeEncoder
from tests.support.milvus import fresh_name, milvus_uri

# How long an example takes depends on what else the machine does; the tests that bound a time do so themselves.
hypothesis.settings.register_profile("lab", deadline=None)
hypothesis.settings.load_profile("lab")

atexit.register(shutil.rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)


@pytest.fixture(scope="session")
def fake_encoder():
    """A tiny encoder without a model."""
    return FakeEncoder()


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Keep the tests out of the user's cache folder."""
    patch = pytest.MonkeyPatch()
    patch.setenv("LAB_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture
def quiet_machine(monkeypatch):
    """Let no measurement find that the machine works for others, whatever runs beside the tests."""
    monkeypatch.setattr("retriever.measurement.turns.CROWDED", math.inf)


@pytest.fixture(scope="session")
def minilm():
    """The packaged MiniLM, loaded once."""
    return load_encoder("all-MiniLM-L6-v2")


@pytest.fixture(scope="session")
def wordllama():
    """The packaged wordllama, loaded once."""
    return load_encoder("wordllama-256")


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory):
    """The address of an embedded Milvus server, one a process of the tests."""
    with milvus_uri(tmp_path_factory.mktemp("milvus") / "data") as uri:
        yield uri


@pytest.fixture
def milvus_index(milvus_server):
    """How an index over vectors is built in a fresh collection of the server; dropped when the test ends."""
    made = []

    def build(vectors, **options):
        shape = np.shape(vectors) if isinstance(vectors, np.ndarray) else ()
        dimension = (shape[1] or 4) if len(shape) == 2 else 4
        index = MilvusIndex(milvus_server, fresh_name(), dimension=dimension, **options)
        made.append(index)
        index.add(vectors)
        return index

    yield build
    for index in made:
        index.drop()
        index.close()


@pytest.fixture
def milvus_retriever(milvus_server):
    """How a retriever with a tiny encoder is made in a fresh collection of the server; dropped when the test ends."""
    made = []

    def make(name="", encoder=None, **options):
        encoder = encoder or FakeEncoder()
        retriever = MilvusRetriever(milvus_server, name or fresh_name(), "toy", encoder=encoder, **options)
        made.append(retriever)
        return retriever

    yield make
    for retriever in made:
        retriever.drop()
        retriever.close()
