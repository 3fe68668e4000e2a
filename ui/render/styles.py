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
).set(  # text of at least 4.5:1 on what is behind it, as WCAG 2.2 AA asks
    body_text_color_subdued="*neutral_600",
    link_text_color_dark="*secondary_300",
    color_accent="*primary_700",
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_hover_dark="*primary_800",
)
STYLE_SHEET = Path(__file__).with_name("styles.css")
PAGE_SCRIPT = Path(__file__).with_name("page.js")
