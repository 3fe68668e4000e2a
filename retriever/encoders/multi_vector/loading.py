"""Loading of late-interaction models, each once per process: packaged, Stanford's ColBERT, and PyLate's."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentence_transformers import MultiVectorEncoder as Model

from retriever.encoders.catalogue import ModelCard
from retriever.encoders.device import CPU, resolve_device
from retriever.encoders.loading import (
    cached_folder,
    computes_in_bfloat16,
    own_folder,
    packaged_fingerprint,
    read_model,
    verified_weights,
    weights_fingerprint,
)
from retriever.encoders.multi_vector.catalogue import late_interaction_card
from retriever.encoders.multi_vector.transformer import TransformerMultiVectorEncoder
from retriever.errors import ModelError
from retriever.progress import Progress
from retriever.shared_results import SharedResults, once_per_process

# In config_sentence_transformers.json of a multi-vector model: its type, or, before there was one, settings of PyLate.
MODEL_TYPES = ("MultiVectorEncoder", "ColBERT")
PYLATE_SETTINGS = ("query_prefix", "document_prefix")
STANFORD = "HF_ColBERT"  # the architecture in config.json of Stanford's checkpoints

_LOADED: SharedResults[tuple[str, str], TransformerMultiVectorEncoder] = once_per_process()  # by name and device


def load_multi_vector_encoder(
    name: str, device: str | None = None, *, progress: Progress | None = None
) -> TransformerMultiVectorEncoder:
    """Return the encoder of a late-interaction model, loaded once per process; concurrent callers wait for one load.

    device, progress: as of load_encoder. Raises ModelError and ParameterError as load_encoder does, and ModelError for
    a model that was not saved as a late-interaction model.
    """
    card = late_interaction_card(name)
    key = card.name, resolve_device(device)
    return _LOADED.get(key, lambda: _load(card, key[1], progress)).value


def loaded_multi_vector_encoder(name: str) -> TransformerMultiVectorEncoder | None:
    """Return the encoder of a model that is in memory on the device used where none is asked for, or None."""
    return _LOADED.known((late_interaction_card(name).name, resolve_device()))


def token_fingerprint(card: ModelCard, *, device: str | None = None) -> str:
    """Return the fingerprint of a packaged model's token vectors without loading it; device: as of load_encoder."""
    return f"{packaged_fingerprint(card, device=device)}-tokens"


def _load(card: ModelCard, device: str, progress: Progress | None) -> TransformerMultiVectorEncoder:
    bfloat16 = computes_in_bfloat16(device)
    if card.packaged:
        model, folder = read_model(card, verified_weights(card), _open_dense_folder), None
        fingerprint = token_fingerprint(card, device=device)
    else:
        model = read_model(card, None, _open_folder, progress)
        folder = None if own_folder(card) else cached_folder(card)
        prompts = (model.prompts.get("query") or "", model.prompts.get("document") or "")
        fingerprint = f"{weights_fingerprint(model, bfloat16, prompts)}-tokens"
    if device != CPU:
        model.to(device)
    return TransformerMultiVectorEncoder(
        model, fingerprint=fingerprint, bfloat16=bfloat16, revision=folder.name if folder else "", device=device
    )


def _open_dense_folder(folder: Path) -> "Model":
    """Return a dense model's transformer as a multi-vector model: its token vectors, scaled, without a projection."""
    from sentence_transformers import MultiVectorEncoder, SentenceTransformer
    from sentence_transformers.base.modules import Normalize
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    dense = SentenceTransformer(
        str(folder), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
    )
    modules = [dense[0], MultiVectorMask(), Normalize(module_input_name="token_embeddings")]
    return MultiVectorEncoder(modules=modules, device="cpu")


def _open_folder(folder: Path) -> "Model":
    """Load the multi-vector model of a folder. Raises ModelError if it is of another kind.

    sentence-transformers would give another kind of model a projection of random numbers.
    """
    from sentence_transformers import MultiVectorEncoder

    own, transformer = _settings(folder, "config_sentence_transformers.json"), _settings(folder, "config.json")
    known = own.get("model_type") in MODEL_TYPES or any(name in own for name in PYLATE_SETTINGS)
    if not known and STANFORD not in (transformer.get("architectures") or ()):
        raise ModelError("This is no late-interaction model; choose one that was trained and saved as such.")
    options = {"use_safetensors": True}
    return MultiVectorEncoder(str(folder), device="cpu", local_files_only=True, model_kwargs=options)


def _settings(folder: Path, name: str) -> dict[str, Any]:
    """Return the settings in a JSON file of a folder, empty if there is none. Raises ValueError if it is damaged."""
    if not (folder / name).is_file():
        return {}
    settings = json.loads((folder / name).read_text(encoding="utf-8"))
    if not isinstance(settings, dict):
        raise ValueError(f"{name} holds no settings")
    return settings
