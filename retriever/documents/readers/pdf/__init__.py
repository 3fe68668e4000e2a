"""Reading of PDF files: pages, their text, and the values and notes that stand on them."""
