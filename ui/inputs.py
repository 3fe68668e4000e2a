"""Checks of the values that visitors and programs send, made before anything else is done with them."""

import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from retriever.encoders.catalogue import ModelCard, model_card
from retriever.errors import ModelError, ParameterError
from retriever.parameters import check_count
from retriever.unicode import clean_text
from ui.settings import limits

SLIDER_M, SLIDER_EF_CONSTRUCTION = (2, 64), (10, 800)
SLIDER_MAX_K, SLIDER_MAX_EF = 50, 400  # of the page and of the API: what takes longer would keep others waiting


@dataclass(frozen=True)
class SearchSettings:
    """The k and the ef of a search, ef at least k: hnswlib searches with the larger of the two."""

    k: int
    ef: int

    @classmethod
    def of(cls, k: object, ef: object) -> Self:
        """Return the settings that two values of sliders, or of a program, stand for.

        Raises ParameterError unless both are whole numbers that the sliders can have.
        """
        checked_k = check_k(k)
        return cls(checked_k, max(check_count("ef", check_whole_number("ef", ef), 1, SLIDER_MAX_EF), checked_k))

    @classmethod
    def nearest(cls, k: object, ef: object) -> Self:
        """Return the settings nearest to what two sliders say, whose number fields take any number.

        Raises ParameterError for what is no number.
        """
        near_k = nearest_k(k)
        return cls(near_k, int(nearest("ef", ef, near_k, SLIDER_MAX_EF)))


def nearest_k(k: object) -> int:
    """Return the k nearest to what a slider says. Raises ParameterError for what is no number."""
    return int(nearest("k", k, 1, SLIDER_MAX_K))


def nearest(name: str, value: object, low: float, high: float) -> float:
    """Return the number from low to high nearest to one that was typed, rounded to a whole one if both are whole.

    An empty field counts as low. Raises ParameterError for what is no number.
    """
    if value is None:
        return low
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ParameterError(f"{name} is {reprlib.repr(value)}; it must be a number from {low:g} to {high:g}.")
    near = min(max(value, low), high)
    return round(near) if isinstance(low, int) and isinstance(high, int) else near


def check_model(name: str, card_of: Callable[[str], ModelCard] = model_card) -> ModelCard:
    """Return the card of a model that a visitor names, by its catalogue.

    Raises ModelError for an unknown one, and for a folder.
    """
    if Path(name).is_absolute():
        raise ModelError("A model in a folder of this machine is not for visitors; name one of the list.")
    return card_of(name)


def check_k(k: object) -> int:
    """Return k as an int. Raises ParameterError unless it is a whole number that the sliders can have."""
    return check_count("k", check_whole_number("k", k), 1, SLIDER_MAX_K)


def check_whole_number(name: str, value: object) -> int:
    """Return a value as an int; programs may send any type. Raises ParameterError if it is not a whole number."""
    whole = isinstance(value, float) and value.is_integer()  # neither NaN nor infinity is
    if isinstance(value, bool) or not (whole or isinstance(value, int)):
        raise ParameterError(f"{name} is {reprlib.repr(value)}; it must be a whole number.")
    return int(value)  # type: ignore[call-overload,no-any-return] # a number, as was checked


def check_question(question: object) -> str:
    """Return a question, cleaned and stripped of white space.

    Raises ParameterError if it is empty, too long, or anything but text.
    """
    if not isinstance(question, str | None):
        raise ParameterError(f"The question is {reprlib.repr(question)}; send one text.")
    cleaned, limit = clean_text(question or "").strip(), limits().question_characters
    if not cleaned:
        raise ParameterError("The question is empty; type one, or choose an example below it.")
    if len(cleaned) > limit:
        raise ParameterError(f"The question has {len(cleaned):,} characters; at most {limit:,} are taken. Shorten it.")
    return cleaned
