"""Nearest neighbours over unit vectors: exact, and approximate with HNSW."""
