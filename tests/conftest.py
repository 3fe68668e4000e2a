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
import pytest

from retriever.encoders.loading import load_encoder
from tests.support.encoders import FakeEncoder

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
    monkeypatch.setattr("retriever.measurement.recall_and_latency.CROWDED", math.inf)


@pytest.fixture(scope="session")
def minilm():
    """The packaged MiniLM, loaded once."""
    return load_encoder("all-MiniLM-L6-v2")


@pytest.fixture(scope="session")
def wordllama():
    """The packaged wordllama, loaded once."""
    return load_encoder("wordllama-256")
