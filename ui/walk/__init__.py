"""The Inside HNSW tab: one question's walk on the graph."""
