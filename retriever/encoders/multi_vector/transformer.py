"""The encoder that runs a multi-vector model of sentence-transformers: ColBERT and its like."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sentence_transformers import MultiVectorEncoder as Model

from retriever.encoders.batches import autocast, encode_in_batches
from retriever.encoders.device import CPU
from retriever.encoders.multi_vector.base import Token
from retriever.encoders.token_counter import TokenCounter
from retriever.unicode import replace_surrogates
from retriever.vectors import Float32


class TransformerMultiVectorEncoder:
    """Encoder with a multi-vector model of sentence-transformers, in batches as SentenceTransformerEncoder makes them.

    Prompts, limits, the tokens that a query is filled up with and those that are left out are the model's own.
    """

    def __init__(
        self, model: "Model", *, fingerprint: str, bfloat16: bool = False, revision: str = "", device: str = CPU
    ) -> None:
        """Wrap a loaded model; fingerprint, bfloat16, revision and device as for SentenceTransformerEncoder."""
        self.model = model
        self.fingerprint = fingerprint
        self.bfloat16 = bfloat16
        self.revision = revision
        self.device = device
        self.query_prompt: str = model.prompts.get("query") or ""
        self.document_prompt: str = model.prompts.get("document") or ""
        self.dimension = int(model.get_embedding_dimension() or 0)
        self.max_tokens = _document_limit(model)
        self._counter = TokenCounter(model.tokenizer, specials=True)

    def encode_query(self, texts: Sequence[str]) -> list[Float32]:
        """Return the token vectors of queries, (n_tokens, dimension) float32 each."""
        return self._encode_batch(texts, query=True) if texts else []

    def encode_document(
        self, texts: Sequence[str], *, progress: Callable[[float], None] | None = None
    ) -> list[Float32]:
        """Return the token vectors of documents, (n_tokens, dimension) float32 each.

        progress: called with the fraction of tokens encoded, in [0, 1]; an exception it raises ends the work.
        """
        vectors = [np.empty((0, self.dimension), np.float32)] * len(texts)
        lengths = [min(count, self.max_tokens or count) for count in self.count_tokens(texts)]

        def encode_rows(rows: list[int]) -> None:
            for row, made in zip(rows, self._encode_batch([texts[row] for row in rows], query=False), strict=True):
                vectors[row] = made

        encode_in_batches(encode_rows, lengths, self.device, progress)
        return vectors

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each document: prompt and special tokens included, not truncated."""
        return self._counter.count([self.document_prompt + text for text in texts])

    def query_tokens(self, text: str) -> list[Token]:
        """Return the tokens of a query, one for each of its vectors, in order."""
        return self._tokens(text, self.query_prompt, "query")

    def document_tokens(self, text: str) -> list[Token]:
        """Return the tokens of a document, one for each of its vectors, in order."""
        return self._tokens(text, self.document_prompt, "document")

    def _encode_batch(self, texts: Sequence[str], *, query: bool) -> list[Float32]:
        encode = self.model.encode_query if query else self.model.encode_document
        prompt = self.query_prompt if query else self.document_prompt
        texts = [replace_surrogates(text) for text in texts]
        with autocast(self.bfloat16 and not query):
            made = encode(texts, prompt=prompt, batch_size=len(texts), convert_to_numpy=True, show_progress_bar=False)
        return [np.asarray(vectors, np.float32) for vectors in made]

    def _tokens(self, text: str, prompt: str, task: str) -> list[Token]:
        """Return the tokens that the model's modules read and score, with their places in the text."""
        text = replace_surrogates(text)
        features = self.model.preprocess([text], prompt=prompt or None, task=task)
        ids = features["input_ids"][0].tolist()
        places = self._counter.places(prompt + text)  # of the whole text, as if it were not truncated
        tokens = []
        for position, token_id in enumerate(ids):
            same = position < len(places) and places[position][0] == token_id
            start, end = places[position][1] if same else (0, 0)
            start, end = start - len(prompt), end - len(prompt)
            while 0 <= start < end and text[start].isspace():  # some vocabularies count the space before a word
                start += 1
            name = str(self.model.tokenizer.convert_ids_to_tokens(token_id))
            tokens.append(Token(name, (start, end) if 0 <= start < end else None))
        scored = _scored_positions(self.model, features, task)
        return [tokens[position] for position in scored]


def _document_limit(model: "Model") -> int | None:
    """Return how many tokens of a document the model reads: its own document length, at most what it can read."""
    limits = (getattr(model[0], "document_length", None), model.get_max_seq_length())
    return min((int(limit) for limit in limits if isinstance(limit, int)), default=None)


def _scored_positions(model: "Model", features: dict[str, object], task: str) -> list[int]:
    """Return the positions of the tokens whose vectors are scored, by the model's own masks."""
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    masked = dict(features)
    for module in model:
        if isinstance(module, MultiVectorMask):
            masked = module(masked, task=task)
    positions: list[int] = masked["attention_mask"][0].bool().nonzero().flatten().tolist()  # type: ignore[index]
    return positions
