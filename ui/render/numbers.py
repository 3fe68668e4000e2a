"""Formatting of numbers with their units, the same on every tab."""

import math

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


def format_percent_down(recall: float) -> str:
    """Format a recall in percent, rounded down: 100 % only if no neighbour is missed."""
    return f"{math.floor(recall * 100 + 1e-9)}%"


def latency_ratio(exact: float, other: float) -> str:
    """Return in words how a latency compares with exact search's."""
    if not other or not exact:
        return "–"
    return f"{exact / other:.1f}× faster" if exact >= other else f"{other / exact:.1f}× slower"
