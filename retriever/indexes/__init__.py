"""Nearest-neighbour indexes over unit vectors: exact search, and approximate search with HNSW."""
