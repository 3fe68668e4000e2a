"""Make the pack of the samples' vectors anew: python -m retriever.indexing.make_pack, some minutes on two cores.

To be run after a change of a sample's texts or of the versions of the packages whose docs are a sample. The pack is for
CPUs that compute in bfloat16 and for those that do not; a machine of either kind makes it, the second kind slowly.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retriever.datasets.samples import load_sample
from retriever.encoders.base import embed_documents
from retriever.encoders.catalogue import model_card
from retriever.encoders.device import CPU
from retriever.encoders.loading import load_encoder, packaged_fingerprint
from retriever.encoders.sentence_transformer import SentenceTransformerEncoder
from retriever.indexing.collection import IndexSettings
from retriever.indexing.packed_vectors import PACK_FOLDER
from retriever.indexing.pipeline import passages_of
from retriever.storage.vector_pack import write_vector_pack
from retriever.vectors import Float32

PACKED_SAMPLES = ("python_docs", "everyday_science", "documents")


def make_pack(folder: Path = PACK_FOLDER, names: Sequence[str] = PACKED_SAMPLES) -> None:
    """Embed the texts of samples in both precisions, and write their vectors into a folder.

    Each sample is embedded by itself: the texts of a batch have an influence on its vectors, in their last digits.
    """
    settings = IndexSettings()
    card, model = model_card(settings.model_name), load_encoder(settings.model_name, CPU).model
    encoders = [
        SentenceTransformerEncoder(
            model,
            fingerprint=packaged_fingerprint(card, bfloat16=bfloat16),
            max_tokens=card.max_tokens,
            query_prompt=card.query_prompt,
            document_prompt=card.document_prompt,
            bfloat16=bfloat16,
        )
        for bfloat16 in (True, False)
    ]
    made: dict[str, tuple[Float32, ...]] = {}  # text -> its vector by each of the encoders
    for name in names:
        texts = list(dict.fromkeys(passage.encoded_text for passage in passages_of(load_sample(name), settings)))
        vectors = [embed_documents(encoder, texts, card.dimension) for encoder in encoders]
        made = dict(zip(texts, zip(*vectors, strict=True), strict=True)) | made
    by_encoder = zip(*made.values(), strict=True)
    write_vector_pack(
        folder, made, {encoder.fingerprint: np.stack(rows) for encoder, rows in zip(encoders, by_encoder, strict=True)}
    )


if __name__ == "__main__":
    make_pack()
