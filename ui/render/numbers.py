"""Formatting of numbers with their units, the same on every tab."""

CROWD = (  # on latencies that others' work may have lengthened
    "Measured in a crowd: the machine worked for others meanwhile, and a search then takes longer than alone."
)


def format_seconds(value: float) -> str:
    """Format seconds in the unit that reads best: µs, ms, s or min."""
    if value < 999.5e-6:  # what would round to 1000 µs is 1 ms
        return f"{value * 1e6:.0f} µs"
    if value < 999.5e-3:
        return f"{value * 1e3:.3g} ms"
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.1f} min"


def format_megabytes(count: int) -> str:
    """Format bytes as megabytes of 1,000,000 bytes."""
    return f"{count / 1e6:.2f} MB" if count < 10e6 else f"{count / 1e6:,.0f} MB"


def speed_up_words(ratio: float, spread: tuple[float, float]) -> str:
    """Return in words how much faster than exact search; the two are about equal where the spread contains 1."""
    low, high = spread
    if low <= 1 <= high:
        return "about equal"
    return f"{ratio:.1f}× faster" if ratio > 1 else f"{1 / ratio:.1f}× slower"
