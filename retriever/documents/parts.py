"""Names of parts of a file that were not read, for messages."""

from collections.abc import Sequence

MAX_NAMED = 10  # parts that are named; the rest are counted


def name_parts(unit: str, numbers: Sequence[int]) -> str:
    """Return the name of numbered parts of a file: "page 2", "rows 3 and 7", "lines 1, 2, 3 and 17 more"."""
    if len(numbers) == 1:
        return f"{unit} {numbers[0]:,}"
    shown = [f"{number:,}" for number in numbers[:MAX_NAMED]]
    rest = len(numbers) - len(shown)
    last = f"{rest:,} more" if rest else shown.pop()
    return f"{unit}s {', '.join(shown)} and {last}"
