"""One module a file format: bytes in, sections of text out."""
