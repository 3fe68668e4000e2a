"""Checks of the values that visitors and programs send, made before anything else is done with them."""

from dataclasses import dataclass
from typing import Self

from retriever.errors import ParameterError
from retriever.unicode import clean_text
from ui.settings import limits


@dataclass(frozen=True)
class SearchSettings:
    """The k and the ef of a search, ef at least k: hnswlib searches with the larger of the two."""

    k: int
    ef: int

    @classmethod
    def of(cls, k: float, ef: float) -> Self:
        """Return the settings that the values of two sliders stand for."""
        return cls(int(k), max(int(ef), int(k)))


def check_whole_number(name: str, value: object) -> int:
    """Return a value as an int; programs may send any type. Raises ParameterError if it is not a whole number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
        raise ParameterError(f"{name} is {value!r}; it must be a whole number.")
    return int(value)


def check_question(question: str | None) -> str:
    """Return a question, cleaned and stripped of white space. Raises ParameterError if it is empty or too long."""
    cleaned, limit = clean_text(question or "").strip(), limits().question_characters
    if not cleaned:
        raise ParameterError("The question is empty; type one, or choose an example below it.")
    if len(cleaned) > limit:
        raise ParameterError(f"The question has {len(cleaned):,} characters; at most {limit:,} are taken. Shorten it.")
    return cleaned
