"""Checks of the numbers that callers pass in, and units they share."""

from numbers import Integral
from typing import Any

from retriever.errors import ParameterError

MEGABYTE = 1_000_000  # bytes
LARGEST_K = 100_000  # far above what is of use; a slip of the pen must not take all memory


def check_count(name: str, value: Any, low: int, high: int | None = None) -> int:  # noqa: ANN401 - the check is for any type
    """Return value as an int if it is a whole number from low to high, else raise ParameterError."""
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if number is None or number < low or (high and number > high):
        wanted = f"from {low} to {high}" if high else f"of at least {low}"
        raise ParameterError(f"{name} is {value!r}; it must be a whole number {wanted}.")
    return number
