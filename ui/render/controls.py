"""Ranges, presets and rules that the controls of several tabs share."""

from typing import Any

import gradio as gr

SLIDER_MAX_K, SLIDER_MAX_EF = 50, 400
FIRST_K = FIRST_EF = 10
GRAPH_PRESETS = {"default 16/200": (16, 200), "starved 4/20": (4, 20), "rich 32/400": (32, 400)}


def keep_ef_above_k(k: float, ef: float) -> dict[str, Any]:
    """Set the ef slider's minimum to k: hnswlib searches with max(ef, k), so smaller values would do nothing."""
    return gr.update(minimum=int(k), value=max(int(k), int(ef)))
