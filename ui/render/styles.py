"""The style of the page: a theme with system fonts and one style sheet; nothing is loaded from other hosts."""

from pathlib import Path

import gradio as gr

THEME = gr.themes.Default(
    primary_hue="orange",
    secondary_hue="blue",
    neutral_hue="slate",
    spacing_size="sm",
    text_size="md",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
)
STYLE_SHEET = Path(__file__).with_name("styles.css")
