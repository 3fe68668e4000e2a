"""The colours and the layout that all figures share: exact search is blue, HNSW orange, missed passages vermilion."""

from typing import Any

# Okabe and Ito's palette, safe for colour-blind readers
EXACT_COLOUR, HNSW_COLOUR, MISSED_COLOUR = "#0072B2", "#E69F00", "#D55E00"
MODEL_COLOURS = ("#009E73", "#CC79A7")  # of the same palette: first and second model
GRID_COLOUR = "rgba(128,128,128,.25)"
GREY_COLOUR = "#808890"  # readable on white and on near-black


def base_layout(height: int) -> dict[str, Any]:
    """Return the layout that all figures share: no background of their own, one font."""
    return {
        "template": None,
        "height": height,
        "margin": {"l": 56, "r": 16, "t": 8, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY_COLOUR, "family": "system-ui, sans-serif", "size": 13},
    }
