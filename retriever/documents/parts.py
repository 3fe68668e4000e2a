"""Names of parts of a file that were not read, and lists of names, for messages."""

from collections.abc import Collection, Sequence

MAX_NAMED = 10  # parts that are named; the rest are counted
MAX_LISTED = 120  # characters of names in a note; the rest are counted


def name_parts(unit: str, numbers: Sequence[int]) -> str:
    """Return the name of numbered parts of a file: "page 2", "rows 3 and 7", "lines 1, 2, 3 and 17 more"."""
    if len(numbers) == 1:
        return f"{unit} {numbers[0]:,}"
    shown = [f"{number:,}" for number in numbers[:MAX_NAMED]]
    rest = len(numbers) - len(shown)
    last = f"{rest:,} more" if rest else shown.pop()
    return f"{unit}s {', '.join(shown)} and {last}"


def listed(names: Collection[str], most: int = MAX_LISTED) -> str:
    """Return names with commas between, about `most` characters of them, and how many more there are."""
    shown: list[str] = []
    for name in names:
        shown.append(name if len(name) <= 60 else f"{name[:60]}…")
        if sum(map(len, shown)) > most:
            break
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")
