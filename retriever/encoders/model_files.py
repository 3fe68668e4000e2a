"""What a model's files must not be: code, pickles, or more than the machine holds."""

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from retriever.encoders.hub.cache import MODULES
from retriever.errors import ModelError

WEIGHTS = ".safetensors"  # weights that are data
OWN_MODULES = ("sentence_transformers.", "pylate.")  # what modules.json may name: code of this installation
WHY_NO_CODE = "Code that comes with a model is never run. Choose a model that needs none."


def check_weights(name: str, files: Iterable[str]) -> None:
    """Raise ModelError if a model's files (paths) hold no weights, or some as pickles only, which may contain code."""
    paths = [PurePosixPath(file) for file in files]
    safe = {path.parent for path in paths if path.suffix == WEIGHTS}
    pickle = next((path for path in paths if path.match("pytorch_model*.bin") and path.parent not in safe), None)
    if pickle or not safe:
        found = f"its weights are a pickle ({pickle}), which may contain code" if pickle else "it has no weights"
        raise ModelError(
            f"The model {name} is refused: {found}. Choose a model, or a revision of this one, that has its weights in "
            "safetensors format."
        )


def check_no_code(name: str, folder: Path) -> None:
    """Raise ModelError if a model's settings, as far as they are in the folder, name code of its own."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    config, modules = _read_json(folder / "config.json"), _read_json(folder / MODULES)
    if isinstance(config, dict) and config.get("auto_map") and config.get("model_type") not in CONFIG_MAPPING:
        raise ModelError(f"The model {name} is refused: it brings code of its own (config.json). {WHY_NO_CODE}")
    kinds = [str(module.get("type")) for module in modules or () if isinstance(module, dict)]
    foreign = next((kind for kind in kinds if not kind.startswith(OWN_MODULES)), "")
    if foreign:
        raise ModelError(f"The model {name} is refused: it asks for the code {foreign} ({MODULES}). {WHY_NO_CODE}")


def check_room(name: str, n_bytes: int, cache: Path) -> None:
    """Raise ModelError if the disk of a folder has no room for what is to be fetched, or the machine no memory."""
    free = shutil.disk_usage(next(path for path in (cache, *cache.parents) if path.exists())).free
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for room, place in ((free, "free on its disk"), (memory, "of memory")):
        if n_bytes > room:
            raise ModelError(
                f"Of the model {name} {n_bytes / 1e6:,.0f} MB are to be fetched; this machine has {room / 1e6:,.0f} MB "
                f"{place}. Nothing was fetched. Make room, or choose a smaller model."
            )


def _read_json(path: Path) -> Any:  # noqa: ANN401 - whatever a model's file holds
    """Return what a JSON file holds, None if it is missing or no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
