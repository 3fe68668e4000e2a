"""What the k and ef sliders of the tabs share."""

from typing import Any

import gradio as gr

LARGEST_K, LARGEST_EF = 50, 400


def keep_ef_above(k: float, ef: float) -> dict[str, Any]:
    """Let the ef slider begin at k: hnswlib searches with max(ef, k), so less would do nothing."""
    return gr.update(minimum=int(k), value=max(int(k), int(ef)))
