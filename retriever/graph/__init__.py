"""The graph of an HNSW index: reading it, searching it step by step, explaining misses and drawing it."""
