"""The encoder that runs a sentence-transformers model.

The heavy packages (torch, sentence-transformers) are imported when a model is loaded or run, never with this module.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

from retriever.encoders.batches import autocast, encode_in_batches
from retriever.encoders.device import CPU
from retriever.encoders.token_counter import TokenCounter
from retriever.unicode import replace_surrogates
from retriever.vectors import Float32


class SentenceTransformerEncoder:
    """Encoder with a sentence-transformers model. On the CPU each core encodes its own batch.

    Several batches on one thread each keep the cores busier than one batch on all of them (measured: 4,376
    against 3,636 tokens per second with MiniLM on two cores). A batch holds texts of equal length in tokens: when
    sorted by characters, as in sentence-transformers, a quarter of the work was padding (Python docs). A GPU gets
    larger batches, one after another.
    """

    def __init__(
        self,
        model: "SentenceTransformer",
        *,
        fingerprint: str,
        max_tokens: int | None,
        query_prompt: str = "",
        document_prompt: str = "",
        bfloat16: bool = False,
        revision: str = "",
        device: str = CPU,
    ) -> None:
        """Wrap a loaded model.

        fingerprint: identifies the weights and the precision, so that stored vectors can be matched to them. bfloat16:
        encode documents under torch.autocast, faster only if the CPU computes in bfloat16. Queries are few and stay in
        float32: with both in bfloat16 the measures moved by up to .017 (MED, reciprocal rank), now by up to .005.
        revision: the commit of the Hub's repository that the model was read from, "" for a packaged model. device: the
        one that the model is on, in PyTorch's words.
        """
        self.model = model
        self.fingerprint = fingerprint
        self.max_tokens = max_tokens
        self.query_prompt = query_prompt
        self.document_prompt = document_prompt
        self.bfloat16 = bfloat16
        self.revision = revision
        self.device = device
        self.dimension = int(model.get_embedding_dimension() or 0)
        self._counter = TokenCounter(model.tokenizer, specials=max_tokens is not None)  # static models add none
        self.adds_up = self._counter.adds_up and document_prompt[-1:] in ("", " ")

    def encode_query(self, texts: Sequence[str]) -> Float32:
        """Return the vectors of queries, (n, dimension) float32, each with the model's query prompt in front."""
        return self._encode(texts, None, query=True)

    def encode_document(self, texts: Sequence[str], *, progress: Callable[[float], None] | None = None) -> Float32:
        """Return the vectors of documents, (n, dimension) float32, each with the model's document prompt in front.

        progress: called with the fraction of tokens encoded, in [0, 1]; an exception it raises ends the work.
        """
        return self._encode(texts, progress, query=False)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each document: prompt and special tokens included, not truncated."""
        return self._counter.count([self.document_prompt + text for text in texts])

    def count_query_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each query: prompt and special tokens included, not truncated."""
        return self._counter.count([self.query_prompt + text for text in texts])

    def _encode(self, texts: Sequence[str], progress: Callable[[float], None] | None, *, query: bool) -> Float32:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        lengths = self._lengths(texts, query)

        def encode_rows(rows: list[int]) -> None:
            vectors[rows] = self._encode_batch([texts[row] for row in rows], query)

        encode_in_batches(encode_rows, lengths, self.device, progress)
        return vectors

    def _lengths(self, texts: Sequence[str], query: bool) -> list[int]:
        """Return about how many tokens of each text the model will read; for a static model a hundred count as one."""
        if self.max_tokens is None or len(texts) < 2:
            return [1 + len(text) // 400 for text in texts]
        counts = self.count_query_tokens(texts) if query else self.count_tokens(texts)
        return [min(count, self.max_tokens) for count in counts]

    def _encode_batch(self, texts: list[str], query: bool) -> Float32:
        """Return the vectors of one batch, by the model's way for queries or documents: some have modules for each."""
        encode = self.model.encode_query if query else self.model.encode_document
        prompt = self.query_prompt if query else self.document_prompt  # "" is none, not the model's default
        texts = [replace_surrogates(text) for text in texts]
        with autocast(self.bfloat16 and not query):
            encoded = encode(texts, prompt=prompt, batch_size=len(texts), show_progress_bar=False)
        return np.asarray(encoded, dtype=np.float32)
