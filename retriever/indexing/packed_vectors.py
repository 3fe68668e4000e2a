"""The samples' vectors that come with this package: taken instead of embedding, where fresh embeddings agree with them.

A machine that loses its disk at every restart would embed the Python docs for a minute or two each time. Texts that the
pack does not hold, as those of other versions of the packages, are embedded.
"""

import random
import warnings
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

import numpy as np

from retriever.datasets.samples import SAMPLE_FOLDER
from retriever.encoders.base import Encoder, embed_documents
from retriever.errors import StorageError
from retriever.storage.vector_pack import VectorPack, read_vector_pack
from retriever.vectors import Float32

PACK_FOLDER = SAMPLE_FOLDER / "vectors"
CHECKED_TEXTS = 32
LEAST_COSINE = 0.9999
CHECK_SEED = 42


class VectorPackWarning(UserWarning):
    """A warning that the pack of vectors is not used, and why."""


def packed_vectors(texts: Collection[str], fingerprint: str) -> dict[str, Float32]:
    """Return the vectors, (dim,) each, of those texts that the pack holds for the encoder of a fingerprint.

    They are of use only if pack_agrees. None are returned where there are so few that checking them is as much work,
    nor of a damaged pack, of which a VectorPackWarning tells.
    """
    if len(texts) <= CHECKED_TEXTS or not fingerprint:
        return {}
    pack = _opened_pack(PACK_FOLDER, fingerprint)
    known = pack.vectors_of(texts) if pack else {}
    return known if len(known) > CHECKED_TEXTS else {}


def pack_agrees(packed: Mapping[str, Float32], encoder: Encoder) -> bool:
    """Return whether fresh embeddings of a fixed random sample of texts agree with their vectors from the pack.

    If not, a VectorPackWarning tells how far apart they are.
    """
    checked = random.Random(CHECK_SEED).sample(sorted(packed), CHECKED_TEXTS)
    fresh = embed_documents(encoder, checked, encoder.dimension)
    kept = np.stack([packed[text] for text in checked])
    cosines = np.einsum("ij,ij->i", fresh, kept) if fresh.shape == kept.shape else np.zeros(1)
    if cosines.min() >= LEAST_COSINE:
        return True
    warnings.warn(
        f"The vector pack is not used: of {CHECKED_TEXTS} of its vectors the farthest has a cosine similarity of "
        f"{cosines.min():.5f} to a fresh embedding of its text, less than {LEAST_COSINE}. Make the pack again.",
        VectorPackWarning,
        stacklevel=2,
    )
    return False


@cache
def _opened_pack(folder: Path, fingerprint: str) -> VectorPack | None:
    """Return the pack, read once per process; None if there is none for this encoder, or if it is damaged."""
    try:
        return read_vector_pack(folder, fingerprint)
    except StorageError as error:
        warnings.warn(f"The vector pack is not used. {error}", VectorPackWarning, stacklevel=3)
        return None
