"""Token counts by a model's own tokenizer, in shared sections short enough to let other threads run."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

from retriever.fair_lock import MACHINE_LOCK
from retriever.unicode import replace_surrogates

CHARACTERS_PER_CALL = 400_000  # characters counted in one shared section: some tens of milliseconds
SHORT_TEXT = 20  # mean characters per text below which many texts are counted together
TEXTS_PER_GROUP = 200  # short texts counted together


class TokenCounter:
    """Token counter with a copy of a model's tokenizer, since the settings of a shared one must not be changed.

    adds_up: whether no token spans white space, so that the tokens of words add up to those of a text.
    """

    def __init__(self, tokenizer: Any, *, specials: bool) -> None:  # noqa: ANN401 - of transformers or tokenizers
        """Copy a model's tokenizer; specials: whether the special tokens at the ends of a text are counted."""
        from tokenizers import Tokenizer

        fast = getattr(tokenizer, "backend_tokenizer", tokenizer)
        self._tokenizer = Tokenizer.from_str(fast.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._specials = specials
        self.adds_up = tokens_add_up(self._tokenizer)

    def count(self, texts: list[str]) -> list[int]:
        """Return the number of tokens of each text, not truncated."""
        counts: list[int] = []
        for batch in _batches([replace_surrogates(text) for text in texts]):
            with MACHINE_LOCK.shared():
                short = self.adds_up and sum(map(len, batch)) < len(batch) * SHORT_TEXT
                counts += self._count_words(batch) if short else self._count(batch)
        return counts

    def places(self, text: str) -> list[tuple[int, tuple[int, int]]]:
        """Return each token of a text, not truncated: its number in the vocabulary and its offsets, (start, end)."""
        encoding = self._tokenizer.encode(text, add_special_tokens=self._specials)
        return list(zip(encoding.ids, encoding.offsets, strict=True))

    def _count(self, texts: list[str]) -> list[int]:
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=self._specials)
        return [len(encoding) for encoding in encodings]

    def _count_words(self, texts: list[str]) -> list[int]:
        """Count the tokens of many short texts as words of a few long ones: each encoding costs some microseconds."""
        specials = len(self._tokenizer.encode("", add_special_tokens=self._specials))
        groups = [texts[start : start + TEXTS_PER_GROUP] for start in range(0, len(texts), TEXTS_PER_GROUP)]
        encodings = self._tokenizer.encode_batch(groups, is_pretokenized=True, add_special_tokens=False)
        counts: list[int] = []
        for group, encoding in zip(groups, encodings, strict=True):
            tokens_of_word = Counter(encoding.word_ids)
            if None in tokens_of_word:  # the tokenizer does not assign a token to a word
                counts += self._count(group)
            else:
                counts += [specials + tokens_of_word[number] for number in range(len(group))]
        return counts


def tokens_add_up(tokenizer: "Tokenizer") -> bool:
    """Return whether the tokens of words add up to those of a text: BERT's tokenizers first split it at white space.

    False if that is not known. Source: the tokenizer's own JSON description.
    """
    description = json.loads(tokenizer.to_str())
    normalizer, pre_tokenizer = description["normalizer"] or {}, description["pre_tokenizer"] or {}
    spaced = [
        token["content"] for token in description["added_tokens"] if token["content"].split() != [token["content"]]
    ]
    return (normalizer.get("type"), pre_tokenizer.get("type")) == ("BertNormalizer", "BertPreTokenizer") and not spaced


def _batches(texts: list[str]) -> Iterator[list[str]]:
    """Split texts, in order, into batches of about CHARACTERS_PER_CALL characters."""
    start = characters = 0
    for end, text in enumerate(texts, 1):
        characters += len(text)
        if characters >= CHARACTERS_PER_CALL or end == len(texts):
            yield texts[start:end]
            start, characters = end, 0
