"""The labs' panel: vary M and efConstruction, the number of vectors, or that of shards, and measure what changes."""

import gradio as gr

from ui.recall.labs.build.lab import BuildLab, create_build_lab
from ui.recall.labs.shard.lab import ShardLab, create_shard_lab
from ui.recall.labs.size.lab import SizeLab, create_size_lab
from ui.render.controls import UNQUEUED


def build_lab_panel(session: gr.State, k: gr.Slider, ef: gr.Slider) -> tuple[BuildLab, SizeLab, ShardLab]:
    """Create all labs, each folded, and connect their listeners; they measure at the sliders' k and ef."""
    build, size = create_build_lab(session, k, ef), create_size_lab(session, k, ef)
    shard = create_shard_lab(session, k, ef)
    for lab in (build, size, shard):
        lab.cancel.click(lab.stop, lab.running, lab.hint, **UNQUEUED)
    return build, size, shard
