"""Counting of what is under way, by name."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def counted(counter: Counter[str], name: str) -> Iterator[None]:
    """Count one more of a name for the body of the with statement; a name of which nothing is left is forgotten."""
    counter[name] += 1
    try:
        yield
    finally:
        counter[name] -= 1
        if not counter[name]:
            del counter[name]
