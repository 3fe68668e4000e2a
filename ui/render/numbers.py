"""Formatting of numbers with their units, the same on every tab."""

CROWD = (  # on latencies that others' work may have lengthened
    "Measured in a crowd: the machine worked for others meanwhile, and a search then takes longer than alone."
)
ABOUT_EQUAL = "about equal"


def count_of(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, as in "1 vector" and "2,000 vectors"; plural: where it takes more than an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def format_score(value: float) -> str:
    """Format a recall, a hit rate or another share with three decimals; 1.000 only if nothing is missing."""
    shown = 0.999 if 0.999 < value < 1 - 1e-9 else value
    return f"{_rounded(shown):.3f}".replace("-", "−")


def index_recall(k: int) -> str:
    """Return the name of what the index's recall is called, so that nobody takes it for the share of answers found."""
    return f"recall@{k} against exact search"


def format_gain(value: float) -> str:
    """Format a difference of two shares with its sign and three decimals, as in +0.031 and −0.004."""
    return f"{_rounded(value):+.3f}".replace("-", "−")


def _rounded(value: float) -> float:
    """Return a share with three decimals, also of a mean that ends in 49999…, and no minus zero."""
    return round(round(value, 9), 3) + 0.0


def format_seconds(value: float) -> str:
    """Format seconds in the unit that reads best: µs, ms with three digits, s or min."""
    if value < 999.5e-6:  # what would round to 1000 µs is 1 ms
        return f"{value * 1e6:.0f} µs"
    if value < 999.5e-3:
        return f"{value * 1e3:#.3g}".removesuffix(".") + " ms"  # 5.80 beside 5.95
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.1f} min"


def format_megabytes(count: int) -> str:
    """Format bytes as megabytes of 1,000,000 bytes; what would round to none at all is said to be less."""
    if 0 < count < 5_000:
        return "under 0.01 MB"
    return f"{count / 1e6:.2f} MB" if count < 10e6 else f"{count / 1e6:,.0f} MB"


def is_about_one(ratio: float) -> bool:
    """Return whether a positive ratio, or its inverse, reads as 1.0."""
    return f"{max(ratio, 1 / ratio):.1f}" == "1.0"


def speed_up_words(ratio: float, spread: tuple[float, float]) -> str:
    """Return in words how much faster than exact search; about equal where the spread contains 1, or for 1.0×."""
    low, high = spread
    if low <= 1 <= high or is_about_one(ratio):
        return ABOUT_EQUAL
    return f"{ratio:.1f}× faster" if ratio > 1 else f"{1 / ratio:.1f}× slower"
