"""The catalogue of late-interaction models: each turns a text into one vector a token."""

import os
from collections.abc import Mapping
from types import MappingProxyType

from retriever.encoders.catalogue import ALLOW_ANY_MODEL, MODELS, ModelCard
from retriever.errors import ModelError

SUFFIX = ", late interaction"  # of every name here: MiniLM is a dense model as well

_MINILM = MODELS["all-MiniLM-L6-v2"]
_CARDS = (
    ModelCard(
        "all-MiniLM-L6-v2" + SUFFIX,
        _MINILM.dimension,
        _MINILM.max_tokens,
        _MINILM.megabytes,
        "The token vectors of the small dense transformer, which was not trained for late interaction.",
        package=_MINILM.package,
        weights=_MINILM.weights,
        sha256=_MINILM.sha256,
    ),
    ModelCard(
        "colbert-ir/colbertv2.0" + SUFFIX,
        128,
        180,
        438,
        "Stanford's ColBERTv2, trained for late interaction on web questions; no later version, such as a 2.6, exists.",
        hub_id="colbert-ir/colbertv2.0",
    ),
    ModelCard(
        "answerdotai/answerai-colbert-small-v1" + SUFFIX,
        96,
        300,
        134,
        "A small transformer of 33 million parameters, trained for late interaction.",
        hub_id="answerdotai/answerai-colbert-small-v1",
    ),
    ModelCard(
        "lightonai/GTE-ModernColBERT-v1" + SUFFIX,
        128,
        300,
        596,
        "A ModernBERT of 149 million parameters, trained for late interaction on web questions.",
        hub_id="lightonai/GTE-ModernColBERT-v1",
    ),
)
LATE_INTERACTION_MODELS: Mapping[str, ModelCard] = MappingProxyType({card.name: card for card in _CARDS})


def late_interaction_card(name: str) -> ModelCard:
    """Return a late-interaction model's entry, by its name or its name on the Hub; raise ModelError if there is none.

    With LAB_ALLOW_ANY_MODEL=1 any name on the Hub has one, also as name@commit, and so has the whole path of a folder
    with a model; their dimension is 0, not known before loading.
    """
    full = name.removesuffix(SUFFIX) + SUFFIX
    if full in LATE_INTERACTION_MODELS:
        return LATE_INTERACTION_MODELS[full]
    if os.environ.get(ALLOW_ANY_MODEL) == "1":
        hub_id, _, revision = name.removesuffix(SUFFIX).partition("@")
        return ModelCard(full, 0, None, 0, "Not in the catalogue.", hub_id=hub_id, revision=revision)
    raise ModelError(
        f"There is no late-interaction model {name!r} in the catalogue; choose one of: "
        f"{'; '.join(LATE_INTERACTION_MODELS)}."
    )
