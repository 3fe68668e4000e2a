"""Rendering that all tabs share: HTML, numbers, figures, styles, exports and error messages."""
