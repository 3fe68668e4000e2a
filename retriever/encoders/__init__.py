"""Embedding models: the catalogue, loading, and the encoder interface."""
