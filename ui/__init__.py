"""The Gradio page: widgets and words, no retrieval."""
