"""Tiny encoders that need no model."""

import hashlib
import re
from functools import cache

import numpy as np

from retriever.encoders.multi_vector.base import Token


@cache
def word_vector(word, dimension):
    """Return a word's vector: random numbers seeded by the word itself, so the same in every process."""
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).normal(size=dimension).astype(np.float32)


class FakeEncoder:
    """An encoder that adds up hashed words: fast, deterministic, and texts that share words are near one another."""

    dimension = 32
    max_tokens = 64
    fingerprint = "fake0000-float32"
    adds_up = False

    def encode_query(self, texts):
        return self.encode_document(texts)

    def encode_document(self, texts, *, progress=None):
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row] += word_vector(word.strip(".,:;!?"), self.dimension)
            if progress:
                progress((row + 1) / len(texts))
        return vectors

    def count_tokens(self, texts):
        return [len(text.split()) + 2 for text in texts]

    def count_query_tokens(self, texts):
        return self.count_tokens(texts)


class FakeMultiVectorEncoder:
    """An encoder with a unit vector a word, the same for each of its places, and one for a mark it adds in front.

    Words of more than six letters are two tokens: their first four letters, and the rest.
    """

    dimension = 32
    max_tokens = 64
    fingerprint = "fake0000-float32-tokens"

    def encode_query(self, texts):
        return [self._vectors(self.query_tokens(text)) for text in texts]

    def encode_document(self, texts, *, progress=None):
        made = []
        for row, text in enumerate(texts):
            made.append(self._vectors(self.document_tokens(text)))
            if progress:
                progress((row + 1) / len(texts))
        return made

    def count_tokens(self, texts):
        return [len(self._tokens(text, "[D]")) for text in texts]

    def query_tokens(self, text):
        return self._tokens(text, "[Q]")

    def document_tokens(self, text):
        return self._tokens(text, "[D]")[: self.max_tokens]

    def _tokens(self, text, mark):
        tokens = [Token(mark, None)]
        for word in re.finditer(r"\w+", text):
            cut = word.start() + 4 if len(word[0]) > 6 else word.end()
            pieces = [(word.start(), cut), (cut, word.end())]
            tokens += [Token(text[start:end].lower(), (start, end)) for start, end in pieces if start < end]
        return tokens

    def _vectors(self, tokens):
        vectors = np.stack([word_vector(token.text, self.dimension) for token in tokens])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
