"""Readers, one module per file format: bytes in, sections of text out."""
