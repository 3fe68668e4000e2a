"""Draw how cost grows: python -m benchmarks.plot RECORD.json PICTURE.png, from the record of benchmarks.growth."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import read_record
from retriever.measurement.sweeps import growth_exponent
from ui.render.figures import EXACT_COLOUR, HNSW_COLOUR

ROOM = 1.75  # times the height of the label below


def draw(points: list[dict[str, Any]], ef: int, picture: Path) -> None:
    """Draw latency, distances and memory over the number of vectors, both axes logarithmic, a label at each line."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    sizes = [point["n"] for point in points]
    lines = (
        ("exact latency, µs", [point["exact_seconds"] * 1e6 for point in points], EXACT_COLOUR, "-"),
        (f"HNSW latency, µs (ef={ef})", [point["hnsw_seconds"] * 1e6 for point in points], HNSW_COLOUR, "-"),
        ("exact distances", sizes, EXACT_COLOUR, "--"),
        (f"HNSW distances (ef={ef})", [point["hnsw_distances"] for point in points], HNSW_COLOUR, "--"),
        ("exact memory, MB", [point["exact_bytes"] / 2**20 for point in points], EXACT_COLOUR, ":"),
        ("HNSW memory, MB", [point["hnsw_bytes"] / 2**20 for point in points], HNSW_COLOUR, ":"),
    )
    figure, axes = pyplot.subplots(figsize=(9, 5.5), dpi=110)
    heights = apart([values[-1] for _, values, _, _ in lines])
    for (label, values, color, style), height in zip(lines, heights, strict=True):
        axes.plot(sizes, values, style, color=color, marker="o", markersize=4, linewidth=2)
        text = f"{label} ~ n^{growth_exponent(sizes, values):.2f}"
        axes.text(1.15 * sizes[-1], height, text, va="center", fontsize=9)
    axes.set(xscale="log", yscale="log", xlabel="vectors", ylabel="µs a query; distances a query; MB")
    axes.grid(True, which="major", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.subplots_adjust(left=0.08, right=0.68, top=0.97, bottom=0.1)
    figure.savefig(picture)


def apart(heights: Sequence[float]) -> list[float]:
    """Return where labels go on a logarithmic axis: at the heights, pushed down until each has room."""
    found, below = list(heights), float("inf")
    for row in sorted(range(len(heights)), key=lambda row: -heights[row]):
        found[row] = below = min(heights[row], below / ROOM)
    return found


if __name__ == "__main__":
    record = read_record(Path(sys.argv[1]))
    draw(record["data"]["points"], record["settings"]["ef"], Path(sys.argv[2]))
