"""What several tests share: no network, a cache of their own, a tiny encoder, and the packaged models loaded once."""

import atexit
import hashlib
import os
import shutil
import tempfile
from functools import cache

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports huggingface_hub, which reads it once
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="lab-tests-")  # before a page is built, which keeps its name
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

import numpy as np
import pytest

from retriever.models import load_encoder

atexit.register(shutil.rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)


@cache
def word_vector(word, dimension):
    """Return a word's vector: random numbers seeded by the word itself, so the same in every process."""
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).normal(size=dimension).astype(np.float32)


class FakeEncoder:
    """Add up hashed words: fast, deterministic, and texts that share words are near one another."""

    dimension = 32
    max_tokens = 64
    fingerprint = "fake0000-float32"

    def encode_query(self, texts):
        return self.encode_document(texts)

    def encode_document(self, texts, *, progress=None):
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row] += word_vector(word.strip(".,:;!?"), self.dimension)
            if progress:
                progress((row + 1) / len(texts))
        return vectors

    def count_tokens(self, texts):
        return [len(text.split()) + 2 for text in texts]


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


@pytest.fixture(scope="session")
def minilm():
    """The packaged MiniLM, loaded once."""
    return load_encoder("all-MiniLM-L6-v2")


@pytest.fixture(scope="session")
def wordllama():
    """The packaged wordllama, loaded once."""
    return load_encoder("wordllama-256")
