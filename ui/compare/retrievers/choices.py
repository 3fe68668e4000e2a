"""What can be compared: embedding models, BM25, late-interaction models, and the fusion of two of these."""

from collections.abc import Iterable

from retriever.encoders.catalogue import MODELS
from retriever.encoders.multi_vector.catalogue import LATE_INTERACTION_MODELS, SUFFIX, late_interaction_card
from retriever.errors import ParameterError
from ui.inputs import check_model

BM25, PLUS = "BM25", " + "
FUSIONS = tuple(f"{BM25}{PLUS}{name}" for name in MODELS)
RETRIEVERS = (*MODELS, BM25, *LATE_INTERACTION_MODELS, *FUSIONS)  # in the order in which they are offered
FIRST_CHOICES = tuple(name for name, card in MODELS.items() if card.packaged)[:2]


def parts_of(name: str) -> list[str]:
    """Return the retrievers that a choice consists of: two of a fusion, else itself."""
    return name.split(PLUS)


def is_late(name: str) -> bool:
    """Return whether the name of a retriever that is no fusion is that of a late-interaction model."""
    return name.endswith(SUFFIX)


def check_retriever(name: str) -> None:
    """Raise a RetrieverError for a name that is no retriever's, or that of a fusion of other than two."""
    parts = parts_of(name)
    if len(parts) > 2 or len(set(parts)) < len(parts):
        raise ParameterError(f"{name} fuses {len(parts)} retrievers; name two different ones, as in {FUSIONS[0]}.")
    for part in parts:
        if is_late(part):
            check_model(part.removesuffix(SUFFIX), late_interaction_card)
        elif part != BM25:
            check_model(part)


def dense_models(names: Iterable[str]) -> list[str]:
    """Return the embedding models that some choices need, each once."""
    parts = dict.fromkeys(part for name in names for part in parts_of(name))
    return [part for part in parts if part != BM25 and not is_late(part)]


def late_models(names: Iterable[str]) -> list[str]:
    """Return the late-interaction models that some choices need, each once."""
    return list(dict.fromkeys(part for name in names for part in parts_of(name) if is_late(part)))
