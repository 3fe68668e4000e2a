"""The Gradio face of the lab: widgets and words, no retrieval."""

from ui.demo import build_demo

__all__ = ["build_demo"]
