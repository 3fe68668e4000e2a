"""Checks of numeric parameters, and constants that modules share."""

import reprlib
from numbers import Integral
from typing import Any

from retriever.errors import ParameterError

MEGABYTE = 1_000_000  # bytes
MAX_K = 100_000  # far above any useful value; a typing error must not use up all memory


def check_count(name: str, value: Any, low: int, high: int | None = None) -> int:  # noqa: ANN401 - checked here
    """Return value as an int; raise ParameterError if it is not a whole number from low to high (None: no limit)."""
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if number is None or number < low or (high and number > high):
        wanted = f"from {low} to {high}" if high else f"of at least {low}"
        raise ParameterError(f"{name} is {reprlib.repr(value)}; it must be a whole number {wanted}.")
    return number
