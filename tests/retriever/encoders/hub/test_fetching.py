"""Models of the Hub, fetched from a small hub: each layout, what goes wrong, and what the cache then holds."""

import errno
import io
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retriever.encoders.catalogue import MODELS, model_card
from retriever.encoders.hub.cache import HUB_FILES, cached_model, is_wanted
from retriever.encoders.hub.fetching import fetch_model
from retriever.encoders.loading import load_encoder, loaded_prompts, loaded_revision
from retriever.encoders.multi_vector.loading import load_multi_vector_encoder
from retriever.errors import Cancelled, ModelError
from retriever.retrievers.dense import DenseRetriever
from retriever.retrievers.late_interaction import LateInteractionRetriever
from retriever.shared_results import once_per_process
from tests.support import small_models
from tests.support.paths import ROOT
from tests.support.serving import until
from tests.support.small_hub import client_of, small_hub

WEIGHTS = "model.safetensors"
NAME = "some/model"
PACKAGED = "all-MiniLM-L6-v2, wordllama-256"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A small hub that this process takes for the Hub, an empty cache, and no model in memory."""
    monkeypatch.setenv("LAB_ALLOW_ANY_MODEL", "1")
    forget(monkeypatch)
    with small_hub() as hub, client_of(hub, tmp_path / "cache", monkeypatch):
        yield hub


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Models in the layouts of the catalogue, by layout."""
    layouts = {"pooled": small_models.pooled, "plain": small_models.transformer, "static": small_models.static}
    return {name: save(tmp_path_factory.mktemp(name)) for name, save in layouts.items()}


@pytest.fixture
def put(hub, saved):
    """Put a pooled model on the hub under NAME, and return its commit."""
    return hub.put(NAME, saved["pooled"])


@pytest.fixture
def no_waiting(monkeypatch):
    """Let nobody sleep before another attempt."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def forget(monkeypatch):
    """Have no model in memory, as a new process has none."""
    monkeypatch.setattr("retriever.encoders.loading._LOADED", once_per_process())


def unfinished(tmp_path):
    """Return the files of the cache that are no whole files of a model."""
    return [path for path in (tmp_path / "cache").rglob("*") if path.name.endswith(".incomplete")]


def refused(name=NAME):
    """Return the message with which a model cannot be loaded."""
    with pytest.raises(ModelError) as caught:
        load_encoder(name)
    return str(caught.value)


# --- each layout, fetched once


@pytest.mark.parametrize("layout", ["pooled", "plain", "static"])
def test_a_model_of_each_layout_is_fetched_once_and_then_read_without_the_hub(hub, saved, monkeypatch, layout):
    from sentence_transformers import SentenceTransformer

    commit, texts = hub.put(NAME, saved[layout]), ["the lamp", "a dark sea"]
    expected = SentenceTransformer(str(saved[layout]), device="cpu").encode(texts)
    first = load_encoder(NAME)
    np.testing.assert_allclose(first.encode_query(texts), expected, atol=1e-6)
    assert first.revision == loaded_revision(NAME) == commit
    assert hub.fetched(WEIGHTS) == 1
    hub.fail("", 500)
    hub.requests.clear()
    forget(monkeypatch)
    second = load_encoder(NAME)
    assert not hub.requests
    assert (second.revision, second.fingerprint) == (first.revision, first.fingerprint)


def test_a_model_of_the_catalogue_is_fetched_at_the_commit_that_it_names(hub, minilm):
    card = MODELS["multi-qa-MiniLM-L6-cos-v1"]
    folder = Path(str(minilm.model[0].auto_model.config.name_or_path))
    hub.put(card.hub_id, folder, card.revision)
    hub.put(card.hub_id, {"config.json": b"newer, and not wanted"})
    encoder = load_encoder(card.name)
    assert encoder.revision == loaded_revision(card.name) == card.revision
    assert (encoder.dimension, encoder.max_tokens) == (card.dimension, card.max_tokens)
    np.testing.assert_allclose(encoder.encode_query(["the lamp"]), minilm.encode_query(["the lamp"]), atol=1e-6)


@pytest.mark.parametrize("layout", [small_models.stanford, small_models.pylate])
def test_late_interaction_models_of_each_layout_are_fetched_whole(hub, monkeypatch, tmp_path, layout):
    from sentence_transformers import MultiVectorEncoder

    monkeypatch.setattr("retriever.encoders.multi_vector.loading._LOADED", once_per_process())
    monkeypatch.setattr("retriever.encoders.loading.cpu_has_bfloat16", lambda: False)  # as what it is compared with
    (tmp_path / "saved").mkdir()
    commit = hub.put(NAME, layout(tmp_path / "saved"))
    known = MultiVectorEncoder(str(tmp_path / "saved"), device="cpu", model_kwargs={"use_safetensors": True})
    encoder = load_multi_vector_encoder(NAME)
    assert (encoder.revision, encoder.dimension) == (commit, 16)
    for ours, theirs in ((encoder.encode_query, known.encode_query), (encoder.encode_document, known.encode_document)):
        [found], [expected] = ours(["the lamp of a dark sea"]), theirs(["the lamp of a dark sea"])
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert hub.fetched("artifact.metadata") == (layout is small_models.stanford)
    hub.fail("", 500)
    monkeypatch.setattr("retriever.encoders.multi_vector.loading._LOADED", once_per_process())
    assert load_multi_vector_encoder(NAME).revision == commit


def test_retrievers_take_models_outside_the_catalogue(hub, saved, monkeypatch, tmp_path):
    monkeypatch.setattr("retriever.encoders.multi_vector.loading._LOADED", once_per_process())
    hub.put(NAME, saved["pooled"])
    hub.put("some/late", small_models.stanford(tmp_path))
    for retriever in (DenseRetriever(NAME), LateInteractionRetriever("some/late")):
        retriever.index(["the lamp of a lighthouse", "a dark sea"])
        assert len(retriever.search("the lamp", top_k=2)) == 2
        assert len(retriever.encoder.revision) == 40


def test_a_model_of_another_kind_is_no_late_interaction_model(hub, put):
    with pytest.raises(ModelError, match="no late-interaction model"):
        load_multi_vector_encoder(NAME)


def test_the_prompts_of_the_catalogue_are_put_before_texts(hub, saved, monkeypatch):
    card = MODELS["BAAI/bge-small-en-v1.5"]
    commit = hub.put(card.hub_id, saved["pooled"])
    hub.put(card.hub_id, {"config.json": b"newer, and not wanted"})
    monkeypatch.setattr(
        "retriever.encoders.catalogue.MODELS", {card.name: replace(card, dimension=32, revision=commit)}
    )
    encoder = load_encoder(card.name)
    assert encoder.revision == commit
    assert (encoder.query_prompt, encoder.document_prompt) == (card.query_prompt, "")
    assert not np.allclose(encoder.encode_query(["the lamp"]), encoder.encode_document(["the lamp"]))


def test_names_may_end_with_a_commit_or_a_branch(hub, saved, put, monkeypatch, tmp_path):
    newer = hub.put(NAME, small_models.transformer(tmp_path / "other", size=16))
    assert load_encoder(f"{NAME}@{put}").dimension == 32
    assert load_encoder(NAME).dimension == load_encoder(f"{NAME}@main").dimension == 16
    assert [loaded_revision(name) for name in (f"{NAME}@{put}", NAME, f"{NAME}@main")] == [put, newer, newer]
    hub.fail("", 500)
    forget(monkeypatch)
    load_encoder(f"{NAME}@main")
    assert loaded_revision(f"{NAME}@main") == newer, "the cache still knows it"


def test_a_models_own_prompts_are_put_before_texts(hub, tmp_path):
    prompts = {"query": "what is : ", "document": "passage : "}
    hub.put(NAME, small_models.pooled(tmp_path / "prompted", prompts=prompts))
    hub.put("some/bare", small_models.pooled(tmp_path / "bare"))
    prompted, bare = load_encoder(NAME), load_encoder("some/bare")
    assert loaded_prompts(NAME) == ("what is : ", "passage : ")
    assert loaded_prompts("some/bare") == ("", "")
    for encode, prompt in (("encode_query", "what is : "), ("encode_document", "passage : ")):
        given, written_out = getattr(prompted, encode)(["the lamp"]), getattr(bare, encode)([f"{prompt}the lamp"])
        np.testing.assert_allclose(given, written_out, atol=1e-6)
    assert prompted.fingerprint != bare.fingerprint


def test_only_data_is_fetched(hub, saved):
    files = {str(path.relative_to(saved["pooled"])): path.read_bytes() for path in saved["pooled"].rglob("*.*")}
    hub.put(NAME, files | {"modeling.py": b"code", "pytorch_model.bin": b"pickle", "onnx/model.onnx": b"other"})
    load_encoder(NAME)
    asked = {path.partition("/resolve/")[2].partition("/")[2] for _, path, _ in hub.requests if "/resolve/" in path}
    assert asked == {name for name in files if is_wanted(name)} == set(files)


def test_a_new_process_fetches_from_the_hub_of_its_environment_and_a_later_one_needs_none(hub, put, tmp_path):
    program = "from retriever import load_encoder; print(load_encoder('some/model').revision)"
    own = {"HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0", "HF_HUB_CACHE": str(tmp_path / "cache")}
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ | own, capture_output=True, text=True, timeout=300
    )
    assert ran.stdout.strip() == put, ran.stderr
    hub.fail("", 500)
    assert load_encoder(NAME).revision == put, "from the cache of the other process"


# --- progress, cancelling, sharing


def test_megabytes_that_have_come_are_reported(hub, saved):
    hub.put(NAME, saved["static"])
    hub.fail("/stored/.*safetensors", pause=0.01)
    told = []
    load_encoder(NAME, progress=lambda stage, fraction: told.append((stage, fraction)))
    stages = [stage for stage, _ in told if "MB" in stage]
    assert all(stage.startswith("fetching the model: ") and stage.endswith(" of 12 MB") for stage in stages)
    assert len(set(stages)) >= 4, "in steps smaller than the client's own"
    assert told.pop() == ("loading the model", 0.0)
    assert [fraction for _, fraction in told] == sorted(fraction for _, fraction in told)
    assert 0 < told[len(told) // 2][1] < 1


def test_a_fetch_that_is_cancelled_ends_and_the_next_one_works(hub, saved, tmp_path):
    commit = hub.put(NAME, saved["static"])
    hub.fail("/stored/.*safetensors", pause=0.01)

    def cancel(stage, fraction):
        if fraction > 0.4:  # in the weights
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        load_encoder(NAME, progress=cancel)
    until(lambda: not any(thread.name == "fetch" for thread in threading.enumerate()), 20)
    assert not unfinished(tmp_path)
    assert cached_model(NAME, "") is None
    hub.heal()
    assert load_encoder(NAME).revision == commit
    assert hub.fetched(WEIGHTS) == 2
    assert hub.fetched("tokenizer.json") == 1, "what had come whole was kept"


def test_two_who_want_a_model_share_a_fetch_and_one_may_leave(hub, saved):
    hub.put(NAME, saved["static"])
    hub.fail("/stored/.*safetensors", pause=0.01)
    leaves = threading.Event()

    def watch(stays):
        def progress(stage, fraction):
            if fraction > 0.4 and not stays:
                leaves.set()
                raise Cancelled("enough")

        return fetch_model(model_card(NAME), progress)

    with ThreadPoolExecutor(2) as pool:
        stays, goes = pool.submit(watch, True), pool.submit(watch, False)
        with pytest.raises(Cancelled):
            goes.result(30)
        assert leaves.is_set()
        assert (stays.result(30) / WEIGHTS).is_file()
    assert hub.fetched(WEIGHTS) == 1


# --- what goes wrong


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (401, {}, ["(401)", "HF_TOKEN"]),
        (403, {"X-Error-Code": "GatedRepo"}, ["(403)", "Ask for access", "HF_TOKEN"]),
        (404, {"X-Error-Code": "RepoNotFound"}, ["no such model", "Check the name"]),
        (404, {"X-Error-Code": "RevisionNotFound"}, ["no commit or branch", "the @"]),
        (429, {"Retry-After": "77"}, ["(429)", "Try again in 77 seconds"]),
        (429, {}, ["(429)", "Try again in some minutes"]),
        (503, {}, ["(503)", "Try again in some minutes"]),
    ],
)
def test_what_the_hub_answers_is_said_at_once_with_what_to_do(hub, put, status, headers, words):
    hub.fail("/api/models/", status, headers=headers)
    start = time.monotonic()
    message = refused()
    assert time.monotonic() - start < 5
    for part in [*words, "could not be fetched", PACKAGED, "Nothing of it was kept"]:
        assert part in message
    hub.heal()
    assert load_encoder(NAME).revision == put


def test_names_and_revisions_that_do_not_exist_are_said(hub, put):
    assert "no such model" in refused("some/other")
    assert f"no commit or branch '{'f' * 40}'" in refused(f"{NAME}@{'f' * 40}")
    assert "OWNER/NAME" in refused("no name at all")


def test_a_connection_that_is_lost_goes_on_where_it_was(hub, saved):
    hub.put(NAME, saved["static"])
    hub.fail("/stored/.*safetensors", cut=5_000_000, times=1)
    load_encoder(NAME)
    first, second = [span for _, path, span in hub.requests if path.startswith("/stored") and path.endswith(WEIGHTS)]
    assert first is None
    assert 3_000_000 < int(second.removeprefix("bytes=").removesuffix("-")) <= 5_000_000


def test_a_hub_that_falls_silent_is_given_up_and_asked_anew(hub, put, monkeypatch):
    hub.fail("/stored/", pause=2.5, times=1)
    with monkeypatch.context() as patch:
        patch.setattr("retriever.encoders.hub.fetching.SILENT_SECONDS", 1)
        assert "nothing has come for 1 seconds" in refused()
    assert load_encoder(NAME).revision == put, "as soon as the first attempt has let go of the file"


def test_after_a_connection_that_stays_lost_nothing_half_is_taken_for_whole(
    hub, saved, monkeypatch, tmp_path, no_waiting
):
    hub.put(NAME, saved["pooled"])
    hub.fail("/stored/|resolve/.*/modules.json", cut=0)
    message = refused()
    assert "the connection failed" in message
    assert "7 of its 9 files have come whole and are kept" in message
    assert not unfinished(tmp_path)
    assert cached_model(NAME, "") is None
    hub.fail("", 500)
    assert "(500)" in refused(), "what is there does not make a model"
    hub.heal()
    hub.requests.clear()
    load_encoder(NAME)
    assert hub.fetched("config.json") == 0, "only what was missing is fetched"


@pytest.mark.parametrize("missing", ["modules.json", "1_Pooling/config.json", WEIGHTS])
def test_a_part_of_a_model_that_another_program_has_fetched_is_no_model(hub, put, missing):
    """Without its pooling BGE's transformer would load, pool otherwise, and be another model."""
    from huggingface_hub import hf_hub_download

    for name in ("modules.json", "config.json", "1_Pooling/config.json", "tokenizer.json", WEIGHTS):
        if name != missing:
            hf_hub_download(NAME, name)
    assert cached_model(NAME, "") is None
    hub.fail("", 500)
    assert "(500)" in refused()
    hub.heal()
    assert load_encoder(NAME).revision == put


@pytest.mark.parametrize("name", [WEIGHTS, "config.json"])
def test_a_file_that_is_not_the_one_described_is_refused_and_deleted(hub, put, saved, tmp_path, name):
    content = (saved["pooled"] / name).read_bytes()
    hub.spoil(name, content[:-9] + b" " * 9)
    message = refused()
    assert f"{name} is not the file that the Hub describes, so it was deleted" in message
    assert not list((tmp_path / "cache").glob(f"*/snapshots/*/{name}"))
    assert cached_model(NAME, "") is None
    hub.heal()
    assert load_encoder(NAME).revision == put


def test_a_file_of_another_size_is_refused(hub, put, tmp_path, no_waiting):
    hub.spoil(WEIGHTS, b"short")
    assert "could not be fetched" in refused()
    assert not list((tmp_path / "cache").rglob(WEIGHTS))
    assert not unfinished(tmp_path)


def test_a_cached_file_that_was_damaged_is_fetched_again(hub, put, monkeypatch):
    folder = fetch_model(model_card(NAME))
    (folder / WEIGHTS).resolve().write_bytes(b"damaged on the disk")
    assert load_encoder(NAME).revision == put
    assert hub.fetched(WEIGHTS) == 2


class FullDisk(io.FileIO):
    """A file on a disk without room."""

    def write(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_called_that_and_leaves_nothing_half(hub, put, monkeypatch, tmp_path):
    opened = Path.open

    def open_file(path, mode="r", *options, **more):
        return FullDisk(path, mode) if path.suffix == ".incomplete" else opened(path, mode, *options, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_file)
        message = refused()
    assert "the disk is full" in message
    assert "Make room" in message
    assert not unfinished(tmp_path)
    assert load_encoder(NAME).revision == put


def test_a_model_larger_than_the_disk_is_not_begun(hub, put, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 30_000})())
    message = refused()
    assert "Nothing was fetched" in message
    assert "free on its disk" in message
    assert hub.fetched("config.json") == hub.fetched(WEIGHTS) == 0


# --- what is refused


def code_of_an_architecture(files):
    config = json.loads(files["config.json"]) | {"model_type": "custom", "auto_map": {"AutoModel": "custom.Model"}}
    return files | {"config.json": json.dumps(config).encode(), "custom.py": b"raise SystemExit"}


def code_of_a_module(files):
    modules = [{"idx": 0, "name": "0", "path": "", "type": "custom.Module"}]
    return files | {"modules.json": json.dumps(modules).encode(), "custom.py": b"raise SystemExit"}


def pickles_only(files):
    return {name: content for name, content in files.items() if name != WEIGHTS} | {"pytorch_model.bin": b"pickle"}


def no_weights(files):
    return {name: content for name, content in files.items() if name != WEIGHTS}


@pytest.mark.parametrize(
    ("spoil", "words", "fetched"),
    [
        (code_of_an_architecture, "it brings code of its own", 0),
        (code_of_a_module, "it asks for the code custom.Module", 1),
        (pickles_only, "its weights are a pickle (pytorch_model.bin), which may contain code", 0),
        (no_weights, "it has no weights", 0),
    ],
)
def test_code_and_pickles_are_refused_with_a_reason(hub, saved, spoil, words, fetched):
    folder = saved["pooled"]
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
    hub.put(NAME, spoil(files))
    assert words in refused()
    assert hub.fetched(WEIGHTS) == fetched
    assert hub.fetched(".py") == hub.fetched(".bin") == 0


def test_the_names_of_what_is_fetched_are_those_of_data():
    assert not any(map(is_wanted, ("modeling.py", "pytorch_model.bin", "weights.pkl", "model.onnx", "tf_model.h5")))
    assert "*.safetensors" in HUB_FILES
