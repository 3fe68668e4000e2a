"""The Inside HNSW tab: one search followed step by step on the graph."""
