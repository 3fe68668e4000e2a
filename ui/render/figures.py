"""The colours and the layout that all figures share: exact search is blue, HNSW orange, missed passages vermilion.

HNSW in Milvus is bluish green.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from gradio.components.plot import PlotData

from ui.render.html import writable_text

# Okabe and Ito's palette, safe for colour-blind readers
EXACT_COLOUR, HNSW_COLOUR, MISSED_COLOUR = "#0072B2", "#E69F00", "#D55E00"
MILVUS_COLOUR = "#009E73"  # never beside the models that are compared, of which the first has it too
MODEL_COLOURS = ("#009E73", "#CC79A7", "#999933", "#808890")  # of the retrievers that are compared, in their order
HEAT_SCALE = (
    (0.0, "rgba(0,114,178,.04)"),
    (1.0, "rgba(0,114,178,.62)"),
)  # text is readable on all of it, light and dark
GRID_COLOUR = "rgba(128,128,128,.25)"
GREY_COLOUR = "#808890"  # readable on white and on near-black
LOGARITHMIC_TICKS = [step * 10**power for power in range(8) for step in (1, 3)]  # Plotly's own are single digits
LEGEND_ABOVE = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}  # inside it would cover lines on a phone
AXIS = {"automargin": True, "title": {"standoff": 15, "font": {"size": 12}}}
# what figures use of the template that Plotly's Python objects send along with every figure, 6 kB in all
TEMPLATE = {"layout": {"xaxis": AXIS, "yaxis": AXIS, "hovermode": "closest", "hoverlabel": {"align": "left"}}}


def base_layout(height: int | None = None) -> dict[str, Any]:
    """Return the layout that all figures share: no background of their own, one font.

    height: in pixels; without it that of the style sheet, which fits it to the screen.
    """
    return {
        "template": None,
        **({"height": height} if height else {}),
        "margin": {"l": 56, "r": 16, "t": 8, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY_COLOUR, "family": "system-ui, sans-serif", "size": 13},
    }


def described(name: str, sentence: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> dict[str, Any]:
    """Return the part of a layout from which the page gives a figure its name, a sentence and a table of its data.

    The page's script (page.js) shows them as text: nothing in them is taken for markup.
    """
    table = [[writable_text(value) for value in row] for row in rows]
    return {"meta": {"name": name, "sentence": sentence, "columns": list(columns), "rows": table}}


def plot(traces: Sequence[dict[str, Any]], layout: dict[str, Any]) -> PlotData:
    """Return a figure of plain dicts for gr.Plot; None stands for Plotly's default.

    It is drawn with each move of a slider, and Plotly's own objects take ten times as long to make.
    """
    data = [{name: value for name, value in trace.items() if value is not None} for trace in traces]
    figure = {"data": data, "layout": layout | {"template": TEMPLATE}}
    return PlotData(type="plotly", plot=json.dumps(figure, allow_nan=False))
