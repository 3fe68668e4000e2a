"""Embedding models: the catalogue, loading them, and what they all offer."""
