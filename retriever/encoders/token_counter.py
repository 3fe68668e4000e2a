"""How many tokens a model reads: counted by its own tokenizer, in turns short enough for others to get theirs."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

from retriever.fair_lock import MACHINE_LOCK
from retriever.unicode import replace_surrogates

CHARACTERS_A_TURN = 400_000  # characters whose tokens are counted at once: some tens of milliseconds
SHORT_TEXT = 20  # characters of a text, on average, below which many are counted together
TEXTS_A_GROUP = 200  # of them


class TokenCounter:
    """Count tokens with a copy of a model's tokenizer: the settings of a shared one cannot be changed.

    adds_up: whether no token reaches across white space, so that the tokens of words add up to those of a text.
    """

    def __init__(self, tokenizer: Any, *, specials: bool) -> None:  # noqa: ANN401 - a tokenizer of transformers or its backend
        """Take a model's tokenizer; specials: whether the model's own tokens at the ends of a text are counted."""
        from tokenizers import Tokenizer

        fast = getattr(tokenizer, "backend_tokenizer", tokenizer)
        self._tokenizer = Tokenizer.from_str(fast.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._specials = specials
        self.adds_up = tokens_add_up(self._tokenizer)

    def count(self, texts: list[str]) -> list[int]:
        """Count the tokens of each text, none of it cut off."""
        counts: list[int] = []
        for some in _portions([replace_surrogates(text) for text in texts]):
            with MACHINE_LOCK.shared():
                short = self.adds_up and sum(map(len, some)) < len(some) * SHORT_TEXT
                counts += self._count_words(some) if short else self._count(some)
        return counts

    def _count(self, texts: list[str]) -> list[int]:
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=self._specials)
        return [len(encoding) for encoding in encodings]

    def _count_words(self, texts: list[str]) -> list[int]:
        """Count the tokens of many short texts as words of a few long ones: each encoding costs some microseconds."""
        specials = len(self._tokenizer.encode("", add_special_tokens=self._specials))
        groups = [texts[start : start + TEXTS_A_GROUP] for start in range(0, len(texts), TEXTS_A_GROUP)]
        encodings = self._tokenizer.encode_batch(groups, is_pretokenized=True, add_special_tokens=False)
        counts: list[int] = []
        for group, encoding in zip(groups, encodings, strict=True):
            of_word = Counter(encoding.word_ids)
            if None in of_word:  # the tokenizer does not say of which word a token is
                counts += self._count(group)
            else:
                counts += [specials + of_word[number] for number in range(len(group))]
        return counts


def tokens_add_up(tokenizer: "Tokenizer") -> bool:
    """Say whether the tokens of words add up to those of a text: BERT's tokenizers first cut it at white space.

    False where that is not known. Source: the tokenizer's own description of itself.
    """
    description = json.loads(tokenizer.to_str())
    normalizer, cut = description["normalizer"] or {}, description["pre_tokenizer"] or {}
    spaced = [
        token["content"] for token in description["added_tokens"] if token["content"].split() != [token["content"]]
    ]
    return (normalizer.get("type"), cut.get("type")) == ("BertNormalizer", "BertPreTokenizer") and not spaced


def _portions(texts: list[str]) -> Iterator[list[str]]:
    """Split texts, in order, into parts of about COUNTED_A_TURN characters."""
    start = characters = 0
    for end, text in enumerate(texts, 1):
        characters += len(text)
        if characters >= CHARACTERS_A_TURN or end == len(texts):
            yield texts[start:end]
            start, characters = end, 0
