"""hnswlib's own graph, read, walked and drawn."""
