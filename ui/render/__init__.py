"""What all tabs share to show things: HTML, numbers, figures, styles, exports."""
